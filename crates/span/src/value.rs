//! Attribute values: as a row keeps them, and as a reader sees them.

mod packed;

use crate::Text;

pub use packed::{DEPTH_MAX, Packed, PackedList, PackedMap, PackedWriter};

/// A value as a row keeps it: 16 bytes, texts by offset. Arrays and maps are packed (see
/// [`crate::Packed`]), because they are rare, and nested objects would cost every batch an allocator.
#[derive(Clone, Copy, Debug, Default)]
pub enum Value {
    /// OTLP's `AnyValue` with nothing set.
    #[default]
    Empty,
    /// A string; it may be no UTF-8.
    Str(Text),
    /// A boolean.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(Text),
    /// A packed list of values.
    Array(Text),
    /// A packed list of keys and values.
    Map(Text),
}

/// A value as a reader sees it, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// Nothing set.
    Empty,
    /// A string; it may be no UTF-8.
    Str(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of values.
    Array(PackedList<'a>),
    /// A list of keys and values; a key may repeat.
    Map(PackedMap<'a>),
}

impl<'a> ValueRef<'a> {
    /// Returns the string, `None` for every other kind of value.
    pub const fn as_str(self) -> Option<&'a [u8]> {
        match self {
            Self::Str(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the packed bytes of an array or a map.
    pub const fn as_packed(self) -> Option<Packed<'a>> {
        match self {
            Self::Array(list) => Some(list.packed()),
            Self::Map(map) => Some(map.packed()),
            _ => None,
        }
    }
}
