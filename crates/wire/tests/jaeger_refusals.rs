//! What hostile or broken senders of Jaeger's protocols get for an answer.

use bytes::Bytes;
use wire::DecodeError;
use wire::jaeger::{decode_batch_binary, decode_datagram, decode_proto};

/// The head of a compact call, up to the batch.
const COMPACT: &[u8] = b"\x82\x81\0\x09emitBatch\x1c";
/// The head of a binary call, up to the batch.
const BINARY: &[u8] = b"\x80\x01\0\x04\0\0\0\x09emitBatch\0\0\0\0\x0c\0\x01";

fn check(body: &[&[u8]], expected: &str) {
    let body = Bytes::from(body.concat());
    let answer = decode_datagram(body).expect_err(expected).to_string();
    assert_eq!(answer, expected);
}

#[test]
fn datagrams_that_are_no_calls_say_why() {
    check(&[b""], "message: the message ends at byte 0, inside this field");
    check(&[b"GET / HTTP/1.1\r\n"], "message: neither compact nor binary thrift at byte 0");
    check(&[b"{}"], "message: neither compact nor binary thrift at byte 0");
    check(&[b"\x82\x22\0\0"], "message: a version of compact thrift that nobody speaks at byte 2");
    check(&[b"\x80\x07\0\0"], "message: a version of binary thrift that nobody speaks at byte 4");
    check(&[b"\x82\x81\0\x04ping\0"], "message: a method that agents do not have at byte 8");
    check(&[b"\x82\x81\0\x09emitBatch\0"], "arguments: no batch at byte 14");
    check(&[b"\x82\x81\0\x0femitZipkinBatch\0"], "arguments: no spans at byte 20");
    let long = [b"\x82\x81\0\xff\x01".as_slice(), &[b'x'; 255]].concat();
    check(&[&long], "message: a method name longer than any method's at byte 260");
}

#[test]
fn counts_and_lengths_are_never_believed() {
    let unbacked = "batch.spans: a count of items that the bytes do not hold at byte ";
    check(&[COMPACT, b"\x1c\0\x19\xfc\xff\xff\xff\xff\x07"], &format!("{unbacked}23"));
    check(&[BINARY, b"\x0c\0\x01\0\x0f\0\x02\x0c\x7f\xff\xff\xff"], &format!("{unbacked}36"));
    check(
        &[BINARY, b"\x0c\0\x01\0\x0f\0\x02\x0c\xff\xff\xff\xff"],
        "batch.spans: a negative length at byte 36",
    );
    check(
        &[COMPACT, b"\x1c\x18\xff\xff\xff\xff\x07"],
        "process.serviceName: the message ends at byte 21, inside this field",
    );
    check(
        &[COMPACT, b"\x1c\0\x19\x13\0"],
        "batch.spans: a list of another type than this field has at byte 18",
    );
    check(&[COMPACT, b"\x1c\0\x19\x1f\0"], "batch.spans: a type that thrift does not have at byte 18");
}

#[test]
fn unknown_fields_may_not_nest_forever() {
    for unit in [&b"\x1c"[..], b"\x19\x19", b"\x1b\x01\xcc"] {
        let body = [COMPACT, b"\x4c", &unit.repeat(30_000)].concat();
        let answer = decode_datagram(Bytes::from(body));
        assert!(
            matches!(answer, Err(DecodeError::TooDeep { .. } | DecodeError::Invalid { .. })),
            "{answer:?}"
        );
    }
    // The same within what is known: a tag inside a tag is an unknown field.
    let body = [BINARY, &b"\x0c\0\x01".repeat(30_000)].concat();
    assert!(matches!(decode_datagram(Bytes::from(body)), Err(DecodeError::TooDeep { .. })));
}

#[test]
fn spans_without_ids_are_counted_and_named() {
    // A batch with a process and two spans; only the second has ids.
    let spans = b"\x1c\x18\x01s\0\x19\x2c\x58\x01x\0\x16\x02\x16\0\x16\x04\x26\x00\0\0\0";
    let decoded = decode_datagram(Bytes::from([COMPACT, spans].concat())).unwrap();
    assert_eq!((decoded.batch.len(), decoded.rejected), (1, 1));
    assert_eq!(decoded.reason.unwrap(), "span \"x\": the trace id is missing or all zeros");
}

#[test]
fn a_process_may_come_behind_its_spans() {
    // Field 2 with one span, then field 1: only its id is told by distance no longer.
    let spans = b"\x29\x1c\x16\x02\x16\0\x16\x04\0\x0c\x02\x18\x01s\0\0";
    for body in [spans.to_vec(), [COMPACT, spans, &[0]].concat()] {
        let batch = decode_batch_binary(Bytes::from(body)).unwrap().batch;
        assert_eq!(batch.span(0).resource().service(), "s");
    }
}

#[test]
fn empty_bodies_hold_nothing() {
    assert!(decode_proto(Bytes::new()).unwrap().batch.is_empty());
    assert!(decode_batch_binary(Bytes::from_static(b"\0")).unwrap().batch.is_empty());
    assert!(matches!(decode_batch_binary(Bytes::new()), Err(DecodeError::Truncated { .. })));
}

#[test]
fn protobuf_refuses_spans_before_messages() {
    let span = |fields: &[u8]| [&[0x0a, fields.len() as u8], fields].concat();
    let id = b"\x0a\x01\x07\x12\x01\x08";
    let long = b"\x0a\x11aaaaaaaaaaaaaaaaa\x12\x01\x08";
    let spans = [span(id), span(long), span(b""), span(id)].concat();
    let body = [&[0x0a, spans.len() as u8], spans.as_slice()].concat();
    let decoded = decode_proto(Bytes::from(body.clone())).unwrap();
    assert_eq!((decoded.batch.len(), decoded.rejected), (2, 2));
    assert_eq!(decoded.reason.unwrap(), "span \"\": an id has the wrong length");
    assert_eq!(decoded.batch.span(0).trace_id().low(), 7);
    for len in 1..body.len() {
        assert!(decode_proto(Bytes::from(body.split_at(len).0.to_vec())).is_err(), "{len}");
    }
    let mistyped = decode_proto(Bytes::from_static(b"\x0a\x04\x0a\x02\x08\x01")).unwrap_err();
    assert_eq!(mistyped.to_string(), "span.trace_id: another wire type than this field has at byte 4");
}

#[test]
fn times_at_both_ends_of_the_clock_are_data() {
    // start i64::MAX us, duration i64::MAX; then start -1, duration i64::MIN.
    let max = b"\x16\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let late = [b"\x16\x02\x16\0\x16\x04\x56".as_slice(), &max[1..], max, b"\0"].concat();
    let early = b"\x16\x02\x16\0\x16\x04\x56\x01\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0";
    let body = [COMPACT, b"\x1c\0\x19\x2c", &late, early, b"\0\0"].concat();
    let batch = decode_datagram(Bytes::from(body)).unwrap().batch;
    assert_eq!((batch.span(0).start().0, batch.span(0).end().0), (u64::MAX, u64::MAX));
    assert_eq!((batch.span(1).start().0, batch.span(1).end().0), (0, 0));
}

#[test]
fn more_items_than_a_message_may_hold_are_refused() {
    // One span of a million and a half empty logs: two bytes each.
    let logs = [b"\x19\xfc\x80\xc6\x5b".as_slice(), &vec![0; 1_500_000]].concat();
    let body = [b"\x1c\0\x19\x1c\xb9".as_slice(), logs.split_at(1).1].concat();
    assert!(matches!(
        decode_batch_binary(Bytes::from(body)),
        Err(DecodeError::TooMany { what: "events", .. })
    ));
}
