//! What is encoded is decoded: each of Jaeger's protocols on the spans that it can carry.

mod sketch;

use bytes::Bytes;
use proptest::prelude::*;
use sketch::sketch;
use span::{
    BatchBuilder, EventRow, LinkRow, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind, SpanRow, StatusCode,
    TraceId, UnixNanos, ValueRef, arbitrary,
};
use wire::jaeger;

/// A value that Jaeger has a type for.
#[derive(Clone, Debug)]
enum Plain {
    Text(String),
    On(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
}

type Pairs = Vec<(String, Plain)>;

#[derive(Clone, Debug)]
struct PlainSpan {
    ids: (u128, u64, u64),
    name: String,
    micros: (u32, u32),
    kind: SpanKind,
    status: (StatusCode, String),
    trace_state: String,
    resource: usize,
    scope: (String, String),
    attributes: Pairs,
    events: Vec<(String, Pairs)>,
    links: Vec<(u128, u64, bool)>,
    follows: bool,
}

impl Plain {
    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Text(text) => ValueRef::Str(text.as_bytes()),
            Self::On(on) => ValueRef::Bool(*on),
            Self::Int(number) => ValueRef::Int(*number),
            Self::Double(number) => ValueRef::Double(*number),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
        }
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    prop_oneof![
        ".{0,8}".prop_map(Plain::Text),
        any::<bool>().prop_map(Plain::On),
        any::<i64>().prop_map(Plain::Int),
        (-1e300..1e300_f64).prop_map(Plain::Double),
        Just(Plain::Double(f64::NAN)),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(Plain::Bytes),
    ]
}

/// Pairs without repeated keys, which Jaeger shows once; none of its own words begins with `k`.
fn pairs() -> impl Strategy<Value = Pairs> {
    prop::collection::btree_map("k[a-zé]{0,6}", plain(), 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

fn plain_span() -> impl Strategy<Value = PlainSpan> {
    let ids = (1..u128::MAX, 1..u64::MAX, any::<u64>());
    let status = prop_oneof![
        Just((StatusCode::Unset, String::new())),
        "[a-z ]{0,5}".prop_map(|text| (StatusCode::Ok, text)),
        "[a-z ]{0,5}".prop_map(|text| (StatusCode::Error, text)),
    ];
    let head =
        (ids, "[a-z/ ]{1,9}", any::<(u32, u32)>(), prop::sample::select(SpanKind::ALL.to_vec()), status);
    let tail = (
        "[a-z=]{0,4}",
        0..3_usize,
        ("l[a-z]{0,2}", "[0-9.]{0,3}"),
        pairs(),
        prop::collection::vec(("[a-z]{0,5}", pairs()), 0..4),
        prop::collection::vec((2..u128::MAX, 1..u64::MAX, any::<bool>()), 0..4),
        any::<bool>(),
    );
    (head, tail).prop_map(
        |(
            (ids, name, micros, kind, status),
            (trace_state, resource, scope, attributes, events, links, follows),
        )| {
            PlainSpan {
                ids,
                name,
                micros,
                kind,
                status,
                trace_state,
                resource,
                scope,
                attributes,
                events,
                links,
                follows,
            }
        },
    )
}

fn batch_of(spans: &[PlainSpan]) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    for service in ["cart", "shop", "pay"] {
        let mark = builder.mark();
        builder.push(b"service.name", ValueRef::Str(service.as_bytes())).expect("it is small");
        builder.push(b"host.name", ValueRef::Str(b"box")).expect("it is small");
        let attributes = builder.since(mark);
        builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    }
    // Thrift has one process a batch: spans of one process follow each other.
    let mut spans: Vec<&PlainSpan> = spans.iter().collect();
    spans.sort_by_key(|span| span.resource);
    for span in spans {
        add(&mut builder, span);
    }
    builder.finish()
}

fn add(builder: &mut BatchBuilder, span: &PlainSpan) {
    let (name, version) = (text(builder, &span.scope.0), text(builder, &span.scope.1));
    let scope = builder.scope(ScopeRow { name, version, ..ScopeRow::default() });
    let mark = builder.mark();
    span.attributes
        .iter()
        .for_each(|(key, value)| builder.push(key.as_bytes(), value.as_ref()).expect("it is small"));
    let attributes = builder.since(mark);
    let start = UnixNanos(u64::from(span.micros.0) * 1_000);
    for (name, fields) in &span.events {
        let mark = builder.mark();
        fields
            .iter()
            .for_each(|(key, value)| builder.push(key.as_bytes(), value.as_ref()).expect("it is small"));
        let attributes = builder.since(mark);
        let name = text(builder, name);
        builder.event(EventRow { time: start, name, attributes, ..EventRow::default() });
    }
    let (trace_id, parent) = (TraceId::from_bytes(span.ids.0.to_be_bytes()), SpanId::from_u64(span.ids.2));
    if span.follows && !parent.is_none() {
        link(builder, trace_id, parent, "follows_from");
    }
    for (trace, id, child_of) in &span.links {
        let word = if *child_of { "child_of" } else { "follows_from" };
        link(builder, TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_u64(*id), word);
    }
    let row = SpanRow {
        trace_id,
        span_id: SpanId::from_u64(span.ids.1),
        parent_span_id: parent,
        start,
        end: UnixNanos(start.0 + u64::from(span.micros.1) * 1_000),
        resource: span.resource as u32,
        scope,
        name: text(builder, &span.name),
        kind: span.kind,
        status_code: span.status.0,
        status_message: text(builder, &span.status.1),
        flags: 1,
        trace_state: text(builder, &span.trace_state),
        attributes,
        events: builder.events_since(mark),
        links: builder.links_since(mark),
        ..SpanRow::default()
    };
    builder.span(row);
}

fn link(builder: &mut BatchBuilder, trace_id: TraceId, span_id: SpanId, word: &str) {
    let mark = builder.mark();
    builder.push(b"opentracing.ref_type", ValueRef::Str(word.as_bytes())).expect("it is small");
    let attributes = builder.since(mark);
    builder.link(LinkRow { trace_id, span_id, attributes, ..LinkRow::default() });
}

fn text(builder: &mut BatchBuilder, text: &str) -> span::Text {
    builder.text(text.as_bytes()).expect("it is small")
}

fn batches(
    bodies: Vec<Vec<u8>>,
    decode: impl Fn(Bytes) -> Result<wire::Decoded, wire::DecodeError>,
) -> Vec<SpanBatch> {
    let one = |body| {
        let decoded = decode(Bytes::from(body)).expect("it was encoded");
        assert_eq!((decoded.rejected, decoded.reason), (0, None));
        decoded.batch
    };
    bodies.into_iter().map(one).collect()
}

fn decoded(
    bodies: Vec<Vec<u8>>,
    decode: impl Fn(Bytes) -> Result<wire::Decoded, wire::DecodeError>,
) -> String {
    batches(bodies, decode).iter().map(sketch).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn thrift_carries_what_jaeger_can_say(spans in prop::collection::vec(plain_span(), 0..5)) {
        let batch = batch_of(&spans);
        let said = sketch(&batch);
        let compact = jaeger::encode_datagrams_compact(&batch, 600);
        for datagram in &compact {
            let spans = jaeger::decode_datagram(Bytes::from(datagram.clone())).unwrap().batch.len();
            prop_assert!(datagram.len() <= 600 || spans == 1);
        }
        prop_assert_eq!(&decoded(compact, jaeger::decode_datagram), &said);
        let binary = jaeger::encode_datagrams_binary(&batch, 65_000);
        prop_assert_eq!(&decoded(binary, jaeger::decode_datagram), &said);
        prop_assert_eq!(&decoded(jaeger::encode_batch_binary(&batch), jaeger::decode_batch_binary), &said);
    }

    #[test]
    fn proto_carries_what_jaeger_can_say(spans in prop::collection::vec(plain_span(), 0..5)) {
        // The parent is told by the references: one that is not waited for must have no rival.
        let spans: Vec<PlainSpan> = spans
            .into_iter()
            .map(|span| PlainSpan { follows: span.follows && span.links.is_empty(), ..span })
            .collect();
        let batch = batch_of(&spans);
        prop_assert_eq!(&decoded(vec![jaeger::encode_proto(&batch)], jaeger::decode_proto), &sketch(&batch));
    }

    #[test]
    fn whatever_is_sent_once_can_be_sent_on(batch in arbitrary::batches()) {
        // The first trip loses what Jaeger has no words for, the second nothing more.
        let thrift = |batch: &SpanBatch| jaeger::encode_datagrams_compact(batch, 65_000);
        let proto = |batch: &SpanBatch| vec![jaeger::encode_proto(batch)];
        for once in batches(thrift(&batch), jaeger::decode_datagram) {
            let twice = decoded(thrift(&once), jaeger::decode_datagram);
            prop_assert_eq!(&twice, &sketch(&once));
        }
        for once in batches(proto(&batch), jaeger::decode_proto) {
            prop_assert_eq!(once.len(), batch.len());
            let twice = decoded(proto(&once), jaeger::decode_proto);
            prop_assert_eq!(&twice, &sketch(&once));
        }
    }

    #[test]
    fn no_bytes_make_jaeger_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for head in [&b""[..], b"\x82\x81\0\x09emitBatch\x1c\x1c", b"\x80\x01\0\x04\0\0\0\x09emitBatch\0\0\0\0\x0c\0\x01"] {
            let body = Bytes::from([head, &bytes].concat());
            drop(jaeger::decode_datagram(body.clone()));
            drop(jaeger::decode_batch_binary(body.clone()));
            drop(jaeger::decode_proto(body));
        }
    }
}
