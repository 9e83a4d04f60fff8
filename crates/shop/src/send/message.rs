//! A batch as messages of a protocol.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use span::{Encoding, SpanBatch};

use super::Load;
use crate::protocol::Protocol;

/// What Jaeger's agents take at most in one datagram.
const DATAGRAM_BYTES_MAX: usize = wire::jaeger::DATAGRAM_BYTES_MAX;

/// One request or datagram, ready to travel.
#[derive(Clone, Debug)]
pub struct Message {
    /// The body, compressed; with gRPC's frame where it is gRPC.
    pub body: Bytes,
    /// How many spans it holds.
    pub spans: usize,
    /// How the body is compressed.
    pub encoding: Encoding,
    protocol: Protocol,
}

/// Encodes a batch. Jaeger's protocols need a message for each process, datagrams one for each 65 kB.
pub fn messages(protocol: Protocol, encoding: Encoding, batch: &SpanBatch) -> Vec<Message> {
    let bodies = match protocol {
        Protocol::OtlpGrpc | Protocol::OtlpHttp => vec![wire::otlp::encode_proto(batch)],
        Protocol::JaegerGrpc => vec![wire::jaeger::encode_proto(batch)],
        Protocol::Zipkin => vec![wire::zipkin::encode_json_v2(batch)],
        Protocol::JaegerHttp => wire::jaeger::encode_batch_binary(batch),
        Protocol::JaegerCompact => wire::jaeger::encode_datagrams_compact(batch, DATAGRAM_BYTES_MAX),
        Protocol::JaegerBinary => wire::jaeger::encode_datagrams_binary(batch, DATAGRAM_BYTES_MAX),
    };
    let encoding = if protocol.is_datagrams() { Encoding::Identity } else { encoding };
    let whole = bodies.len() == 1;
    let mut messages = Vec::with_capacity(bodies.len());
    for body in bodies {
        let spans = if whole { batch.len() } else { spans_in(&body) };
        let body = if encoding == Encoding::Identity { body } else { wire::compress(encoding, &body) };
        let body = if protocol.is_grpc() { framed(&body, encoding) } else { body };
        messages.push(Message { body: Bytes::from(body), spans, encoding, protocol });
    }
    messages
}

impl Message {
    /// Returns the request that carries it.
    pub(super) fn request(&self, load: &Load) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = Method::POST;
        // A path that somebody named stands for the protocol's own, except in gRPC, where the path is the method.
        let named = !self.protocol.is_grpc() && !load.endpoint.path.is_empty();
        let path = if named { &load.endpoint.path } else { self.protocol.path() };
        *request.uri_mut() = path.parse::<Uri>().unwrap_or_default();
        let encoding = HeaderValue::from_static(self.encoding.name());
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(self.protocol)));
        match (self.encoding, self.protocol.is_grpc()) {
            (Encoding::Identity, _) => {}
            (_, true) => {
                headers.insert("grpc-encoding", encoding);
            }
            (_, false) => {
                headers.insert(header::CONTENT_ENCODING, encoding);
            }
        }
        if self.protocol.is_grpc() {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        request
    }
}

const fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OtlpGrpc | Protocol::JaegerGrpc => "application/grpc",
        Protocol::OtlpHttp => "application/x-protobuf",
        Protocol::Zipkin => "application/json",
        Protocol::JaegerHttp | Protocol::JaegerCompact | Protocol::JaegerBinary => "application/x-thrift",
    }
}

/// Puts gRPC's frame around a message: whether it is compressed, and its length.
fn framed(body: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut frame = Vec::with_capacity(5 + body.len());
    frame.push(u8::from(encoding != Encoding::Identity));
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Counts the spans of one of several messages by reading it.
fn spans_in(body: &[u8]) -> usize {
    let body = Bytes::copy_from_slice(body);
    let decoded = wire::jaeger::decode_batch_binary(body);
    decoded.map_or(0, |decoded| decoded.batch.len())
}
