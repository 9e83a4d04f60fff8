//! Zipkin: what a second trip changes, the first one did not say; and its three encodings agree.

use bytes::Bytes;
use span::SpanBatch;
use wire::zipkin::{
    Debug, decode_json_v1, decode_json_v2, decode_proto, decode_thrift, encode_json_v2, encode_proto,
    encode_thrift,
};
use wire::{DecodeError, Decoded};

/// An array of spans, of either generation.
pub fn json(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    survives(decode_json_v2(body.clone(), Debug::AsSent));
    survives(decode_json_v1(body, Debug::Forced));
}

/// A `ListOfSpans`.
pub fn proto(data: &[u8]) {
    survives(decode_proto(Bytes::copy_from_slice(data), Debug::AsSent));
}

/// A bare list of the first generation's spans.
pub fn thrift(data: &[u8]) {
    let Ok(decoded) = decode_thrift(Bytes::copy_from_slice(data), Debug::AsSent) else { return };
    let trip = |batch: &SpanBatch| {
        good(decode_thrift(Bytes::from(encode_thrift(batch)), Debug::AsSent).expect("we wrote it"))
    };
    let once = trip(&decoded.batch);
    assert_eq!(once.len(), decoded.batch.len());
    assert_eq!(trip(&once), once);
    survives(Ok(decoded));
}

fn survives(answer: Result<Decoded, DecodeError>) {
    let Ok(decoded) = answer else { return };
    let json = |batch: &SpanBatch| {
        let bytes = encode_json_v2(batch);
        assert!(std::str::from_utf8(&bytes).is_ok());
        good(decode_json_v2(Bytes::from(bytes), Debug::AsSent).expect("we wrote it"))
    };
    let once = json(&decoded.batch);
    assert_eq!(once.len(), decoded.batch.len());
    assert_eq!(json(&once), once);
    let proto = decode_proto(Bytes::from(encode_proto(&once)), Debug::AsSent).expect("we wrote it");
    assert_eq!(good(proto), once);
}

fn good(decoded: Decoded) -> SpanBatch {
    assert_eq!((decoded.rejected, decoded.reason), (0, None));
    decoded.batch
}
