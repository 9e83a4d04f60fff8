//! Jaeger's own protocols.
//!
//! | where | body | here |
//! |---|---|---|
//! | UDP 5775, 6831, 6832 | a thrift call of either dialect, of Jaeger's or Zipkin's method | [`decode_datagram`] |
//! | HTTP 14268 `/api/traces` | a bare thrift `Batch` | [`decode_batch_binary`] |
//! | gRPC 14250 `PostSpans` | protobuf | [`decode_proto`] |
//! | a file that the UI saved | a trace in v1 JSON | [`decode_json`] |
//!
//! - [`model`]: spans as Jaeger shows them, for its JSON and its gRPC
//!
//! A span without ids is refused and counted; its siblings are kept. Text is not checked here: broken
//! text is data.

mod json_trace;
pub mod model;
mod process;
mod proto_batch;
mod proto_encode;
mod sent;
mod thrift_batch;
mod thrift_encode;

use bytes::Bytes;

use crate::thrift::ThriftReader;
use crate::{DecodeError, Decoded};

pub use json_trace::decode_json;
pub use proto_batch::decode_proto;
pub use proto_encode::{encode_proto, proto_chunk, proto_span};
pub use thrift_batch::decode_batch_binary;
pub use thrift_encode::{encode_batch_binary, encode_datagrams_binary, encode_datagrams_compact};

/// The largest datagram that clients send and agents take.
pub const DATAGRAM_BYTES_MAX: usize = 65_000;

/// Decodes a datagram. Clients send either dialect to whichever port they were told, so the bytes decide:
/// the first one tells the dialect, the method tells the payload.
pub fn decode_datagram(body: Bytes) -> Result<Decoded, DecodeError> {
    let (method, reader) = ThriftReader::message(&body)?;
    match method {
        b"emitBatch" => thrift_batch::decode_arguments(body.clone(), reader),
        b"emitZipkinBatch" => crate::zipkin::decode_arguments(body.clone(), reader),
        _ => Err(reader.invalid("message", "a method that agents do not have")),
    }
}
