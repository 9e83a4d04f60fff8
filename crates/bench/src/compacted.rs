//! A stopped server's store, compacted: what that costs and what it weighs then.
//!
//! The store is opened here with a clock that is far ahead, so that every hour of arrival is over.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use span::UnixNanos;
use store_columnar::{ColumnarStore, Config, Limits, Retention};

use crate::process::{Process, folder_bytes};
use crate::row::{Bar, Row};

/// The compactor looks every five seconds.
const FIRST_LOOK: Duration = Duration::from_secs(6);
/// The longest that is waited.
const LIMIT: Duration = Duration::from_secs(600);
/// The year 2096.
const LATER: UnixNanos = UnixNanos(4_000_000_000_000_000_000);

/// Compacts the data of a stopped server.
pub(crate) async fn measure(data: &Path, spans: u64) -> anyhow::Result<Vec<Row>> {
    let this = Process(std::process::id());
    let store = ColumnarStore::open(Config {
        directory: data.to_owned(),
        process_id: this.0,
        now: Arc::new(|| LATER),
        retention: Retention { age: None, bytes: None },
        spared: |_| false,
        limits: Limits::default(),
    })?;
    let (before, cpu) = (store.stats(), this.cpu_seconds()?);
    tokio::time::sleep(FIRST_LOOK).await;
    this.settle(LIMIT).await?;
    let (after, cpu) = (store.stats(), this.cpu_seconds()? - cpu);
    store.close()?;
    ensure!(after.compactions_failed == 0, "{after:?}");
    let note = format!("{} segments became {}, {cpu:.1} s of CPU", before.segments, after.segments);
    let bytes = folder_bytes(&data.join("segments"))?;
    Ok(vec![
        Row::new("disk.compacted", "B/span", bytes as f64 / spans as f64).bar(Bar::AtMost(30.0)).note(note),
        Row::new("compaction.cpu", "ns/span", cpu * 1e9 / before.segments_spans.max(1) as f64),
    ])
}
