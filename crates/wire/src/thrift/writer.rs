//! Writes thrift values, for senders and tests.
//!
//! ```text
//! writer.structure(|writer| {
//!     writer.field(1, Kind::Binary);
//!     writer.bytes(b"cart");
//! });
//! ```

use super::{Dialect, Kind};

/// The call type of Jaeger's agents: nobody answers.
const ONEWAY: u8 = 4;

/// A value, so far.
#[derive(Debug)]
pub(crate) struct ThriftWriter {
    out: Vec<u8>,
    dialect: Dialect,
    /// The id of the last field of the innermost open struct.
    last_id: i16,
}

impl ThriftWriter {
    /// Starts a bare value.
    pub(crate) const fn new(dialect: Dialect) -> Self {
        Self { out: Vec::new(), dialect, last_id: 0 }
    }

    /// Starts a one-way call; the struct of its arguments comes next.
    pub(crate) fn message(dialect: Dialect, method: &str, sequence: u32) -> Self {
        let mut writer = Self::new(dialect);
        match dialect {
            Dialect::Compact => {
                writer.out.extend([0x82, ONEWAY << 5 | 1]);
                writer.varint(u64::from(sequence));
                writer.bytes(method.as_bytes());
            }
            Dialect::Binary => {
                writer.out.extend([0x80, 1, 0, ONEWAY]);
                writer.bytes(method.as_bytes());
                writer.out.extend(sequence.to_be_bytes());
            }
        }
        writer
    }

    /// Returns the bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes a struct.
    pub(crate) fn structure(&mut self, write: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.last_id);
        write(self);
        self.out.push(0);
        self.last_id = outer;
    }

    /// Writes the head of a field; its value comes next. Booleans have [`Self::bool_field`].
    pub(crate) fn field(&mut self, id: i16, kind: Kind) {
        self.field_head(id, kind.code(self.dialect));
    }

    /// Writes a boolean field.
    pub(crate) fn bool_field(&mut self, id: i16, on: bool) {
        match self.dialect {
            Dialect::Compact => self.field_head(id, if on { 1 } else { 2 }),
            Dialect::Binary => {
                self.field(id, Kind::Bool);
                self.out.push(u8::from(on));
            }
        }
    }

    /// Writes a 64-bit integer field.
    pub(crate) fn i64_field(&mut self, id: i16, value: i64) {
        self.field(id, Kind::I64);
        match self.dialect {
            Dialect::Compact => self.varint(zigzag(value)),
            Dialect::Binary => self.out.extend(value.to_be_bytes()),
        }
    }

    /// Writes a 32-bit integer field.
    pub(crate) fn i32_field(&mut self, id: i16, value: i32) {
        self.field(id, Kind::I32);
        match self.dialect {
            Dialect::Compact => self.varint(zigzag(i64::from(value))),
            Dialect::Binary => self.out.extend(value.to_be_bytes()),
        }
    }

    /// Writes a 16-bit integer field.
    pub(crate) fn i16_field(&mut self, id: i16, value: i16) {
        self.field(id, Kind::I16);
        match self.dialect {
            Dialect::Compact => self.varint(zigzag(i64::from(value))),
            Dialect::Binary => self.out.extend(value.to_be_bytes()),
        }
    }

    /// Writes a double field.
    pub(crate) fn double_field(&mut self, id: i16, value: f64) {
        self.field(id, Kind::Double);
        match self.dialect {
            Dialect::Compact => self.out.extend(value.to_le_bytes()),
            Dialect::Binary => self.out.extend(value.to_be_bytes()),
        }
    }

    /// Writes a field of text or bytes.
    pub(crate) fn bytes_field(&mut self, id: i16, value: &[u8]) {
        self.field(id, Kind::Binary);
        self.bytes(value);
    }

    /// Writes text or bytes.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.out.extend_from_slice(value);
    }

    /// Writes the head of a list; so many structs come next.
    pub(crate) fn structs(&mut self, count: usize) {
        let code = Kind::Struct.code(self.dialect);
        match self.dialect {
            Dialect::Binary => {
                self.out.push(code);
                self.count(count);
            }
            Dialect::Compact if count < 15 => self.out.push((count as u8) << 4 | code),
            Dialect::Compact => {
                self.out.push(0xf0 | code);
                self.count(count);
            }
        }
    }

    /// Appends values that are encoded already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn field_head(&mut self, id: i16, code: u8) {
        match (self.dialect, id.wrapping_sub(self.last_id)) {
            (Dialect::Binary, _) => {
                self.out.push(code);
                self.out.extend(id.to_be_bytes());
            }
            (Dialect::Compact, delta @ 1..=15) => self.out.push((delta as u8) << 4 | code),
            (Dialect::Compact, _) => {
                self.out.push(code);
                self.varint(zigzag(i64::from(id)));
            }
        }
        self.last_id = id;
    }

    fn count(&mut self, count: usize) {
        match self.dialect {
            Dialect::Compact => self.varint(count as u64),
            Dialect::Binary => self.out.extend((count as u32).to_be_bytes()),
        }
    }

    fn varint(&mut self, mut value: u64) {
        while 0x80 <= value {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thrift::ThriftReader;

    #[test]
    fn what_is_written_is_read_back() {
        for dialect in [Dialect::Binary, Dialect::Compact] {
            let mut writer = ThriftWriter::message(dialect, "emit", 300);
            writer.structure(|writer| {
                writer.i64_field(1, i64::MIN);
                writer.i32_field(2, -1);
                writer.i16_field(40, 513);
                writer.bool_field(41, true);
                writer.bool_field(42, false);
                writer.double_field(43, -0.5);
                writer.bytes_field(1, b"");
                writer.field(3, Kind::List);
                writer.structs(20);
                (0..20).for_each(|n| writer.structure(|writer| writer.i32_field(9, n)));
            });
            let bytes = writer.finish();
            let (method, mut reader) = ThriftReader::message(&bytes).unwrap();
            assert_eq!(method, b"emit");
            let mut fields = reader.fields("f");
            let mut next = |reader: &mut ThriftReader<'_>| fields.next(reader).unwrap().unwrap();
            assert_eq!((next(&mut reader).id, reader.i64("f")), (1, Ok(i64::MIN)));
            assert_eq!((next(&mut reader).id, reader.i32("f")), (2, Ok(-1)));
            assert_eq!((next(&mut reader).id, reader.i16("f")), (40, Ok(513)));
            let head = next(&mut reader);
            assert_eq!((head.id, reader.bool(head, "f")), (41, Ok(true)));
            let head = next(&mut reader);
            assert_eq!((head.id, reader.bool(head, "f")), (42, Ok(false)));
            assert_eq!((next(&mut reader).id, reader.double("f")), (43, Ok(-0.5)));
            assert_eq!((next(&mut reader).id, reader.bytes("f")), (1, Ok(&b""[..])));
            assert_eq!((next(&mut reader).id, reader.structs("f").unwrap()), (3, 20));
            reader.skip_values(Kind::Struct, 20).unwrap();
            assert!(fields.next(&mut reader).unwrap().is_none());
        }
    }
}
