//! Zipkin's protocols, of both generations.
//!
//! | body | here |
//! |---|---|
//! | v2 JSON: an array of spans | [`decode_json_v2`] |
//! | v2 protobuf: `zipkin.proto3.ListOfSpans` | [`decode_proto`] |
//! | v1 JSON: an array of spans with core annotations | [`decode_json_v1`] |
//! | v1 thrift: a bare list of spans, binary | [`decode_thrift`] |
//! | v1 thrift in a call of `emitZipkinBatch`, either dialect | [`crate::jaeger::decode_datagram`] |
//!
//! All four walkers fill one reused span whose meaning is applied once; those of v1 through the
//! rules that turn annotations into kind, times and endpoints. A span that is bad (its ids, an address,
//! a port, a value of another type) is refused and counted alone; only broken framing refuses the
//! message.
//!
//! - [`model`]: spans as Zipkin shows them, for senders and for answers

mod encode_json;
mod encode_proto;
mod encode_thrift;
mod endpoint;
mod event;
mod json_v1;
mod json_v2;
pub mod model;
mod proto_list;
mod sent;
mod thrift_list;
mod v1;

pub use encode_json::{encode_json_v2, write_json_v2};
pub use encode_proto::encode_proto;
pub use encode_thrift::{encode_datagram_compact, encode_thrift};
pub use json_v1::decode_json_v1;
pub use json_v2::decode_json_v2;
pub use proto_list::decode_proto;
pub(crate) use thrift_list::decode_arguments;
pub use thrift_list::decode_thrift;

/// Whether the spans of a request are to be kept by all samplers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debug {
    /// As each span says.
    AsSent,
    /// All of them: the request said `X-B3-Flags: 1`.
    Forced,
}
