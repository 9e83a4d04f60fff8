//! Values as text: what a tag search compares with, and what lists show.
//!
//! The forms are those of OpenTelemetry's `AsString` as Jaeger uses it: whole doubles lose their point,
//! exponents begin at `1e+21` and `1e-7`, bytes are base64, arrays and maps are compact JSON with sorted
//! keys. A string that is no UTF-8 counts as bytes.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::naming::key_of;
use crate::{DEPTH_MAX, ValueRef};

impl<'a> ValueRef<'a> {
    /// Returns the value as text.
    pub fn text_form(self) -> Cow<'a, str> {
        match self {
            Self::Str(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(STANDARD.encode(bytes)),
            },
            Self::Empty => Cow::Borrowed(""),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Double(number) => Cow::Owned(double_text(number)),
            Self::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes)),
            Self::Array(_) | Self::Map(_) => Cow::Owned(self.json_form()),
        }
    }

    /// Returns the value as compact JSON with sorted keys; of a repeated key the last one stands.
    /// Doubles that JSON cannot write are strings.
    pub fn json_form(self) -> String {
        let mut out = String::new();
        write_json(&mut out, self, DEPTH_MAX);
        out
    }

    /// Tells whether [`Self::text_form`] equals `text`, without building it where that is cheap.
    pub fn text_equals(self, text: &str) -> bool {
        match self {
            Self::Str(bytes) if bytes == text.as_bytes() => true,
            Self::Str(bytes) => std::str::from_utf8(bytes).is_err() && self.text_form() == text,
            Self::Int(number) => text.parse() == Ok(number) && self.text_form() == text,
            _ => self.text_form() == text,
        }
    }
}

/// Returns a double as ECMAScript prints it.
pub fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-Infinity" } else { "Infinity" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if size < 1.0 { text } else { text.replacen('e', "e+", 1) };
    }
    format!("{number}")
}

fn write_json(out: &mut String, value: ValueRef<'_>, depth: usize) {
    match value {
        ValueRef::Empty => out.push_str("null"),
        ValueRef::Bool(_) | ValueRef::Int(_) => out.push_str(&value.text_form()),
        ValueRef::Double(number) if number.is_finite() => out.push_str(&double_text(number)),
        ValueRef::Str(_) | ValueRef::Bytes(_) | ValueRef::Double(_) => {
            write_json_text(out, &value.text_form());
        }
        ValueRef::Array(_) | ValueRef::Map(_) if depth == 0 => out.push_str("null"),
        ValueRef::Array(list) => {
            out.push('[');
            for (place, item) in list.iter().enumerate() {
                if place != 0 {
                    out.push(',');
                }
                write_json(out, item, depth - 1);
            }
            out.push(']');
        }
        ValueRef::Map(map) => {
            let mut entries: Vec<(Cow<'_, str>, ValueRef<'_>)> =
                map.iter().map(|(key, value)| (key_of(key), value)).collect();
            // The sort is stable, so of equal keys the last one stays last.
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let last_of_key = |at: usize| entries.get(at + 1).is_none_or(|next| next.0 != entries[at].0);
            out.push('{');
            for (place, at) in (0..entries.len()).filter(|at| last_of_key(*at)).enumerate() {
                if place != 0 {
                    out.push(',');
                }
                write_json_text(out, &entries[at].0);
                out.push(':');
                write_json(out, entries[at].1, depth - 1);
            }
            out.push('}');
        }
    }
}

/// Writes a JSON string with the escapes that JSON demands and no others.
fn write_json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => write!(out, "\\u{:04x}", c as u32).expect("writing to a string cannot fail"),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PackedWriter;

    #[test]
    fn doubles_read_as_in_javascript() {
        let all = [1.0, 72.5, 1e21, 1e20, 1e-7, 1e-6, -0.5, 123_456.0, f64::INFINITY, 1.5e300, -2.5e-9];
        let texts = all.map(double_text).join(" ");
        assert_eq!(
            texts,
            "1 72.5 1e+21 100000000000000000000 1e-7 0.000001 -0.5 123456 Infinity 1.5e+300 -2.5e-9"
        );
    }

    #[test]
    fn maps_are_sorted_and_the_last_of_a_key_stands() {
        let mut map = PackedWriter::new();
        map.entry(b"b", ValueRef::Int(1));
        map.entry(b"a", ValueRef::Str(b"<\"\n>"));
        map.entry(b"b", ValueRef::Double(2.5));
        let bytes = map.finish();
        let value = ValueRef::Map(crate::Packed::new(&bytes).map());
        assert_eq!(value.text_form(), r#"{"a":"<\"\n>","b":2.5}"#);
    }

    #[test]
    fn broken_text_is_bytes() {
        assert_eq!(ValueRef::Str(b"\xff").text_form(), "/w==");
        assert!(ValueRef::Str(b"\xff").text_equals("/w=="));
        assert!(ValueRef::Int(123).text_equals("123"));
        assert!(!ValueRef::Int(123).text_equals("+123"));
        assert!(ValueRef::Bool(true).text_equals("true"));
    }
}
