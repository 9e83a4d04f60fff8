//! The seam between whatever holds spans and whoever puts answers together.
//!
//! A part is something readable that no longer changes under its reader: a snapshot of the head, or a
//! segment. All the spans that one part holds of one trace are a *fragment*. A trace may have
//! fragments in several parts, so a part speaks of fragments only; the cursor above joins them.
//!
//! A part never looks at tenants (it holds one) nor at [`Search::after`] (the place of a *trace*
//! in a listing, which one fragment does not know).

use std::collections::BTreeSet;
use std::sync::Arc;

use span::{BatchBuilder, TraceId, TraceKey, UnixNanos};
use store::{Detail, Measure, NameTally, Operation, Search, StoreError, Tally, TracePrefix};

use crate::ahead::Helpers;

/// Something readable: a snapshot of the head, or a segment.
pub(crate) trait Part: Send + Sync {
    /// Returns how much there is and when it was.
    fn bounds(&self) -> Bounds;

    /// Returns the start of the fragment's earliest span; `None` where the part has no span of the
    /// trace, which a filter tells in about a microsecond.
    fn fragment_start(&self, id: TraceId) -> Result<Option<UnixNanos>, StoreError>;

    /// Appends all spans of the fragment; tells whether there were any.
    fn fragment(&self, id: TraceId, detail: Detail, into: &mut BatchBuilder) -> Result<bool, StoreError>;

    /// Returns the ids that begin with `prefix`, ascending, at most `limit`.
    fn ids_with_prefix(&self, prefix: TracePrefix, limit: usize) -> Result<Vec<TraceId>, StoreError>;

    /// Finds the fragments with at least one span that the search accepts, in the order of
    /// [`TraceKey`] by the fragment's start: newest first, ties by id. Work is done as the iterator is
    /// pulled, a group of rows at a time, and [`store::Stop`] is looked at before each. A damaged group
    /// is one `Err`; who pulls on gets what lies behind it.
    /// Helpers look at groups that lie ahead.
    fn matches_with(self: Arc<Self>, search: &Search, helpers: &Arc<dyn Helpers>) -> Matches;

    /// Returns into how many slices a count of the part may be divided.
    fn slices(&self) -> usize;

    /// Counts what a measure asks for, over one slice. Where rows are damaged, `damaged` is told and they are left
    /// out.
    fn measure(
        &self,
        measure: &Measure,
        slice: usize,
        tally: &mut Tally,
        damaged: &mut dyn FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Counts the attributes of the spans that a search accepts, over one slice.
    fn names(
        &self,
        search: &Search,
        slice: usize,
        names: &mut NameTally,
        damaged: &mut dyn FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Adds the names of all services.
    fn services(&self, into: &mut BTreeSet<String>) -> Result<(), StoreError>;

    /// Adds the distinct operations of `service`.
    fn operations(&self, service: &str, into: &mut BTreeSet<Operation>) -> Result<(), StoreError>;
}

/// Fragments that a search accepts, newest first.
pub(crate) type Matches = Box<dyn Listing>;

/// An iterator that knows whether its next item is at hand.
pub(crate) trait Listing: Iterator<Item = Result<TraceKey, StoreError>> + Send {
    /// Tells whether the next item takes no search.
    fn is_ready(&self) -> bool;
}

#[cfg(test)]
impl dyn Part {
    /// Finds fragments with nobody's help.
    pub(crate) fn matches(self: Arc<Self>, search: &Search) -> Matches {
        let nobody: Arc<dyn Helpers> = Arc::new(crate::ahead::Nobody);
        self.matches_with(search, &nobody)
    }
}

/// How much a part holds and when it was. The times of an empty part are an empty range: least above
/// greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Stored spans; a retried one counts each time.
    pub(crate) spans: u64,
    /// Fragments.
    pub(crate) traces: u64,
    /// The earliest start of a span, by senders' clocks.
    pub(crate) start_min: UnixNanos,
    /// The latest start of a span. No fragment starts later.
    pub(crate) start_max: UnixNanos,
    /// When the first of the spans arrived, by our clock.
    pub(crate) received_min: UnixNanos,
    /// When the last of the spans arrived.
    pub(crate) received_max: UnixNanos,
}

impl Bounds {
    /// The bounds of nothing.
    pub(crate) const EMPTY: Self = Self {
        spans: 0,
        traces: 0,
        start_min: UnixNanos::MAX,
        start_max: UnixNanos::MIN,
        received_min: UnixNanos::MAX,
        received_max: UnixNanos::MIN,
    };
}
