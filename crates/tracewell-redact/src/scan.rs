//! Secrets by their shapes, in one pass.
//!
//! Every shape has a byte that is rare elsewhere: the `J` of `eyJ`, the underscore of `ghp_`, the blank of
//! `Bearer `, the `=` of `token=`, a digit. A table tells these bytes from the others; at one of them we
//! look back at what stands before it, and ahead for where the secret ends. Looking back is bounded, and
//! what was found is never looked at again, so the pass is linear.
//!
//! A finding ends the text before it: a shape right behind it counts as standing at a border, so that the
//! second pass over the result finds what the first one found, and nothing more.

mod assignment;
mod authorization;
mod card;
mod pem;
mod prefixed;
mod ssn;
mod url;

use std::cell::Cell;

use crate::keys::Keys;
use crate::{Rule, RuleSet, mode};

/// A secret inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) rule: Rule,
}

/// What is known of the text from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Nothing.
    None,
    /// It stands under a key that speaks of payment cards.
    Card,
}

/// A text on its way through the pass.
#[derive(Clone, Copy)]
struct Place<'a> {
    text: &'a [u8],
    /// Where we stand: at a byte that some shape has.
    at: usize,
    /// The end of the last finding: nothing before it is looked at again.
    floor: usize,
    /// The end of the last run of token bytes that was measured: many shapes may begin in one run.
    token_end: &'a Cell<usize>,
}

impl<'a> Place<'a> {
    /// What stands before us, and has not been found.
    fn before(&self) -> &'a [u8] {
        &self.text[self.floor..self.at]
    }

    /// What stands behind us.
    fn after(&self) -> &'a [u8] {
        &self.text[self.at + 1..]
    }

    /// Tells whether no letter and no digit stands before a place.
    fn is_border(&self, start: usize) -> bool {
        start == self.floor || !self.text[start - 1].is_ascii_alphanumeric()
    }

    /// Where the token bytes end that stand at a place.
    fn token_end(&self, start: usize) -> usize {
        if self.token_end.get() <= start {
            self.token_end.set(start + self.run(start, is_token));
        }
        self.token_end.get()
    }

    /// How many bytes from a place on are of a kind.
    fn run(&self, start: usize, is_of_kind: impl Fn(u8) -> bool) -> usize {
        self.text[start..].iter().take_while(|byte| is_of_kind(**byte)).count()
    }
}

const NONE: u8 = 0;
const JWT: u8 = 1;
const AWS: u8 = 2;
const UNDERSCORE: u8 = 3;
const DASH: u8 = 4;
const GOOGLE: u8 = 5;
const BLANK: u8 = 6;
const EQUALS: u8 = 7;
const COLON: u8 = 8;
const AT: u8 = 9;
const DIGIT: u8 = 10;
const MARKER: u8 = 11;
const TAG: u8 = 12;

/// What a byte may be the sign of.
const SIGNS: [u8; 256] = {
    let mut signs = [NONE; 256];
    signs[b'J' as usize] = JWT;
    signs[b'K' as usize] = AWS;
    signs[b'S' as usize] = AWS;
    signs[b'_' as usize] = UNDERSCORE;
    signs[b'-' as usize] = DASH;
    signs[b'z' as usize] = GOOGLE;
    signs[b' ' as usize] = BLANK;
    signs[b'=' as usize] = EQUALS;
    signs[b':' as usize] = COLON;
    signs[b'@' as usize] = AT;
    signs[b'>' as usize] = TAG;
    signs[b'[' as usize] = MARKER;
    signs[b'*' as usize] = MARKER;
    let mut digit = b'0';
    while digit <= b'9' {
        signs[digit as usize] = DIGIT;
        digit += 1;
    }
    signs
};

/// Shows every secret of a text, in order and apart from each other.
pub(crate) fn scan(text: &[u8], hint: Hint, keys: &Keys, off: RuleSet, visit: &mut dyn FnMut(Finding)) {
    let token_end = Cell::new(0);
    let mut place = Place { text, at: 0, floor: 0, token_end: &token_end };
    while let Some(byte) = text.get(place.at) {
        let sign = SIGNS[usize::from(*byte)];
        if sign == NONE {
            place.at += 1;
            continue;
        }
        if sign == MARKER {
            // What a redaction left is behind us, like what we find ourselves.
            match mode::marker_len(&text[place.at..]) {
                Some(len) => {
                    place.at += len;
                    place.floor = place.at;
                }
                None => place.at += 1,
            }
            continue;
        }
        if sign == DIGIT
            && (!place.is_border(place.at) || text.len() - place.at < card::DIGITS_MIN.min(ssn::BYTES))
        {
            place.at += 1;
            continue;
        }
        let found = match sign {
            JWT => prefixed::jwt(place),
            AWS => prefixed::aws(place),
            UNDERSCORE => prefixed::underscored(place),
            DASH if place.after().starts_with(b"----") => pem::find(place),
            DASH if place.after().starts_with(b"-") => assignment::option(place, keys),
            DASH => prefixed::dashed(place),
            GOOGLE => prefixed::google(place),
            BLANK => authorization::find(place),
            EQUALS => assignment::equals(place, keys),
            COLON if place.after().starts_with(b"//") => url::find(place),
            COLON => assignment::colon(place, keys),
            AT => url::at_sign(place),
            TAG => assignment::tag(place, keys),
            _ => ssn::find(place).or_else(|| card::find(place, hint)),
        };
        match found {
            Some(finding) if !off.contains(finding.rule) => {
                debug_assert!(place.floor <= finding.start && finding.start < finding.end);
                visit(finding);
                place.floor = finding.end;
                place.at = finding.end.max(place.at + 1);
            }
            _ if sign == DIGIT => place.at += place.run(place.at, |byte| byte.is_ascii_digit()),
            _ => place.at += 1,
        }
    }
}

/// Bytes of base64, of both alphabets, without the padding.
const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/')
}

/// Bytes of base64 as URLs and tokens have it.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
