//! Values of attributes, borrowed from whoever records them until they are written.

use std::fmt;

/// A typed value. Numbers, texts and the like convert into it, so that `attr("rows", 3)` just works.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A text.
    Str(&'a str),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A list, of any types.
    List(&'a [Self]),
    /// A list of texts.
    Strs(&'a [&'a str]),
    /// A map.
    Map(&'a [(&'a str, Self)]),
    /// A text that is made while it is written, from `Display`.
    Display(&'a dyn fmt::Display),
    /// A text that is made while it is written, from `Debug`.
    Debug(&'a dyn fmt::Debug),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => text.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::List(values) => values.fmt(f),
            Self::Strs(texts) => texts.fmt(f),
            Self::Map(entries) => f.debug_map().entries(entries.iter().map(|(k, v)| (k, v))).finish(),
            Self::Display(value) => value.fmt(f),
            Self::Debug(value) => value.fmt(f),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    #[inline]
    fn from(text: &'a String) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a [&'a str]> for Value<'a> {
    #[inline]
    fn from(texts: &'a [&'a str]) -> Self {
        Self::Strs(texts)
    }
}

impl<'a> From<&'a [Self]> for Value<'a> {
    #[inline]
    fn from(values: &'a [Self]) -> Self {
        Self::List(values)
    }
}

impl From<bool> for Value<'_> {
    #[inline]
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for Value<'_> {
    #[inline]
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<f32> for Value<'_> {
    #[inline]
    fn from(number: f32) -> Self {
        Self::Double(f64::from(number))
    }
}

macro_rules! from_integers {
    ($($small:ty)*) => {$(
        impl From<$small> for Value<'_> {
            #[inline]
            fn from(number: $small) -> Self {
                Self::Int(i64::from(number))
            }
        }
    )*};
}

from_integers!(i8 i16 i32 i64 u8 u16 u32);

macro_rules! from_wide {
    ($($wide:ty)*) => {$(
        /// Numbers past the largest signed one saturate: OTLP has no unsigned integer.
        impl From<$wide> for Value<'_> {
            #[inline]
            fn from(number: $wide) -> Self {
                Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )*};
}

from_wide!(u64 usize isize);
