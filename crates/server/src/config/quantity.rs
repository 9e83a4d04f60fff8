//! Durations and sizes as operators write them.

use std::time::Duration;

const DAY: u64 = 24 * 3_600;

/// Reads `90s`, `12h`, `7d`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text.trim()).ok_or_else(|| "no duration: write 90s, 12h or 7d".to_owned())
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut sum) = (text, Duration::ZERO);
    if text == "0" {
        return Some(sum);
    }
    loop {
        let (number, after) = split_number(rest)?;
        let end = after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let seconds = match unit.trim() {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => DAY as f64,
            "w" => 7.0 * DAY as f64,
            _ => return None,
        };
        sum = sum.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = after;
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

/// Reads `20GiB`, `512MB`, `1048576`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    parse_bytes(text.trim()).ok_or_else(|| "no size: write 512MiB, 20GiB or a number of bytes".to_owned())
}

fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    let bytes = number * factor as f64;
    (bytes <= (1u64 << 62) as f64).then_some(bytes as u64)
}

fn split_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

/// Writes a size in the largest unit that keeps it whole, else with one decimal.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let units = [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (name, factor) in units {
        if factor <= bytes {
            return if bytes.is_multiple_of(factor) {
                format!("{} {name}", bytes / factor)
            } else {
                format!("{:.1} {name}", bytes as f64 / factor as f64)
            };
        }
    }
    format!("{bytes} B")
}

/// Writes a duration in the largest unit that keeps it whole.
pub(crate) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 {
        return format!("{duration:?}");
    }
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(DAY) => format!("{}d", seconds / DAY),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("7d", 7 * DAY, "7d"),
            ("1h30m", 5_400, "90m"),
            ("90s", 90, "90s"),
            ("0", 0, "0s"),
            ("2w", 14 * DAY, "14d"),
        ] {
            let read = duration(text).unwrap();
            assert_eq!((read.as_secs(), show_duration(read).as_str()), (seconds, shown));
        }
        assert_eq!(duration("1.5ms"), Ok(Duration::from_micros(1_500)));
        for text in ["", "7", "d", "7x", "-1s", "1e400s", "99999999999999999999d", "1.2.3s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, expected, shown) in [
            ("20GiB", 20 << 30, "20 GiB"),
            ("1.5 MiB", 3 << 19, "1.5 MiB"),
            ("10MB", 10_000_000, "9.5 MiB"),
            ("512", 512, "512 B"),
        ] {
            let read = bytes(text).unwrap();
            assert_eq!((read, show_bytes(read).as_str()), (expected, shown));
        }
        for text in ["", "GiB", "-1", "5PiB", "99999999999TiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
