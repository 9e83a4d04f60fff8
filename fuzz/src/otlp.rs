//! OTLP: what was understood is written and understood again, the same.

use bytes::Bytes;
use span::SpanBatch;
use wire::otlp::{decode_json, decode_proto, encode_json, encode_proto};

/// An `ExportTraceServiceRequest` as protobuf.
pub fn proto(data: &[u8]) {
    if let Ok(decoded) = decode_proto(Bytes::copy_from_slice(data)) {
        survives(&decoded.batch);
    }
}

/// An `ExportTraceServiceRequest` as JSON.
pub fn json(data: &[u8]) {
    if let Ok(decoded) = decode_json(Bytes::copy_from_slice(data)) {
        survives(&decoded.batch);
    }
}

fn survives(batch: &SpanBatch) {
    let again = decode_proto(Bytes::from(encode_proto(batch))).expect("we wrote it");
    assert_eq!(again.rejected, 0);
    assert_eq!(&again.batch, batch);
    let json = encode_json(batch);
    assert!(std::str::from_utf8(&json).is_ok());
    let again = decode_json(Bytes::from(json)).expect("we wrote it");
    assert_eq!((again.rejected, again.batch.len()), (0, batch.len()));
}
