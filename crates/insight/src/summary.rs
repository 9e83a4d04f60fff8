//! What a trace amounts to, for lists.

use std::collections::BTreeMap;

use span::{SpanRef, Trace, TraceId, UnixNanos};

use crate::Tree;

/// A trace in one line.
#[derive(Clone, Debug)]
pub struct TraceSummary<'a> {
    /// Its id.
    pub id: TraceId,
    /// The earliest span without a parent; `None` where every span names one.
    pub root: Option<SpanRef<'a>>,
    /// The start of its earliest span.
    pub start: UnixNanos,
    /// The end of its latest span.
    pub end: UnixNanos,
    /// How many spans it has.
    pub span_count: usize,
    /// How many of them failed.
    pub error_count: usize,
    /// How many name a parent that is not stored.
    pub orphan_count: usize,
    /// Its services, by name.
    pub services: Vec<ServiceSummary<'a>>,
}

/// One service's part in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSummary<'a> {
    /// The service.
    pub name: &'a str,
    /// How many of the spans are its own.
    pub span_count: usize,
    /// How many of those failed.
    pub error_count: usize,
}

impl<'a> TraceSummary<'a> {
    /// Sums a trace up. `tree` is the trace's own; `failed` says which spans count as errors.
    pub fn of(trace: &'a Trace, tree: &Tree, failed: impl Fn(SpanRef<'_>) -> bool) -> Self {
        let mut services: BTreeMap<&str, ServiceSummary<'a>> = BTreeMap::new();
        let mut error_count = 0;
        for span in trace.spans() {
            let name = span.resource().service();
            let service =
                services.entry(name).or_insert(ServiceSummary { name, span_count: 0, error_count: 0 });
            service.span_count += 1;
            if failed(span) {
                service.error_count += 1;
                error_count += 1;
            }
        }
        let parentless = |row: &usize| trace.batch().span(*row).parent_span_id().is_none();
        Self {
            id: trace.id(),
            root: tree.roots().find(parentless).map(|row| trace.batch().span(row)),
            start: trace.start(),
            end: trace.end(),
            span_count: tree.len(),
            error_count,
            orphan_count: (0..tree.len()).filter(|row| tree.is_orphan(*row)).count(),
            services: services.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use span::StatusCode;
    use store::conformance::Sketch;

    use super::*;
    use crate::tree::tests::{at, trace};

    #[test]
    fn summary_counts_spans_errors_and_orphans() {
        let failed = Sketch { service: Some("auth"), status: StatusCode::Error, ..at(2, 1, 3, 20) };
        let trace = trace(&[at(9, 7, 0, 1), at(1, 0, 2, 10), failed, at(3, 1, 4, 5)]);
        let tree = Tree::of(&trace);
        let summary = TraceSummary::of(&trace, &tree, |span| span.status_code() == StatusCode::Error);
        assert_eq!(summary.root.map(|root| root.span_id().to_u64()), Some(1));
        assert_eq!((summary.span_count, summary.error_count, summary.orphan_count), (4, 1, 1));
        assert_eq!((summary.start, summary.end), (UnixNanos(0), UnixNanos(20_000_000)));
        let services: Vec<_> =
            summary.services.iter().map(|s| (s.name, s.span_count, s.error_count)).collect();
        assert_eq!(services, [("auth", 1, 1), ("shop", 3, 0)]);
    }

    #[test]
    fn trace_of_orphans_has_no_root() {
        let trace = trace(&[at(2, 1, 0, 1)]);
        assert!(TraceSummary::of(&trace, &Tree::of(&trace), |_| false).root.is_none());
    }
}
