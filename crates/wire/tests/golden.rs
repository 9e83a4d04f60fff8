//! Bytes that real clients sent, and what they mean. The bytes were recorded from OpenTelemetry Python
//! 1.21 (Zipkin's thrift: from its generated structs) and Node 1.18; they and their sketches are never made anew to please a test.

mod sketch;

use bytes::Bytes;
use sketch::sketch;
use wire::{DecodeError, Decoded};

/// Compares the sketch of `fixtures/NAME` with the one beside it; returns the sketch.
fn check(name: &str, decode: impl Fn(Bytes) -> Result<Decoded, DecodeError>) -> String {
    let folder = format!("{}/fixtures", env!("CARGO_MANIFEST_DIR"));
    let body = Bytes::from(std::fs::read(format!("{folder}/{name}")).expect("the fixture lies there"));
    let decoded = decode(body.clone()).expect("a real client sent it");
    assert_eq!((decoded.rejected, decoded.reason), (0, None), "{name}");
    let seen = sketch(&decoded.batch);
    let expected = std::fs::read_to_string(format!("{folder}/{name}.sketch")).unwrap_or_default();
    assert!(seen == expected, "{name} now means\n{seen}\ninstead of\n{expected}");
    for len in 0..body.len() {
        // Whatever is cut off, the answer is an error or fewer spans, and never a panic.
        if let Ok(cut) = decode(body.slice(..len)) {
            assert!(cut.batch.len() <= decoded.batch.len(), "{name} cut at {len}");
        }
    }
    seen
}

#[test]
fn jaeger_bytes_of_python_mean_one_thing() {
    let compact = check("jaeger/compact_python.bin", wire::jaeger::decode_datagram);
    let binary = check("jaeger/binary_python.bin", wire::jaeger::decode_batch_binary);
    assert_eq!(compact, binary);
    check("jaeger/proto_python.bin", wire::jaeger::decode_proto);
}

#[test]
fn jaeger_bytes_of_node_are_binary() {
    check("jaeger/binary_node.bin", wire::jaeger::decode_datagram);
}

#[test]
fn zipkin_bytes_of_python_mean_one_thing() {
    let as_sent = wire::zipkin::Debug::AsSent;
    check("zipkin/v2_python.json", |body| wire::zipkin::decode_json_v2(body, as_sent));
    check("zipkin/v1_python.json", |body| wire::zipkin::decode_json_v1(body, as_sent));
    check("zipkin/proto_python.bin", |body| wire::zipkin::decode_proto(body, as_sent));
}

#[test]
fn zipkin_thrift_keeps_types_in_both_dialects() {
    let binary = check("zipkin/thrift_python.bin", |body| {
        wire::zipkin::decode_thrift(body, wire::zipkin::Debug::AsSent)
    });
    assert_eq!(check("zipkin/compact_python.bin", wire::jaeger::decode_datagram), binary);
}

#[test]
fn zipkin_bytes_of_node_are_v2() {
    check("zipkin/v2_node.json", |body| wire::zipkin::decode_json_v2(body, wire::zipkin::Debug::AsSent));
}
