//! Arrays and maps, packed into one run of bytes.
//!
//! The packing is OTLP's own protobuf: a list is the bytes of an `ArrayValue`, a map those of a
//! `KeyValueList`. So the decoder that matters most points at the request's bytes and copies nothing,
//! and the encoder writes them back unchanged. Everything else of protobuf stays in the wire room.
//!
//! Whoever puts packed bytes into a batch has checked them ([`Packed::check_list`], [`Packed::check_map`]): lengths fit, and
//! nesting ends at [`DEPTH_MAX`]. A reader that meets broken bytes nevertheless stops there.

use super::ValueRef;

/// How deep arrays and maps may nest. Deeper ones come from attackers, and each level costs stack in
/// every reader.
pub const DEPTH_MAX: usize = 64;

/// The bytes of an array or a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed<'a>(&'a [u8]);

/// A packed array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedList<'a>(Packed<'a>);

/// A packed map: keys and values in the sender's order; a key may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedMap<'a>(Packed<'a>);

/// Packs an array or a map, item by item. Inner ones are packed first.
#[derive(Debug, Default)]
pub struct PackedWriter(Vec<u8>);

/// Field numbers of OTLP's `AnyValue`.
mod field {
    pub(super) const STRING: u64 = 1;
    pub(super) const BOOL: u64 = 2;
    pub(super) const INT: u64 = 3;
    pub(super) const DOUBLE: u64 = 4;
    pub(super) const ARRAY: u64 = 5;
    pub(super) const MAP: u64 = 6;
    pub(super) const BYTES: u64 = 7;
}

/// A field of a message: its number and what it carries.
#[derive(Clone, Copy)]
enum Field<'a> {
    Varint(u64, u64),
    Fixed64(u64, u64),
    Fixed32,
    Bytes(u64, &'a [u8]),
}

impl<'a> Packed<'a> {
    /// Takes bytes that [`Self::check_list`] or [`Self::check_map`] has passed, or that a [`PackedWriter`] wrote.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Reads them as an array.
    pub const fn list(self) -> PackedList<'a> {
        PackedList(self)
    }

    /// Reads them as a map.
    pub const fn map(self) -> PackedMap<'a> {
        PackedMap(self)
    }

    /// Tells whether an array's bytes are whole and nest at most `depth` more levels.
    pub fn check_list(self, depth: usize) -> bool {
        depth != 0
            && each_field(self.0, |field| match field {
                Field::Bytes(1, item) => check_value(item, depth - 1),
                _ => true,
            })
    }

    /// Tells whether a map's bytes are whole and nest at most `depth` more levels.
    pub fn check_map(self, depth: usize) -> bool {
        depth != 0
            && each_field(self.0, |field| match field {
                Field::Bytes(1, entry) => each_field(entry, |field| match field {
                    Field::Bytes(2, value) => check_value(value, depth - 1),
                    _ => true,
                }),
                _ => true,
            })
    }
}

impl<'a> PackedList<'a> {
    /// Returns the packed bytes.
    pub const fn packed(self) -> Packed<'a> {
        self.0
    }

    /// Visits the items in order.
    pub fn iter(self) -> impl Iterator<Item = ValueRef<'a>> {
        items(self.0.0).map(read_value)
    }
}

impl<'a> PackedMap<'a> {
    /// Returns the packed bytes.
    pub const fn packed(self) -> Packed<'a> {
        self.0
    }

    /// Visits keys and values in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], ValueRef<'a>)> {
        items(self.0.0).map(|entry| {
            let (mut key, mut value) = (&entry[..0], ValueRef::Empty);
            each_field(entry, |field| {
                match field {
                    Field::Bytes(1, bytes) => key = bytes,
                    Field::Bytes(2, bytes) => value = read_value(bytes),
                    _ => {}
                }
                true
            });
            (key, value)
        })
    }
}

impl PackedWriter {
    /// Starts an empty array or map.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends an item to an array.
    pub fn item(&mut self, value: ValueRef<'_>) {
        let mut any = Vec::new();
        write_value(&mut any, value);
        write_bytes(&mut self.0, 1, &any);
    }

    /// Appends a key and its value to a map.
    pub fn entry(&mut self, key: &[u8], value: ValueRef<'_>) {
        let (mut any, mut entry) = (Vec::new(), Vec::new());
        write_value(&mut any, value);
        write_bytes(&mut entry, 1, key);
        write_bytes(&mut entry, 2, &any);
        write_bytes(&mut self.0, 1, &entry);
    }

    /// Returns the packed bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Returns the packed bytes so far.
    pub fn packed(&self) -> Packed<'_> {
        Packed(&self.0)
    }
}

/// Visits the payloads of field 1, which is where both messages keep their items.
fn items(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            if let Field::Bytes(1, item) = take_field(&mut bytes)? {
                return Some(item);
            }
        }
    })
}

fn check_value(bytes: &[u8], depth: usize) -> bool {
    each_field(bytes, |field| match field {
        Field::Bytes(field::ARRAY, inner) => Packed(inner).check_list(depth),
        Field::Bytes(field::MAP, inner) => Packed(inner).check_map(depth),
        _ => true,
    })
}

/// Reads an `AnyValue`; of several fields the last one stands, as protobuf has it.
fn read_value(bytes: &[u8]) -> ValueRef<'_> {
    let mut value = ValueRef::Empty;
    each_field(bytes, |field| {
        match field {
            Field::Bytes(field::STRING, bytes) => value = ValueRef::Str(bytes),
            Field::Varint(field::BOOL, number) => value = ValueRef::Bool(number != 0),
            Field::Varint(field::INT, number) => value = ValueRef::Int(number as i64),
            Field::Fixed64(field::DOUBLE, bits) => value = ValueRef::Double(f64::from_bits(bits)),
            Field::Bytes(field::ARRAY, bytes) => value = ValueRef::Array(Packed(bytes).list()),
            Field::Bytes(field::MAP, bytes) => value = ValueRef::Map(Packed(bytes).map()),
            Field::Bytes(field::BYTES, bytes) => value = ValueRef::Bytes(bytes),
            _ => {}
        }
        true
    });
    value
}

fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Empty => {}
        ValueRef::Str(bytes) => write_bytes(out, field::STRING, bytes),
        ValueRef::Bool(on) => {
            write_varint(out, field::BOOL << 3);
            write_varint(out, u64::from(on));
        }
        ValueRef::Int(number) => {
            write_varint(out, field::INT << 3);
            write_varint(out, number as u64);
        }
        ValueRef::Double(number) => {
            write_varint(out, field::DOUBLE << 3 | 1);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        ValueRef::Bytes(bytes) => write_bytes(out, field::BYTES, bytes),
        ValueRef::Array(list) => write_bytes(out, field::ARRAY, list.packed().bytes()),
        ValueRef::Map(map) => write_bytes(out, field::MAP, map.packed().bytes()),
    }
}

/// Visits the fields until one is refused or broken; tells whether all were whole and accepted.
fn each_field<'a>(mut bytes: &'a [u8], mut accept: impl FnMut(Field<'a>) -> bool) -> bool {
    while !bytes.is_empty() {
        match take_field(&mut bytes) {
            Some(field) if accept(field) => {}
            _ => return false,
        }
    }
    true
}

/// Takes the next field off the front; `None` at the end and where the bytes are broken.
fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<Field<'a>> {
    let key = take_varint(bytes)?;
    let number = key >> 3;
    match key & 7 {
        0 => Some(Field::Varint(number, take_varint(bytes)?)),
        1 => {
            let (fixed, rest) = bytes.split_first_chunk::<8>()?;
            *bytes = rest;
            Some(Field::Fixed64(number, u64::from_le_bytes(*fixed)))
        }
        2 => {
            let len = usize::try_from(take_varint(bytes)?).ok()?;
            let (payload, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            Some(Field::Bytes(number, payload))
        }
        5 => {
            let (_, rest) = bytes.split_first_chunk::<4>()?;
            *bytes = rest;
            Some(Field::Fixed32)
        }
        _ => None,
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn write_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    write_varint(out, number << 3 | 2);
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_back() {
        let mut inner = PackedWriter::new();
        inner.entry(b"deep", ValueRef::Int(-1));
        let mut list = PackedWriter::new();
        let values = [
            ValueRef::Str(b"a"),
            ValueRef::Bool(true),
            ValueRef::Double(0.5),
            ValueRef::Empty,
            ValueRef::Bytes(b"\xff"),
            ValueRef::Map(inner.packed().map()),
        ];
        values.iter().for_each(|value| list.item(*value));
        let bytes = list.finish();
        assert!(Packed::new(&bytes).check_list(DEPTH_MAX));
        assert!(Packed::new(&bytes).list().iter().eq(values));
        let ValueRef::Map(map) = values[5] else { unreachable!() };
        assert!(map.iter().eq([(&b"deep"[..], ValueRef::Int(-1))]));
    }

    #[test]
    fn nesting_and_lengths_are_checked() {
        let mut bytes = Vec::new();
        for _ in 0..DEPTH_MAX + 1 {
            let mut list = PackedWriter::new();
            list.item(ValueRef::Array(Packed::new(&bytes).list()));
            bytes = list.finish();
        }
        assert!(!Packed::new(&bytes).check_list(DEPTH_MAX));
        assert!(Packed::new(&bytes).check_list(DEPTH_MAX + 2));
        for cut in 1..bytes.len() {
            assert!(!Packed::new(&bytes[..cut]).check_list(usize::MAX), "{cut}");
        }
    }
}
