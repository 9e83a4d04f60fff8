//! The time. The only file that asks for it: everything below is told.

use std::time::{SystemTime, UNIX_EPOCH};

use span::{DurationNanos, UnixNanos};

/// A time as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// `2026-01-31T12:00:00Z`, or `2026-01-31`: its first moment in UTC.
    At(UnixNanos),
    /// `24h`: so long ago.
    Ago(DurationNanos),
}

impl Moment {
    /// Returns the time that is meant when it is said at `now`.
    pub(crate) fn at(self, now: UnixNanos) -> UnixNanos {
        match self {
            Self::At(time) => time,
            Self::Ago(age) => now.minus(age),
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(age) = crate::config::duration(text) {
            return Ok(Self::Ago(DurationNanos::from(age)));
        }
        let midnight = format!("{text}T00:00:00Z");
        let time: Option<jiff::Timestamp> = text.parse().or_else(|_| midnight.parse()).ok();
        let time = time.ok_or("no time: write 24h (ago), 2026-01-31 or 2026-01-31T12:00:00Z")?;
        Ok(Self::At(UnixNanos(u64::try_from(time.as_nanosecond()).unwrap_or(0))))
    }
}

/// Returns the time by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "time enters the process here and nowhere else")]
pub(crate) fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Writes a time as RFC 3339, in UTC.
pub(crate) fn show(time: UnixNanos) -> String {
    // The years that JSON readers know end in 2262, as their clocks do.
    let nanos = i64::try_from(time.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_or_ages() {
        let now = UnixNanos(1_767_225_600_000_000_000);
        let at = |text: &str| text.parse().map(|moment: Moment| show(moment.at(now)));
        assert_eq!(at("1h"), Ok("2025-12-31T23:00:00Z".to_owned()));
        assert_eq!(at("2026-01-31"), Ok("2026-01-31T00:00:00Z".to_owned()));
        assert_eq!(at("2026-01-31T12:00:00.5+01:00"), Ok("2026-01-31T11:00:00.5Z".to_owned()));
        assert_eq!(at("1960-01-01"), Ok("1970-01-01T00:00:00Z".to_owned()));
        for text in ["", "yesterday", "2026-13-01", "12:00"] {
            assert!(at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(show(UnixNanos(1_767_225_600_000_000_001)), "2026-01-01T00:00:00.000000001Z");
        assert_eq!(&show(UnixNanos::MAX)[..4], "2262");
    }
}
