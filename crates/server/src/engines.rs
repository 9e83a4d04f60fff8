//! The engines, by name. No other file names one.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use api::StorageStatus;
use span::DurationNanos;
use store::{MemoryStore, StoreError, TraceReader, TraceWriter};
use store_columnar::inspect;
pub(crate) use store_columnar::inspect::{Cost, Inspection};
use store_columnar::{ColumnarStore, RealDisk, Recovery, Retention, Stats};

use crate::clock;
use crate::config::{Config, Storage, show_bytes, show_duration};
use crate::exposition::Exposition;
use crate::report::AskStorage;

/// An open engine.
pub(crate) struct Engine {
    pub(crate) writer: Arc<dyn TraceWriter>,
    pub(crate) reader: Arc<dyn TraceReader>,
    /// Where spans lie and for how long, for the operator.
    pub(crate) lines: Vec<(&'static str, String)>,
    /// Writes the engine's own counters.
    pub(crate) measure: Box<dyn Fn(&mut Exposition) + Send + Sync>,
    /// Says what is kept, for the page that shows it.
    pub(crate) storage: AskStorage,
    /// Says why the engine takes no more writes, when that is so.
    pub(crate) ailment: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// Returns how many reads left out damaged rows.
    pub(crate) reads_damaged: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Brings everything to rest; after a clean end nothing has to be replayed.
    pub(crate) close: Box<dyn FnOnce() -> Result<(), StoreError> + Send>,
}

/// Reads every block of a stopped data directory.
pub(crate) fn verify(config: &Config, told: &mut dyn FnMut(u64, u64)) -> anyhow::Result<Inspection> {
    stopped(config, |root| inspect::verify(&RealDisk, root, std::process::id(), told))
}

/// Returns what takes how many bytes in a stopped data directory, the largest first.
pub(crate) fn costs(config: &Config) -> anyhow::Result<Vec<Cost>> {
    stopped(config, |root| inspect::costs(&RealDisk, root, std::process::id()))
}

/// Opens a stopped data directory to read all of it.
pub(crate) fn open_to_export(config: &Config) -> anyhow::Result<Engine> {
    stopped(config, |root| match root.join("FORMAT").exists() {
        true => columnar(config, root, FOREVER),
        false => {
            let why = "is no data directory: there is no FORMAT in it".to_owned();
            Err(StoreError::Unusable { path: root.to_owned(), why })
        }
    })
}

/// Opens a stopped data directory to write into it, making it if need be.
pub(crate) fn open_to_import(config: &Config) -> anyhow::Result<Engine> {
    stopped(config, |root| columnar(config, root, FOREVER))
}

/// What commands forget: nothing. They may have been told other limits than the server that keeps the directory.
const FOREVER: Retention = Retention { age: None, bytes: None };

/// Works on a directory that no server holds; where one does, says what to ask it instead.
fn stopped<T>(config: &Config, work: impl FnOnce(&Path) -> Result<T, StoreError>) -> anyhow::Result<T> {
    let root = std::path::absolute(&config.data_dir).context("the data directory has no place")?;
    work(&root).map_err(|error| match &error {
        StoreError::Unusable { why, .. } if why.contains("in use by") => anyhow::anyhow!(
            "{error}; to ask the running server use `tracewell search --server URL` or its page /api/tw/status, and send it \
             spans at /v1/traces"
        ),
        _ => error.into(),
    })
}

/// Opens the engine that the operator chose.
pub(crate) fn open(config: &Config) -> anyhow::Result<Engine> {
    match config.storage {
        Storage::Memory => Ok(memory(config)),
        Storage::Columnar => {
            let root = std::path::absolute(&config.data_dir).context("the data directory has no place")?;
            // Zero is how operators write "never".
            let age = (!config.retention.is_zero()).then(|| DurationNanos::from(config.retention));
            let bytes = (config.retention_bytes != 0).then_some(config.retention_bytes);
            Ok(columnar(config, &root, Retention { age, bytes })?)
        }
    }
}

fn memory(config: &Config) -> Engine {
    let store = MemoryStore::new(config.memory_bytes);
    let size = show_bytes(config.memory_bytes as u64);
    let lines = vec![
        ("data", "in memory only: a restart forgets everything".to_owned()),
        ("retention", format!("the newest {size}")),
    ];
    let kept = StorageStatus {
        engine: "memory",
        lines: lines.clone(),
        retention_bytes: Some(config.memory_bytes as u64),
        ..StorageStatus::default()
    };
    Engine {
        writer: Arc::new(store.clone()),
        reader: Arc::new(store),
        lines,
        storage: Box::new(move || kept.clone()),
        measure: Box::new(|_| {}),
        ailment: Box::new(|| None),
        reads_damaged: Box::new(|| 0),
        close: Box::new(|| Ok(())),
    }
}

fn columnar(config: &Config, directory: &Path, retention: Retention) -> Result<Engine, StoreError> {
    let Retention { age, bytes } = retention;
    let store = ColumnarStore::open(store_columnar::Config {
        directory: directory.to_owned(),
        process_id: std::process::id(),
        now: Arc::new(clock::now),
        retention,
        // What somebody archived stays when everything around it has gone.
        spared: |tenant| tenant.as_str().ends_with(api::ARCHIVE_SUFFIX),
        limits: store_columnar::Limits::default(),
    })?;
    report(store.recovery());
    let found = store.stats();
    let store = Arc::new(store);
    let (counted, watched, closed) = (Arc::clone(&store), Arc::clone(&store), Arc::clone(&store));
    let (told, hurt) = (Arc::clone(&store), Arc::clone(&store));
    let kept = match (age, bytes) {
        (None, None) => "everything is kept".to_owned(),
        (Some(_), None) => show_duration(config.retention),
        (None, Some(bytes)) => show_bytes(bytes),
        (Some(_), Some(bytes)) => {
            format!("{} or {}, whichever comes first", show_duration(config.retention), show_bytes(bytes))
        }
    };
    let spans = found.segments_spans + store.recovery().spans_replayed;
    let size = show_bytes(found.segments_bytes + found.wal_bytes);
    let place = directory.display().to_string();
    let limits = StorageStatus {
        engine: "columnar",
        lines: vec![("data", place.clone()), ("retention", kept.clone())],
        retention: age,
        retention_bytes: bytes,
        ..StorageStatus::default()
    };
    Ok(Engine {
        writer: Arc::clone(&store) as Arc<dyn TraceWriter>,
        reader: store,
        lines: vec![("data", format!("{place} ({spans} spans, {size})")), ("retention", kept)],
        storage: Box::new(move || storage(&told.stats(), limits.clone())),
        measure: Box::new(move |text| {
            let help = "Spans found at the start, in segments and in the log.";
            text.gauge("tracewell_recovered_spans", help, &[], spans as f64);
            measure(&counted.stats(), text);
        }),
        ailment: Box::new(move || {
            let why = "a sync failed, so nothing more is acknowledged; restart when the disk is sound";
            watched.stats().poisoned.then(|| why.to_owned())
        }),
        reads_damaged: Box::new(move || hurt.stats().reads_damaged),
        close: Box::new(move || closed.close()),
    })
}

/// Says what the engine keeps.
fn storage(stats: &Stats, limits: StorageStatus) -> StorageStatus {
    StorageStatus {
        spans: stats.segments_spans,
        bytes: stats.segments_bytes,
        wal_bytes: stats.wal_bytes,
        memory_bytes: stats.heads_bytes,
        segments: stats.segments,
        ..limits
    }
}

/// Says what a start found that is not as it was left.
fn report(recovery: &Recovery) {
    if 0 < recovery.spans_replayed {
        tracing::info!(spans = recovery.spans_replayed, entries = recovery.entries_replayed, "log replayed");
    }
    for loss in &recovery.wal_losses {
        tracing::error!(?loss, "the log lost what it had acknowledged");
    }
    for entry in &recovery.entries_undecodable {
        tracing::error!(?entry, "a log entry gives other spans than it once gave");
    }
    for aside in &recovery.segments_set_aside {
        let path = aside.path.display();
        tracing::error!(%path, spans = aside.spans, why = aside.why, "a segment cannot be read and was set aside");
    }
    if recovery.manifest_damaged {
        tracing::warn!("the manifest was damaged and was made anew from the segments");
    }
}

fn measure(stats: &Stats, text: &mut Exposition) {
    for (name, help, value) in [
        ("tracewell_wal_written_bytes_total", "Bytes written to the log.", stats.wal_written_bytes),
        ("tracewell_frozen_segments_total", "Heads that became segments.", stats.heads_frozen),
        ("tracewell_freezes_failed_total", "Freezes that failed and are tried again.", stats.freezes_failed),
        ("tracewell_writes_held_back_total", "Writes that had to wait for a freeze.", stats.writes_held_back),
        ("tracewell_writes_refused_total", "Writes refused because of the disk.", stats.writes_refused),
        ("tracewell_compactions_total", "Times that segments were joined.", stats.compactions),
        (
            "tracewell_compactions_failed_total",
            "Compactions that failed and are tried again.",
            stats.compactions_failed,
        ),
        (
            "tracewell_spans_collapsed_total",
            "Spans that were stored more than once and are no longer.",
            stats.spans_collapsed,
        ),
        ("tracewell_spans_expired_total", "Spans forgotten by retention.", stats.spans_expired),
        ("tracewell_reads_damaged_total", "Reads that left out damaged rows.", stats.reads_damaged),
        (
            "tracewell_removals_failed_total",
            "Forgotten files that could not be removed.",
            stats.removals_failed,
        ),
    ] {
        text.counter(name, help, &[], value);
    }
    let help = "Segments forgotten, by cause.";
    for (cause, count) in [("age", stats.segments_expired_by_age), ("bytes", stats.segments_expired_by_bytes)]
    {
        text.counter("tracewell_segments_expired_total", help, &[("cause", cause)], count);
    }
    for (name, help, value) in [
        ("tracewell_head_bytes", "Memory of the newest spans, until they are a segment.", stats.heads_bytes),
        ("tracewell_wal_bytes", "Bytes that the log takes on the disk.", stats.wal_bytes),
        ("tracewell_segments", "Segments that can be read.", stats.segments),
        ("tracewell_segments_bytes", "Bytes that they take on the disk.", stats.segments_bytes),
        ("tracewell_segments_spans", "Spans in them.", stats.segments_spans),
        (
            "tracewell_store_poisoned",
            "1 when a sync failed and nothing more is acknowledged.",
            u64::from(stats.poisoned),
        ),
    ] {
        text.gauge(name, help, &[], value as f64);
    }
}
