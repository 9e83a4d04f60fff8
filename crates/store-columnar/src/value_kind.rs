//! What kind of value an attribute has: half of a column's name.

use span::ValueRef;
use store::LabelKind;

/// The kinds of attribute values. The numbers are written to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum ValueKind {
    Empty = 0,
    Str = 1,
    Bool = 2,
    Int = 3,
    Double = 4,
    Bytes = 5,
    Array = 6,
    Map = 7,
}

impl ValueKind {
    /// All kinds, by number.
    pub(crate) const ALL: [Self; 8] =
        [Self::Empty, Self::Str, Self::Bool, Self::Int, Self::Double, Self::Bytes, Self::Array, Self::Map];

    /// Returns the kind with the given number, `None` where there is none.
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Returns the kind of a value.
    pub(crate) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Empty => Self::Empty,
            ValueRef::Str(_) => Self::Str,
            ValueRef::Bool(_) => Self::Bool,
            ValueRef::Int(_) => Self::Int,
            ValueRef::Double(_) => Self::Double,
            ValueRef::Bytes(_) => Self::Bytes,
            ValueRef::Array(_) => Self::Array,
            ValueRef::Map(_) => Self::Map,
        }
    }

    /// Tells whether the value is a run of bytes: text, raw bytes, or a packed array or map.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Str | Self::Bytes | Self::Array | Self::Map)
    }

    /// Returns what lists call it.
    pub(crate) const fn label(self) -> LabelKind {
        match self {
            Self::Empty => LabelKind::Empty,
            Self::Str => LabelKind::String,
            Self::Bool => LabelKind::Bool,
            Self::Int => LabelKind::Int,
            Self::Double => LabelKind::Double,
            Self::Bytes => LabelKind::Bytes,
            Self::Array => LabelKind::Array,
            Self::Map => LabelKind::Map,
        }
    }

    /// Returns how many words a value takes in [`crate::rows`].
    pub(crate) const fn words(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Str | Self::Bool | Self::Bytes | Self::Array | Self::Map => 1,
            Self::Int | Self::Double => 2,
        }
    }

    /// Returns the value whose bytes are `text`; for kinds that [`Self::is_text`].
    pub(crate) const fn of_text(self, text: &[u8]) -> ValueRef<'_> {
        match self {
            Self::Bytes => ValueRef::Bytes(text),
            Self::Array => ValueRef::Array(span::Packed::new(text).list()),
            Self::Map => ValueRef::Map(span::Packed::new(text).map()),
            Self::Str | Self::Empty | Self::Bool | Self::Int | Self::Double => ValueRef::Str(text),
        }
    }

    /// Returns the value whose 64 bits are `bits`; for kinds that are no text.
    pub(crate) const fn of_bits(self, bits: u64) -> ValueRef<'static> {
        match self {
            Self::Bool => ValueRef::Bool(bits != 0),
            Self::Int => ValueRef::Int(bits as i64),
            Self::Double => ValueRef::Double(f64::from_bits(bits)),
            Self::Empty | Self::Str | Self::Bytes | Self::Array | Self::Map => ValueRef::Empty,
        }
    }
}

/// Returns the bytes of a value that is text.
pub(crate) fn text_of(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Str(bytes) | ValueRef::Bytes(bytes) => bytes,
        ValueRef::Array(list) => list.packed().bytes(),
        ValueRef::Map(map) => map.packed().bytes(),
        ValueRef::Empty | ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::Double(_) => b"",
    }
}

/// Returns the bits of a value that is no text.
pub(crate) fn bits_of(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Bool(on) => u64::from(on),
        ValueRef::Int(number) => number as u64,
        ValueRef::Double(number) => number.to_bits(),
        ValueRef::Empty | ValueRef::Str(_) | ValueRef::Bytes(_) | ValueRef::Array(_) | ValueRef::Map(_) => 0,
    }
}
