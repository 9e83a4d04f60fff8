//! Whatever is stored, every API answers in valid UTF-8 and valid JSON.

use proptest::prelude::*;
use span::{
    BatchBuilder, EventRow, LinkRow, PackedWriter, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind,
    SpanRow, StatusCode, Tenant, TraceId, UnixNanos, ValueRef,
};
use store::{TraceWriter, Write};

use crate::world::World;

/// A value as the strategy makes it.
#[derive(Clone, Debug)]
enum Any {
    Empty,
    Str(Vec<u8>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    List(Vec<Vec<u8>>),
    Map(Vec<(Vec<u8>, f64)>),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        "\\PC{0,8}".prop_map(String::into_bytes),
        Just(b"service.name".to_vec()),
        Just(b"error".to_vec()),
        Just(b"event".to_vec()),
        Just(b"@jaeger@warnings".to_vec()),
        Just(b"telemetry.sdk.name".to_vec()),
        Just(b"peer.ipv4".to_vec()),
    ]
}

fn value() -> impl Strategy<Value = Any> {
    prop_oneof![
        Just(Any::Empty),
        bytes().prop_map(Any::Str),
        any::<bool>().prop_map(Any::Bool),
        any::<i64>().prop_map(Any::Int),
        any::<f64>().prop_map(Any::Double),
        bytes().prop_map(Any::Bytes),
        prop::collection::vec(bytes(), 0..3).prop_map(Any::List),
        prop::collection::vec((bytes(), any::<f64>()), 0..3).prop_map(Any::Map),
    ]
}

type Attributes = Vec<(Vec<u8>, Any)>;

fn attributes() -> impl Strategy<Value = Attributes> {
    prop::collection::vec((bytes(), value()), 0..5)
}

#[derive(Clone, Debug)]
struct AnySpan {
    /// Trace, span, parent; few of each, so that they meet.
    ids: (u64, u64, u64),
    times: (u64, u64),
    texts: [Vec<u8>; 6],
    numbers: (u64, u64, u32),
    own: Attributes,
    of_resource: Attributes,
    of_event: Attributes,
    of_link: Attributes,
}

fn span() -> impl Strategy<Value = AnySpan> {
    (
        (0..3_u64, 0..4_u64, 0..4_u64),
        (any::<u64>(), any::<u64>()),
        [bytes(), bytes(), bytes(), bytes(), bytes(), bytes()],
        (0..6_u64, 0..3_u64, any::<u32>()),
        (attributes(), attributes(), attributes(), attributes()),
    )
        .prop_map(|(ids, times, texts, numbers, (own, of_resource, of_event, of_link))| AnySpan {
            ids,
            times,
            texts,
            numbers,
            own,
            of_resource,
            of_event,
            of_link,
        })
}

fn push(builder: &mut BatchBuilder, attributes: &Attributes) {
    for (key, value) in attributes {
        let mut packed = PackedWriter::new();
        let value = match value {
            Any::Empty => ValueRef::Empty,
            Any::Str(bytes) => ValueRef::Str(bytes),
            Any::Bool(on) => ValueRef::Bool(*on),
            Any::Int(number) => ValueRef::Int(*number),
            Any::Double(number) => ValueRef::Double(*number),
            Any::Bytes(bytes) => ValueRef::Bytes(bytes),
            Any::List(items) => {
                items.iter().for_each(|item| packed.item(ValueRef::Str(item)));
                ValueRef::Array(packed.packed().list())
            }
            Any::Map(entries) => {
                entries.iter().for_each(|(key, number)| packed.entry(key, ValueRef::Double(*number)));
                ValueRef::Map(packed.packed().map())
            }
        };
        builder.push(key, value).unwrap();
    }
}

fn batch(spans: &[AnySpan]) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    for any in spans {
        let mark = builder.mark();
        push(&mut builder, &any.of_resource);
        let attributes = builder.since(mark);
        let [name, scope_name, version, message, state, event] =
            [0, 1, 2, 3, 4, 5].map(|at| builder.text(&any.texts[at]).unwrap());
        let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
        let scope = builder.scope(ScopeRow { name: scope_name, version, ..ScopeRow::default() });
        let mark = builder.mark();
        push(&mut builder, &any.own);
        let attributes = builder.since(mark);
        let mark = builder.mark();
        push(&mut builder, &any.of_event);
        let of_event = builder.since(mark);
        builder.event(EventRow {
            time: UnixNanos(any.times.1),
            name: event,
            attributes: of_event,
            ..EventRow::default()
        });
        let links = builder.mark();
        push(&mut builder, &any.of_link);
        let of_link = builder.since(links);
        let trace_id = TraceId::from_halves(0, any.ids.0);
        let span_id = SpanId::from_u64(any.ids.1);
        builder.link(LinkRow {
            trace_id,
            span_id,
            trace_state: state,
            attributes: of_link,
            ..LinkRow::default()
        });
        builder.span(SpanRow {
            trace_id,
            span_id,
            parent_span_id: SpanId::from_u64(any.ids.2),
            start: UnixNanos(any.times.0),
            end: UnixNanos(any.times.1),
            resource,
            scope,
            name,
            kind: SpanKind::from_number(any.numbers.0).unwrap(),
            status_code: StatusCode::from_number(any.numbers.1).unwrap(),
            status_message: message,
            flags: any.numbers.2,
            trace_state: state,
            attributes,
            events: builder.events_since(mark),
            links: builder.links_since(mark),
            ..SpanRow::default()
        });
    }
    builder.finish()
}

/// Paths whose answers show what is stored.
const PATHS: [&str; 8] = [
    "/api/services",
    "/api/operations?service=missing-service-name",
    "/api/services/missing-service-name/operations",
    "/api/traces?start=0&end=9223372036854775807",
    "/api/traces?start=0&end=9223372036854775807&raw=true&prettyPrint=true",
    "/api/traces/1",
    "/api/dependencies?endTs=9223372036854775807&lookback=9223372036854775807",
    "/api/traces?traceID=1&traceID=2",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_answer_is_valid_json(spans in prop::collection::vec(span(), 1..6), skew in 0..2_u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = World::built(|backend| backend.limits.clock_skew_max = std::time::Duration::from_secs(skew));
        let write = Write { tenant: Tenant::default(), received: UnixNanos(0), batch: batch(&spans) };
        world.store.write(&[write]).unwrap();
        for path in PATHS {
            // Both would panic on what no client can read.
            let reply = runtime.block_on(world.get(path));
            reply.json();
            prop_assert!(!reply.status.is_server_error(), "{}: {}", path, reply.text);
        }
    }
}
