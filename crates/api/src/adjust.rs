//! What is changed about a trace for people to read it, on a copy.
//!
//! Stored spans are never touched; `raw` shows them. In this order, as Jaeger does:
//!
//! 1. [`shared_ids`]: a server's half that shares its client's id gets one of its own;
//! 2. [`clock_skew`]: where that is switched on, spans of other hosts are moved to where their parent
//!    says they must have been; switched off, nothing is said about it either;
//! 3. [`rewrite`]: addresses that came as numbers are written with dots, what describes the SDK moves
//!    from spans to their resource, links to nowhere go.
//!
//! A trace that needs none of it, which is nearly every one, is handed back as it is.

mod clock_skew;
mod rewrite;
mod shared_ids;

use std::collections::HashMap;
use std::time::Duration;

use span::{BatchFull, SpanId, Trace};

/// What changes about one span.
#[derive(Clone, Debug)]
struct Change {
    span_id: SpanId,
    parent_span_id: SpanId,
    /// By how many nanoseconds it and its events move.
    shift: i64,
    warnings: Vec<String>,
}

/// Changes by row; a span without an entry stays as it is.
type Changes = HashMap<usize, Change>;

/// Returns the trace as people read it. Clocks are corrected by at most `skew_max`; zero is off.
pub(crate) fn adjusted(trace: Trace, skew_max: Duration) -> Result<Trace, BatchFull> {
    let changes = planned(&trace, skew_max);
    if changes.is_empty() && !rewrite::is_needed(&trace) {
        return Ok(trace);
    }
    rewrite::rewrite(&trace, &changes, Wording::AsSent)
}

/// The same for answers in OTLP's words, which show a span as it stands: attributes by key, of a repeated one the
/// last, events by name, and the names that lists of services and operations have for what was sent without one.
pub(crate) fn adjusted_for_otlp(trace: &Trace, skew_max: Duration) -> Result<Trace, BatchFull> {
    rewrite::rewrite(trace, &planned(trace, skew_max), Wording::InOrder)
}

/// How a copy words what is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wording {
    /// As it is: who shows it puts it in order and names it.
    AsSent,
    /// In order, each key once, with names where none were.
    InOrder,
}

fn planned(trace: &Trace, skew_max: Duration) -> Changes {
    let mut changes = Changes::new();
    shared_ids::plan(trace, &mut changes);
    if !skew_max.is_zero() {
        clock_skew::plan(trace, skew_max, &mut changes);
    }
    changes
}

/// Returns the change of a row, to be filled in.
fn change_of<'a>(trace: &Trace, changes: &'a mut Changes, row: usize) -> &'a mut Change {
    let span = trace.batch().span(row);
    changes.entry(row).or_insert_with(|| Change {
        span_id: span.span_id(),
        parent_span_id: span.parent_span_id(),
        shift: 0,
        warnings: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use span::{
        BatchBuilder, EventRow, LinkRow, ResourceRow, ScopeRow, SpanKind, SpanRow, TraceId, UnixNanos,
        ValueRef,
    };
    use store::conformance::{Sketch, one, write};
    use wire::jaeger::model::{JaegerSpan, TagOrder};

    use super::*;

    fn trace(sketches: &[Sketch<'_>]) -> Trace {
        let batches: Vec<_> = sketches.iter().map(|sketch| write(sketch).batch).collect();
        let spans = batches.iter().flat_map(|batch| batch.spans());
        Trace::assemble(TraceId::from_halves(0, 1), spans).unwrap().unwrap()
    }

    /// Draws each span: service, id, parent, times, warnings.
    fn draw(trace: Trace, skew_max: u64) -> String {
        let trace = adjusted(trace, Duration::from_nanos(skew_max)).unwrap();
        let line = |span| {
            let shown = JaegerSpan::of(span, TagOrder::ByKey);
            let (id, parent) = (span.span_id().to_u64(), span.parent_span_id().to_u64());
            let warnings = shown.warnings.join("|");
            format!(
                "{} {id}<{parent} {}-{} {warnings}",
                span.resource().service(),
                span.start().0,
                span.end().0
            )
            .trim_end()
            .to_owned()
        };
        trace.spans().map(line).collect::<Vec<_>>().join("\n")
    }

    fn at<'a>(service: &'a str, id: u64, parent: u64, start: u64, end: u64) -> Sketch<'a> {
        Sketch { id, parent, duration: end - start, kind: SpanKind::Internal, ..one(service, "op", 1, start) }
    }

    fn halves<'a>() -> Vec<Sketch<'a>> {
        vec![
            Sketch { kind: SpanKind::Client, ..at("web", 5, 0, 10, 20) },
            Sketch { kind: SpanKind::Server, ..at("cart", 5, 0, 12, 18) },
            at("cart", 6, 5, 13, 14),
            at("cart", 1, 6, 13, 14),
        ]
    }

    #[test]
    fn server_half_gets_an_id_of_its_own() {
        assert_eq!(
            draw(trace(&halves()), 0),
            "web 5<0 10-20\ncart 2<5 12-18\ncart 1<6 13-14\ncart 6<2 13-14"
        );
    }

    #[test]
    fn adjusting_leaves_the_stored_trace_alone() {
        let stored = trace(&halves());
        let once = draw(stored.clone(), 5);
        assert_eq!(stored.spans().filter(|span| span.span_id().to_u64() == 5).count(), 2);
        assert_eq!(draw(stored, 5), once);
    }

    #[test]
    fn clocks_are_left_alone_and_unmentioned_unless_switched_on() {
        let late = [at("web", 1, 0, 100, 200), at("cart", 2, 1, 500, 520), at("cart", 3, 9, 1, 2)];
        let drawn = draw(trace(&late), 0);
        assert_eq!(drawn, "cart 3<9 1-2\nweb 1<0 100-200\ncart 2<1 500-520");
    }

    #[test]
    fn skewed_hosts_are_moved_under_their_parents() {
        let host = [("host.name", ValueRef::Str(b"b"))];
        let on = |sketch| Sketch { of_resource: &host, ..sketch };
        let late = [
            at("web", 1, 0, 100, 200),
            on(at("cart", 2, 1, 500, 520)),
            on(at("cart", 3, 2, 505, 510)),
            at("long", 4, 1, 50, 250),
            at("lost", 5, 77, 1, 2),
        ];
        assert_eq!(
            draw(trace(&late), 1_000),
            "lost 5<77 1-2 parent span ID=000000000000004d is not in the trace; skipping clock skew adjustment\n\
             web 1<0 100-200\n\
             long 4<1 100-300 This span's timestamps were adjusted by 50ns\n\
             cart 2<1 140-160 This span's timestamps were adjusted by -360ns\n\
             cart 3<2 145-150 This span's timestamps were adjusted by -360ns"
        );
        let drawn = draw(trace(&late[..2]), 300);
        assert!(drawn.contains(
            "max clock skew adjustment delta of 300ns exceeded; not applying calculated delta of -360ns"
        ));
    }

    #[test]
    fn attributes_and_links_are_put_right() {
        let mut builder = BatchBuilder::new();
        let mark = builder.mark();
        builder.push(b"service.name", ValueRef::Str(b"cart")).unwrap();
        builder.push(b"telemetry.sdk.name", ValueRef::Str(b"otel")).unwrap();
        let attributes = builder.since(mark);
        let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
        let scope = builder.scope(ScopeRow::default());
        let mark = builder.mark();
        builder.push(b"peer.ipv4", ValueRef::Int(0x0102_0304)).unwrap();
        builder.push(b"ip", ValueRef::Str(b"::1")).unwrap();
        builder.push(b"telemetry.sdk.language", ValueRef::Str(b"go")).unwrap();
        builder.push(b"telemetry.sdk.name", ValueRef::Str(b"other")).unwrap();
        let attributes = builder.since(mark);
        builder.link(LinkRow::default());
        let trace_id = TraceId::from_halves(0, 1);
        builder.link(LinkRow { trace_id, span_id: SpanId::from_u64(9), ..LinkRow::default() });
        let links = builder.links_since(mark);
        let (start, span_id) = (UnixNanos(1), SpanId::from_u64(1));
        builder.span(SpanRow {
            trace_id,
            span_id,
            start,
            resource,
            scope,
            attributes,
            links,
            ..SpanRow::default()
        });
        let batch = builder.finish();
        let trace = Trace::assemble(trace_id, batch.spans()).unwrap().unwrap();
        let trace = adjusted(trace, Duration::ZERO).unwrap();
        let span = trace.batch().span(0);
        let texts = |(key, value): (&[u8], ValueRef<'_>)| {
            format!("{}={}", String::from_utf8_lossy(key), value.text_form())
        };
        assert_eq!(
            span.attributes().map(texts).collect::<Vec<_>>(),
            [
                "peer.ipv4=1.2.3.4",
                "ip=::1",
                "telemetry.sdk.name=other",
                "@jaeger@warnings=[\"conflicting values between Span and Resource for attribute \
                 telemetry.sdk.name\",\"Invalid span link removed\"]"
            ]
        );
        assert_eq!(
            span.resource().attributes().map(texts).collect::<Vec<_>>(),
            ["service.name=cart", "telemetry.sdk.name=otel", "telemetry.sdk.language=go"]
        );
        assert_eq!(span.links().map(|link| link.span_id().to_u64()).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn otlp_is_in_order_and_named() {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let scope = builder.scope(ScopeRow::default());
        let mark = builder.mark();
        for (key, value) in [("z", 1), ("k", 1), ("a", 1), ("k", 2)] {
            builder.push(key.as_bytes(), ValueRef::Int(value)).unwrap();
        }
        let attributes = builder.since(mark);
        let mark = builder.mark();
        for name in ["zz", "aa"] {
            let name = builder.text(name.as_bytes()).unwrap();
            builder.event(EventRow { name, ..EventRow::default() });
        }
        let events = builder.events_since(mark);
        let (trace_id, span_id) = (TraceId::from_halves(0, 1), SpanId::from_u64(1));
        let (start, end) = (UnixNanos(500), UnixNanos(100));
        let row = SpanRow { trace_id, span_id, start, end, ..SpanRow::default() };
        builder.span(SpanRow { resource, scope, attributes, events, ..row });
        let batch = builder.finish();
        let trace = Trace::assemble(trace_id, batch.spans()).unwrap().unwrap();
        let shown = adjusted_for_otlp(&trace, Duration::ZERO).unwrap();
        let span = shown.batch().span(0);
        let texts = |(key, value): (&[u8], ValueRef<'_>)| {
            format!("{}={}", String::from_utf8_lossy(key), value.text_form())
        };
        assert_eq!(
            span.attributes().map(texts).collect::<Vec<_>>(),
            [
                "@jaeger@warnings=[\"Negative duration detected: it ends 400ns before it starts\"]",
                "a=1",
                "k=2",
                "z=1"
            ]
        );
        assert_eq!(span.events().map(|event| event.name().to_vec()).collect::<Vec<_>>(), [b"aa", b"zz"]);
        assert_eq!(span.name(), b"empty-span-name");
        assert_eq!(
            span.resource().attributes().map(texts).collect::<Vec<_>>(),
            ["service.name=missing-service-name"]
        );
    }
}
