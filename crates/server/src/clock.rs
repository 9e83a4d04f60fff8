//! The time. The only file that asks for it: everything below is told.

use std::time::{SystemTime, UNIX_EPOCH};

use span::UnixNanos;

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
    fn times_are_shown_in_utc() {
        assert_eq!(show(UnixNanos(1_767_225_600_000_000_001)), "2026-01-01T00:00:00.000000001Z");
        assert_eq!(&show(UnixNanos::MAX)[..4], "2262");
    }
}
