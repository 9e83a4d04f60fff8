//! Passwords in URLs and connection strings: `scheme://user:password@host`, `user:password@tcp(host)`.

use super::{Finding, Place, is_token};
use crate::{Rule, mode};

/// A name without a password that is longer than this is a token.
const USER_BYTES_MAX: usize = 24;
/// The longest name and password that are looked for where it is not sure that there are any.
const BACK_BYTES_MAX: usize = 256;

/// At the colon of `://`.
pub(super) fn find(place: Place<'_>) -> Option<Finding> {
    if !place.before().last().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let start = place.at + 3;
    let end = authority_end(place, start)?;
    let authority = &place.text[start..end];
    let at_sign = authority.iter().rposition(|byte| *byte == b'@')?;
    let user_info = &authority[..at_sign];
    let (from, secret) = match user_info.iter().position(|byte| *byte == b':') {
        Some(colon) => (start + colon + 1, &user_info[colon + 1..]),
        None if USER_BYTES_MAX < user_info.len() && user_info.iter().all(|byte| is_token(*byte)) => {
            (start, user_info)
        }
        None => return None,
    };
    finding(from, secret)
}

/// At the `@` of `@tcp(` or `@unix(`, as the drivers of Go for MySQL have it.
pub(super) fn at_sign(place: Place<'_>) -> Option<Finding> {
    if !place.after().starts_with(b"tcp(") && !place.after().starts_with(b"unix(") {
        return None;
    }
    let before = place.before();
    let before = &before[before.len().saturating_sub(BACK_BYTES_MAX)..];
    let blank = before.iter().rposition(|byte| is_end(*byte)).map_or(0, |blank| blank + 1);
    let user_info = &before[blank..];
    let colon = user_info.iter().position(|byte| *byte == b':')?;
    let secret = &user_info[colon + 1..];
    finding(place.at - secret.len(), secret)
}

/// Where host, or user and host, end. A password may hold the slash that should have ended it.
fn authority_end(place: Place<'_>, start: usize) -> Option<usize> {
    let end = start + place.run(start, |byte| !is_end(byte) && !matches!(byte, b'/' | b'?' | b'#'));
    let authority = &place.text[start..end];
    if authority.contains(&b'@') {
        return Some(end);
    }
    let colon = authority.iter().position(|byte| *byte == b':')?;
    let is_port = authority[colon + 1..].iter().all(u8::is_ascii_digit);
    let is_address = authority.starts_with(b"[");
    if is_port || is_address {
        return None;
    }
    let rest = &place.text[end..place.text.len().min(end + BACK_BYTES_MAX)];
    Some(end + rest.iter().take_while(|byte| !is_end(**byte)).count())
}

fn finding(start: usize, secret: &[u8]) -> Option<Finding> {
    if secret.is_empty() || mode::is_marker(secret) || is_placeholder(secret) {
        return None;
    }
    Some(Finding { start, end: start + secret.len(), rule: Rule::Url })
}

/// What stands for a password where none is: stars, `xxxxx` and `<password>`.
fn is_placeholder(secret: &[u8]) -> bool {
    secret.iter().all(|byte| *byte == b'*') || matches!(secret, b"xxxxx" | b"xxxx" | b"xxx" | b"REDACTED")
}

const fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`')
}
