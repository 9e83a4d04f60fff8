//! Jaeger: what a second trip changes, the first one did not say.

use bytes::Bytes;
use span::SpanBatch;
use wire::Decoded;
use wire::jaeger::model::{JaegerProcess, JaegerSpan, TagOrder};
use wire::jaeger::{
    DATAGRAM_BYTES_MAX, decode_batch_binary, decode_datagram, decode_json, decode_proto, encode_batch_binary,
    encode_datagrams_binary, encode_datagrams_compact, encode_proto,
};

/// What comes in over UDP: a call in either dialect, of Jaeger's or Zipkin's method.
pub fn datagram(data: &[u8]) {
    if let Ok(decoded) = decode_datagram(Bytes::copy_from_slice(data)) {
        for once in compact(&decoded.batch) {
            assert_eq!(compact(&once), std::slice::from_ref(&once));
            assert_eq!(binary(&once), std::slice::from_ref(&once));
        }
    }
}

/// The body of `POST /api/traces`.
pub fn bare(data: &[u8]) {
    let Ok(decoded) = decode_batch_binary(Bytes::copy_from_slice(data)) else { return };
    for body in encode_batch_binary(&decoded.batch) {
        let once = good(decode_batch_binary(Bytes::from(body)).expect("we wrote it"));
        let again = encode_batch_binary(&once).pop().expect("a batch of spans has a body");
        assert_eq!(good(decode_batch_binary(Bytes::from(again)).expect("we wrote it")), once);
    }
}

/// A trace as the page saves it.
pub fn json(data: &[u8]) {
    if let Ok(decoded) = decode_json(Bytes::copy_from_slice(data)) {
        let again = good(decode_proto(Bytes::from(encode_proto(&decoded.batch))).expect("we wrote it"));
        assert_eq!(again.len(), decoded.batch.len());
    }
}

/// A `PostSpansRequest`.
pub fn proto(data: &[u8]) {
    let Ok(decoded) = decode_proto(Bytes::copy_from_slice(data)) else { return };
    for span in decoded.batch.spans() {
        for order in [TagOrder::AsSent, TagOrder::ByKey] {
            let (shown, process) = (JaegerSpan::of(span, order), JaegerProcess::of(span.resource(), order));
            shown.tags.iter().chain(&process.tags).for_each(|tag| drop(tag.value.shown()));
        }
    }
    let trip = |batch: &SpanBatch| good(decode_proto(Bytes::from(encode_proto(batch))).expect("we wrote it"));
    let once = trip(&decoded.batch);
    assert_eq!(once.len(), decoded.batch.len());
    assert_eq!(trip(&once), once);
}

fn compact(batch: &SpanBatch) -> Vec<SpanBatch> {
    decoded(encode_datagrams_compact(batch, DATAGRAM_BYTES_MAX))
}

fn binary(batch: &SpanBatch) -> Vec<SpanBatch> {
    // Binary thrift is the longer one: without a limit both cut at the same places.
    decoded(encode_datagrams_binary(batch, usize::MAX / 2))
}

fn decoded(datagrams: Vec<Vec<u8>>) -> Vec<SpanBatch> {
    datagrams.into_iter().map(|one| good(decode_datagram(Bytes::from(one)).expect("we wrote it"))).collect()
}

fn good(decoded: Decoded) -> SpanBatch {
    assert_eq!((decoded.rejected, decoded.reason), (0, None));
    decoded.batch
}
