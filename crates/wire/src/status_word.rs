//! The ways in which clients and exporters say a status in a tag.

use span::{StatusCode, ValueRef};

/// Understands `OK`, `Ok`, `STATUS_CODE_OK`, `1` and their kin; as a number too, whole or double, because
/// Node sends every number as a double.
pub(crate) fn status_code_of(value: ValueRef<'_>) -> Option<StatusCode> {
    match value {
        ValueRef::Str(word) => {
            let word = match word.split_at_checked(PREFIX.len()) {
                Some((prefix, word)) if prefix.eq_ignore_ascii_case(PREFIX) => word,
                _ => word,
            };
            let words: [(&[u8], StatusCode); 6] = [
                (b"UNSET", StatusCode::Unset),
                (b"OK", StatusCode::Ok),
                (b"ERROR", StatusCode::Error),
                (b"0", StatusCode::Unset),
                (b"1", StatusCode::Ok),
                (b"2", StatusCode::Error),
            ];
            words.into_iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, code)| code)
        }
        ValueRef::Int(number) => StatusCode::from_number(u64::try_from(number).ok()?),
        ValueRef::Double(0.0) => Some(StatusCode::Unset),
        ValueRef::Double(1.0) => Some(StatusCode::Ok),
        ValueRef::Double(2.0) => Some(StatusCode::Error),
        _ => None,
    }
}

const PREFIX: &[u8] = b"STATUS_CODE_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_one_code() {
        for word in [&b"STATUS_CODE_ERROR"[..], b"error", b"Error", b"2", b"status_code_error"] {
            assert_eq!(status_code_of(ValueRef::Str(word)), Some(StatusCode::Error));
        }
        assert_eq!(status_code_of(ValueRef::Double(1.0)), Some(StatusCode::Ok));
        assert_eq!(status_code_of(ValueRef::Int(0)), Some(StatusCode::Unset));
        let strange = [ValueRef::Str(b"fine"), ValueRef::Int(7), ValueRef::Int(-1), ValueRef::Bool(true)];
        assert!(strange.into_iter().all(|value| status_code_of(value).is_none()));
    }
}
