//! Walks thrift values.
//!
//! A [`ThriftReader`] stands somewhere in a message; it is two words and is copied to remember a place.
//! The caller opens a struct, takes its fields one by one and reads or skips each:
//!
//! ```text
//! let mut fields = reader.fields("span");
//! while let Some(field) = fields.next(&mut reader)? {
//!     match (field.id, field.kind) {
//!         (5, Kind::Binary) => name = reader.bytes("span.operationName")?,
//!         _ => reader.skip(field)?,
//!     }
//! }
//! ```
//!
//! A field of another type than expected is skipped, as all of thrift's generated readers do. Lengths
//! are checked in one place, `take`; a count of items must be backed by the bytes that are left, and
//! nothing is ever allocated from it. Skipping keeps its own stack: nesting costs a few bytes a level
//! and ends at [`DEPTH_MAX`].

use super::{Dialect, Kind};
use crate::DecodeError;

/// How deep values that nobody knows may nest. Known ones nest as deep as the code that reads them.
pub(crate) const DEPTH_MAX: usize = 64;

/// The longest method name that is worth telling apart.
const METHOD_BYTES_MAX: usize = 64;

/// A place in a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThriftReader<'a> {
    rest: &'a [u8],
    /// The length of the whole body, for offsets in errors.
    len: usize,
    dialect: Dialect,
}

/// The fields of one struct, on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThriftFields {
    name: &'static str,
    /// Compact field ids are told by their distance.
    last_id: i16,
}

/// The head of a field; its value comes next, unless it is a compact boolean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThriftField {
    pub(crate) id: i16,
    pub(crate) kind: Kind,
    /// The value of a boolean in compact thrift, which lies in the head.
    known: Option<bool>,
}

/// The head of a list or set; so many values come next.
#[derive(Clone, Copy, Debug)]
struct ThriftList {
    kind: Kind,
    count: usize,
}

/// What is being skipped: values of one type, or of two types in turn; or a struct.
enum Open {
    Values { left: usize, kinds: [Kind; 2] },
    Struct(ThriftFields),
}

impl<'a> ThriftReader<'a> {
    /// Stands at the start of a bare value.
    pub(crate) const fn new(body: &'a [u8], dialect: Dialect) -> Self {
        Self { rest: body, len: body.len(), dialect }
    }

    /// Reads the head of a message of whichever dialect; returns the method and a reader that stands
    /// in front of the struct of its arguments.
    pub(crate) fn message(body: &'a [u8]) -> Result<(&'a [u8], Self), DecodeError> {
        const FIELD: &str = "message";
        match body.first() {
            None => Err(DecodeError::Truncated { field: FIELD, at: 0 }),
            Some(0x82) => {
                let mut reader = Self::new(body, Dialect::Compact);
                let [_, version_type] = reader.fixed(FIELD)?;
                if version_type & 0x1f != 1 {
                    return Err(reader.invalid(FIELD, "a version of compact thrift that nobody speaks"));
                }
                reader.varint(FIELD)?;
                Ok((reader.method(FIELD)?, reader))
            }
            Some(0x80) => {
                let mut reader = Self::new(body, Dialect::Binary);
                let [_, version, _, _] = reader.fixed(FIELD)?;
                if version != 1 {
                    return Err(reader.invalid(FIELD, "a version of binary thrift that nobody speaks"));
                }
                let method = reader.method(FIELD)?;
                reader.fixed::<4>(FIELD)?;
                Ok((method, reader))
            }
            Some(0) => {
                let mut reader = Self::new(body, Dialect::Binary);
                let method = reader.method(FIELD)?;
                reader.fixed::<5>(FIELD)?;
                Ok((method, reader))
            }
            Some(_) => {
                Err(Self::new(body, Dialect::Binary).invalid(FIELD, "neither compact nor binary thrift"))
            }
        }
    }

    /// Opens the struct that comes next. `name` is what errors say.
    pub(crate) const fn fields(&self, name: &'static str) -> ThriftFields {
        ThriftFields { name, last_id: 0 }
    }

    /// Reads text or bytes.
    #[inline]
    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.count(field)?;
        self.take(len, field)
    }

    /// Reads a boolean.
    pub(crate) fn bool(&mut self, head: ThriftField, field: &'static str) -> Result<bool, DecodeError> {
        match head.known {
            Some(on) => Ok(on),
            None => Ok(self.fixed::<1>(field)? == [1]),
        }
    }

    /// Reads a 16-bit integer.
    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        match self.dialect {
            Dialect::Binary => Ok(i16::from_be_bytes(self.fixed(field)?)),
            Dialect::Compact => Ok(self.zigzag(field)? as i16),
        }
    }

    /// Reads a 32-bit integer.
    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        match self.dialect {
            Dialect::Binary => Ok(i32::from_be_bytes(self.fixed(field)?)),
            Dialect::Compact => Ok(self.zigzag(field)? as i32),
        }
    }

    /// Reads a 64-bit integer.
    #[inline]
    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        match self.dialect {
            Dialect::Binary => Ok(i64::from_be_bytes(self.fixed(field)?)),
            Dialect::Compact => self.zigzag(field),
        }
    }

    /// Reads a double.
    pub(crate) fn double(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        let bytes = self.fixed(field)?;
        Ok(match self.dialect {
            Dialect::Binary => f64::from_be_bytes(bytes),
            Dialect::Compact => f64::from_le_bytes(bytes),
        })
    }

    /// Reads the head of a list or set. Its count is backed by the bytes that are left.
    fn list(&mut self, field: &'static str) -> Result<ThriftList, DecodeError> {
        let [head] = self.fixed(field)?;
        let (code, count) = match self.dialect {
            Dialect::Binary => (head, self.count(field)?),
            Dialect::Compact if head >> 4 == 15 => (head & 15, self.count(field)?),
            Dialect::Compact => (head & 15, usize::from(head >> 4)),
        };
        // Some writers give an empty list the type "stop".
        if count == 0 {
            return Ok(ThriftList { kind: Kind::Byte, count });
        }
        let kind = self.kind(code, field)?;
        self.check_backed(count, kind.bytes_min(self.dialect), field)?;
        Ok(ThriftList { kind, count })
    }

    /// Reads the head of a list of structs, and returns how many come.
    pub(crate) fn structs(&mut self, field: &'static str) -> Result<usize, DecodeError> {
        match self.list(field)? {
            ThriftList { count: 0, .. } => Ok(0),
            ThriftList { kind: Kind::Struct, count } => Ok(count),
            _ => Err(self.invalid(field, "a list of another type than this field has")),
        }
    }

    /// Skips the value of a field.
    pub(crate) fn skip(&mut self, head: ThriftField) -> Result<(), DecodeError> {
        match head.known {
            Some(_) => Ok(()),
            None => self.skip_values(head.kind, 1),
        }
    }

    /// Skips `count` values of one type.
    pub(crate) fn skip_values(&mut self, kind: Kind, count: usize) -> Result<(), DecodeError> {
        const FIELD: &str = "unknown field";
        let mut open = vec![Open::Values { left: count, kinds: [kind, kind] }];
        while let Some(innermost) = open.last_mut() {
            let kind = match innermost {
                Open::Values { left: 0, .. } => {
                    open.pop();
                    continue;
                }
                Open::Values { left, kinds } => {
                    *left -= 1;
                    kinds.swap(0, 1);
                    let [_, kind] = *kinds;
                    kind
                }
                Open::Struct(fields) => match fields.next(self)? {
                    None => {
                        open.pop();
                        continue;
                    }
                    Some(ThriftField { known: Some(_), .. }) => continue,
                    Some(field) => field.kind,
                },
            };
            if let Some(inner) = self.skip_one(kind, FIELD)? {
                if open.len() == DEPTH_MAX {
                    return Err(DecodeError::TooDeep { field: FIELD, depth_max: DEPTH_MAX });
                }
                open.push(inner);
            }
        }
        Ok(())
    }

    /// Skips a plain value, or opens one that holds others.
    fn skip_one(&mut self, kind: Kind, field: &'static str) -> Result<Option<Open>, DecodeError> {
        match kind {
            Kind::Bool | Kind::Byte => drop(self.take(1, field)?),
            Kind::I16 => drop(self.i16(field)?),
            Kind::I32 => drop(self.i32(field)?),
            Kind::I64 => drop(self.i64(field)?),
            Kind::Double => drop(self.take(8, field)?),
            Kind::Uuid => drop(self.take(16, field)?),
            Kind::Binary => drop(self.bytes(field)?),
            Kind::Struct => return Ok(Some(Open::Struct(self.fields(field)))),
            Kind::List | Kind::Set => {
                let ThriftList { kind, count } = self.list(field)?;
                return Ok(Some(Open::Values { left: count, kinds: [kind, kind] }));
            }
            Kind::Map => return self.map(field).map(Some),
        }
        Ok(None)
    }

    fn map(&mut self, field: &'static str) -> Result<Open, DecodeError> {
        const EMPTY: Open = Open::Values { left: 0, kinds: [Kind::Byte; 2] };
        let (key, value, count) = match self.dialect {
            Dialect::Binary => {
                let [key, value] = self.fixed(field)?;
                (key, value, self.count(field)?)
            }
            Dialect::Compact => match self.count(field)? {
                0 => return Ok(EMPTY),
                count => {
                    let [kinds] = self.fixed(field)?;
                    (kinds >> 4, kinds & 15, count)
                }
            },
        };
        if count == 0 {
            return Ok(EMPTY);
        }
        let (key, value) = (self.kind(key, field)?, self.kind(value, field)?);
        self.check_backed(count, key.bytes_min(self.dialect) + value.bytes_min(self.dialect), field)?;
        Ok(Open::Values { left: count.saturating_mul(2), kinds: [key, value] })
    }

    fn method(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let method = self.bytes(field)?;
        if METHOD_BYTES_MAX < method.len() {
            return Err(self.invalid(field, "a method name longer than any method's"));
        }
        Ok(method)
    }

    fn kind(&self, code: u8, field: &'static str) -> Result<Kind, DecodeError> {
        Kind::from_code(self.dialect, code)
            .ok_or_else(|| self.invalid(field, "a type that thrift does not have"))
    }

    /// Reads a length or a count, which both dialects mean as 31 bits.
    #[inline]
    fn count(&mut self, field: &'static str) -> Result<usize, DecodeError> {
        let count = match self.dialect {
            Dialect::Binary => i32::from_be_bytes(self.fixed(field)?).try_into().ok(),
            Dialect::Compact => usize::try_from(self.varint(field)?).ok().filter(|n| *n <= i32::MAX as usize),
        };
        count.ok_or_else(|| self.invalid(field, "a negative length"))
    }

    fn check_backed(&self, count: usize, bytes_min: usize, field: &'static str) -> Result<(), DecodeError> {
        match self.rest.len() / bytes_min.max(1) < count {
            true => Err(self.invalid(field, "a count of items that the bytes do not hold")),
            false => Ok(()),
        }
    }

    /// The one place where a length from outside is believed, or not.
    #[inline]
    fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.truncated(field));
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self.truncated(field));
        };
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    fn zigzag(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let number = self.varint(field)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline]
    fn varint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut number = 0;
        for place in 0..10 {
            let [byte] = self.fixed(field)?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.invalid(field, "a number of more than ten bytes"))
    }

    #[cold]
    fn truncated(&self, field: &'static str) -> DecodeError {
        DecodeError::Truncated { field, at: self.len }
    }

    /// Returns an error that names `field` and where the reader stands.
    #[cold]
    pub(crate) fn invalid(&self, field: &'static str, why: &'static str) -> DecodeError {
        DecodeError::Invalid { field, why, at: self.len - self.rest.len() }
    }
}

impl ThriftFields {
    /// Takes the head of the next field; `None` at the end of the struct.
    #[inline]
    pub(crate) fn next(&mut self, reader: &mut ThriftReader<'_>) -> Result<Option<ThriftField>, DecodeError> {
        let [head] = reader.fixed(self.name)?;
        if head == 0 {
            return Ok(None);
        }
        let field = match reader.dialect {
            Dialect::Binary => ThriftField {
                kind: reader.kind(head, self.name)?,
                id: i16::from_be_bytes(reader.fixed(self.name)?),
                known: None,
            },
            Dialect::Compact => {
                let kind = reader.kind(head & 15, self.name)?;
                let id = match i16::from(head >> 4) {
                    0 => reader.zigzag(self.name)? as i16,
                    delta => self.last_id.wrapping_add(delta),
                };
                ThriftField { kind, id, known: (kind == Kind::Bool).then_some(head & 15 == 1) }
            }
        };
        self.last_id = field.id;
        Ok(Some(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(dialect: Dialect, bytes: &[u8]) -> Result<usize, DecodeError> {
        let mut reader = ThriftReader::new(bytes, dialect);
        reader.skip_values(Kind::Struct, 1)?;
        Ok(reader.rest.len())
    }

    #[test]
    fn maps_and_lists_and_structs_are_skipped() {
        let compact = [
            0x1b, 0x02, 0x85, 1, b'k', 0x02, 1, b'l', 0x04, // 1: map<string, i32> {k: 1, l: 2}
            0x19, 0x21, 1, 2, // 2: list<bool>
            0x11, 0x12, // 3: true, 4: false
            0x1c, 0x18, 2, b'a', b'b', 0, // 5: struct {1: "ab"}
            0x1d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, // 6: uuid
            0x1b, 0x00, // 7: empty map
            0x0a, 0x40, 0xf3, 0x03, 1, 2, 3, // 32: set<byte> of three, long form
            0, 0xee,
        ];
        assert_eq!(skip(Dialect::Compact, &compact), Ok(1));
        let binary = [
            13, 0, 1, 11, 8, 0, 0, 0, 1, 0, 0, 0, 1, b'k', 0, 0, 0, 7, // 1: map<string, i32> {k: 7}
            15, 0, 2, 0, 0, 0, 0, 0, // 2: an empty list of "stop"
            12, 0, 3, 2, 0, 1, 1, 0, // 3: struct {1: true}
            14, 0, 4, 6, 0, 0, 0, 2, 0, 1, 0, 2, // 4: set<i16>
            0, 0xee,
        ];
        assert_eq!(skip(Dialect::Binary, &binary), Ok(1));
        for len in 0..compact.len() - 1 {
            assert!(skip(Dialect::Compact, compact.split_at(len).0).is_err(), "{len}");
        }
        for len in 0..binary.len() - 1 {
            assert!(skip(Dialect::Binary, binary.split_at(len).0).is_err(), "{len}");
        }
    }

    #[test]
    fn nesting_ends_without_recursion() {
        for (dialect, unit) in [
            (Dialect::Compact, &[0x1c][..]),
            (Dialect::Compact, &[0x19, 0x19]),
            (Dialect::Binary, &[12, 0, 1]),
            (Dialect::Binary, &[13, 0, 1, 2, 12, 0, 0, 0, 1, 1]),
        ] {
            let error = skip(dialect, &unit.repeat(1_000_000)).unwrap_err();
            assert!(matches!(error, DecodeError::TooDeep { depth_max: 64, .. }), "{error}");
        }
    }

    #[test]
    fn counts_must_be_backed_by_bytes() {
        let check = |dialect, bytes: &[u8], expected: &str| {
            assert_eq!(skip(dialect, bytes).unwrap_err().to_string(), expected);
        };
        let unbacked = "unknown field: a count of items that the bytes do not hold at byte ";
        let huge = [15, 0, 1, 12, 0x7f, 0xff, 0xff, 0xff, 0];
        check(Dialect::Binary, &huge, &format!("{unbacked}8"));
        let negative = [15, 0, 1, 12, 0xff, 0xff, 0xff, 0xff, 0];
        check(Dialect::Binary, &negative, "unknown field: a negative length at byte 8");
        let long = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
        check(Dialect::Compact, &long, &format!("{unbacked}7"));
        let beyond = [0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        check(Dialect::Compact, &beyond, "unknown field: a negative length at byte 6");
        let map = [0x1b, 0xff, 0xff, 0xff, 0x7f, 0x88, 0];
        check(Dialect::Compact, &map, &format!("{unbacked}6"));
    }

    #[test]
    fn every_dialect_names_its_method() {
        let heads: [(&[u8], Dialect); 3] = [
            (b"\x82\x81\x07\x04emit\0", Dialect::Compact),
            (b"\x80\x01\0\x04\0\0\0\x04emit\0\0\0\x07\0", Dialect::Binary),
            (b"\0\0\0\x04emit\x04\0\0\0\x07\0", Dialect::Binary),
        ];
        for (bytes, dialect) in heads {
            let (method, mut reader) = ThriftReader::message(bytes).unwrap();
            assert_eq!((method, reader.dialect), (&b"emit"[..], dialect));
            assert!(reader.fields("arguments").next(&mut reader).unwrap().is_none());
            assert!((0..bytes.len() - 1).all(|len| ThriftReader::message(bytes.split_at(len).0).is_err()));
        }
        assert!(ThriftReader::message(b"GET / HTTP/1.1").is_err());
    }
}
