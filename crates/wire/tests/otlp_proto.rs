//! OTLP as protobuf: what is written is read back, and hand-made bytes mean what protobuf says.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use bytes::Bytes;
use proptest::prelude::*;
use span::{SpanBatch, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, ValueRef};
use wire::otlp::{decode_proto, encode_proto};
use wire::{DecodeError, Decoded};

/// Writes a length-delimited field by hand, independent of the room under test.
fn bytes(number: u32, content: &[u8]) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn number(number: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(number) << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while 0x80 <= value {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn text_attribute(key: &str, value: &str) -> Vec<u8> {
    [bytes(1, key.as_bytes()), bytes(2, &bytes(1, value.as_bytes()))].concat()
}

fn ids() -> Vec<u8> {
    [bytes(1, &[1; 16]), bytes(2, &[2; 8])].concat()
}

/// Wraps span messages into one request without a resource or scope of its own.
fn request_of(spans: &[Vec<u8>]) -> Vec<u8> {
    let spans = spans.iter().flat_map(|span| bytes(2, span)).collect::<Vec<_>>();
    bytes(1, &bytes(2, &spans))
}

fn decode(body: Vec<u8>) -> Result<Decoded, DecodeError> {
    decode_proto(Bytes::from(body))
}

fn decode_one(span: &[Vec<u8>]) -> SpanBatch {
    let decoded = decode(request_of(&[[ids(), span.concat()].concat()])).unwrap();
    assert_eq!((decoded.rejected, decoded.reason, decoded.batch.len()), (0, None, 1));
    decoded.batch
}

/// Decodes, writes and decodes again: nothing may change.
fn survives(batch: &SpanBatch) {
    let again = decode(encode_proto(batch)).unwrap().batch;
    assert_eq!(&again, batch);
}

/// The batch in the order in which OTLP writes it.
fn in_order(batch: &SpanBatch) -> SpanBatch {
    let mut spans: Vec<_> = batch.spans().collect();
    spans.sort_by_key(|span| (span.row().resource, span.row().scope));
    let mut builder = span::BatchBuilder::new();
    builder.append(spans).unwrap();
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_written_is_read_back(batch in span::arbitrary::batches()) {
        let decoded = decode(encode_proto(&batch)).unwrap();
        prop_assert_eq!(decoded.rejected, 0);
        prop_assert_eq!(decoded.batch, in_order(&batch));
    }

    #[test]
    fn no_bytes_break_the_decoder(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(body);
    }

    #[test]
    fn no_flipped_byte_breaks_the_decoder(
        batch in span::arbitrary::batches(), at in any::<prop::sample::Index>(), to in any::<u8>()
    ) {
        let mut body = encode_proto(&batch);
        prop_assume!(!body.is_empty());
        let at = at.index(body.len());
        body[at] = to;
        if let Ok(decoded) = decode(body) {
            survives(&in_order(&decoded.batch));
        }
    }
}

#[test]
fn empty_requests_are_empty_batches() {
    for body in [vec![], bytes(1, b""), bytes(1, &bytes(2, b"")), bytes(77, b"x")] {
        let decoded = decode(body).unwrap();
        assert_eq!((decoded.batch.len(), decoded.rejected), (0, 0));
    }
}

#[test]
fn owners_may_stand_behind_what_they_own() {
    let resource = |key| bytes(1, &bytes(1, &text_attribute(key, "v")));
    let scope_spans =
        bytes(2, &[bytes(2, &ids()), bytes(1, &bytes(1, b"lib")), bytes(3, b"scope-schema")].concat());
    let body = bytes(
        1,
        &[resource("a"), scope_spans, bytes(3, b"old-schema"), resource("b"), bytes(3, b"schema")].concat(),
    );
    let batch = decode(body).unwrap().batch;
    let span = batch.span(0);
    let keys: Vec<_> = span.resource().attributes().map(|(key, _)| key).collect();
    assert_eq!(keys, [b"a", b"b"], "two resource messages are merged");
    assert_eq!(span.resource().schema_url(), b"schema", "the last one stands");
    assert_eq!((span.scope().name(), span.scope().schema_url()), (&b"lib"[..], &b"scope-schema"[..]));
    survives(&batch);
}

#[test]
fn fields_of_a_span_may_be_shuffled() {
    let event =
        |name: &str| bytes(11, &[bytes(3, &text_attribute("in", name)), bytes(2, name.as_bytes())].concat());
    let link = bytes(13, &[bytes(4, &text_attribute("in", "link")), bytes(1, &[9; 16])].concat());
    let batch = decode_one(&[
        event("one"),
        bytes(9, &text_attribute("a", "1")),
        bytes(15, &number(3, 2)),
        link,
        bytes(9, &text_attribute("b", "2")),
        bytes(15, &bytes(2, b"why")),
        event("two"),
        bytes(5, b"old"),
        bytes(5, b"new"),
    ]);
    let span = batch.span(0);
    assert_eq!(span.name(), b"new");
    assert_eq!((span.status_code(), span.status_message()), (StatusCode::Error, &b"why"[..]));
    let attributes: Vec<_> = span.attributes().collect();
    assert_eq!(attributes, [(&b"a"[..], ValueRef::Str(b"1")), (b"b", ValueRef::Str(b"2"))]);
    for (event, name) in span.events().zip([b"one", b"two"]) {
        assert_eq!(event.name(), name);
        assert!(event.attributes().eq([(&b"in"[..], ValueRef::Str(name))]));
    }
    let link = span.links().next().unwrap();
    assert_eq!((link.trace_id(), link.span_id()), (TraceId::from_bytes([9; 16]), SpanId::NONE));
    assert!(link.attributes().eq([(&b"in"[..], ValueRef::Str(b"link"))]));
    survives(&batch);
}

#[test]
fn what_this_version_does_not_know_survives() {
    let unknown = bytes(200, b"later");
    let of_status = bytes(15, &[number(3, 9), unknown.clone()].concat());
    let future_value = [bytes(1, b"key"), bytes(2, &number(8, 5))].concat();
    let batch = decode_one(&[
        number(6, 77),
        unknown.clone(),
        of_status,
        bytes(9, &future_value),
        bytes(11, &unknown),
        bytes(13, &[bytes(1, &[1; 16]), bytes(2, &[1; 8]), unknown.clone()].concat()),
    ]);
    let span = batch.span(0);
    assert_eq!((span.kind(), span.status_code()), (SpanKind::Unspecified, StatusCode::Unset));
    assert_eq!(span.attributes().len(), 0);
    let residual = [
        unknown.clone(),
        bytes(15, &unknown),
        bytes(9, &future_value),
        number(6, 77),
        bytes(15, &number(3, 9)),
    ];
    assert_eq!(span.residual(), residual.concat());
    assert_eq!(span.events().next().unwrap().residual(), unknown);
    assert_eq!(span.links().next().unwrap().residual(), unknown);
    survives(&batch);

    let owners = [
        bytes(1, &[unknown.clone(), bytes(1, &future_value)].concat()),
        bytes(2, &[bytes(1, &unknown), bytes(2, &ids()), unknown.clone()].concat()),
        unknown.clone(),
    ];
    let batch = decode(bytes(1, &owners.concat())).unwrap().batch;
    let span = batch.span(0);
    let of_resource = [bytes(1, &unknown), bytes(1, &bytes(1, &future_value)), unknown.clone()].concat();
    assert_eq!(span.resource().residual(), of_resource);
    assert_eq!(span.scope().residual(), [bytes(1, &unknown), unknown].concat());
    survives(&batch);
}

#[test]
fn a_known_number_after_an_unknown_one_stands() {
    let batch = decode_one(&[number(6, 77), number(6, 3)]);
    assert_eq!((batch.span(0).kind(), batch.span(0).residual()), (SpanKind::Client, &b""[..]));
}

#[test]
fn spans_without_proper_ids_are_refused_and_the_others_kept() {
    let span = |trace: &[u8], id: &[u8], parent: &[u8]| {
        [bytes(1, trace), bytes(2, id), bytes(4, parent), bytes(5, b"GET \"/\""), bytes(9, b"")].concat()
    };
    let (t, s) = (&[1; 16][..], &[1; 8][..]);
    for (bad, why) in [
        (span(b"", s, b""), "the trace id is missing or all zeros"),
        (span(&[0; 16], s, b""), "the trace id is missing or all zeros"),
        (span(&[1; 15], s, b""), "the trace id has not 16 bytes"),
        (span(t, b"", b""), "the span id is missing or all zeros"),
        (span(t, &[0; 8], b""), "the span id is missing or all zeros"),
        (span(t, &[1; 16], b""), "the span id has not 8 bytes"),
        (span(t, s, &[1; 7]), "the parent span id has neither 8 bytes nor none"),
    ] {
        let decoded = decode(request_of(&[bad.clone(), span(t, s, &[0; 8]), bad])).unwrap();
        assert_eq!((decoded.batch.len(), decoded.rejected), (1, 2));
        assert_eq!(decoded.reason.unwrap(), format!("span \"GET \\\"/\\\"\": {why}"));
        assert_eq!(decoded.batch.span(0).parent_span_id(), SpanId::NONE);
        assert_eq!(decoded.batch.span(0).attributes().len(), 1, "rows of the refused are taken back");
    }
}

#[test]
fn a_link_with_a_bad_id_does_not_cost_its_span() {
    let link = bytes(13, &[bytes(1, b"short"), bytes(4, &text_attribute("k", "v"))].concat());
    let decoded = decode(request_of(&[[ids(), link.clone()].concat()])).unwrap();
    assert_eq!(decoded.rejected, 0);
    assert!(decoded.reason.unwrap().contains("link"));
    assert_eq!(decoded.batch.span(0).residual(), link);
    survives(&decoded.batch);
}

#[test]
fn old_senders_are_understood() {
    let old = |name: &[u8]| bytes(1000, &[bytes(1, &bytes(1, name)), bytes(2, &ids())].concat());
    let batch = decode(bytes(1, &old(b"old"))).unwrap().batch;
    assert_eq!((batch.len(), batch.span(0).scope().name()), (1, &b"old"[..]));
    let new = bytes(2, &[bytes(1, &bytes(1, b"new")), bytes(2, &ids())].concat());
    let batch = decode(bytes(1, &[old(b"old"), new].concat())).unwrap().batch;
    assert_eq!((batch.len(), batch.span(0).scope().name()), (1, &b"new"[..]), "who sends both says it twice");
}

#[test]
fn values_keep_their_types() {
    let cases = [
        (bytes(1, b"\xff"), ValueRef::Str(b"\xff")),
        (number(2, 1), ValueRef::Bool(true)),
        (number(3, -5_i64 as u64), ValueRef::Int(-5)),
        ([vec![0x21], 0.5_f64.to_le_bytes().to_vec()].concat(), ValueRef::Double(0.5)),
        (bytes(7, b"\0"), ValueRef::Bytes(b"\0")),
        (vec![], ValueRef::Empty),
        ([number(2, 1), bytes(1, b"last")].concat(), ValueRef::Str(b"last")),
    ];
    for (value, expected) in cases {
        let batch = decode_one(&[bytes(9, &[bytes(2, &value), bytes(1, b"k")].concat())]);
        assert!(batch.span(0).attributes().eq([(&b"k"[..], expected)]));
        survives(&batch);
    }
}

/// An array in an array, `depth` levels, as `AnyValue`.
fn nested(depth: usize) -> Vec<u8> {
    (1..depth).fold(bytes(5, b""), |inner, _| bytes(5, &bytes(1, &inner)))
}

#[test]
fn arrays_beyond_the_depth_limit_are_opaque() {
    let value = |depth| {
        let batch = decode_one(&[bytes(9, &bytes(2, &nested(depth)))]);
        survives(&batch);
        matches!(batch.span(0).attribute(b"").unwrap(), ValueRef::Bytes(_))
    };
    assert!(!value(span::DEPTH_MAX));
    assert!(value(span::DEPTH_MAX + 1));
    assert!(value(3_000));
}

#[test]
fn broken_frames_are_errors_that_name_the_place() {
    let check = |body: Vec<u8>, expected: &str| {
        assert_eq!(decode(body).unwrap_err().to_string(), expected);
    };
    check(vec![0x0a, 5, 0], "request: the message ends at byte 3, inside this field");
    check(request_of(&[vec![0x2a, 9]]), "span: the message ends at byte 8, inside this field");
    check(request_of(&[number(5, 1)]), "span.name: another wire type than this field has at byte 6");
    let broken_array = bytes(9, &bytes(2, &bytes(5, &[0x0a, 9])));
    check(request_of(&[broken_array]), "value.array_value: the message ends at byte 14, inside this field");
    let whole = encode_proto(&decode_one(&[bytes(5, b"name"), bytes(9, &text_attribute("k", "v"))]));
    for cut in 1..whole.len() {
        assert!(decode(whole[..cut].to_vec()).is_err(), "{cut}");
    }
}

#[test]
fn swarms_of_empty_messages_are_refused() {
    let empties = |number: u32, count: usize| {
        let [key, len] = bytes(number, b"")[..] else { unreachable!() };
        [key, len].repeat(count)
    };
    let refused = |body: Vec<u8>, what: &str| {
        assert!(decode(body).unwrap_err().to_string().starts_with(what), "{what}");
    };
    refused(request_of(&[[ids(), empties(9, 5 << 20)].concat()]), "attributes: more than 4194304");
    refused(request_of(&[[ids(), empties(11, 2 << 20)].concat()]), "events: more than 1048576");
    refused(request_of(&[[ids(), empties(13, 2 << 20)].concat()]), "links: more than 1048576");
    refused(bytes(1, &bytes(2, &empties(2, 2 << 20))), "spans: more than 1048576");
    refused(empties(1, 3 << 20), "resources and scopes: more than 2097152");
}

#[test]
fn ten_thousand_attributes_and_a_megabyte_are_kept() {
    let many: Vec<_> = (0..10_000).flat_map(|i| bytes(9, &text_attribute(&format!("k{i}"), "v"))).collect();
    let large = "x".repeat(1 << 20);
    let batch = decode_one(&[many, bytes(9, &text_attribute("large", &large))]);
    assert_eq!(batch.span(0).attributes().len(), 10_001);
    assert_eq!(batch.span(0).attribute(b"large"), Some(ValueRef::Str(large.as_bytes())));
    survives(&batch);
}

#[test]
fn times_at_both_ends_of_the_clock_are_kept() {
    let fixed = |number: u8, value: u64| [vec![number << 3 | 1], value.to_le_bytes().to_vec()].concat();
    let batch = decode_one(&[fixed(7, u64::MAX), fixed(8, 1)]);
    assert_eq!((batch.span(0).start(), batch.span(0).end()), (UnixNanos::MAX, UnixNanos(1)));
    survives(&batch);
}
