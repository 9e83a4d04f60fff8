//! Numbers, truths and durations as Go's library reads them, and what it says about others.
//!
//! Clients show these texts to people, and some compare them, so they are the same to the letter.

use span::DurationNanos;

/// Reads a 64-bit integer.
pub(crate) fn parse_i64(text: &str) -> Result<i64, String> {
    parse_integer(text, i64::MIN, i64::MAX)
}

/// Reads a 32-bit integer.
pub(crate) fn parse_i32(text: &str) -> Result<i32, String> {
    let number = parse_integer(text, i64::from(i32::MIN), i64::from(i32::MAX))?;
    Ok(i32::try_from(number).expect("the bounds are those of the type"))
}

fn parse_integer(text: &str, min: i64, max: i64) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(text)));
    }
    match text.parse::<i64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("strconv.ParseInt: parsing {}: value out of range", quoted(text))),
    }
}

/// Reads a truth.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quoted(text))),
    }
}

/// Reads a duration such as `1.5s` or `2h45m`. A negative one is zero: no span is shorter.
pub(crate) fn parse_duration(text: &str) -> Result<DurationNanos, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(DurationNanos(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let number_len = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (number, behind) = rest.split_at(number_len);
        let unit_len = behind.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
        let (unit, behind) = behind.split_at(unit_len);
        let nanos = nanos_of(number).ok_or_else(invalid)?;
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted(text)));
        }
        let scale = scale_of(unit)
            .ok_or_else(|| format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text)))?;
        let part = nanos.times(scale).ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|total| *total <= i64::MAX as u64).ok_or_else(invalid)?;
        rest = behind;
    }
    Ok(DurationNanos(if negative { 0 } else { total }))
}

/// Returns a duration as Go prints it: `1.5s`, `-360ns`, `1h0m0.25s`.
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let decimal = |scale: u64, unit: &str| {
        let fraction = format!("{:0width$}", nanos % scale, width = scale.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        (nanos / scale, format!("{point}{fraction}{unit}"))
    };
    let (whole, rest) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => return format!("{sign}{nanos}ns"),
        1_000..1_000_000 => decimal(1_000, "µs"),
        1_000_000..1_000_000_000 => decimal(1_000_000, "ms"),
        _ => decimal(1_000_000_000, "s"),
    };
    if nanos < 60 * 1_000_000_000 {
        return format!("{sign}{whole}{rest}");
    }
    let (hours, minutes, seconds) = (whole / 3_600, whole / 60 % 60, whole % 60);
    let hours = if hours == 0 { String::new() } else { format!("{hours}h") };
    format!("{sign}{hours}{minutes}m{seconds}{rest}")
}

/// A decimal number, not yet scaled: `whole` and `fraction / fraction_scale`.
struct Decimal {
    whole: u64,
    fraction: u64,
    fraction_scale: u64,
}

impl Decimal {
    fn times(&self, scale: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(scale)?;
        let fraction = u128::from(self.fraction) * u128::from(scale) / u128::from(self.fraction_scale);
        whole.checked_add(u64::try_from(fraction).ok()?)
    }
}

fn nanos_of(number: &str) -> Option<Decimal> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    // Digits beyond the fifteenth are less than a nanosecond of an hour.
    let fraction = &fraction[..fraction.len().min(15)];
    Some(Decimal {
        whole: if whole.is_empty() { 0 } else { whole.parse().ok()? },
        fraction: if fraction.is_empty() { 0 } else { fraction.parse().ok()? },
        fraction_scale: 10_u64.pow(fraction.len() as u32),
    })
}

fn scale_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        _ => return None,
    })
}

/// Quotes what a stranger sent, without control bytes and not at any length.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_in_go() {
        assert_eq!(parse_i64("+12"), Ok(12));
        assert_eq!(parse_i64("-9223372036854775808"), Ok(i64::MIN));
        for (text, said) in [
            ("", r#"strconv.ParseInt: parsing "": invalid syntax"#),
            ("1.5", r#"strconv.ParseInt: parsing "1.5": invalid syntax"#),
            ("1_000", r#"strconv.ParseInt: parsing "1_000": invalid syntax"#),
            ("9223372036854775808", r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#),
        ] {
            assert_eq!(parse_i64(text), Err(said.to_owned()));
        }
        assert!(parse_i32("2147483648").unwrap_err().ends_with("value out of range"));
    }

    #[test]
    fn truths_are_read_as_in_go() {
        assert_eq!((parse_bool("T"), parse_bool("0")), (Ok(true), Ok(false)));
        assert_eq!(parse_bool("yes").unwrap_err(), r#"strconv.ParseBool: parsing "yes": invalid syntax"#);
    }

    #[test]
    fn durations_are_printed_as_in_go() {
        for (nanos, text) in [
            (0, "0s"),
            (-360, "-360ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (1_000_000_001, "1.000000001s"),
            (3_600_250_000_000, "1h0m0.25s"),
            (-61_000_000_000, "-1m1s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(duration_text(nanos), text);
        }
    }

    #[test]
    fn durations_are_read_as_in_go() {
        for (text, nanos) in [
            ("0", 0),
            ("1ns", 1),
            ("1.5us", 1_500),
            ("100µs", 100_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("2h45m", 9_900_000_000_000),
            ("+1ms", 1_000_000),
            ("-1s", 0),
            ("0.000000000000000000001h", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(DurationNanos(nanos)), "{text}");
        }
        for (text, said) in [
            ("", r#"time: invalid duration """#),
            ("-", r#"time: invalid duration "-""#),
            ("100", r#"time: missing unit in duration "100""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            ("ms", r#"time: invalid duration "ms""#),
            ("1.2.3s", r#"time: invalid duration "1.2.3s""#),
            ("9999999h", r#"time: invalid duration "9999999h""#),
            (".s", r#"time: invalid duration ".s""#),
        ] {
            assert_eq!(parse_duration(text), Err(said.to_owned()));
        }
    }
}
