//! The load is the one that all published figures speak of: sizes, counts and shares are held here.

use std::collections::{HashMap, HashSet};

use shop::{SPANS_PER_TRACE, World};
use span::{DurationNanos, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};

/// What is counted over a stretch of the world.
#[derive(Debug, Default)]
struct Count {
    requests: usize,
    spans: usize,
    bytes: usize,
    zstd_bytes: usize,
    attributes: usize,
    attributes_most: usize,
    attributes_least: usize,
    events: usize,
    failed: usize,
    exceptions: usize,
    scopes_most: usize,
    operations: HashSet<(String, String, SpanKind)>,
}

fn count(requests: usize) -> Count {
    let mut count = Count { attributes_least: usize::MAX, ..Count::default() };
    for batch in World::new(42).requests().take(requests) {
        let body = wire::otlp::encode_proto(&batch);
        count.requests += 1;
        count.spans += batch.len();
        count.bytes += body.len();
        count.zstd_bytes += zstd::bulk::compress(&body, 3).expect("memory compresses").len();
        count.scopes_most = count.scopes_most.max(batch.scope_rows().len());
        assert_eq!(batch.resource_rows().len(), 1);
        for span in batch.spans() {
            let attributes = span.attributes().len();
            count.attributes += attributes;
            count.attributes_least = count.attributes_least.min(attributes);
            count.attributes_most = count.attributes_most.max(attributes);
            count.events += span.events().len();
            count.exceptions += span.events().filter(|event| event.name() == b"exception").count();
            count.failed += usize::from(span.status_code() == StatusCode::Error);
            let operation = (span.resource().service().to_owned(), span.operation().to_owned(), span.kind());
            count.operations.insert(operation);
        }
    }
    count
}

#[test]
fn default_load_is_the_calibrated_one() {
    let count = count(700);
    let per_span = |sum: usize| sum as f64 / count.spans as f64;
    let spans_per_request = count.spans as f64 / count.requests as f64;
    let figures = [
        ("spans a request", spans_per_request, 341.0, 371.0),
        ("bytes a span", per_span(count.bytes), 460.0, 490.0),
        ("zstd-3 bytes a span", per_span(count.zstd_bytes), 59.0, 67.0),
        ("attributes a span", per_span(count.attributes), 10.1, 10.5),
        ("events a span", per_span(count.events), 0.17, 0.21),
        ("failed", per_span(count.failed), 0.018, 0.022),
        ("exceptions a failed span", count.exceptions as f64 / count.failed as f64, 0.4, 0.65),
    ];
    for (name, figure, least, most) in figures {
        assert!((least..=most).contains(&figure), "{name}: {figure:.4} is not between {least} and {most}");
    }
    assert_eq!((count.attributes_least, count.attributes_most), (8, 15));
    assert!(count.scopes_most <= 6);
    assert!(100 <= count.operations.len(), "{} operations by kind", count.operations.len());
}

#[test]
fn ended_world_exported_whole_traces() {
    let traces = 3_000;
    let mut spans: HashMap<TraceId, Vec<(SpanId, SpanId)>> = HashMap::new();
    let mut requests = World::new(7).traces(traces).requests();
    for batch in requests.by_ref() {
        for span in batch.spans() {
            spans.entry(span.trace_id()).or_default().push((span.span_id(), span.parent_span_id()));
        }
    }
    assert_eq!((requests.traces(), spans.len() as u64), (traces, traces));
    let total: usize = spans.values().map(Vec::len).sum();
    let mean = total as f64 / traces as f64;
    assert!((SPANS_PER_TRACE - mean).abs() < 2.0, "{mean} spans a trace");
    for trace in spans.values() {
        let ids: HashSet<SpanId> = trace.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), trace.len());
        let roots = trace.iter().filter(|(_, parent)| parent.is_none()).count();
        assert_eq!(roots, 1);
        assert!(trace.iter().all(|(_, parent)| parent.is_none() || ids.contains(parent)));
    }
}

#[test]
fn seed_names_one_world() {
    let bytes = |seed| {
        let requests = World::new(seed).traces(300).requests();
        requests.map(|batch| wire::otlp::encode_proto(&batch)).collect::<Vec<_>>()
    };
    assert_eq!(bytes(42), bytes(42));
    assert_ne!(bytes(42), bytes(43));
}

#[test]
fn start_and_rate_are_the_callers() {
    let start = UnixNanos(2_000_000_000_000_000_000);
    let mut requests = World::new(42).starting(start).traces_per_second(10.0).traces(1_000).requests();
    let first =
        requests.by_ref().flat_map(|batch| batch.spans().map(|span| span.start()).min()).min().unwrap();
    let seconds = requests.clock().since(start).0 / 1_000_000_000;
    assert!(start < first && first.since(start).0 < 2_000_000_000);
    assert!((90..110).contains(&seconds), "{seconds}");
}

#[test]
fn exporter_with_a_timer_sends_small_requests() {
    let world =
        World::new(42).traces_per_second(1.0).traces(200).exporting_after(DurationNanos(5_000_000_000));
    let mut last = UnixNanos::MIN;
    for batch in world.requests() {
        assert!(batch.len() < 200);
        last = last.max(batch.spans().map(|span| span.end()).max().unwrap());
        let first = batch.spans().map(|span| span.end()).min().unwrap();
        assert!(last.since(first).0 < 60_000_000_000);
    }
}
