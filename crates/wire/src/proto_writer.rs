//! Writes protobuf into one growing run of bytes.
//!
//! A sub-message is written in place behind one byte for its length; where the length turns out to
//! need more, the message is moved along once. That is a memory copy per level, and saves both a
//! sizing pass and a buffer per message.
//!
//! The plain methods always write, as repeated fields and members of a `oneof` need it; those named
//! `_set` leave out zero and empty, as protobuf 3 does with everything else.

/// Bytes of a message, so far.
#[derive(Debug, Default)]
pub(crate) struct ProtoWriter {
    out: Vec<u8>,
}

/// A sub-message that was begun and not ended.
#[derive(Debug)]
#[must_use]
pub(crate) struct Begun {
    /// Where its content begins, behind one byte for its length.
    content: usize,
}

impl ProtoWriter {
    /// Starts an empty message.
    pub(crate) const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// Starts an empty message that is expected to grow to `bytes`.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes) }
    }

    /// Returns the bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Returns the bytes so far.
    pub(crate) fn written(&self) -> &[u8] {
        &self.out
    }

    /// Starts anew, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
    }

    /// Writes an integer, bool or enum.
    pub(crate) fn varint(&mut self, number: u32, value: u64) {
        self.key(number, 0);
        self.raw_varint(value);
    }

    /// Writes an integer, bool or enum that is not zero.
    pub(crate) fn varint_set(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.varint(number, value);
        }
    }

    /// Writes 8 bytes.
    pub(crate) fn fixed64(&mut self, number: u32, value: u64) {
        self.key(number, 1);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes 8 bytes that are not zero.
    pub(crate) fn fixed64_set(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.fixed64(number, value);
        }
    }

    /// Writes 4 bytes that are not zero.
    pub(crate) fn fixed32_set(&mut self, number: u32, value: u32) {
        if value != 0 {
            self.key(number, 5);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Writes text or bytes.
    pub(crate) fn bytes(&mut self, number: u32, value: &[u8]) {
        self.key(number, 2);
        self.raw_varint(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// Writes text or bytes that are not empty.
    pub(crate) fn bytes_set(&mut self, number: u32, value: &[u8]) {
        if !value.is_empty() {
            self.bytes(number, value);
        }
    }

    /// Writes the sub-message that `write` writes, even an empty one.
    pub(crate) fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let begun = self.begin(number);
        write(self);
        self.end(begun);
    }

    /// Begins a sub-message; all that is written from here to [`Self::end`] belongs to it.
    pub(crate) fn begin(&mut self, number: u32) -> Begun {
        self.key(number, 2);
        self.out.push(0);
        Begun { content: self.out.len() }
    }

    /// Ends the sub-message that was begun last.
    pub(crate) fn end(&mut self, Begun { content }: Begun) {
        let len = self.out.len() - content;
        if len < 0x80 {
            if let Some(prefix) = self.out.get_mut(content - 1) {
                *prefix = len as u8;
            }
            return;
        }
        let mut prefix = [0; 10];
        let used = encode_varint(&mut prefix, len as u64);
        self.out.splice(content - 1..content, prefix.into_iter().take(used));
    }

    /// Appends fields that are encoded already: a residual.
    pub(crate) fn raw(&mut self, fields: &[u8]) {
        self.out.extend_from_slice(fields);
    }

    fn key(&mut self, number: u32, wire_type: u64) {
        self.raw_varint(u64::from(number) << 3 | wire_type);
    }

    fn raw_varint(&mut self, value: u64) {
        if value < 0x80 {
            return self.out.push(value as u8);
        }
        let mut bytes = [0; 10];
        let used = encode_varint(&mut bytes, value);
        self.out.extend(bytes.into_iter().take(used));
    }
}

/// Writes `value` to the front of `bytes` and returns how many it took.
fn encode_varint(bytes: &mut [u8; 10], mut value: u64) -> usize {
    let mut used = 0;
    for byte in bytes {
        used += 1;
        if value < 0x80 {
            *byte = value as u8;
            break;
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto_reader::ProtoReader;

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = ProtoWriter::new();
        writer.varint(1, u64::MAX);
        writer.varint_set(2, 0);
        writer.fixed64(3, 4);
        writer.fixed32_set(4, 5);
        writer.bytes_set(5, b"");
        writer.bytes(6, b"");
        writer.message(7, |inner| {
            inner.bytes(1, &[7; 300]);
            inner.message(2, |_| {});
        });
        let bytes = writer.finish();
        let mut reader = ProtoReader::new(&bytes, "m");
        let mut next = || reader.field().unwrap().unwrap();
        assert_eq!(next().varint("f"), Ok(u64::MAX));
        assert_eq!(next().fixed64("f"), Ok(4));
        assert_eq!(next().fixed32("f"), Ok(5));
        assert_eq!(next().bytes("f"), Ok(&b""[..]));
        let mut inner = next().message("f").unwrap();
        assert_eq!(inner.field().unwrap().unwrap().bytes("f"), Ok(&[7; 300][..]));
        assert_eq!(inner.field().unwrap().unwrap().bytes("f"), Ok(&b""[..]));
        assert!(inner.field().unwrap().is_none());
        assert!(reader.field().unwrap().is_none());
    }
}
