//! Writes compact JSON into one growing run of bytes.
//!
//! Commas are the writer's affair; the caller says objects, arrays, keys and values. Text is bytes: what
//! is no UTF-8 is replaced by U+FFFD, so that whatever was stored, the answer parses. Doubles that JSON
//! cannot write are strings, and 64-bit integers are too, as protobuf's JSON mapping wants both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// JSON so far.
#[derive(Debug)]
pub(crate) struct JsonWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Something stands before, in the same object or array.
    comma: bool,
}

impl<'a> JsonWriter<'a> {
    /// Appends to `out`.
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    /// Writes an object whose keys and values `write` writes.
    pub(crate) fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.nested(b'{', b'}', write);
    }

    /// Writes an array whose items `write` writes.
    pub(crate) fn array(&mut self, write: impl FnOnce(&mut Self)) {
        self.nested(b'[', b']', write);
    }

    /// Writes a key; its value comes next. `key` is one of ours and needs no escapes.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Self {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.comma = false;
        self
    }

    /// Writes a string.
    pub(crate) fn text(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.push(b'"');
        for chunk in bytes.utf8_chunks() {
            escape(self.out, chunk.valid());
            if !chunk.invalid().is_empty() {
                self.out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
        self.out.push(b'"');
    }

    /// Writes a number of at most 32 bits.
    pub(crate) fn number(&mut self, number: u32) {
        self.separate();
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Writes a 64-bit integer, as a string.
    pub(crate) fn int(&mut self, number: impl itoa::Integer) {
        self.quoted(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Writes a double.
    pub(crate) fn double(&mut self, number: f64) {
        if number.is_finite() {
            self.separate();
            self.out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
        } else if number.is_nan() {
            self.quoted(b"NaN");
        } else {
            self.quoted(if number < 0.0 { b"-Infinity" } else { b"Infinity" });
        }
    }

    /// Writes a boolean.
    pub(crate) fn bool(&mut self, on: bool) {
        self.separate();
        self.out.extend_from_slice(if on { b"true" } else { b"false" });
    }

    /// Writes bytes as base64.
    pub(crate) fn base64(&mut self, bytes: &[u8]) {
        self.quoted(STANDARD.encode(bytes).as_bytes());
    }

    /// Writes bytes as lower-case hex.
    pub(crate) fn hex(&mut self, bytes: &[u8]) {
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
        self.separate();
        self.out.push(b'"');
        self.out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        self.out.push(b'"');
    }

    fn nested(&mut self, open: u8, close: u8, write: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.push(open);
        self.comma = false;
        write(self);
        self.out.push(close);
        self.comma = true;
    }

    fn quoted(&mut self, plain: &[u8]) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(plain);
        self.out.push(b'"');
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }
}

/// Appends `text` with JSON's escapes, run by run.
fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((special, behind)) = from.split_first() else { break };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_separated_and_escaped() {
        let mut out = Vec::new();
        JsonWriter::new(&mut out).object(|out| {
            out.key("text").text(b"a\"b\\c\nd\x01\xff\xf0\x9f\x98\x80");
            out.key("items").array(|out| {
                out.int(-5_i64);
                out.number(7);
                out.double(0.5);
                out.double(f64::NAN);
                out.double(f64::NEG_INFINITY);
                out.bool(true);
                out.object(|_| {});
                out.array(|_| {});
            });
            out.key("hex").hex(&[0x0f, 0xa0]);
            out.key("base64").base64(b"\0\0");
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"text":"a\"b\\c\nd\u0001�😀","items":["-5",7,0.5,"NaN","-Infinity",true,{},[]],"hex":"0fa0","base64":"AAA="}"#
        );
    }
}
