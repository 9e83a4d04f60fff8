//! How a server reports itself: values that whoever assembled it puts together.

use std::collections::VecDeque;
use std::sync::Mutex;

use span::{DurationNanos, UnixNanos};

/// How a server is. It is put together by whoever assembled the server.
#[derive(Clone, Debug, Default)]
pub struct ServerStatus {
    /// Its version.
    pub version: &'static str,
    /// When the process began.
    pub started: UnixNanos,
    /// `starting`, `serving`, `stopping` or `failing`.
    pub state: &'static str,
    /// Why it takes no spans.
    pub ailment: Option<String>,
    /// Where it listens.
    pub listeners: Vec<ListenerStatus>,
    /// Spans accepted since the start.
    pub spans: u64,
    /// Messages that came, good or bad.
    pub requests: u64,
    /// Bytes received and not yet written.
    pub waiting_bytes: u64,
    /// What was refused or lost.
    pub drops: Vec<Drops>,
    /// What is kept.
    pub storage: StorageStatus,
}

/// A listener of a server.
#[derive(Clone, Debug, Default)]
pub struct ListenerStatus {
    /// Its name.
    pub name: &'static str,
    /// What comes in there.
    pub what: &'static str,
    /// Its addresses; none where it is off.
    pub addresses: Vec<String>,
}

/// What was refused or lost for one cause.
#[derive(Clone, Debug, Default)]
pub struct Drops {
    /// The cause, with the protocol where one is to blame.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// Of what: `spans`, `requests` or `datagrams`.
    pub unit: &'static str,
}

/// What an engine keeps.
#[derive(Clone, Debug, Default)]
pub struct StorageStatus {
    /// The engine.
    pub engine: &'static str,
    /// Where spans lie and for how long, in words.
    pub lines: Vec<(&'static str, String)>,
    /// Spans in segments.
    pub spans: u64,
    /// Their bytes on the disk.
    pub bytes: u64,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Memory of spans that are in no segment yet.
    pub memory_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// How long spans are kept; `None` is for ever.
    pub retention: Option<DurationNanos>,
    /// How many bytes are kept; `None` is without limit.
    pub retention_bytes: Option<u64>,
}

/// Tells how the server is, as often as it is asked.
pub(crate) type Report = Box<dyn Fn() -> ServerStatus + Send + Sync>;

/// Counts of spans over the last seconds, so that a rate can be told.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<VecDeque<(UnixNanos, u64)>>);

/// Over how long the rate is told.
const PACE_TIME: DurationNanos = DurationNanos(10_000_000_000);
/// Samples are at least this far apart.
const PACE_STEP: DurationNanos = DurationNanos(1_000_000_000);

impl Pace {
    /// Notes a count, and returns the rate per second since the oldest one that is still of interest.
    pub(crate) fn rate(&self, now: UnixNanos, spans: u64) -> f64 {
        let mut samples = self.0.lock().expect("no code panics while it holds the samples");
        while samples.get(1).is_some_and(|(time, _)| PACE_TIME <= now.since(*time)) {
            samples.pop_front();
        }
        if samples.back().is_none_or(|(time, _)| PACE_STEP <= now.since(*time)) {
            samples.push_back((now, spans));
        }
        let (since, before) = samples.front().copied().unwrap_or((now, spans));
        let seconds = now.since(since).0 as f64 / 1e9;
        if seconds < 0.1 { 0.0 } else { spans.saturating_sub(before) as f64 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_is_told_over_the_last_seconds() {
        let pace = Pace::default();
        let second = |second: u64| UnixNanos(second * 1_000_000_000);
        assert_eq!(pace.rate(second(100), 5_000), 0.0);
        assert_eq!(pace.rate(second(102), 5_400), 200.0);
        for (at, spans) in (103..130).zip((5_500..).step_by(100)) {
            pace.rate(second(at), spans);
        }
        assert_eq!(pace.rate(second(130), 8_200), 100.0);
        assert_eq!(pace.rate(second(150), 8_200), 0.0);
    }
}
