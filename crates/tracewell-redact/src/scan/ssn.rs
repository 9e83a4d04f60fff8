//! Social security numbers of the United States: `123-45-6789`, where the text says that it is one.

use super::{Finding, Place};
use crate::Rule;
use crate::words::words;

pub(super) const BYTES: usize = 11;
/// How far before the number the text may say what it is.
const CONTEXT_BYTES: usize = 32;

/// At the first digit.
pub(super) fn find(place: Place<'_>) -> Option<Finding> {
    let number = place.text.get(place.at..place.at + BYTES)?;
    if number[3] != b'-' || number[6] != b'-' {
        return None;
    }
    let (area, group, serial) = (&number[..3], &number[4..6], &number[7..]);
    let is_number = [area, group, serial].iter().all(|part| part.iter().all(u8::is_ascii_digit));
    let is_issued =
        area != b"000" && area != b"666" && area[0] != b'9' && group != b"00" && serial != b"0000";
    let is_over =
        !place.text.get(place.at + BYTES).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    if !is_number || !is_issued || !is_over {
        return None;
    }
    let before = place.before();
    let before = &before[before.len().saturating_sub(CONTEXT_BYTES)..];
    let is_told = words(before)
        .any(|word| [&b"ssn"[..], b"social"].iter().any(|known| known.eq_ignore_ascii_case(word)));
    is_told.then_some(Finding { start: place.at, end: place.at + BYTES, rule: Rule::Ssn })
}
