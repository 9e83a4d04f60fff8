//! Trace and span ids: fixed bytes, ordered as numbers, printed as hex.

use std::fmt;
use std::str::FromStr;

use crate::HeaderText;

/// The 16 bytes that all spans of one trace share. Ordered as an unsigned big-endian number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId([u8; 16]);

/// The 8 bytes that name one span inside its trace. Ordered as an unsigned big-endian number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId([u8; 8]);

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseIdError {
    /// Nothing was given.
    Empty,
    /// More hex digits than the id has.
    TooLong {
        /// Digits that were given.
        digits: usize,
        /// Digits that fit.
        digits_max: usize,
    },
    /// A byte that is no hex digit.
    NotHex {
        /// Where it stands, in bytes.
        at: usize,
    },
}

impl TraceId {
    /// The id that stands for "no trace".
    pub const NONE: Self = Self([0; 16]);

    /// Takes the 16 bytes as they stand on the wire.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Joins the two halves that Jaeger's thrift and Zipkin's v1 send.
    pub const fn from_halves(high: u64, low: u64) -> Self {
        Self((((high as u128) << 64) | low as u128).to_be_bytes())
    }

    /// Returns the 16 bytes as they stand on the wire.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Returns the high 64 bits; zero for ids that began as 64-bit ones.
    pub const fn high(self) -> u64 {
        (u128::from_be_bytes(self.0) >> 64) as u64
    }

    /// Returns the low 64 bits.
    pub const fn low(self) -> u64 {
        u128::from_be_bytes(self.0) as u64
    }

    /// Returns the 32 lower-case hex digits, without an allocation.
    ///
    /// ```
    /// # use tracewell_context::TraceId;
    /// assert_eq!(TraceId::from_halves(0, 0xabc).hex().as_str(), "00000000000000000000000000000abc");
    /// ```
    pub fn hex(self) -> HeaderText {
        HeaderText::new().push_hex(&self.0)
    }

    /// Tells whether this is the all-zero id.
    pub const fn is_none(self) -> bool {
        u128::from_be_bytes(self.0) == 0
    }
}

impl SpanId {
    /// The id that stands for "no span", as in a root's parent.
    pub const NONE: Self = Self([0; 8]);

    /// Takes the 8 bytes as they stand on the wire.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Takes the id as the number that thrift and Zipkin's v1 send.
    pub const fn from_u64(number: u64) -> Self {
        Self(number.to_be_bytes())
    }

    /// Returns the 8 bytes as they stand on the wire.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// Returns the id as a number.
    pub const fn to_u64(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    /// Returns the 16 lower-case hex digits, without an allocation.
    ///
    /// ```
    /// # use tracewell_context::SpanId;
    /// assert_eq!(SpanId::from_u64(0xabc).hex().as_str(), "0000000000000abc");
    /// ```
    pub fn hex(self) -> HeaderText {
        HeaderText::new().push_hex(&self.0)
    }

    /// Tells whether this is the all-zero id.
    pub const fn is_none(self) -> bool {
        u64::from_be_bytes(self.0) == 0
    }
}

impl FromStr for TraceId {
    type Err = ParseIdError;

    /// Reads 1 to 32 hex digits of either case; fewer than 32 are padded with zeros on the left.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hex(text).map(Self)
    }
}

impl FromStr for SpanId {
    type Err = ParseIdError;

    /// Reads 1 to 16 hex digits of either case; fewer than 16 are padded with zeros on the left.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "an id needs at least one hex digit"),
            Self::TooLong { digits, digits_max } => {
                write!(f, "an id has at most {digits_max} hex digits, not {digits}")
            }
            Self::NotHex { at } => write!(f, "byte {at} of the id is no hex digit"),
        }
    }
}

impl std::error::Error for ParseIdError {}

/// Reads hex digits right-aligned into `N` bytes.
fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let digits = text.as_bytes();
    if digits.is_empty() {
        return Err(ParseIdError::Empty);
    }
    if 2 * N < digits.len() {
        return Err(ParseIdError::TooLong { digits: digits.len(), digits_max: 2 * N });
    }
    let mut bytes = [0; N];
    for (place, (at, digit)) in digits.iter().enumerate().rev().enumerate() {
        let value = (*digit as char).to_digit(16).ok_or(ParseIdError::NotHex { at })? as u8;
        bytes[N - 1 - place / 2] |= value << (4 * (place % 2));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_padded_on_the_left() {
        let id: TraceId = "aBc".parse().unwrap();
        assert_eq!(id.to_string(), "00000000000000000000000000000abc");
        assert_eq!(id, TraceId::from_halves(0, 0xabc));
        assert_eq!("f".parse::<SpanId>().unwrap(), SpanId::from_u64(15));
    }

    #[test]
    fn halves_and_bytes_agree() {
        let id = TraceId::from_halves(0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10);
        assert_eq!(id.to_bytes(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        assert_eq!((id.high(), id.low()), (0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_is_no_id_says_why() {
        assert_eq!("".parse::<TraceId>(), Err(ParseIdError::Empty));
        assert_eq!("12g4".parse::<SpanId>(), Err(ParseIdError::NotHex { at: 2 }));
        let long = "0".repeat(33);
        assert_eq!(long.parse::<TraceId>(), Err(ParseIdError::TooLong { digits: 33, digits_max: 32 }));
    }
}
