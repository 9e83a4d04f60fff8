//! Joins the parts of a view into one listing of traces.
//!
//! Each part lists its own fragments, newest first. A trace's place is the start of its earliest span in
//! *any* part, so a fragment is only a hint: its trace comes there or later. The cursor keeps a heap of
//! hints and of traces whose place is known, and takes the first:
//!
//! 1. a part that was not asked yet stands at the latest start it could have: it is asked only when the
//!    listing gets there;
//! 2. a fragment whose trace begins earlier elsewhere goes back into the heap, at the trace's place;
//! 3. a trace at its own place is put together from all parts and returned.
//!
//! With helpers, traces that are found already are put together before they are asked for. The listing is the
//! same with any number of helpers; none searches further than was asked.
//!
//! Rows that are damaged are left out and counted: one bad block costs its own rows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashSet;
use span::{BatchBuilder, BatchFull, SpanBatch, Trace, TraceId, TraceKey};
use store::{Detail, Search, StoreError, TraceCursor};

use crate::ahead::{Ahead, Helpers};
use crate::part::{Matches, Part};
use crate::stats::Counters;

/// A search over the parts of a view.
pub(crate) struct PartsCursor {
    parts: Arc<Parts>,
    search: Search,
    /// One listing per part; `None` before it was asked.
    listings: Vec<Option<Matches>>,
    heap: BinaryHeap<Reverse<(TraceKey, Hint)>>,
    /// Traces whose place is known. Only those that other parts may list again.
    placed: HashSet<TraceId, foldhash::fast::RandomState>,
    helpers: Arc<dyn Helpers>,
    /// The next traces, in order.
    ahead: VecDeque<Ahead<Result<Option<Trace>, StoreError>>>,
    /// How many were returned.
    returned: usize,
    /// What the search ended with, to be told behind the traces that are ahead.
    failure: Option<StoreError>,
}

/// How many traces each helper puts together ahead of the reader, at most.
const AHEAD_PER_HELPER: usize = 2;

/// What can be read of one tenant, with the counters that damage is told to.
pub(crate) struct Parts {
    pub(crate) all: Vec<Arc<dyn Part>>,
    pub(crate) counters: Arc<Counters>,
    /// What the spans of one trace may take while it is put together.
    pub(crate) trace_bytes_max: usize,
}

/// Why a key is in the heap. Of equal keys a place comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hint {
    /// The trace belongs here.
    Place,
    /// A part lists a fragment here.
    Fragment(usize),
    /// A part that was not asked has nothing before.
    Unasked(usize),
}

impl PartsCursor {
    pub(crate) fn new(parts: Parts, search: Search, helpers: Arc<dyn Helpers>) -> Self {
        let mut heap = BinaryHeap::new();
        for (index, part) in parts.all.iter().enumerate() {
            let bounds = part.bounds();
            let new = search.arrived_after.is_none_or(|after| after < bounds.received_max);
            if new && bounds.start_min <= search.start_max && search.start_min <= bounds.start_max {
                let latest = TraceKey { start: bounds.start_max, id: TraceId::from_bytes([0; 16]) };
                heap.push(Reverse((latest, Hint::Unasked(index))));
            }
        }
        let listings = parts.all.iter().map(|_| None).collect();
        Self {
            parts: Arc::new(parts),
            search,
            listings,
            heap,
            placed: HashSet::default(),
            helpers,
            ahead: VecDeque::new(),
            returned: 0,
            failure: None,
        }
    }

    /// Pulls the next fragment of a part into the heap.
    fn pull(&mut self, index: usize) -> Result<(), StoreError> {
        let (part, search) = (&self.parts.all[index], &self.search);
        let listing =
            self.listings[index].get_or_insert_with(|| part.clone().matches_with(search, &self.helpers));
        loop {
            match self.parts.spare(listing.next().transpose())? {
                Some(Some(key)) => {
                    self.heap.push(Reverse((key, Hint::Fragment(index))));
                    return Ok(());
                }
                Some(None) => return Ok(()),
                None => {}
            }
        }
    }

    /// Puts the trace of a fragment in its place; returns it where that is here.
    fn place(&mut self, hint: TraceKey) -> Result<Option<TraceKey>, StoreError> {
        if !self.placed.insert(hint.id) {
            return Ok(None);
        }
        let mut start = hint.start;
        for part in &self.parts.all {
            // A part that begins later cannot move the trace.
            if part.bounds().start_min < start
                && let Some(Some(other)) = self.parts.spare(part.fragment_start(hint.id))?
            {
                start = start.min(other);
            }
        }
        let key = TraceKey { start, id: hint.id };
        if key == hint {
            return Ok(Some(key));
        }
        self.heap.push(Reverse((key, Hint::Place)));
        Ok(None)
    }
}

impl PartsCursor {
    /// Finds the next trace.
    fn next_key(&mut self) -> Result<Option<TraceKey>, StoreError> {
        loop {
            self.search.stop.check()?;
            let Some(Reverse((key, hint))) = self.heap.pop() else { return Ok(None) };
            let here = match hint {
                Hint::Unasked(index) => {
                    self.pull(index)?;
                    None
                }
                Hint::Fragment(index) => {
                    self.pull(index)?;
                    self.place(key)?
                }
                Hint::Place => Some(key),
            };
            if let Some(key) = here
                && self.search.after.is_none_or(|after| after < key)
            {
                return Ok(Some(key));
            }
        }
    }

    /// Tells whether the next trace takes no search.
    fn is_ready(&self) -> bool {
        match self.heap.peek() {
            Some(Reverse((_, Hint::Fragment(index)))) => {
                self.listings[*index].as_ref().is_some_and(|listing| listing.is_ready())
            }
            Some(Reverse((_, Hint::Unasked(_)))) => false,
            Some(Reverse((_, Hint::Place))) | None => true,
        }
    }

    /// Offers traces to the helpers: one that must be searched for, and more that are at hand.
    fn offer(&mut self) {
        let ahead_max = self.returned.min(AHEAD_PER_HELPER * self.helpers.count());
        while self.failure.is_none()
            && (self.ahead.is_empty() || (self.ahead.len() <= ahead_max && self.is_ready()))
        {
            match self.next_key() {
                Ok(Some(key)) => {
                    let (parts, detail) = (self.parts.clone(), self.search.detail);
                    self.ahead.push_back(Ahead::begin(&*self.helpers, move || parts.trace(key.id, detail)));
                }
                Ok(None) => return,
                Err(failure) => self.failure = Some(failure),
            }
        }
    }
}

impl TraceCursor for PartsCursor {
    fn next(&mut self) -> Result<Option<Trace>, StoreError> {
        loop {
            self.search.stop.check()?;
            self.offer();
            let Some(ahead) = self.ahead.pop_front() else {
                return self.failure.take().map_or(Ok(None), Err);
            };
            if let Some(trace) = ahead.take()? {
                self.returned += 1;
                return Ok(Some(trace));
            }
        }
    }
}

impl Parts {
    /// Puts a trace together from its fragments.
    pub(crate) fn trace(&self, id: TraceId, detail: Detail) -> Result<Option<Trace>, StoreError> {
        let mut builder = BatchBuilder::bounded(self.trace_bytes_max);
        for part in &self.all {
            self.spare(part.fragment(id, detail, &mut builder)).map_err(|error| self.bounded(error))?;
            self.check_room(&builder)?;
        }
        let batch: SpanBatch = builder.finish();
        Ok(Trace::assemble(id, batch.spans())?)
    }

    /// Puts a trace together that was asked for by name. Where nothing is found and something could not
    /// be read, the trace is not absent but unknown, and the damage is the answer.
    pub(crate) fn named(&self, id: TraceId) -> Result<Option<Trace>, StoreError> {
        let mut builder = BatchBuilder::bounded(self.trace_bytes_max);
        let mut damage = None;
        for part in &self.all {
            match part.fragment(id, Detail::Whole, &mut builder) {
                Err(error @ (StoreError::Damaged { .. } | StoreError::Disk { .. })) => {
                    self.count_damage(&error);
                    damage = Some(error);
                }
                read => {
                    read.map_err(|error| self.bounded(error))?;
                    self.check_room(&builder)?;
                }
            }
        }
        let batch: SpanBatch = builder.finish();
        match (Trace::assemble(id, batch.spans())?, damage) {
            (None, Some(damage)) => Err(damage),
            (found, _) => Ok(found),
        }
    }

    fn check_room(&self, builder: &BatchBuilder) -> Result<(), StoreError> {
        if builder.has_room() { Ok(()) } else { Err(self.bounded(BatchFull.into())) }
    }

    /// Says that a trace is larger than one may be here.
    fn bounded(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::BatchFull(_) => StoreError::TooLarge { bytes_max: self.trace_bytes_max },
            error => error,
        }
    }

    /// Counts damage, and tells the first of it, then ever fewer: each read of a bad block comes here.
    fn count_damage(&self, error: &StoreError) {
        let so_far = self.counters.reads_damaged.fetch_add(1, Ordering::Relaxed) + 1;
        if so_far.is_power_of_two() {
            tracing::error!(%error, reads = so_far, "stored spans cannot be read and are left out");
        }
    }

    /// Leaves out what is damaged: `None`, and counted. Any other failure is the caller's.
    pub(crate) fn spare<T>(&self, result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ (StoreError::Damaged { .. } | StoreError::Disk { .. })) => {
                self.count_damage(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
