//! A question to an engine, and the cursor that answers it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use span::{Tenant, Trace, TraceKey, UnixNanos};

use crate::{SpanFilter, StoreError};

/// What to look for. A trace is found when one of its spans started within the window and passes the
/// filter; it comes whole.
#[derive(Clone, Debug)]
pub struct Search {
    /// Whose spans.
    pub tenant: Tenant,
    /// What one span must fulfil.
    pub filter: SpanFilter,
    /// That span's earliest start.
    pub start_min: UnixNanos,
    /// That span's latest start, inclusive.
    pub start_max: UnixNanos,
    /// That span arrived later than this, by our clock. An engine may also return what it cannot tell
    /// apart from it: spans that arrived a little earlier.
    pub arrived_after: Option<UnixNanos>,
    /// Go on behind this place of an earlier listing.
    pub after: Option<TraceKey>,
    /// How much of each trace is wanted.
    pub detail: Detail,
    /// Raised by the caller when the answer is no longer wanted.
    pub stop: Stop,
}

/// How much of each trace a cursor must return; it may always return more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Detail {
    /// Everything.
    #[default]
    Whole,
    /// Ids, names, kinds, times, status and `service.name`: enough for summaries and dependencies.
    Skeleton,
}

/// A flag that ends a query early. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Traces in result order, pulled one by one. Dropping it ends the search.
pub trait TraceCursor: Send {
    /// Returns the next trace, or `None` at the end.
    fn next(&mut self) -> Result<Option<Trace>, StoreError>;
}

impl Search {
    /// Looks for everything of `tenant`, in whole traces; narrow it by setting fields.
    pub fn all(tenant: Tenant) -> Self {
        Self {
            tenant,
            filter: SpanFilter::default(),
            start_min: UnixNanos::MIN,
            start_max: UnixNanos::MAX,
            arrived_after: None,
            after: None,
            detail: Detail::Whole,
            stop: Stop::default(),
        }
    }

    /// Tells whether a span that passes would make its trace a result, whenever it arrived.
    pub fn accepts(&self, span: span::SpanRef<'_>) -> bool {
        (self.start_min..=self.start_max).contains(&span.start()) && self.filter.accepts(span)
    }
}

impl Stop {
    /// Asks the query to end at its next look.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Fails once the flag is raised. Engines look at least once per block of rows.
    pub fn check(&self) -> Result<(), StoreError> {
        if self.0.load(Ordering::Relaxed) { Err(StoreError::Stopped) } else { Ok(()) }
    }
}
