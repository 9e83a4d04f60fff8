//! Numbers of payment cards.
//!
//! One random number in ten passes Luhn's check, and ids are random numbers. So a number must also begin
//! as an issuer's does, have that issuer's length, and either be written in the groups of a card
//! (`4242 4242 4242 4242`) or stand where something speaks of cards: in the key, or just before it.

use super::{Finding, Hint, Place};
use crate::Rule;
use crate::keys::speaks_of_card;

/// The shortest number.
pub(super) const DIGITS_MIN: usize = 13;
/// The longest number.
const DIGITS_MAX: usize = 19;
/// How far before a bare number the text may speak of cards.
const CONTEXT_BYTES: usize = 32;
/// The groups in which cards are written.
const GROUPS: [&[usize]; 5] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 5]];

/// At the first digit of a run.
pub(super) fn find(place: Place<'_>, hint: Hint) -> Option<Finding> {
    if follows_fraction(place) {
        return None;
    }
    let run = place.run(place.at, |byte| byte.is_ascii_digit());
    match run {
        4 => grouped(place),
        DIGITS_MIN..=DIGITS_MAX => bare(place, run, hint),
        _ => None,
    }
}

fn follows_fraction(place: Place<'_>) -> bool {
    matches!(place.text[..place.at], [.., digit, b'.'] if digit.is_ascii_digit())
}

fn grouped(place: Place<'_>) -> Option<Finding> {
    let separator = *place.text.get(place.at + 4).filter(|byte| matches!(byte, b' ' | b'-'))?;
    // A dash before the first group makes it a later part of an id.
    if place.floor < place.at && place.text[place.at - 1] == b'-' {
        return None;
    }
    GROUPS.iter().find_map(|groups| {
        let mut digits = [0; DIGITS_MAX];
        let mut count = 0;
        let mut at = place.at;
        for (index, len) in groups.iter().enumerate() {
            if 0 < index {
                if place.text.get(at) != Some(&separator) {
                    return None;
                }
                at += 1;
            }
            let group = place.text.get(at..at + len)?;
            if !group.iter().all(u8::is_ascii_digit) {
                return None;
            }
            digits[count..count + len].copy_from_slice(group);
            count += len;
            at += len;
        }
        let is_over = is_over(place, at) && !(separator == b'-' && place.text.get(at) == Some(&b'-'));
        (is_over && is_card(&digits[..count])).then_some(Finding {
            start: place.at,
            end: at,
            rule: Rule::Card,
        })
    })
}

fn bare(place: Place<'_>, run: usize, hint: Hint) -> Option<Finding> {
    let end = place.at + run;
    let is_told = || hint == Hint::Card || is_spoken_of(place);
    (is_over(place, end) && is_card(&place.text[place.at..end]) && is_told()).then_some(Finding {
        start: place.at,
        end,
        rule: Rule::Card,
    })
}

fn is_over(place: Place<'_>, end: usize) -> bool {
    match place.text[end..] {
        [b'.', digit, ..] => !digit.is_ascii_digit(),
        [byte, ..] => !byte.is_ascii_alphanumeric() && byte != b'_',
        [] => true,
    }
}

/// Tells whether a word just before the number speaks of cards.
fn is_spoken_of(place: Place<'_>) -> bool {
    let before = place.before();
    let before = &before[before.len().saturating_sub(CONTEXT_BYTES)..];
    speaks_of_card(before)
}

/// Tells whether digits are the number of a card: begun as an issuer does, as long, and of the right sum.
fn is_card(digits: &[u8]) -> bool {
    let number =
        |len: usize| digits[..len].iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    // Visa; Mastercard; American Express; Diners Club; Discover; Union Pay and JCB.
    let is_issued = matches!(
        (digits.len(), number(2), number(4)),
        (13 | 16 | 19, 40..=49, _)
            | (16, 51..=55, _)
            | (16, _, 2221..=2720)
            | (15, 34 | 37, _)
            | (14..=19, 36 | 38 | 39, _)
            | (14..=19, _, 3000..=3059)
            | (16..=19, 64 | 65, _)
            | (16..=19, _, 6011)
            | (16..=19, 62 | 81, _)
            | (16..=19, _, 3528..=3589)
    );
    is_issued && is_luhn(digits)
}

fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit - b'0')) {
            (0, value) => value,
            (_, value) if value < 5 => 2 * value,
            (_, value) => 2 * value - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_numbers_of_every_issuer_are_cards() {
        for number in [
            "4242424242424242",
            "4012888888881881",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "371449635398431",
            "6011111111111117",
            "3056930009020004",
            "36227206271667",
            "3566002020360505",
            "6200000000000005",
        ] {
            assert!(is_card(number.as_bytes()), "{number}");
        }
        for number in ["4242424242424241", "1234567812345670", "1700000000000", "0000000000000000"] {
            assert!(!is_card(number.as_bytes()), "{number}");
        }
    }
}
