//! Percent-encoding, as the values of baggage want it: a plus stays a plus.

use std::borrow::Cow;

use crate::hex;

/// Decodes what is encoded; what is not, and bytes that are no text, become what they look like.
pub(crate) fn decode(text: &[u8]) -> Cow<'_, str> {
    if !text.contains(&b'%') {
        return String::from_utf8_lossy(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |digit: &u8| hex::value(*digit).expect("it is a hex digit");
                bytes.push(digit(high) << 4 | digit(low));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Appends the value, each byte that a baggage value cannot hold as `%XX`.
pub(crate) fn encode_into(value: &str, header: &mut String) {
    for byte in value.bytes() {
        if is_plain(byte) {
            header.push(char::from(byte));
        } else {
            let [high, low] = hex::digits(byte).map(|digit| char::from(digit.to_ascii_uppercase()));
            header.extend(['%', high, low]);
        }
    }
}

/// Bytes that [`encode_into`] appends.
pub(super) fn encoded_bytes(value: &str) -> usize {
    value.bytes().map(|byte| if is_plain(byte) { 1 } else { 3 }).sum()
}

/// A `baggage-octet` that is not the escape itself.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%')
}
