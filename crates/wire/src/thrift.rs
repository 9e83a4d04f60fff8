//! Thrift's two encodings, walked and written without generated structs.
//!
//! | | binary | compact |
//! |---|---|---|
//! | first byte of a message | 0x80 (0x00 of very old clients) | 0x82 |
//! | integers | big endian, fixed | zigzag varints |
//! | doubles | big endian | little endian |
//! | lengths and counts | 4 bytes, signed | varints |
//! | field header | type, 2-byte id | `delta << 4 | type`, or type and zigzag id |
//! | booleans in a struct | a byte | the type itself |
//!
//! A message is a call: a method's name around the struct of its arguments. Clients of Jaeger and
//! Zipkin send calls over UDP, and bare values over HTTP.

mod reader;
mod writer;

pub(crate) use reader::ThriftReader;
pub(crate) use writer::ThriftWriter;

/// Which of the two encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `TBinaryProtocol`.
    Binary,
    /// `TCompactProtocol`.
    Compact,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    /// Text or bytes.
    Binary,
    Struct,
    Map,
    Set,
    List,
    Uuid,
}

impl Kind {
    fn from_code(dialect: Dialect, code: u8) -> Option<Self> {
        Some(match (dialect, code) {
            (Dialect::Binary, 2) | (Dialect::Compact, 1 | 2) => Self::Bool,
            (_, 3) => Self::Byte,
            (Dialect::Binary, 6) | (Dialect::Compact, 4) => Self::I16,
            (Dialect::Binary, 8) | (Dialect::Compact, 5) => Self::I32,
            (Dialect::Binary, 10) | (Dialect::Compact, 6) => Self::I64,
            (Dialect::Binary, 4) | (Dialect::Compact, 7) => Self::Double,
            (Dialect::Binary, 11) | (Dialect::Compact, 8) => Self::Binary,
            (Dialect::Binary, 12) | (Dialect::Compact, 12) => Self::Struct,
            (Dialect::Binary, 13) | (Dialect::Compact, 11) => Self::Map,
            (Dialect::Binary, 14) | (Dialect::Compact, 10) => Self::Set,
            (Dialect::Binary, 15) | (Dialect::Compact, 9) => Self::List,
            (Dialect::Binary, 16) | (Dialect::Compact, 13) => Self::Uuid,
            _ => return None,
        })
    }

    fn code(self, dialect: Dialect) -> u8 {
        let (binary, compact) = match self {
            Self::Bool => (2, 1),
            Self::Byte => (3, 3),
            Self::I16 => (6, 4),
            Self::I32 => (8, 5),
            Self::I64 => (10, 6),
            Self::Double => (4, 7),
            Self::Binary => (11, 8),
            Self::Struct => (12, 12),
            Self::Map => (13, 11),
            Self::Set => (14, 10),
            Self::List => (15, 9),
            Self::Uuid => (16, 13),
        };
        match dialect {
            Dialect::Binary => binary,
            Dialect::Compact => compact,
        }
    }

    /// Returns the least number of bytes that a value takes: what a claimed count is measured with.
    fn bytes_min(self, dialect: Dialect) -> usize {
        match (dialect, self) {
            (_, Self::Uuid) => 16,
            (_, Self::Double) | (Dialect::Binary, Self::I64) => 8,
            (_, Self::Bool | Self::Byte | Self::Struct) | (Dialect::Compact, _) => 1,
            (Dialect::Binary, Self::I16) => 2,
            (Dialect::Binary, Self::I32 | Self::Binary) => 4,
            (Dialect::Binary, Self::List | Self::Set) => 5,
            (Dialect::Binary, Self::Map) => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back() {
        for dialect in [Dialect::Binary, Dialect::Compact] {
            let kinds = (0..=u8::MAX).filter_map(|code| Some((code, Kind::from_code(dialect, code)?)));
            for (code, kind) in kinds {
                let same = kind.code(dialect) == code;
                assert!(same || (dialect, kind, code) == (Dialect::Compact, Kind::Bool, 2), "{kind:?}");
            }
        }
    }
}
