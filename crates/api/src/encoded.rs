//! A message that is encoded already.
//!
//! Traces are written by the wire room, straight from batches. To the generated services they are a
//! message all the same: one whose encoding is the bytes it holds.

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

/// The bytes of a message. It is only ever sent, so what is decoded into it is skipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Encoded(pub(crate) Bytes);

impl Message for Encoded {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buffer, context)
    }

    fn clear(&mut self) {
        self.0 = Bytes::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_encoding_is_its_bytes() {
        let bytes = Bytes::from_static(b"\x0a\x02hi");
        assert_eq!(Encoded(bytes.clone()).encode_to_vec(), bytes);
        assert_eq!(Encoded::decode(bytes).unwrap(), Encoded::default());
    }
}
