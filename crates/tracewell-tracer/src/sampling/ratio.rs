//! Consistent shares: thresholds of 56 bits, as OpenTelemetry's `ot=th:..` has them.

use tracewell_context::TraceState;

use super::Asking;

/// Thresholds and random numbers have this many bits.
const BITS: u32 = 56;
/// One more than the largest random number.
pub(super) const WHOLE: u64 = 1 << BITS;

/// Returns R: what the trace state says it is, else the low bits of the trace id.
#[inline]
pub(super) fn randomness(asking: &Asking<'_>) -> u64 {
    let said = asking.parent.and_then(|parent| parent.span.trace_state.ot("rv"));
    said.filter(|digits| digits.len() == 14)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_else(|| asking.trace_id.low() & (WHOLE - 1))
}

/// Returns T for a share: everything from T on is kept. A share of zero keeps nothing.
pub(super) fn threshold(share: f64) -> u64 {
    if share.is_nan() || share <= 0.0 {
        return WHOLE;
    }
    let rejected = (1.0 - share.min(1.0)) * WHOLE as f64;
    (rejected.round() as u64).min(WHOLE - 1)
}

/// Returns the state that says T.
pub(super) fn state(threshold: u64) -> TraceState {
    // Digits and a key of our own are always legal.
    TraceState::EMPTY.with_ot("th", &digits(threshold)).unwrap_or(TraceState::EMPTY)
}

/// Writes T as `th` wants it: 14 digits without the zeros at the end.
fn digits(threshold: u64) -> String {
    let all = format!("{threshold:014x}");
    let short = all.trim_end_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_written_as_opentelemetry_does() {
        assert_eq!(digits(threshold(1.0)), "0");
        assert_eq!(digits(threshold(0.5)), "8");
        assert_eq!(digits(threshold(0.25)), "c");
        assert_eq!(threshold(0.0), WHOLE);
        assert_eq!(threshold(f64::NAN), WHOLE);
        assert!(threshold(1e-18) < WHOLE);
    }
}
