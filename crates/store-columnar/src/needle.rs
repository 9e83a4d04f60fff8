//! What a tag search looks for, made ready for many values.
//!
//! A text is compared with values by their text forms ([`span::text_form`]). Turned around, a text can
//! be the form of at most one integer, one double, one run of bytes and one or two strings; so
//! most columns can be searched for a number or a dictionary's entry and never build a text. Arrays
//! and maps are the exception: many packings have one JSON.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use span::text_form::double_text;
use span::{ValueRef, naming};

use crate::value_kind::ValueKind;

/// What values are compared with.
#[derive(Clone, Debug)]
pub(crate) enum Needle {
    /// A text.
    Text(TextNeedle),
    /// Nothing: any value will do.
    Any,
    /// Two bounds, for numbers.
    Between(Bound<f64>, Bound<f64>),
}

/// A text that values are compared with.
#[derive(Clone, Debug)]
pub(crate) struct TextNeedle {
    text: String,
    /// The bytes whose base64 it is.
    decoded: Option<Vec<u8>>,
    int: Option<i64>,
    double: Option<f64>,
}

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        Self::Text(TextNeedle::new(text))
    }

    /// Returns the text, where one is looked for.
    pub(crate) const fn text(&self) -> Option<&TextNeedle> {
        match self {
            Self::Text(text) => Some(text),
            Self::Any | Self::Between(..) => None,
        }
    }

    /// Tells whether a value is what is looked for.
    pub(crate) fn equals(&self, value: ValueRef<'_>) -> bool {
        match self {
            Self::Text(text) => text.equals(value),
            Self::Any => true,
            Self::Between(least, most) => store::is_between(value, *least, *most),
        }
    }

    /// Tells whether any value of the kind can be.
    pub(crate) fn fits(&self, kind: ValueKind) -> bool {
        match self {
            Self::Text(text) => text.fits(kind),
            Self::Any => true,
            Self::Between(..) => matches!(kind, ValueKind::Int | ValueKind::Double),
        }
    }

    /// Returns all runs of bytes that a value of the kind can have; `None` where they are not known.
    pub(crate) fn texts(&self, kind: ValueKind) -> Option<Vec<&[u8]>> {
        self.text()?.texts(kind)
    }

    /// Tells whether a value of the kind with these bits is; for kinds that are no text.
    pub(crate) fn equals_bits(&self, kind: ValueKind, bits: u64) -> bool {
        match self {
            Self::Text(text) => text.equals_bits(kind, bits),
            _ => self.equals(kind.of_bits(bits)),
        }
    }

    /// Tells whether a number from `least` to `most` may be, both given by their bits. Bounds that are no numbers
    /// exclude nothing.
    pub(crate) fn may_lie(&self, kind: ValueKind, least: u64, most: u64) -> bool {
        let Self::Between(from, to) = self else { return true };
        let number = |bits: u64| match kind {
            ValueKind::Double => f64::from_bits(bits),
            _ => bits as i64 as f64,
        };
        let ends_before =
            matches!(from, Bound::Included(from) | Bound::Excluded(from) if number(most) < *from);
        let begins_behind = matches!(to, Bound::Included(to) | Bound::Excluded(to) if *to < number(least));
        !ends_before && !begins_behind
    }
}

impl TextNeedle {
    fn new(text: &str) -> Self {
        // Only the one canonical spelling of a value is its text form.
        let decoded = STANDARD.decode(text).ok().filter(|bytes| STANDARD.encode(bytes) == text);
        let int = text.parse().ok().filter(|number: &i64| number.to_string() == text);
        let double = match text {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            "NaN" => Some(f64::NAN),
            _ => text.parse().ok().filter(|number| double_text(*number) == text),
        };
        Self { text: text.to_owned(), decoded, int, double }
    }

    /// Tells whether a value's text form is this text.
    fn equals(&self, value: ValueRef<'_>) -> bool {
        value.text_equals(&self.text)
    }

    /// Tells whether any value of the kind can have this text.
    fn fits(&self, kind: ValueKind) -> bool {
        match kind {
            ValueKind::Empty => self.text.is_empty(),
            ValueKind::Str => true,
            ValueKind::Bool => matches!(self.text.as_str(), "true" | "false"),
            ValueKind::Int => self.int.is_some(),
            ValueKind::Double => self.double.is_some(),
            ValueKind::Bytes => self.decoded.is_some(),
            ValueKind::Array => self.text.starts_with('['),
            ValueKind::Map => self.text.starts_with('{'),
        }
    }

    /// Returns all runs of bytes that a value of the kind can have to be equal; `None` where they are
    /// not known.
    fn texts(&self, kind: ValueKind) -> Option<Vec<&[u8]>> {
        match kind {
            ValueKind::Str => {
                let broken = self.decoded.as_deref().filter(|bytes| std::str::from_utf8(bytes).is_err());
                Some([self.text.as_bytes()].into_iter().chain(broken).collect())
            }
            ValueKind::Bytes => Some(self.decoded.as_deref().into_iter().collect()),
            _ => None,
        }
    }

    /// Returns the bits of the value of the kind that is equal; for kinds that are no text and not empty.
    /// Of the many doubles that are no number it is one.
    pub(crate) fn bits(&self, kind: ValueKind) -> Option<u64> {
        match kind {
            ValueKind::Bool if self.fits(kind) => Some(u64::from(self.text == "true")),
            ValueKind::Int => self.int.map(|number| number as u64),
            ValueKind::Double => self.double.map(f64::to_bits),
            _ => None,
        }
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a value of the kind with these bits is equal; for kinds that are no text.
    fn equals_bits(&self, kind: ValueKind, bits: u64) -> bool {
        match kind {
            ValueKind::Int => self.int == Some(bits as i64),
            ValueKind::Double => self.double.is_some_and(|double| {
                double.to_bits() == bits || (double.is_nan() && f64::from_bits(bits).is_nan())
            }),
            _ => self.equals(kind.of_bits(bits)),
        }
    }
}

/// Returns all names that are listed as `operation`; `None` where they are not known.
pub(crate) fn names_of(operation: &str) -> Option<Vec<&[u8]>> {
    match operation {
        // A span without a name is not listed by that.
        "" => Some(Vec::new()),
        naming::OPERATION_EMPTY => Some(vec![b"", operation.as_bytes()]),
        naming::OPERATION_INVALID => None,
        _ => Some(vec![operation.as_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_cuts_agree_with_text_forms() {
        let texts = [
            "",
            "7",
            "+7",
            "07",
            "-0",
            "0",
            "1e+21",
            "1e21",
            "NaN",
            "nan",
            "inf",
            "Infinity",
            "true",
            "/w==",
            "/w",
            "aGk=",
            "[1]",
            "{}",
            "hi",
            "123456789012345678901",
        ];
        let values = [
            ValueRef::Empty,
            ValueRef::Str(b""),
            ValueRef::Str(b"7"),
            ValueRef::Str(b"\xff"),
            ValueRef::Str(b"hi"),
            ValueRef::Bool(true),
            ValueRef::Int(7),
            ValueRef::Int(0),
            ValueRef::Double(7.0),
            ValueRef::Double(-0.0),
            ValueRef::Double(1e21),
            ValueRef::Double(f64::NAN),
            ValueRef::Double(-f64::NAN),
            ValueRef::Double(f64::INFINITY),
            ValueRef::Double(123_456_789_012_345_678_901.0),
            ValueRef::Bytes(b"hi"),
            ValueRef::Bytes(b"\xff"),
            ValueRef::Bytes(b""),
        ];
        for text in texts {
            let needle = Needle::new(text);
            for value in values {
                let kind = ValueKind::of(value);
                let equal = value.text_equals(text);
                assert_eq!(needle.equals(value), equal);
                assert!(needle.fits(kind) || !equal, "{text} {value:?}");
                if kind.is_text() {
                    let texts = needle.texts(kind).unwrap();
                    assert_eq!(texts.contains(&crate::value_kind::text_of(value)), equal, "{text} {value:?}");
                } else {
                    let bits = crate::value_kind::bits_of(value);
                    assert_eq!(needle.equals_bits(kind, bits), equal, "{text} {value:?}");
                    let nan = matches!(value, ValueRef::Double(number) if number.is_nan());
                    assert!(
                        nan || kind == ValueKind::Empty
                            || (needle.text().unwrap().bits(kind) == Some(bits)) == equal
                    );
                }
            }
        }
    }
}
