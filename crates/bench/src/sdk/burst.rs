//! A burst: a hundred thousand spans at once with default settings, and the same against a server that
//! does not answer. What is lost, what is counted, what memory it takes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use tracewell_tracer::export::{Accepted, Export, ExportError, Request};
use tracewell_tracer::{Guard, Queue, TracerBuilder};

use super::shape::Shape;
use super::sink::Sink;

const SPANS: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);
/// The budget of the burst that is too large.
const SMALL_BYTES: usize = 1024 * 1024;

/// What a burst showed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Burst {
    /// Memory of the process once a tracer is at work, in MiB.
    pub(super) start_mib: f64,
    /// Spans of the burst that did not arrive.
    pub(super) lost: f64,
    /// The most memory that the process took during the burst, in MiB.
    pub(super) peak_mib: f64,
    /// What a span takes that waits for a server, in bytes.
    pub(super) bytes_per_span: f64,
    /// Spans past the budget that were dropped.
    pub(super) dropped: f64,
    /// Spans past the budget that neither arrived nor were counted.
    pub(super) unaccounted: f64,
}

/// Writes requests to a file, so that what arrives takes no memory; waits while its gate is shut.
struct ToFile {
    file: File,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Export for ToFile {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let shut = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.gate.1.wait_while(shut, |shut| *shut));
        let length = (request.body.len() as u64).to_le_bytes();
        let written = self.file.write_all(&length).and_then(|()| self.file.write_all(request.body));
        written.expect("a temporary file can be written");
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        "file".to_owned()
    }
}

/// Bursts in this process.
pub(super) fn run() -> anyhow::Result<Burst> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let (guard, _) = tracer(&at("all"), Queue::default(), false)?;
    let start_mib = memory("VmRSS")? / 1024.0;
    record(&guard);
    ensure!(guard.flush(PATIENCE), "a file takes everything");
    let peak_mib = memory("VmHWM")? / 1024.0;
    drop(guard);
    let lost = SPANS - arrived(&at("all"), None)?;

    let (guard, gate) = tracer(&at("waiting"), Queue::default(), true)?;
    let before = memory("VmRSS")?;
    record(&guard);
    let bytes_per_span = (memory("VmRSS")? - before) * 1024.0 / SPANS as f64;
    open(&gate);
    ensure!(guard.flush(PATIENCE), "the gate is open");
    drop(guard);
    arrived(&at("waiting"), Some(SPANS))?;

    let queue = Queue { bytes_max: SMALL_BYTES, ..Queue::default() };
    let (guard, gate) = tracer(&at("small"), queue, true)?;
    record(&guard);
    open(&gate);
    ensure!(guard.flush(PATIENCE), "the gate is open");
    let status = guard.status();
    drop(guard);
    let dropped = status.spans_dropped_full as usize;
    let unaccounted = SPANS.abs_diff(arrived(&at("small"), None)? + dropped);
    let (lost, dropped, unaccounted) = (lost as f64, dropped as f64, unaccounted as f64);
    Ok(Burst { start_mib, lost, peak_mib, bytes_per_span, dropped, unaccounted })
}

type Gate = Arc<(Mutex<bool>, Condvar)>;

fn tracer(path: &std::path::Path, queue: Queue, shut: bool) -> anyhow::Result<(Guard, Gate)> {
    let gate = Arc::new((Mutex::new(shut), Condvar::new()));
    let exporter = ToFile { file: File::create(path)?, gate: Arc::clone(&gate) };
    Ok((TracerBuilder::default().queue(queue).start(exporter)?, gate))
}

fn open(gate: &Gate) {
    *gate.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    gate.1.notify_all();
}

fn record(guard: &Guard) {
    for number in 0..SPANS {
        let span = guard.tracer().span("flat").attr("user", "ada").attr("number", number).start();
        let _inside = span.enter();
    }
}

/// Decodes what a file took and returns how many spans that were; void unless each is whole.
fn arrived(path: &std::path::Path, wanted: Option<usize>) -> anyhow::Result<usize> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let (sink, mut rest, mut spans) = (Sink::default(), bytes.as_slice(), 0);
    while let Some((length, after)) = rest.split_first_chunk::<8>() {
        let length = usize::try_from(u64::from_le_bytes(*length))?;
        let (body, after) = after.split_at_checked(length).context("a request is cut")?;
        spans += wire::otlp::decode_proto(body.to_vec().into()).context("a request is no OTLP")?.batch.len();
        sink.take(body.to_vec());
        rest = after;
    }
    sink.check(Shape::Flat, wanted.unwrap_or(spans))?;
    Ok(spans)
}

/// Returns a line of the process's status, in KiB.
fn memory(line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("only Linux tells")?;
    let found = status.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(':'));
    let number = found.and_then(|rest| rest.split_ascii_whitespace().next());
    Ok(number.context("the kernel tells")?.parse()?)
}
