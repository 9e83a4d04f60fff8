//! The window of time that a question is about, and how figures divide it.

use jiff::Timestamp;
use span::{DurationNanos, UnixNanos};
use store::{Search, Steps};

use crate::ApiError;
use crate::question::Parameters;

/// From here, inclusive, to there, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: UnixNanos,
    pub(super) to: UnixNanos,
}

const SECOND: u64 = 1_000_000_000;

impl Window {
    /// Reads `from` and `to`: the last hour unless told.
    pub(super) fn read(parameters: &Parameters<'_>, now: UnixNanos) -> Result<Self, ApiError> {
        let time = |text: &str| time(text, now);
        let to = parameters.parse("to", time)?.unwrap_or(now);
        let hour = DurationNanos(3_600 * SECOND);
        let from = parameters.parse("from", time)?.unwrap_or_else(|| to.min(now).minus(hour));
        Self { from, to }.in_order(["from", "to"])
    }

    /// Reads the two ends of another window; each is this one's unless told.
    pub(super) fn other(
        self,
        parameters: &Parameters<'_>,
        names: [&str; 2],
        now: UnixNanos,
    ) -> Result<Self, ApiError> {
        let time = |text: &str| time(text, now);
        let from = parameters.parse(names[0], time)?.unwrap_or(self.from);
        let to = parameters.parse(names[1], time)?.unwrap_or(self.to);
        Self { from, to }.in_order(names)
    }

    fn in_order(self, [from, to]: [&str; 2]) -> Result<Self, ApiError> {
        if self.to <= self.from {
            return Err(ApiError::Malformed(format!("'{from}' must be before '{to}'")));
        }
        Ok(self)
    }

    /// Returns what lies in both; nothing where they do not meet.
    pub(super) fn meet(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from < both.to).then_some(both)
    }

    /// Narrows a search to the window.
    pub(super) const fn narrow(&self, search: &mut Search) {
        search.start_min = self.from;
        search.start_max = self.to.minus(DurationNanos(1));
    }

    /// Divides the window.
    pub(super) fn steps(&self, count: u32) -> Steps {
        let step = self.length().0.div_ceil(u64::from(count)).max(1);
        Steps { start: self.from, step: DurationNanos(step), count }
    }

    pub(super) const fn length(&self) -> DurationNanos {
        self.to.since(self.from)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.length().0 as f64 / SECOND as f64
    }
}

/// Reads a number between bounds.
pub(super) fn number(
    parameters: &Parameters<'_>,
    name: &str,
    bounds: std::ops::RangeInclusive<u32>,
    usual: u32,
) -> Result<u32, ApiError> {
    let (least, most) = (*bounds.start(), *bounds.end());
    let read = |text: &str| match text.parse() {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => Err(format!("'{}' is no number from {least} to {most}", short(text))),
    };
    Ok(parameters.parse(name, read)?.unwrap_or(usual))
}

/// Reads a point in time: relative, RFC 3339, or a number whose unit its digits tell.
fn time(text: &str, now: UnixNanos) -> Result<UnixNanos, String> {
    let unknown = || format!("'{}' is no time; write now-1h, RFC 3339, or a unix time", short(text));
    if let Some(rest) = text.strip_prefix("now") {
        if rest.is_empty() {
            return Ok(now);
        }
        let (sign, rest) = rest.split_at_checked(1).ok_or_else(unknown)?;
        let (digits, unit) = rest.split_at_checked(rest.len().saturating_sub(1)).ok_or_else(unknown)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return Err(unknown()),
        };
        let number: u64 = digits.parse().map_err(|_| unknown())?;
        let length = DurationNanos(number.saturating_mul(unit * SECOND));
        return match sign {
            "-" => Ok(now.minus(length)),
            "+" => Ok(now.plus(length)),
            _ => Err(unknown()),
        };
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u64 = text.parse().map_err(|_| unknown())?;
        let unit = match text.len() {
            0..=11 => SECOND,
            12..=14 => 1_000_000,
            15..=17 => 1_000,
            _ => 1,
        };
        return Ok(UnixNanos(number.saturating_mul(unit)));
    }
    let time: Timestamp = text.parse().map_err(|_| unknown())?;
    Ok(UnixNanos(u64::try_from(time.as_nanosecond().max(0)).unwrap_or(u64::MAX)))
}

fn short(text: &str) -> String {
    text.chars().take(100).filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_700_000_000 * SECOND);

    fn check(text: &str) -> String {
        time(text, NOW).map_or_else(|why| why, |time| time.0.to_string())
    }

    #[test]
    fn times_are_relative_or_absolute() {
        assert_eq!(check("now"), "1700000000000000000");
        assert_eq!(check("now-1h"), "1699996400000000000");
        assert_eq!(check("now+2w"), "1701209600000000000");
        assert_eq!(check("1700000000"), "1700000000000000000");
        assert_eq!(check("1700000000123"), "1700000000123000000");
        assert_eq!(check("1700000000123456"), "1700000000123456000");
        assert_eq!(check("1700000000123456789"), "1700000000123456789");
        assert_eq!(check("2023-11-14T22:13:20Z"), "1700000000000000000");
        assert_eq!(check("2023-11-14T23:13:20+01:00"), "1700000000000000000");
        for odd in [
            "yesterday",
            "now-",
            "now-h",
            "now-1y",
            "now*1h",
            "99999999999999999999999",
            "nöw",
            "now-1µ",
            "nowé",
        ] {
            assert!(check(odd).contains("is no time"), "{odd}");
        }
    }

    #[test]
    fn steps_cover_the_window() {
        let window = Window { from: UnixNanos(10), to: UnixNanos(111) };
        let steps = window.steps(10);
        assert_eq!(
            (steps.step, steps.of(UnixNanos(10)), steps.of(UnixNanos(110))),
            (DurationNanos(11), Some(0), Some(9))
        );
        assert_eq!(Window { from: UnixNanos(0), to: UnixNanos(1) }.steps(500).step, DurationNanos(1));
    }
}
