//! Credentials of HTTP: `Bearer {token}` and `Basic {base64 of user:password}`.

use super::{Finding, Place, is_base64};
use crate::Rule;

/// At the blank behind the scheme.
pub(super) fn find(place: Place<'_>) -> Option<Finding> {
    let before = place.before();
    let (scheme, rule) = match before.last()? {
        b'r' | b'R' => (&b"bearer"[..], Rule::Bearer),
        b'c' | b'C' => (&b"basic"[..], Rule::Basic),
        b'n' | b'N' => (&b"token"[..], Rule::Bearer),
        _ => return None,
    };
    let scheme_start = before.len().checked_sub(scheme.len())?;
    if !before[scheme_start..].eq_ignore_ascii_case(scheme) || !place.is_border(place.floor + scheme_start) {
        return None;
    }
    let start = place.at + place.run(place.at, |byte| byte == b' ');
    let end = start + place.run(start, |byte| is_base64(byte) || matches!(byte, b'.' | b'~' | b'='));
    let token = &place.text[start..end];
    let is_secret = match rule {
        Rule::Basic => holds_colon(token),
        // The word `token` is everywhere: what follows it must look like one.
        _ if scheme == b"token" => 20 <= token.len() && looks_random(token),
        _ => 8 <= token.len() && looks_random(token),
    };
    is_secret.then_some(Finding { start, end, rule })
}

/// Words are not random: a token has digits among its letters, or is longer than words are.
fn looks_random(token: &[u8]) -> bool {
    let has = |is_of_kind: fn(&u8) -> bool| token.iter().any(is_of_kind);
    (has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)) || 32 <= token.len()
}

/// Tells whether base64 decodes to printable text with a colon in it, as user and password do.
fn holds_colon(token: &[u8]) -> bool {
    let body =
        token.trim_ascii_end().strip_suffix(b"==").or_else(|| token.strip_suffix(b"=")).unwrap_or(token);
    if body.len() < 4 {
        return false;
    }
    let (mut bits, mut count, mut has_colon) = (0_u32, 0, false);
    for byte in body {
        let Some(value) = base64_value(*byte) else { return false };
        bits = (bits << 6 | value) & 0xffff;
        count += 6;
        if 8 <= count {
            count -= 8;
            let decoded = (bits >> count) as u8;
            has_colon |= decoded == b':';
            if decoded.is_ascii_control() {
                return false;
            }
        }
    }
    has_colon
}

const fn base64_value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value as u32)
}
