//! Time: a monotonic clock that is anchored to the calendar.
//!
//! Spans measure with ticks (nanoseconds since the clock was made) and are stamped in Unix time. The
//! distance between the two is an atomic that the exporter's thread renews, so a clock that is set
//! while the program runs corrects later spans and never makes a duration negative: a span's end is
//! its start plus the ticks between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longer than anybody waits, and short enough to be added to any time.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

/// The clock of one tracer.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Instant,
    /// Unix nanoseconds at tick zero.
    unix_at_base: AtomicU64,
}

impl Clock {
    /// Makes a clock whose first tick is now.
    pub(crate) fn start() -> Self {
        let clock = Self { base: instant(), unix_at_base: AtomicU64::new(0) };
        clock.anchor();
        clock
    }

    /// Returns the nanoseconds since the clock was made.
    #[inline]
    pub(crate) fn ticks(&self) -> u64 {
        let elapsed = instant().saturating_duration_since(self.base);
        elapsed.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(elapsed.subsec_nanos()))
    }

    /// Returns the Unix time of a tick.
    #[inline]
    pub(crate) fn unix_ns(&self, ticks: u64) -> u64 {
        self.unix_at_base.load(Ordering::Relaxed).wrapping_add(ticks)
    }

    /// Looks at the calendar again.
    pub(crate) fn anchor(&self) {
        let unix = unix_ns(wall());
        self.unix_at_base.store(unix.saturating_sub(self.ticks()), Ordering::Relaxed);
    }
}

/// Returns nanoseconds since 1970, zero before.
pub(crate) fn unix_ns(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Returns the monotonic time.
#[inline]
#[expect(clippy::disallowed_methods, reason = "a tracer measures; this file is its only clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a tracer stamps; this file is its only clock")]
fn wall() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_go_forward_and_stand_near_the_calendar() {
        let clock = Clock::start();
        let (first, second) = (clock.ticks(), clock.ticks());
        assert!(first <= second);
        assert!(clock.unix_ns(second).abs_diff(unix_ns(wall())) < 1_000_000_000);
    }
}
