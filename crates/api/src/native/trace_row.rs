//! A trace, or a span, in one line of a list.

use insight::{Tree, root_causes};
use span::{SpanRef, Trace};
use store::{Label, Search};

use crate::json::JsonWriter;

/// One service's part in a trace.
struct Part<'a> {
    name: &'a str,
    spans: u64,
    errors: u64,
    ns: u64,
}

/// Writes a trace that a search found.
pub(super) fn write_trace(json: &mut JsonWriter, trace: &Trace, search: &Search) {
    let tree = Tree::of(trace);
    json.begin_object();
    json.key("type");
    json.text("trace");
    json.key("traceId");
    json.text(&trace.id().to_string());
    json.key("start");
    json.text(&trace.start().0.to_string());
    json.key("durationNs");
    json.unsigned(trace.end().since(trace.start()).0);
    let orphans = (0..tree.len()).filter(|row| tree.is_orphan(*row)).count();
    let errors = trace.spans().filter(|span| store::failed(*span)).count();
    for (key, count) in [("spans", tree.len()), ("errors", errors), ("orphans", orphans)] {
        json.key(key);
        json.unsigned(count as u64);
    }
    json.key("root");
    write_span(json, tree.roots().find(|row| !tree.is_orphan(*row)).map(|row| trace.batch().span(row)));
    let mut matched = trace.spans().filter(|span| search.accepts(*span));
    let first = matched.next();
    json.key("matched");
    json.unsigned(first.map_or(0, |_| 1 + matched.count() as u64));
    json.key("matchedSpanId");
    json.span_id(first.unwrap_or_else(|| trace.batch().span(0)).span_id());
    json.key("error");
    let cause = if errors == 0 { None } else { first_cause(trace, &tree) };
    write_span(json, cause);
    write_services(json, trace, &tree);
    json.end_object();
}

/// Writes a span that a search found.
pub(super) fn write_matched(json: &mut JsonWriter, trace: &Trace, span: SpanRef<'_>) {
    json.begin_object();
    json.key("type");
    json.text("span");
    json.key("traceId");
    json.text(&trace.id().to_string());
    json.key("spanId");
    json.span_id(span.span_id());
    for (key, text) in [("service", span.resource().service()), ("name", span.operation())] {
        json.key(key);
        json.text(text);
    }
    json.key("kind");
    json.text(&Label::of_kind(span.kind()).text);
    json.key("start");
    json.text(&span.start().0.to_string());
    json.key("durationNs");
    json.unsigned(span.duration().0);
    json.key("failed");
    json.bool(store::failed(span));
    json.key("message");
    json.text(&String::from_utf8_lossy(span.status_message()));
    json.key("traceNs");
    json.unsigned(trace.end().since(trace.start()).0);
    json.end_object();
}

fn first_cause<'a>(trace: &'a Trace, tree: &Tree) -> Option<SpanRef<'a>> {
    let causes = root_causes(trace, tree, store::failed);
    causes.iter().position(|cause| *cause).map(|row| trace.batch().span(row))
}

fn write_span(json: &mut JsonWriter, span: Option<SpanRef<'_>>) {
    let Some(span) = span else { return json.null() };
    json.begin_object();
    json.key("service");
    json.text(span.resource().service());
    json.key("operation");
    json.text(span.operation());
    json.end_object();
}

fn write_services(json: &mut JsonWriter, trace: &Trace, tree: &Tree) {
    let mut parts: Vec<Part<'_>> = Vec::new();
    // Spans that follow each other are often of one service.
    let mut last = 0;
    for (row, span) in trace.spans().enumerate() {
        let name = span.resource().service();
        if parts.get(last).is_none_or(|part| part.name != name) {
            last = parts.iter().position(|part| part.name == name).unwrap_or_else(|| {
                parts.push(Part { name, spans: 0, errors: 0, ns: 0 });
                parts.len() - 1
            });
        }
        let part = &mut parts[last];
        part.spans += 1;
        part.errors += u64::from(store::failed(span));
        part.ns = part.ns.saturating_add(tree.self_time(trace, row).0);
    }
    parts.sort_by(|a, b| b.ns.cmp(&a.ns).then(a.name.cmp(b.name)));
    json.key("services");
    json.begin_array();
    for part in parts {
        json.begin_object();
        json.key("name");
        json.text(part.name);
        for (key, number) in [("spans", part.spans), ("errors", part.errors), ("ns", part.ns)] {
            json.key(key);
            json.unsigned(number);
        }
        json.end_object();
    }
    json.end_array();
}
