//! Protobuf, appended in place: tags, varints, and the attributes of OTLP.
//!
//! Lengths come before what they measure. Where the length is known the bytes are written straight
//! through; where it is not (text made by `Debug`, a nested list) one byte is left free, and what
//! follows is moved by the one or two bytes that a longer length needs.

use std::fmt::{self, Write as _};

use crate::limits::{NAME_BYTES_MAX, VALUE_DEPTH_MAX, cut, cut_bytes};
use crate::value::Value;

/// Appends a base-128 number.
#[inline]
pub(crate) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Returns how many bytes [`varint`] writes.
#[inline]
pub(crate) const fn varint_len(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends a tag and a text or bytes.
#[inline]
pub(crate) fn bytes_field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    if bytes.len() < 0x80 {
        out.extend_from_slice(&[tag, bytes.len() as u8]);
    } else {
        out.push(tag);
        varint(out, bytes.len() as u64);
    }
    out.extend_from_slice(bytes);
}

/// Appends a tag and a number of 8 bytes.
#[inline]
pub(crate) fn fixed64_field(out: &mut Vec<u8>, tag: u8, number: u64) {
    let mut field = [tag, 0, 0, 0, 0, 0, 0, 0, 0];
    field[1..].copy_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&field);
}

/// Appends a tag, a length and what `write` appends, whose length that is. Where `write` panics, as a user's
/// formatter may, nothing is appended: what is sent must stay a message.
#[inline]
pub(crate) fn nested(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    struct Undo<'a>(&'a mut Vec<u8>, usize);
    impl Drop for Undo<'_> {
        fn drop(&mut self) {
            self.0.truncate(self.1);
        }
    }
    let before = out.len();
    let undo = Undo(out, before);
    let at = open(undo.0, tag);
    write(undo.0);
    close(undo.0, at);
    std::mem::forget(undo);
}

/// Begins a nested message; [`close`] takes what this returns.
#[inline]
pub(crate) fn open(out: &mut Vec<u8>, tag: u8) -> usize {
    out.extend_from_slice(&[tag, 0]);
    out.len()
}

/// Ends the nested message that began at `start`.
#[inline]
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    if len < 0x80 {
        out[start - 1] = len as u8;
        return;
    }
    let more = varint_len(len as u64) - 1;
    let end = out.len();
    out.resize(end + more, 0);
    out.copy_within(start..end, start + more);
    let mut rest = len;
    for byte in &mut out[start - 1..start - 1 + more] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[start - 1 + more] = rest as u8;
}

/// Appends one attribute as field `tag`; texts are cut after `chars` characters.
#[inline]
pub(crate) fn attribute(out: &mut Vec<u8>, tag: u8, key: &str, value: Value<'_>, chars: usize) {
    let key = cut_bytes(key, NAME_BYTES_MAX);
    match value {
        Value::Str(text) => text_attribute(out, tag, key, cut(text, chars)),
        Value::Int(number) => int_attribute(out, tag, key, number),
        other => nested(out, tag, |out| {
            bytes_field(out, 0x0a, key.as_bytes());
            nested(out, 0x12, |out| any_value(out, other, chars, 1));
        }),
    }
}

#[inline]
fn text_attribute(out: &mut Vec<u8>, tag: u8, key: &str, text: &str) {
    let inner = 2 + text.len();
    let whole = 4 + key.len() + inner;
    if whole < 0x80 {
        // Every length is one byte.
        out.extend_from_slice(&[tag, whole as u8, 0x0a, key.len() as u8]);
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(&[0x12, inner as u8, 0x0a, text.len() as u8]);
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let inner = 1 + varint_len(text.len() as u64) + text.len();
    let whole = 1 + varint_len(key.len() as u64) + key.len() + 1 + varint_len(inner as u64) + inner;
    out.reserve(whole + 6);
    out.push(tag);
    varint(out, whole as u64);
    bytes_field(out, 0x0a, key.as_bytes());
    out.push(0x12);
    varint(out, inner as u64);
    bytes_field(out, 0x0a, text.as_bytes());
}

#[inline]
fn int_attribute(out: &mut Vec<u8>, tag: u8, key: &str, number: i64) {
    let inner = 1 + varint_len(number as u64);
    let whole = 4 + key.len() + inner;
    if 0x80 <= whole {
        nested(out, tag, |out| {
            bytes_field(out, 0x0a, key.as_bytes());
            nested(out, 0x12, |out| any_value(out, Value::Int(number), 0, 1));
        });
        return;
    }
    out.extend_from_slice(&[tag, whole as u8, 0x0a, key.len() as u8]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[0x12, inner as u8, 0x18]);
    varint(out, number as u64);
}

/// Appends the inside of an `AnyValue`.
fn any_value(out: &mut Vec<u8>, value: Value<'_>, chars: usize, depth: usize) {
    match value {
        Value::Str(text) => bytes_field(out, 0x0a, cut(text, chars).as_bytes()),
        Value::Bool(truth) => out.extend_from_slice(&[0x10, u8::from(truth)]),
        Value::Int(number) => {
            out.push(0x18);
            varint(out, number as u64);
        }
        Value::Double(number) => fixed64_field(out, 0x21, number.to_bits()),
        Value::Bytes(bytes) => bytes_field(out, 0x3a, &bytes[..bytes.len().min(chars)]),
        Value::Display(value) => nested(out, 0x0a, |out| made_text(out, format_args!("{value}"), chars)),
        Value::Debug(value) => nested(out, 0x0a, |out| made_text(out, format_args!("{value:?}"), chars)),
        // A value that deep is a loop; its emptiness shows where it was cut.
        Value::List(_) | Value::Strs(_) | Value::Map(_) if VALUE_DEPTH_MAX <= depth => {}
        Value::List(values) => nested(out, 0x2a, |out| {
            for value in values {
                nested(out, 0x0a, |out| any_value(out, *value, chars, depth + 1));
            }
        }),
        Value::Strs(texts) => nested(out, 0x2a, |out| {
            for text in texts {
                nested(out, 0x0a, |out| any_value(out, Value::Str(text), chars, depth + 1));
            }
        }),
        Value::Map(entries) => nested(out, 0x32, |out| {
            for (key, value) in entries {
                nested(out, 0x0a, |out| {
                    bytes_field(out, 0x0a, cut_bytes(key, NAME_BYTES_MAX).as_bytes());
                    nested(out, 0x12, |out| any_value(out, *value, chars, depth + 1));
                });
            }
        }),
    }
}

/// Appends a text while it is made, cut after `chars` characters; no more of it is kept at any time.
pub(crate) fn made_text(out: &mut Vec<u8>, text: fmt::Arguments<'_>, chars: usize) {
    if let Some(known) = text.as_str() {
        out.extend_from_slice(cut(known, chars).as_bytes());
        return;
    }
    let mut writer = Bounded { out, left: chars };
    // A user's formatter may fail; what it wrote until then is the value.
    let _ = writer.write_fmt(text);
}

/// Appends text until its characters are used up, then swallows.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.out.extend_from_slice(text.as_bytes());
            // Bytes count as characters here until the first text that might not fit.
            self.left -= if text.is_ascii() { text.len() } else { text.chars().count() };
            return Ok(());
        }
        let fits = cut(text, self.left);
        self.out.extend_from_slice(fits.as_bytes());
        self.left -= fits.chars().count();
        if self.left == 0 { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_size_are_patched() {
        for size in [0usize, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let mut out = vec![7];
            nested(&mut out, 0x0a, |out| out.extend(std::iter::repeat_n(9, size)));
            let mut whole = vec![7, 0x0a];
            varint(&mut whole, size as u64);
            whole.extend(std::iter::repeat_n(9, size));
            assert_eq!(out, whole);
        }
    }

    #[test]
    fn varint_lengths_agree() {
        for shift in 0..64 {
            for number in [1u64 << shift, (1u64 << shift) - 1] {
                let mut out = Vec::new();
                varint(&mut out, number);
                assert_eq!(out.len(), varint_len(number), "{number}");
            }
        }
    }

    #[test]
    fn made_text_is_cut_while_it_is_made() {
        let mut out = Vec::new();
        made_text(&mut out, format_args!("{}{}", "äö", "ü".repeat(9)), 4);
        assert_eq!(std::str::from_utf8(&out), Ok("äöüü"));
    }
}
