//! Pulls values out of JSON without building a tree of it.
//!
//! The caller knows what it expects: it opens an object or array, takes keys or items one by one, and
//! reads or skips each value. Strings are bytes and are borrowed from the body where nothing is escaped;
//! broken UTF-8 inside them is data. Skipping is iterative, so depth costs no stack; whoever recurses
//! bounds it.
//!
//! Lenient where protobuf's JSON mapping is: numbers may be strings, `null` stands for whatever is
//! expected at its emptiest. A control character inside a string is taken as it is.

use std::borrow::Cow;

use crate::DecodeError;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct JsonReader<'a> {
    body: &'a [u8],
    at: usize,
}

/// An object or array that is being read.
#[derive(Debug)]
pub(crate) struct Open {
    field: &'static str,
    close: u8,
    fresh: bool,
    done: bool,
}

impl<'a> JsonReader<'a> {
    /// Stands in front of the outermost value.
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// Opens an object; `null` is an empty one.
    pub(crate) fn open_object(&mut self, field: &'static str) -> Result<Open, DecodeError> {
        self.open(field, b'{', b'}', "an object was expected")
    }

    /// Opens an array; `null` is an empty one.
    pub(crate) fn open_array(&mut self, field: &'static str) -> Result<Open, DecodeError> {
        self.open(field, b'[', b']', "an array was expected")
    }

    /// Takes the next key of an object, and stands in front of its value; `None` at the end.
    pub(crate) fn key(&mut self, open: &mut Open) -> Result<Option<Cow<'a, [u8]>>, DecodeError> {
        if !self.item(open)? {
            return Ok(None);
        }
        let key = self.string(open.field)?;
        self.space();
        if self.eat(b':') { Ok(Some(key)) } else { Err(self.broken(open.field, "a colon was expected")) }
    }

    /// Stands in front of the next item of an array; false at the end.
    pub(crate) fn item(&mut self, open: &mut Open) -> Result<bool, DecodeError> {
        if open.done {
            return Ok(false);
        }
        self.space();
        if self.eat(open.close) {
            open.done = true;
            return Ok(false);
        }
        if !std::mem::take(&mut open.fresh) && !self.eat(b',') {
            return Err(self.broken(open.field, "a comma or the end was expected"));
        }
        self.space();
        Ok(true)
    }

    /// Reads a string; `null` is an empty one.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<Cow<'a, [u8]>, DecodeError> {
        self.space();
        if self.null() { Ok(Cow::Borrowed(b"")) } else { self.string(field) }
    }

    /// Reads a boolean; `null` is false.
    pub(crate) fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        self.space();
        if self.word(b"true") {
            return Ok(true);
        }
        if self.word(b"false") || self.null() {
            return Ok(false);
        }
        Err(self.broken(field, "true or false was expected"))
    }

    /// Reads a whole number, or a string of one; `null` is zero. What no integer type holds saturates.
    pub(crate) fn integer(&mut self, field: &'static str) -> Result<i128, DecodeError> {
        let at = self.at;
        let text = self.numeral(field)?;
        let text = std::str::from_utf8(&text).unwrap_or_default();
        if let Ok(number) = text.parse() {
            return Ok(number);
        }
        match text.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 => Ok(number as i128),
            _ => Err(DecodeError::Invalid { field, why: "a whole number was expected", at }),
        }
    }

    /// Reads a number, or a string of one or of `NaN`, `Infinity`, `-Infinity`; `null` is zero.
    pub(crate) fn double(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        let at = self.at;
        let text = self.numeral(field)?;
        let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
        number.ok_or(DecodeError::Invalid { field, why: "a number was expected", at })
    }

    /// Tells whether a string comes next.
    pub(crate) fn is_string(&mut self) -> bool {
        self.space();
        self.peek() == Some(b'"')
    }

    /// Passes over the next value, however deep, and returns it as it stands.
    pub(crate) fn skip(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        self.space();
        let from = self.at;
        let mut closes = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some(b'{') => closes.push(b'}'),
                Some(b'[') => closes.push(b']'),
                Some(b'"') => {
                    self.string(field)?;
                    self.at -= 1;
                }
                Some(b',' | b':') if !closes.is_empty() => {}
                Some(close @ (b'}' | b']')) => {
                    if closes.pop() != Some(close) {
                        return Err(self.broken(field, "a value was expected"));
                    }
                }
                Some(_) => {
                    self.scalar(field)?;
                    self.at -= 1;
                }
                None => return Err(self.broken(field, "a value was expected")),
            }
            self.at += 1;
            if closes.is_empty() {
                return Ok(self.body.get(from..self.at).unwrap_or_default());
            }
        }
    }

    /// Checks that nothing but space is left.
    pub(crate) fn end(&mut self) -> Result<(), DecodeError> {
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.broken("request", "the end was expected")),
        }
    }

    /// Returns an error about `field` at this place.
    #[cold]
    pub(crate) fn broken(&self, field: &'static str, why: &'static str) -> DecodeError {
        match self.peek() {
            Some(_) => DecodeError::Invalid { field, why, at: self.at },
            None => DecodeError::Truncated { field, at: self.at },
        }
    }

    fn open(
        &mut self,
        field: &'static str,
        open: u8,
        close: u8,
        why: &'static str,
    ) -> Result<Open, DecodeError> {
        self.space();
        let done = self.null();
        if !done && !self.eat(open) {
            return Err(self.broken(field, why));
        }
        Ok(Open { field, close, fresh: true, done })
    }

    fn string(&mut self, field: &'static str) -> Result<Cow<'a, [u8]>, DecodeError> {
        if !self.eat(b'"') {
            return Err(self.broken(field, "a string was expected"));
        }
        let plain = self.plain_run(field)?;
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        while !self.eat(b'"') {
            self.escape(field, &mut text)?;
            text.extend_from_slice(self.plain_run(field)?);
        }
        Ok(Cow::Owned(text))
    }

    fn plain_run(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let Some(len) = memchr::memchr2(b'"', b'\\', rest) else {
            self.at = self.body.len();
            return Err(self.broken(field, "a string never ends"));
        };
        self.at += len;
        Ok(rest.get(..len).unwrap_or_default())
    }

    /// Reads one escape. Half of a surrogate pair is no character and becomes U+FFFD.
    fn escape(&mut self, field: &'static str, text: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(other @ (b'"' | b'\\' | b'/')) => other,
            Some(b'u') => {
                self.at += 1;
                let mut unit = self.hex4(field)?;
                if (0xd800..0xdc00).contains(&unit)
                    && self.body.get(self.at..).is_some_and(|r| r.starts_with(b"\\u"))
                {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex4(field)?;
                    if (0xdc00..0xe000).contains(&low) {
                        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        self.at = back;
                    }
                }
                let character = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.broken(field, "an escape that JSON does not know")),
        };
        text.push(plain);
        self.at += 1;
        Ok(())
    }

    fn hex4(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let digits = self.body.get(self.at..self.at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        let plain = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(unit) = plain.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self.broken(field, "four hex digits were expected"));
        };
        self.at += 4;
        Ok(unit)
    }

    /// Reads the text of a number, bare or as a string.
    fn numeral(&mut self, field: &'static str) -> Result<Cow<'a, [u8]>, DecodeError> {
        self.space();
        if self.null() {
            return Ok(Cow::Borrowed(b"0"));
        }
        match self.peek() {
            Some(b'"') => self.string(field),
            Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(self.scalar(field)?)),
            _ => Err(self.broken(field, "a number was expected")),
        }
    }

    /// Reads a bare word: a number, `true`, `false` or `null`.
    fn scalar(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let len = rest.iter().position(|byte| !inside(byte)).unwrap_or(rest.len());
        let word = rest.get(..len).unwrap_or_default();
        let known = match word.first() {
            Some(b'-' | b'0'..=b'9') => true,
            _ => matches!(word, b"true" | b"false" | b"null"),
        };
        if !known {
            return Err(self.broken(field, "a value was expected"));
        }
        self.at += len;
        Ok(word)
    }

    fn null(&mut self) -> bool {
        self.word(b"null")
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let there = self.body.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if there {
            self.at += word.len();
        }
        there
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_borrowed_until_something_is_escaped() {
        let read = |body: &'static str| JsonReader::new(body.as_bytes()).text("f").unwrap();
        assert!(matches!(read(r#" "plain" "#), Cow::Borrowed(b"plain")));
        assert_eq!(read(r#""a\"\\\/\n\t\r\b\f\u00e9""#), "a\"\\/\n\t\r\u{8}\u{c}é".as_bytes());
        assert_eq!(
            read(r#""\ud83d\ude00 \ud83d \ude00 \ud83d\u0041""#),
            "😀 \u{fffd} \u{fffd} \u{fffd}A".as_bytes()
        );
        assert_eq!(read("null"), b"".as_slice());
        assert_eq!(JsonReader::new(b"\"\xff\"").text("f").unwrap(), b"\xff".as_slice());
    }

    #[test]
    fn numbers_may_be_strings() {
        let integer = |body: &str| JsonReader::new(body.as_bytes()).integer("f");
        for (body, number) in
            [("-5", -5), ("\"18446744073709551615\"", u64::MAX.into()), ("1.5e1", 15), ("null", 0)]
        {
            assert_eq!(integer(body), Ok(number));
        }
        assert_eq!(integer("1e300"), Ok(i128::MAX));
        for body in ["1.5", "\"\"", "\"x\"", "true", "-", "\"NaN\"", ""] {
            assert!(integer(body).is_err(), "{body}");
        }
        let double = |body: &str| JsonReader::new(body.as_bytes()).double("f");
        assert_eq!(double("\"-Infinity\""), Ok(f64::NEG_INFINITY));
        assert_eq!(double("0.1"), Ok(0.1));
        assert!(double("\"NaN\"").unwrap().is_nan());
    }

    #[test]
    fn skipping_needs_no_stack_and_minds_the_brackets() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(JsonReader::new(deep.as_bytes()).skip("f").unwrap().len(), deep.len());
        for (body, rest) in
            [(r#"{"a":[1,"]"],"b":{}} x"#, " x"), ("12,", ","), ("null]", "]"), (r#""\"",1"#, ",1")]
        {
            let mut reader = JsonReader::new(body.as_bytes());
            let skipped = reader.skip("f").unwrap().len();
            assert_eq!(&body[skipped..], rest);
        }
        for body in ["", "[", "]", "{]", "nope", ",", "\"x", "[1,2"] {
            assert!(JsonReader::new(body.as_bytes()).skip("f").is_err(), "{body}");
        }
    }

    #[test]
    fn errors_name_field_and_place() {
        let mut reader = JsonReader::new(br#"{"a" 1}"#);
        let mut open = reader.open_object("span").unwrap();
        assert_eq!(reader.key(&mut open).unwrap_err().to_string(), "span: a colon was expected at byte 5");
        let mut reader = JsonReader::new(b"[1");
        let mut open = reader.open_array("spans").unwrap();
        assert!(reader.item(&mut open).unwrap());
        reader.skip("spans").unwrap();
        assert_eq!(
            reader.item(&mut open).unwrap_err().to_string(),
            "spans: the message ends at byte 2, inside this field"
        );
    }
}
