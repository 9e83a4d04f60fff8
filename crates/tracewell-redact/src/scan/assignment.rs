//! Secrets with a name inside a text: `token=abc`, `Password = abc;`, `"password":"abc"`,
//! `Authorization: Basic abc`, `<password>abc</password>`, `--password abc`, and the same escaped inside
//! JSON or encoded in a form.
//!
//! Prose has colons and equals signs too (`unexpected token: ';'`). So a bare name before a colon, or
//! before an equals sign with blanks around it, must begin its line or follow a bracket or a comma.

use super::{Finding, Place};
use crate::keys::{Extent, Judgement, Keys};
use crate::{Rule, mode};

/// The longest name that is looked for backwards.
const NAME_BYTES_MAX: usize = 64;
/// How far ahead a separator is checked for what follows it.
const AHEAD_BYTES_MAX: usize = 64;

/// A name that stands before an equals sign or a colon.
struct Name<'a> {
    text: &'a [u8],
    start: usize,
    is_quoted: bool,
    is_spaced: bool,
}

/// At an equals sign, or at the `=>` of Ruby and its kin.
pub(super) fn equals(place: Place<'_>, keys: &Keys) -> Option<Finding> {
    if place.after().starts_with(b"=") {
        return None;
    }
    // Forms nest names: `user[password]`, also encoded.
    let name = name_before(place, |byte| matches!(byte, b'[' | b']' | b'%'))?;
    let Judgement::Secret(_) = keys.judge_parameter(name.text) else { return None };
    let is_arrow = place.after().starts_with(b">");
    let is_loose = name.is_spaced || place.after().first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    if is_loose && !is_arrow && !name.is_quoted && !begins_line(place, name.start) {
        return None;
    }
    let start = place.at + 1 + usize::from(is_arrow);
    value(place, start + place.run(start, is_blank), Extent::Number)
}

/// At a colon.
pub(super) fn colon(place: Place<'_>, keys: &Keys) -> Option<Finding> {
    let name = name_before(place, |_| false)?;
    let judgement =
        if name.is_quoted { keys.judge_parameter(name.text) } else { keys.judge_heading(name.text) };
    let Judgement::Secret(extent) = judgement else { return None };
    let start = place.at + 1;
    if name.is_quoted {
        return value(place, start + place.run(start, |byte| byte.is_ascii_whitespace()), extent);
    }
    let begins_line = begins_line(place, name.start);
    if extent == Extent::Line {
        // In the middle of a line it is a header if it has what cookies have.
        let ahead = place.after();
        let is_header = begins_line || ahead[..ahead.len().min(AHEAD_BYTES_MAX)].contains(&b'=');
        return if is_header { line(place, name.start) } else { None };
    }
    // `{Name:bob Password:abc}`, as Go prints its structures.
    let is_field = place.text[..name.start].ends_with(b" ")
        && place.after().first().is_some_and(u8::is_ascii_alphabetic);
    if !begins_line && !is_field {
        return None;
    }
    value(place, start + place.run(start, is_blank), Extent::Number)
}

/// At the closing bracket of a tag of XML: its text is the value.
pub(super) fn tag(place: Place<'_>, keys: &Keys) -> Option<Finding> {
    let before = place.before();
    let before = &before[before.len().saturating_sub(NAME_BYTES_MAX)..];
    let open = before.iter().rposition(|byte| *byte == b'<')?;
    let name = &before[open + 1..];
    let name = &name[..name.iter().position(u8::is_ascii_whitespace).unwrap_or(name.len())];
    let Judgement::Secret(_) = keys.judge_heading(name) else { return None };
    // `Vec<Token>` is no tag.
    let is_open = before[..open].last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b':');
    if name.starts_with(b"/") || !is_open {
        return None;
    }
    let start = place.at + 1;
    let end = start + place.run(start, |byte| byte != b'<');
    if matches!(place.text[end..], [] | [b'<', b'/', ..]) { finding(place, start, end) } else { None }
}

/// At the first dash of an option of a command line: `--db-password hunter2`.
pub(super) fn option(place: Place<'_>, keys: &Keys) -> Option<Finding> {
    if !place.is_border(place.at) {
        return None;
    }
    let name = place.after().strip_prefix(b"-")?;
    let name = &name[..name.len().min(NAME_BYTES_MAX)];
    let len =
        name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
    if name.get(len) != Some(&b' ') {
        return None;
    }
    let Judgement::Secret(_) = keys.judge_heading(&name[..len]) else { return None };
    let start = place.at + 2 + len;
    let start = start + place.run(start, is_blank);
    let rest = &place.text[start..];
    let word = &rest[..rest.iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count()];
    if rest.starts_with(b"-") || PROSE.contains(&word) {
        return None;
    }
    value(place, start, Extent::Number)
}

/// Words that follow an option in a sentence about it.
const PROSE: [&[u8]; 16] = [
    b"is",
    b"are",
    b"was",
    b"must",
    b"or",
    b"and",
    b"to",
    b"for",
    b"in",
    b"not",
    b"flag",
    b"option",
    b"required",
    b"missing",
    b"cannot",
    b"needs",
];

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn name_before(place: Place<'_>, is_more: fn(u8) -> bool) -> Option<Name<'_>> {
    let before = place.before();
    let blanks = before.iter().rev().take(8).take_while(|byte| is_blank(**byte)).count();
    let before = &before[..before.len() - blanks];
    let (inner, is_quoted) = match before {
        [inner @ .., b'\\', b'"' | b'\''] | [inner @ .., b'"' | b'\'' | b'`'] => (inner, true),
        _ => (before, false),
    };
    let is_name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'.')
            || !byte.is_ascii()
            || is_more(byte)
    };
    let is_inner = |byte: u8| is_name(byte) || (is_quoted && byte == b' ');
    let len = inner.iter().rev().take(NAME_BYTES_MAX).take_while(|byte| is_inner(**byte)).count();
    if len == 0 {
        return None;
    }
    let start = place.floor + inner.len() - len;
    Some(Name { text: &inner[inner.len() - len..], start, is_quoted, is_spaced: 0 < blanks })
}

/// Tells whether a bare name begins a line, or follows what begins a thing.
fn begins_line(place: Place<'_>, start: usize) -> bool {
    let before = place.text[..start].trim_ascii_end();
    let has_break = place.text[before.len()..start].contains(&b'\n');
    has_break
        || before.is_empty()
        || matches!(before.last(), Some(b'{' | b'(' | b'[' | b',' | b';' | b'&' | b'?' | b'"' | b'\'' | b'|'))
}

/// The value of a header: the rest of its line, or of the quotes in which the header stands.
fn line(place: Place<'_>, name_start: usize) -> Option<Finding> {
    let quote = place.text[..name_start].last().copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let start = place.at + 1 + place.run(place.at + 1, is_blank);
    let end = start + place.run(start, |byte| !matches!(byte, b'\r' | b'\n') && Some(byte) != quote);
    finding(place, start, end)
}

/// The value behind an equals sign or a colon, up to what ends it.
fn value(place: Place<'_>, start: usize, extent: Extent) -> Option<Finding> {
    let rest = &place.text[start..];
    match rest {
        [] => None,
        [b'\\', quote @ (b'"' | b'\''), ..] => {
            let inner = &rest[2..];
            let end = inner.windows(2).position(|part| part == [b'\\', *quote]).unwrap_or(inner.len());
            finding(place, start + 2, start + 2 + end)
        }
        [quote @ (b'"' | b'\'' | b'`'), inner @ ..] => {
            finding(place, start + 1, start + 1 + quoted_len(inner, *quote))
        }
        // A marker, and nothing behind it that belongs to the value.
        _ if mode::marker_len(rest).is_some_and(|len| bare_len(&rest[len..]) == 0) => None,
        [b'{' | b'[', ..] if place.text[place.at] == b':' => finding(place, start, start + nested_len(rest)),
        _ if place.text[place.at] == b':' && extent != Extent::Number => {
            // A bare value behind a quoted name is JSON's number, truth or absence.
            if is_number(rest) { None } else { finding(place, start, start + bare_len(rest)) }
        }
        _ => finding(place, start, start + bare_len(rest)),
    }
}

fn finding(place: Place<'_>, start: usize, end: usize) -> Option<Finding> {
    let value = &place.text[start..end];
    let says_nothing =
        matches!(value, b"" | b"true" | b"false" | b"null" | b"None" | b"nil" | b"?" | b"undefined");
    if says_nothing || mode::is_marker(value) {
        return None;
    }
    Some(Finding { start, end, rule: Rule::Assignment })
}

/// Tells whether a number stands here, and ends as JSON's do.
fn is_number(rest: &[u8]) -> bool {
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
    let begins = rest.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    begins && matches!(rest.get(len), None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
}

fn quoted_len(inner: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < inner.len() && inner[at] != quote {
        at += if inner[at] == b'\\' { 2 } else { 1 };
    }
    at.min(inner.len())
}

/// A nested value ends where its bracket is closed; the brackets in its texts do not count.
fn nested_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            quote @ (b'"' | b'\'') => at += 1 + quoted_len(&rest[at + 1..], quote),
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

/// A bare value ends at a blank, a quote or a semicolon; at a comma or an ampersand only if another name
/// follows, because passwords have them.
fn bare_len(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        let is_end = match byte {
            b';' | b'"' | b'\'' | b'`' | b'<' | b'>' => true,
            b'\\' => matches!(rest.get(at + 1), Some(b'"' | b'\'' | b'n' | b'r')),
            b',' | b'&' => separates(&rest[at + 1..]),
            b'}' | b']' | b')' => ends_thing(&rest[at + 1..]),
            byte => byte.is_ascii_whitespace(),
        };
        if is_end {
            break;
        }
        at += 1;
    }
    at
}

/// Tells whether a closing bracket is the last thing but brackets and separators.
fn ends_thing(rest: &[u8]) -> bool {
    matches!(rest.first(), None | Some(b',' | b';' | b'}' | b']' | b')' | b' ' | b'\n' | b'"'))
}

/// Tells whether a name and its sign, a blank or nothing follows.
fn separates(rest: &[u8]) -> bool {
    let rest = &rest[..rest.len().min(AHEAD_BYTES_MAX)];
    let Some(first) = rest.first() else { return true };
    if first.is_ascii_whitespace() || matches!(first, b'"' | b'\'') {
        return true;
    }
    let name =
        rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.%[]".contains(byte)).count();
    0 < name && matches!(rest.get(name), Some(b'=' | b':'))
}
