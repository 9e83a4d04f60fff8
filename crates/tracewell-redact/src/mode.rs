//! What stands in the place of a secret, and how to know it again.
//!
//! | mode | `hunter2-and-more` found by `bearer` becomes |
//! |---|---|
//! | mask | `****` |
//! | last4 | `****more` |
//! | token | `[bearer]` |
//! | hmac | `[bearer~0123456789abcdef]`, with the first 16 digits of HMAC-SHA256 |
//! | drop | nothing: the whole attribute goes |
//!
//! A marker is recognised and left alone, so that redacting twice is redacting once.

use crate::Rule;

/// What becomes of a secret.
///
/// ```
/// use tracewell_redact::Mode;
///
/// assert_eq!(Mode::named("last4"), Some(Mode::Last4));
/// assert_eq!(Mode::named("md5"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Four stars.
    Mask,
    /// Four stars and the last four characters; only stars for what is shorter than twelve.
    Last4,
    /// The rule's name in brackets.
    Token,
    /// The rule's name and a keyed hash: equal secrets stay equal, and nobody without the key can guess.
    Hmac,
    /// The whole attribute goes.
    Drop,
    /// Nothing: the rule is off.
    Off,
}

impl Mode {
    /// Finds a mode by its name in configuration.
    ///
    /// ```
    /// # use tracewell_redact::Mode;
    /// assert_eq!(Mode::named("off"), Some(Mode::Off));
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "mask" => Some(Self::Mask),
            "last4" => Some(Self::Last4),
            "token" => Some(Self::Token),
            "hmac" => Some(Self::Hmac),
            "drop" => Some(Self::Drop),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

const STARS: &[u8] = b"****";
const HMAC: &[u8] = b"~";
/// Hex digits of a hash that are shown: enough to tell millions apart.
const HMAC_DIGITS: usize = 16;
/// Below this, four characters are too much of a secret to show.
const LAST4_BYTES_MIN: usize = 12;

/// Appends what stands in the place of a secret. A dropped one leaves stars, for where nothing can go.
pub(crate) fn write(mode: Mode, rule: Rule, secret: &[u8], hmac_key: &[u8], out: &mut Vec<u8>) {
    match mode {
        Mode::Off => out.extend_from_slice(secret),
        Mode::Mask | Mode::Drop => out.extend_from_slice(STARS),
        Mode::Last4 => {
            out.extend_from_slice(STARS);
            if LAST4_BYTES_MIN <= secret.len()
                && let Some(last4) = secret.last_chunk::<4>()
                && last4.iter().all(u8::is_ascii_alphanumeric)
            {
                out.extend_from_slice(last4);
            }
        }
        Mode::Token => {
            out.push(b'[');
            out.extend_from_slice(rule.name().as_bytes());
            out.push(b']');
        }
        Mode::Hmac => {
            out.push(b'[');
            out.extend_from_slice(rule.name().as_bytes());
            out.extend_from_slice(HMAC);
            let hash = hmac_sha256::HMAC::mac(secret, hmac_key);
            for byte in &hash[..HMAC_DIGITS / 2] {
                let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            out.push(b']');
        }
    }
}

/// Returns how long the marker is that the text begins with, if it begins with one.
pub(crate) fn marker_len(text: &[u8]) -> Option<usize> {
    if let Some(rest) = text.strip_prefix(STARS) {
        let shown = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        return (shown == 0 || shown == 4).then_some(STARS.len() + shown);
    }
    let rest = text.strip_prefix(b"[")?;
    let name_len = rest.iter().take(16).position(|byte| matches!(byte, b']' | b'~'))?;
    let name = std::str::from_utf8(&rest[..name_len]).ok()?;
    Rule::named(name)?;
    let tail = &rest[name_len..];
    if tail.starts_with(b"]") {
        return Some(name_len + 2);
    }
    let digits = tail.strip_prefix(HMAC)?.get(..=HMAC_DIGITS)?;
    let is_hash = digits[..HMAC_DIGITS].iter().all(u8::is_ascii_hexdigit) && digits[HMAC_DIGITS] == b']';
    is_hash.then_some(1 + name_len + HMAC.len() + HMAC_DIGITS + 1)
}

/// Tells whether a text is a marker and nothing else.
pub(crate) fn is_marker(text: &[u8]) -> bool {
    marker_len(text) == Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_writes_a_marker_that_is_known_again() {
        for mode in [Mode::Mask, Mode::Last4, Mode::Token, Mode::Hmac, Mode::Drop] {
            for rule in Rule::ALL {
                for secret in
                    [&b"x"[..], b"hunter2-and-more", b"ends in a dot...", b"\xff\xfe\xfd\xfc rubbish"]
                {
                    let mut out = vec![];
                    write(mode, rule, secret, b"key", &mut out);
                    assert!(is_marker(&out), "{}", String::from_utf8_lossy(&out));
                }
            }
        }
        for other in ["", "***", "****abc", "****abcdefgh", "[other]", "[jwt", "[jwt~12]", "[jwt]x"] {
            assert!(!is_marker(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn hash_is_hmac_sha256_of_rfc_4231() {
        let mut out = vec![];
        write(Mode::Hmac, Rule::Key, b"what do ya want for nothing?", b"Jefe", &mut out);
        assert_eq!(out, b"[key~5bdcc146bf60754e]");
    }
}
