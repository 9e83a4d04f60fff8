//! The stopwatch: the one place of this program that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use span::UnixNanos;

/// A point in time to measure from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
    pub(crate) fn read(self) -> Duration {
        self.0.elapsed()
    }
}

/// Returns the time of day.
#[expect(clippy::disallowed_methods, reason = "the load's spans lie in the present")]
pub(crate) fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
