//! Writes JSON straight into bytes.
//!
//! No tree is built: what is written is what is sent. The writer knows where commas go and how to
//! indent, so that those who write objects only say what is in them. It may be emptied at any time
//! ([`JsonWriter::take`]), which is how long answers are sent in parts.

use std::io::Write as _;

use span::{SpanId, TraceId};

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Without any space.
    Compact,
    /// A line for each value, indented by four.
    Pretty,
}

/// Where a text's memory begins: doubled from here it meets the size of a part.
const START_BYTES: usize = 4 << 10;

/// A JSON text being written.
#[derive(Debug)]
pub(crate) struct JsonWriter {
    out: Vec<u8>,
    layout: Layout,
    depth: usize,
    /// Nothing was written yet in the innermost array or object.
    first: bool,
    /// A key was written, its value not yet.
    after_key: bool,
}

impl JsonWriter {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { out: Vec::with_capacity(START_BYTES), layout, depth: 0, first: true, after_key: false }
    }

    /// Returns how many bytes were written since the last [`Self::take`].
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// Returns how much memory the text holds.
    pub(crate) fn bytes_held(&self) -> usize {
        self.out.capacity()
    }

    /// Hands out what was written.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.out, Vec::with_capacity(START_BYTES))
    }

    pub(crate) fn begin_object(&mut self) {
        self.begin(b'{');
    }

    pub(crate) fn end_object(&mut self) {
        self.end(b'}');
    }

    pub(crate) fn begin_array(&mut self) {
        self.begin(b'[');
    }

    pub(crate) fn end_array(&mut self) {
        self.end(b']');
    }

    /// Writes a key of our own: one that needs no escapes.
    pub(crate) fn key(&mut self, key: &'static str) {
        self.place();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.end_key();
    }

    /// Writes a key that may hold anything.
    pub(crate) fn text_key(&mut self, key: &str) {
        self.place();
        escape(&mut self.out, key);
        self.out.push(b':');
        self.end_key();
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.place();
        escape(&mut self.out, text);
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        self.place();
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.place();
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Writes a finite number; whole ones without a point, as browsers do.
    pub(crate) fn double(&mut self, number: f64) {
        self.place();
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() < EXACT && !(number == 0.0 && number.is_sign_negative()) {
            self.out.extend_from_slice(itoa::Buffer::new().format(number as i64).as_bytes());
        } else {
            self.out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
        }
    }

    pub(crate) fn bool(&mut self, on: bool) {
        self.place();
        self.out.extend_from_slice(if on { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self) {
        self.place();
        self.out.extend_from_slice(b"null");
    }

    /// Writes a trace id as v1 shows it: 16 digits where they suffice.
    pub(crate) fn short_trace_id(&mut self, id: TraceId) {
        let bytes = id.to_bytes();
        self.digits(if id.high() == 0 { &bytes[8..] } else { &bytes });
    }

    pub(crate) fn span_id(&mut self, id: SpanId) {
        self.digits(&id.to_bytes());
    }

    /// Writes bytes as a text of hexadecimal digits.
    fn digits(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.place();
        let mut text = [b'"'; 34];
        for (pair, byte) in text[1..].as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        text[1 + 2 * bytes.len()] = b'"';
        self.out.extend_from_slice(&text[..2 + 2 * bytes.len()]);
    }

    /// Writes an object of `key`, `type` and `value`, the commonest of all. `value` writes its value.
    pub(crate) fn tag(&mut self, key: &str, type_name: &'static str, value: impl FnOnce(&mut Self)) {
        if self.layout == Layout::Pretty {
            self.begin_object();
            self.key("key");
            self.text(key);
            self.key("type");
            self.text(type_name);
            self.key("value");
            value(self);
            self.end_object();
            return;
        }
        // The same bytes, without asking at each of them where commas go.
        self.place();
        self.out.extend_from_slice(b"{\"key\":");
        escape(&mut self.out, key);
        self.out.extend_from_slice(b",\"type\":\"");
        self.out.extend_from_slice(type_name.as_bytes());
        self.out.extend_from_slice(b"\",\"value\":");
        self.after_key = true;
        value(self);
        self.out.push(b'}');
    }

    fn begin(&mut self, bracket: u8) {
        self.place();
        self.out.push(bracket);
        self.depth += 1;
        self.first = true;
    }

    fn end(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.first {
            self.new_line();
        }
        self.out.push(bracket);
        self.first = false;
    }

    /// Writes what stands before a value or a key.
    fn place(&mut self) {
        if std::mem::take(&mut self.after_key) {
            return;
        }
        if self.depth == 0 {
            return;
        }
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.new_line();
    }

    fn end_key(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push(b' ');
        }
        self.after_key = true;
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 4 * self.depth, b' ');
        }
    }
}

/// Writes a JSON string: runs that need no escape are copied whole.
fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    while let Some(at) = first_escaped(rest) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => write!(out, "\\u{byte:04x}").expect("writing to memory cannot fail"),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Returns where the first byte is that JSON wants escaped. Eight bytes are looked at together: a byte below 32, a
/// quote or a backslash borrows into the highest bit of its lane, which is only trusted where it is found at all.
fn first_escaped(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let is_escaped = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
    let (words, _) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let zero = |lanes: u64| lanes.wrapping_sub(ONES) & !lanes;
        let low = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        if (low | quote | backslash) & HIGH != 0 {
            break;
        }
        at += 8;
    }
    bytes[at..].iter().position(is_escaped).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(layout: Layout) -> String {
        let mut json = JsonWriter::new(layout);
        json.begin_object();
        json.key("data");
        json.begin_array();
        json.text("a\"\\\n\u{1}ü");
        json.unsigned(7);
        json.double(1.5);
        json.double(200.0);
        json.double(-0.0);
        json.begin_object();
        json.end_object();
        json.end_array();
        json.key("none");
        json.null();
        json.key("empty");
        json.begin_array();
        json.end_array();
        json.end_object();
        String::from_utf8(json.take()).unwrap()
    }

    #[test]
    fn commas_and_indents_are_in_their_places() {
        assert_eq!(
            sample(Layout::Compact),
            r#"{"data":["a\"\\\n\u0001ü",7,1.5,200,-0.0,{}],"none":null,"empty":[]}"#
        );
        let pretty = sample(Layout::Pretty);
        assert!(pretty.starts_with("{\n    \"data\": [\n        \"a"));
        assert!(pretty.ends_with("\n    ],\n    \"none\": null,\n    \"empty\": []\n}"));
    }

    #[test]
    fn a_tag_is_the_same_in_both_layouts() {
        let write = |layout| {
            let mut json = JsonWriter::new(layout);
            json.begin_array();
            json.tag("a\"b", "string", |json| json.text("x"));
            json.tag("n", "int64", |json| json.signed(-5));
            json.end_array();
            String::from_utf8(json.take()).unwrap()
        };
        let compact = write(Layout::Compact);
        let expected =
            r#"[{"key":"a\"b","type":"string","value":"x"},{"key":"n","type":"int64","value":-5}]"#;
        assert_eq!(compact, expected);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&write(Layout::Pretty)), read(&compact));
    }

    #[test]
    fn every_byte_that_needs_an_escape_is_found_at_every_place() {
        for byte in 0..=127_u8 {
            let escaped = matches!(byte, 0..=0x1f | b'"' | b'\\');
            for place in 0..20 {
                for fill in ["a", "\u{7f}", " ", "\u{80}", "ÿ", "!", "#", "]"] {
                    let text = format!("{}{}{}", fill.repeat(place), char::from(byte), fill.repeat(9));
                    let found = first_escaped(text.as_bytes());
                    assert_eq!(found, escaped.then_some(place * fill.len()), "{byte} {place} {fill}");
                }
            }
        }
    }

    #[test]
    fn ids_are_digits() {
        let mut json = JsonWriter::new(Layout::Compact);
        json.begin_array();
        json.short_trace_id(TraceId::from_halves(0, 0xab));
        json.short_trace_id(TraceId::from_halves(0x1f, 0xab));
        json.span_id(SpanId::from_u64(0xfedc_ba98_7654_3210));
        json.end_array();
        let expected = r#"["00000000000000ab","000000000000001f00000000000000ab","fedcba9876543210"]"#;
        assert_eq!(String::from_utf8(json.take()).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn any_text_and_number_is_read_back(text: String, number: f64, whole: i64) {
            let mut json = JsonWriter::new(Layout::Compact);
            json.begin_array();
            json.text(&text);
            json.signed(whole);
            json.end_array();
            let read: serde_json::Value = serde_json::from_slice(&json.take()).unwrap();
            prop_assert_eq!(read[0].as_str(), Some(&*text));
            prop_assert_eq!(read[1].as_i64(), Some(whole));
            if number.is_finite() {
                let mut json = JsonWriter::new(Layout::Compact);
                json.double(number);
                let written = String::from_utf8(json.take()).unwrap();
                prop_assert!(serde_json::from_str::<serde_json::Number>(&written).is_ok());
                prop_assert_eq!(written.parse(), Ok(number));
            }
        }
    }
}
