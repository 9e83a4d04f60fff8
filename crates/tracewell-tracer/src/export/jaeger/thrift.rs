//! Thrift, written: the compact protocol that agents take over UDP, and the binary one that collectors
//! take over HTTP.
//!
//! Structs are written field by field, in the order of their ids. Nothing of a struct is known before it
//! is written, and nothing has to be: both protocols end a struct with a zero.

/// How thrift is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Variable lengths; fields name the distance to the one before.
    Compact,
    /// Fixed lengths.
    Binary,
}

/// Writes thrift.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) out: Vec<u8>,
    protocol: Protocol,
    /// The id of the last field of each struct that is open.
    last: Vec<i16>,
}

/// The types that are written, with their numbers in both protocols.
#[derive(Clone, Copy)]
enum Type {
    I32,
    I64,
    Double,
    Text,
    List,
    Struct,
}

impl Type {
    const fn number(self, protocol: Protocol) -> u8 {
        let (compact, binary) = match self {
            Self::I32 => (5, 8),
            Self::I64 => (6, 10),
            Self::Double => (7, 4),
            Self::Text => (8, 11),
            Self::List => (9, 15),
            Self::Struct => (12, 12),
        };
        match protocol {
            Protocol::Compact => compact,
            Protocol::Binary => binary,
        }
    }
}

impl Writer {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self { out: Vec::new(), protocol, last: vec![0] }
    }

    /// Begins a call that nobody answers.
    pub(super) fn one_way_call(&mut self, name: &str) {
        // Protocol and version, one-way, number of the call.
        self.out.extend_from_slice(&[0x82, 4 << 5 | 1, 0]);
        self.text(name.as_bytes());
    }

    pub(super) fn i32_field(&mut self, id: i16, number: i32) {
        self.field(id, Type::I32);
        match self.protocol {
            Protocol::Compact => self.varint(u64::from((number << 1 ^ number >> 31).cast_unsigned())),
            Protocol::Binary => self.out.extend_from_slice(&number.to_be_bytes()),
        }
    }

    pub(super) fn i64_field(&mut self, id: i16, number: i64) {
        self.field(id, Type::I64);
        match self.protocol {
            Protocol::Compact => self.varint((number << 1 ^ number >> 63).cast_unsigned()),
            Protocol::Binary => self.out.extend_from_slice(&number.to_be_bytes()),
        }
    }

    pub(super) fn double_field(&mut self, id: i16, number: f64) {
        self.field(id, Type::Double);
        match self.protocol {
            Protocol::Compact => self.out.extend_from_slice(&number.to_le_bytes()),
            Protocol::Binary => self.out.extend_from_slice(&number.to_be_bytes()),
        }
    }

    pub(super) fn bool_field(&mut self, id: i16, truth: bool) {
        match self.protocol {
            // The type is the value.
            Protocol::Compact => self.field_of(id, if truth { 1 } else { 2 }),
            Protocol::Binary => {
                self.field_of(id, 2);
                self.out.push(u8::from(truth));
            }
        }
    }

    pub(super) fn text_field(&mut self, id: i16, text: &[u8]) {
        self.field(id, Type::Text);
        self.text(text);
    }

    pub(super) fn struct_field(&mut self, id: i16, write: impl FnOnce(&mut Self)) {
        self.field(id, Type::Struct);
        self.structure(write);
    }

    /// Writes a list of structs; those that are written already are `bytes`.
    pub(super) fn list_field(&mut self, id: i16, count: usize, bytes: &[u8]) {
        self.field(id, Type::List);
        self.list_head(count);
        self.out.extend_from_slice(bytes);
    }

    /// Writes a list of structs, each by `write`.
    pub(super) fn structs_field<T>(&mut self, id: i16, each: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.field(id, Type::List);
        self.list_head(each.len());
        for one in each {
            self.structure(|writer| write(writer, one));
        }
    }

    /// Writes a struct that is no field.
    pub(super) fn structure(&mut self, write: impl FnOnce(&mut Self)) {
        self.last.push(0);
        write(self);
        self.last.pop();
        self.out.push(0);
    }

    fn list_head(&mut self, count: usize) {
        let of = Type::Struct.number(self.protocol);
        match self.protocol {
            Protocol::Compact if count < 15 => self.out.push((count as u8) << 4 | of),
            Protocol::Compact => {
                self.out.push(0xf0 | of);
                self.varint(count as u64);
            }
            Protocol::Binary => {
                self.out.push(of);
                self.length(count);
            }
        }
    }

    fn field(&mut self, id: i16, of: Type) {
        self.field_of(id, of.number(self.protocol));
    }

    fn field_of(&mut self, id: i16, of: u8) {
        let last = self.last.last_mut().expect("a struct is open while its fields are written");
        let step = id - std::mem::replace(last, id);
        match self.protocol {
            // Our structs have few fields, in order: steps are small.
            Protocol::Compact => self.out.push((step as u8) << 4 | of),
            Protocol::Binary => {
                self.out.push(of);
                self.out.extend_from_slice(&id.to_be_bytes());
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Compact => self.varint(text.len() as u64),
            Protocol::Binary => self.length(text.len()),
        }
        self.out.extend_from_slice(text);
    }

    fn length(&mut self, length: usize) {
        // A request is bounded far below what a length may say.
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.out.extend_from_slice(&length.to_be_bytes());
    }

    fn varint(&mut self, number: u64) {
        crate::encode::varint(&mut self.out, number);
    }
}
