//! Brings spans into OTLP's order: by resource, and within it by scope.
//!
//! Within a scope the batch's order stays. A batch that came as OTLP is in that order already.

use span::{SpanBatch, SpanRef};

/// The spans of a batch, sorted by the resource and scope that their rows name.
pub(super) struct Groups<'a>(Vec<SpanRef<'a>>);

impl<'a> Groups<'a> {
    pub(super) fn of(batch: &'a SpanBatch) -> Self {
        let mut spans: Vec<_> = batch.spans().collect();
        spans.sort_by_key(|span| (span.row().resource, span.row().scope));
        Self(spans)
    }

    /// Visits each resource with its spans, of which there is at least one.
    pub(super) fn resources(&self) -> impl Iterator<Item = (SpanRef<'a>, &[SpanRef<'a>])> {
        first_of_each(self.0.chunk_by(|one, other| one.row().resource == other.row().resource))
    }
}

/// Visits each scope of a resource's spans with its spans, of which there is at least one.
pub(super) fn scopes<'s, 'a>(
    of_resource: &'s [SpanRef<'a>],
) -> impl Iterator<Item = (SpanRef<'a>, &'s [SpanRef<'a>])> {
    first_of_each(of_resource.chunk_by(|one, other| one.row().scope == other.row().scope))
}

/// Adds the first span of each run, for the owner that all of the run share.
fn first_of_each<'s, 'a: 's>(
    runs: impl Iterator<Item = &'s [SpanRef<'a>]>,
) -> impl Iterator<Item = (SpanRef<'a>, &'s [SpanRef<'a>])> {
    runs.filter_map(|run| Some((*run.first()?, run)))
}
