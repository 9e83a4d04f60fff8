//! Export requests whose spans are known one by one.

use span::{BatchBuilder, ResourceRow, ScopeRow, SpanId, SpanRow, TraceId, UnixNanos, ValueRef};

use crate::victim::Server;

/// Spans of each trace: enough that a lost part shows.
pub(crate) const SPANS: u64 = 3;

/// Returns a request of one trace, whose id is made of the numbers of its round and its place.
pub(crate) fn request(round: u64, place: u64) -> (TraceId, Vec<u8>) {
    padded(round, place, 0)
}

/// Returns the same with an attribute of `bytes` on each span.
pub(crate) fn padded(round: u64, place: u64, bytes: usize) -> (TraceId, Vec<u8>) {
    // A real id's bits are random; multiplying by an odd number spreads these over the whole range.
    let low = (round << 32 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let id = TraceId::from_halves(round + 1, low);
    let mut builder = BatchBuilder::new();
    let mark = builder.mark();
    builder.push(b"service.name", ValueRef::Str(b"fault")).expect("one span is small");
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let scope = builder.scope(ScopeRow::default());
    for number in 1..=SPANS {
        let name = builder.text(b"step").expect("one span is small");
        let mark = builder.mark();
        if 0 < bytes {
            builder.push(b"padding", ValueRef::Str(&vec![b'a'; bytes])).expect("it fits a request");
        }
        let attributes = builder.since(mark);
        let start = UnixNanos(1_700_000_000_000_000_000 + round * 1_000_000_000 + place * 1_000 + number);
        builder.span(SpanRow {
            trace_id: id,
            span_id: SpanId::from_u64(number),
            parent_span_id: SpanId::from_u64(number - 1),
            start,
            end: UnixNanos(start.0 + 500),
            name,
            resource,
            scope,
            attributes,
            ..SpanRow::default()
        });
    }
    (id, wire::otlp::encode_proto(&builder.finish()))
}

/// Checks that every trace is there, whole.
pub(crate) fn all_are_there(server: &Server, ids: &[TraceId]) {
    for id in ids {
        let reply = server.get(&format!("/api/traces/{id}"));
        assert_eq!(reply.status, 200, "acknowledged trace {id} is gone: {}", reply.body);
        let answer: serde_json::Value = serde_json::from_str(body(&reply.body)).expect("the answer is JSON");
        let spans = answer["data"][0]["spans"].as_array().map(Vec::len);
        assert_eq!(spans, Some(SPANS as usize), "acknowledged trace {id} is not whole");
    }
}

/// Returns a body without the lengths of its chunks.
fn body(text: &str) -> &str {
    let begin = text.find('{').unwrap_or_default();
    let end = text.rfind('}').map_or(text.len(), |at| at + 1);
    &text[begin..end]
}
