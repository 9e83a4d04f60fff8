//! Private keys in PEM: from `-----BEGIN .. PRIVATE KEY-----` to the end line, or to the end of the text.

use super::{Finding, Place};
use crate::Rule;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const KIND: &[u8] = b"PRIVATE KEY";
const DASHES: &[u8] = b"-----";
/// The longest kind: `ENCRYPTED PRIVATE KEY BLOCK` and some.
const KIND_BYTES_MAX: usize = 48;

/// At the first dash.
pub(super) fn find(place: Place<'_>) -> Option<Finding> {
    let rest = place.text[place.at..].strip_prefix(BEGIN)?;
    let window = &rest[..rest.len().min(KIND_BYTES_MAX)];
    let kind_end = window.windows(DASHES.len()).position(|part| part == DASHES)?;
    if !window[..kind_end].windows(KIND.len()).any(|part| part == KIND) {
        return None;
    }
    // An end line that is cut takes the rest with it.
    let body = &rest[kind_end..];
    let end = match body.windows(END.len()).position(|part| part == END) {
        None => place.text.len(),
        Some(at) => {
            let line = &body[at + END.len()..];
            let line_end = line.windows(DASHES.len()).position(|part| part == DASHES);
            let here = place.at + BEGIN.len() + kind_end + at + END.len();
            line_end.map_or(place.text.len(), |line_end| here + line_end + DASHES.len())
        }
    };
    Some(Finding { start: place.at, end, rule: Rule::PrivateKey })
}
