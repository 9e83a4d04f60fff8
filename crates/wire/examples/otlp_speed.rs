//! Measures what decoding, encoding and inflating cost per span, on spans of ten attributes.
//!
//! `cargo run --release -p wire --example otlp_speed`. Each figure is the best of many rounds, because
//! whatever else runs on the machine only ever adds.

#![expect(clippy::disallowed_methods, reason = "measuring needs a clock")]
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use span::{
    BatchBuilder, Encoding, EventRow, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind, SpanRow, TraceId,
    UnixNanos, ValueRef,
};
use wire::Inflater;
use wire::otlp::{decode_json, decode_proto, encode_json, encode_proto};

/// Spans in one request, as a batching exporter sends them.
const SPANS: u64 = 356;
const ROUNDS: usize = 300;

fn main() {
    let batch = realistic();
    let proto = Bytes::from(encode_proto(&batch));
    let json = Bytes::from(encode_json(&batch));
    println!("{} spans, {} B/span as protobuf, {} as JSON", SPANS, size(&proto), size(&json));
    measure("memory copy", || proto.to_vec());
    measure("decode_proto", || decode_proto(proto.clone()));
    measure("encode_proto", || encode_proto(&batch));
    measure("decode_json", || decode_json(json.clone()));
    measure("encode_json", || encode_json(&batch));
    let mut inflater = Inflater::default();
    for encoding in Encoding::ALL.into_iter().skip(1) {
        let body = wire::compress(encoding, &proto);
        println!("{} of {} B/span", encoding.name(), size(&body));
        measure("  compress", || wire::compress(encoding, &proto));
        measure("  inflate", || inflater.inflate(encoding, &body, 64 << 20));
    }
}

fn size(body: &[u8]) -> u64 {
    body.len() as u64 / SPANS
}

fn measure<T>(name: &str, mut work: impl FnMut() -> T) {
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(work());
        best = best.min(start.elapsed().as_nanos());
    }
    println!("{name:<14} {:>6} ns/span", best / u128::from(SPANS));
}

/// Spans of a web shop: about ten attributes, an event on every fifth.
fn realistic() -> SpanBatch {
    let mut builder = BatchBuilder::new();
    let mark = builder.mark();
    for (key, value) in [
        ("service.name", "checkout"),
        ("service.version", "2.7.1"),
        ("telemetry.sdk.language", "go"),
        ("k8s.pod.name", "checkout-6f7c9d5b4-x2x8q"),
    ] {
        builder.push(key.as_bytes(), ValueRef::Str(value.as_bytes())).expect("it fits");
    }
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let name = builder.text(b"go.opentelemetry.io/contrib/net/http").expect("it fits");
    let scope = builder.scope(ScopeRow { name, ..ScopeRow::default() });
    for i in 0..SPANS {
        push_span(&mut builder, i, resource, scope);
    }
    builder.finish()
}

fn push_span(builder: &mut BatchBuilder, i: u64, resource: u32, scope: u32) {
    let random = |salt: u64| {
        (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ salt.wrapping_mul(0xd6e8_feb8)
    };
    let mark = builder.mark();
    let texts = [
        ("http.request.method", "POST".to_owned()),
        ("url.path", format!("/api/cart/{}/items", i % 40)),
        ("server.address", "checkout.shop.svc.cluster.local".to_owned()),
        ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
        ("session.id", format!("{:016x}", random(3))),
        ("client.address", format!("10.3.{}.{}", i % 256, i % 199)),
        ("network.protocol.version", "1.1".to_owned()),
    ];
    for (key, value) in &texts {
        builder.push(key.as_bytes(), ValueRef::Str(value.as_bytes())).expect("it fits");
    }
    builder.push(b"http.response.status_code", ValueRef::Int(200)).expect("it fits");
    builder.push(b"client.port", ValueRef::Int(40_000 + (i % 9_000) as i64)).expect("it fits");
    builder.push(b"app.cached", ValueRef::Bool(i.is_multiple_of(2))).expect("it fits");
    let attributes = builder.since(mark);
    let mark = builder.mark();
    if i.is_multiple_of(5) {
        let of_event = builder.mark();
        builder.push(b"retry.count", ValueRef::Int(1)).expect("it fits");
        let attributes = builder.since(of_event);
        let name = builder.text(b"retry").expect("it fits");
        builder.event(EventRow {
            time: UnixNanos(1_700_000_000_000_000_000 + i),
            name,
            attributes,
            ..EventRow::default()
        });
    }
    let start = UnixNanos(1_700_000_000_000_000_000 + random(5) % 1_000_000_000);
    let row = SpanRow {
        trace_id: TraceId::from_halves(random(1), random(2)),
        span_id: SpanId::from_u64(random(6)),
        parent_span_id: SpanId::from_u64(random(7)),
        start,
        end: UnixNanos(start.0 + 1_500_000),
        resource,
        scope,
        name: builder.text(b"POST /api/cart/{id}/items").expect("it fits"),
        kind: SpanKind::Server,
        flags: 0x101,
        attributes,
        events: builder.events_since(mark),
        ..SpanRow::default()
    };
    builder.span(row);
}
