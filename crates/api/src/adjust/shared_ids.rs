//! Client and server halves that share an id, as Zipkin's clients send them.

use std::collections::{HashMap, HashSet};

use span::{SpanId, SpanKind, Trace};

use super::{Changes, change_of};

/// Gives each server half the lowest id that is free, under its client's half; the children of the
/// shared id follow the server.
pub(super) fn plan(trace: &Trace, changes: &mut Changes) {
    let of_clients: HashSet<SpanId> =
        trace.spans().filter(|span| span.kind() == SpanKind::Client).map(|span| span.span_id()).collect();
    let shares =
        |span: span::SpanRef<'_>| span.kind() == SpanKind::Server && of_clients.contains(&span.span_id());
    if of_clients.is_empty() || !trace.spans().any(shares) {
        return;
    }
    let used: HashSet<SpanId> = trace.spans().map(|span| span.span_id()).collect();
    let mut free = (1..=u64::MAX).map(SpanId::from_u64).filter(|id| !used.contains(id));
    let mut moved: HashMap<SpanId, SpanId> = HashMap::new();
    let mut halves: HashSet<usize> = HashSet::new();
    for (row, span) in trace.spans().enumerate().filter(|(_, span)| shares(*span)) {
        let Some(id) = free.next() else { return };
        moved.insert(span.span_id(), id);
        halves.insert(row);
        let change = change_of(trace, changes, row);
        change.parent_span_id = span.span_id();
        change.span_id = id;
    }
    for (row, span) in trace.spans().enumerate().filter(|(row, _)| !halves.contains(row)) {
        if let Some(id) = moved.get(&span.parent_span_id()) {
            change_of(trace, changes, row).parent_span_id = *id;
        }
    }
}
