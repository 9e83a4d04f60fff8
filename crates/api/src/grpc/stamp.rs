//! Protobuf's timestamps and durations, as points and lengths of time.
//!
//! A message's seconds and nanoseconds are signed and may be anything. What lies before 1970 is 1970,
//! what lies beyond the year 2554 is the last point: a window that reaches further finds the same spans.

use prost_types::{Duration, Timestamp};
use span::{DurationNanos, UnixNanos};

/// Returns the point in time; an absent or zero timestamp is `None`, as clients mean it.
pub(super) fn point(stamp: Option<Timestamp>) -> Option<UnixNanos> {
    let stamp = stamp?;
    // Go's zero time is sent as the year 1.
    let unset = (stamp.seconds == 0 && stamp.nanos == 0) || stamp.seconds == GO_ZERO_SECONDS;
    (!unset).then(|| UnixNanos(nanos(stamp.seconds, stamp.nanos)))
}

/// Returns the length of time; an absent, zero or negative duration is `None`.
pub(super) fn length(duration: Option<Duration>) -> Option<DurationNanos> {
    let duration = duration?;
    match nanos(duration.seconds, duration.nanos) {
        0 => None,
        nanos => Some(DurationNanos(nanos)),
    }
}

/// The seconds of `0001-01-01T00:00:00Z`.
const GO_ZERO_SECONDS: i64 = -62_135_596_800;

fn nanos(seconds: i64, nanos: i32) -> u64 {
    let all = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    u64::try_from(all.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_saturate_and_zero_is_unset() {
        let stamp = |seconds, nanos| point(Some(Timestamp { seconds, nanos }));
        assert_eq!(stamp(1, 5), Some(UnixNanos(1_000_000_005)));
        assert_eq!(stamp(-1, 0), Some(UnixNanos(0)));
        assert_eq!(stamp(i64::MAX, i32::MAX), Some(UnixNanos::MAX));
        assert_eq!((stamp(0, 0), stamp(GO_ZERO_SECONDS, 0), point(None)), (None, None, None));
        assert_eq!(length(Some(Duration { seconds: 0, nanos: -1 })), None);
        assert_eq!(length(Some(Duration { seconds: 2, nanos: 0 })), Some(DurationNanos(2_000_000_000)));
    }
}
