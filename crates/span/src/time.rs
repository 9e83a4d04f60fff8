//! Points in time and durations, in nanoseconds, with arithmetic that cannot overflow.
//!
//! Senders' clocks are hostile: a start in 1970 or 2554 is data. So everything saturates.

use std::fmt;
use std::time::Duration;

/// Nanoseconds since 1970-01-01T00:00:00Z. Ends in the year 2554.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DurationNanos(pub u64);

impl UnixNanos {
    /// The first point in time that can be told.
    pub const MIN: Self = Self(0);
    /// The last point in time that can be told.
    pub const MAX: Self = Self(u64::MAX);

    /// Takes microseconds; negative ones are 1970, too large ones the last point.
    pub fn from_micros(micros: i64) -> Self {
        Self(u64::try_from(micros).unwrap_or(0).saturating_mul(1_000))
    }

    /// Returns whole microseconds, rounded down.
    pub const fn to_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Returns the time from `earlier` to this point, zero if it is not earlier.
    pub const fn since(self, earlier: Self) -> DurationNanos {
        DurationNanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the point `duration` later, at most the last one.
    pub const fn plus(self, duration: DurationNanos) -> Self {
        Self(self.0.saturating_add(duration.0))
    }

    /// Returns the point `duration` earlier, at least the first one.
    pub const fn minus(self, duration: DurationNanos) -> Self {
        Self(self.0.saturating_sub(duration.0))
    }
}

impl DurationNanos {
    /// Returns whole microseconds, rounded down.
    pub const fn to_micros(self) -> u64 {
        self.0 / 1_000
    }
}

impl From<Duration> for DurationNanos {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for UnixNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}ns", self.0)
    }
}

impl fmt::Debug for DurationNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(UnixNanos::from_micros(-5), UnixNanos::MIN);
        assert_eq!(UnixNanos::from_micros(i64::MAX), UnixNanos::MAX);
        assert_eq!(UnixNanos(5).since(UnixNanos(7)), DurationNanos(0));
        assert_eq!(UnixNanos::MAX.plus(DurationNanos(1)), UnixNanos::MAX);
        assert_eq!(UnixNanos(3).minus(DurationNanos(9)), UnixNanos::MIN);
    }
}
