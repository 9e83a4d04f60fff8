//! What is encoded is decoded: each of Zipkin's protocols on the spans that it can carry.

mod sketch;

use bytes::Bytes;
use proptest::prelude::*;
use sketch::sketch;
use span::{
    BatchBuilder, EventRow, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind, SpanRow, StatusCode, TraceId,
    UnixNanos, ValueRef, arbitrary,
};
use wire::zipkin::{self, Debug};

type Pairs = Vec<(String, String)>;

#[derive(Clone, Debug)]
struct PlainSpan {
    ids: (u128, u64, u64),
    name: String,
    micros: (u32, u32),
    kind: SpanKind,
    status: (StatusCode, String),
    scope: (String, String),
    host: String,
    attributes: Pairs,
    ends: (bool, u16),
    events: Vec<(String, Pairs)>,
    debug: bool,
}

fn pairs() -> impl Strategy<Value = Pairs> {
    prop::collection::btree_map("k[a-zé]{0,6}", ".{0,8}", 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

fn plain_span() -> impl Strategy<Value = PlainSpan> {
    let ids = (1..u128::MAX, 1..u64::MAX, any::<u64>());
    let status = prop_oneof![
        Just((StatusCode::Unset, String::new())),
        "[a-z ]{0,5}".prop_map(|text| (StatusCode::Ok, text)),
    ];
    let micros = (1..u32::MAX, any::<u32>());
    let kind = prop::sample::select(SpanKind::ALL.to_vec());
    let events = prop::collection::vec(("[a-z \"\\\\]{0,5}[a-z]", pairs()), 0..4);
    (
        (ids, "[A-Za-z/ é]{0,9}", micros, kind, status),
        ("l[a-z]{0,2}", "[0-9.]{0,3}"),
        "[a-z]{1,3}",
        pairs(),
        any::<(bool, u16)>(),
        events,
        any::<bool>(),
    )
        .prop_map(|((ids, name, micros, kind, status), scope, host, attributes, ends, events, debug)| {
            PlainSpan { ids, name, micros, kind, status, scope, host, attributes, ends, events, debug }
        })
}

fn batch_of(spans: &[PlainSpan]) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    spans.iter().for_each(|span| add(&mut builder, span));
    builder.finish()
}

fn push(builder: &mut BatchBuilder, key: &str, value: ValueRef<'_>) {
    builder.push(key.as_bytes(), value).expect("it is small");
}

fn text(builder: &mut BatchBuilder, text: &str) -> span::Text {
    builder.text(text.as_bytes()).expect("it is small")
}

fn add(builder: &mut BatchBuilder, span: &PlainSpan) {
    let mark = builder.mark();
    push(builder, "service.name", ValueRef::Str(b"cart"));
    push(builder, "host.name", ValueRef::Str(span.host.as_bytes()));
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let (name, version) = (text(builder, &span.scope.0), text(builder, &span.scope.1));
    let scope = builder.scope(ScopeRow { name, version, ..ScopeRow::default() });
    let mark = builder.mark();
    span.attributes.iter().for_each(|(key, value)| push(builder, key, ValueRef::Str(value.as_bytes())));
    let peer: &[u8] = if span.ends.0 { b"10.0.0.7" } else { b"2001:db8::7" };
    push(builder, "network.local.address", ValueRef::Str(b"127.0.0.1"));
    push(builder, "service.peer.name", ValueRef::Str(b"pay"));
    push(builder, "network.peer.address", ValueRef::Str(peer));
    if span.ends.1 != 0 {
        push(builder, "net.peer.port", ValueRef::Int(i64::from(span.ends.1)));
    }
    let attributes = builder.since(mark);
    let start = UnixNanos(u64::from(span.micros.0) * 1_000);
    for (name, fields) in &span.events {
        let mark = builder.mark();
        fields.iter().for_each(|(key, value)| push(builder, key, ValueRef::Str(value.as_bytes())));
        let attributes = builder.since(mark);
        let name = text(builder, name);
        builder.event(EventRow { time: start, name, attributes, ..EventRow::default() });
    }
    let parent = SpanId::from_u64(span.ids.2);
    let row = SpanRow {
        trace_id: TraceId::from_bytes(span.ids.0.to_be_bytes()),
        span_id: SpanId::from_u64(span.ids.1),
        parent_span_id: if span.ids.1 == span.ids.2 { SpanId::NONE } else { parent },
        start,
        end: UnixNanos(start.0 + u64::from(span.micros.1) * 1_000),
        resource,
        scope,
        name: text(builder, &span.name),
        kind: span.kind,
        status_code: span.status.0,
        status_message: text(builder, &span.status.1),
        flags: if span.debug { 3 } else { 0 },
        attributes,
        events: builder.events_since(mark),
        ..SpanRow::default()
    };
    builder.span(row);
}

fn from_json(bytes: Vec<u8>) -> SpanBatch {
    let decoded = zipkin::decode_json_v2(Bytes::from(bytes), Debug::AsSent).expect("it was encoded");
    assert_eq!((decoded.rejected, decoded.reason), (0, None));
    decoded.batch
}

fn from_proto(bytes: Vec<u8>) -> SpanBatch {
    let decoded = zipkin::decode_proto(Bytes::from(bytes), Debug::AsSent).expect("it was encoded");
    assert_eq!((decoded.rejected, decoded.reason), (0, None));
    decoded.batch
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zipkin_carries_what_it_can_say(spans in prop::collection::vec(plain_span(), 0..5)) {
        let batch = batch_of(&spans);
        let said = sketch(&batch);
        prop_assert_eq!(&sketch(&from_json(zipkin::encode_json_v2(&batch))), &said);
        prop_assert_eq!(&sketch(&from_proto(zipkin::encode_proto(&batch))), &said);
        let thrift = zipkin::decode_thrift(Bytes::from(zipkin::encode_thrift(&batch)), Debug::AsSent).unwrap();
        prop_assert_eq!(&sketch(&thrift.batch), &said);
        let compact = Bytes::from(zipkin::encode_datagram_compact(&batch));
        prop_assert_eq!(&sketch(&wire::jaeger::decode_datagram(compact).unwrap().batch), &said);
    }

    #[test]
    fn json_and_proto_agree_on_any_batch(batch in arbitrary::batches()) {
        let json = from_json(zipkin::encode_json_v2(&batch));
        let proto = from_proto(zipkin::encode_proto(&batch));
        prop_assert_eq!(json.len(), batch.len());
        prop_assert_eq!(sketch(&json), sketch(&proto));
    }

    #[test]
    fn no_bytes_make_zipkin_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for head in [&b""[..], b"[{\"traceId\":\"1\",\"id\":\"1\",", b"\x0c\0\0\0\x01\x0a\0\x01", b"\x0a\x20\x0a\x10"] {
            let body = Bytes::from([head, &bytes].concat());
            for debug in [Debug::AsSent, Debug::Forced] {
                drop(zipkin::decode_json_v1(body.clone(), debug));
                drop(zipkin::decode_json_v2(body.clone(), debug));
                drop(zipkin::decode_proto(body.clone(), debug));
                drop(zipkin::decode_thrift(body.clone(), debug));
            }
        }
    }
}
