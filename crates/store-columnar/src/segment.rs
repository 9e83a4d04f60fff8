//! A frozen part: one immutable file with the spans of one tenant.
//!
//! Rows stand in trace order: traces by start, the spans of a trace in depth-first pre-order. Some 4,096
//! rows, always whole traces, make a *row group*, and each group has its own columns; only a very large
//! trace has several groups, all its own. Texts that several groups use are in one sorted dictionary.
//!
//! ```text
//! build   rows -> order -> plan (columns, shapes, dictionary) -> groups -> tables -> footer
//! open    tail -> footer; everything else is read when it is asked for, checked, and kept
//! by id   filter -> index -> group -> the columns' values for the trace's rows
//! search  predicates over dictionary, resources, filter -> groups from the newest -> rows -> traces
//! ```
//!
//! The bytes are described in `docs/format.md`; [`layout`] and the codecs of [`crate::column`] are their
//! source. A damaged block is a typed error for whoever needs it, and for nobody else.

pub(crate) mod build;
mod coded;
mod counted;
mod failure;
mod filter;
mod fragment;
mod group;
mod group_build;
mod group_cache;
mod ids;
mod layout;
mod listing;
mod matches;
mod measure;
pub(crate) mod merge;
mod order;
mod page_cache;
mod page_texts;
mod pages;
mod plan;
mod predicate;
mod reader;
mod run_filters;
mod verify;
mod view;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use span::{BatchBuilder, TraceId, UnixNanos};
use store::{Detail, Measure, NameTally, Operation, Search, StoreError, Tally, TracePrefix};

use self::build::{Built, build};
use self::failure::Failure;
use self::group::Group;
use self::layout::Sizes;
use self::matches::SegmentMatches;
use self::merge::{MergeFailure, Merged, merge};
use crate::ahead::Helpers;
use crate::part::{Bounds, Matches, Part};
use crate::rows::RowsSnapshot;

pub(crate) use page_cache::PageCache;
pub(crate) use reader::Segment;

impl Segment {
    /// Writes a segment with all rows of a snapshot. Nothing is synced, and a file that was not written to
    /// its end is none. No row may be pushed meanwhile: whoever does waits.
    pub(crate) fn build(snapshot: &RowsSnapshot, out: &mut dyn Write) -> io::Result<Built> {
        build(snapshot, &Sizes::USUAL, out)
    }

    /// Writes a segment with all spans of `inputs`, which are in order of age. `stopped` is asked often.
    pub(crate) fn merge(
        inputs: &[Arc<Self>],
        stopped: &dyn Fn() -> bool,
        out: &mut dyn Write,
    ) -> Result<Merged, MergeFailure> {
        merge(inputs, &Sizes::USUAL, stopped, out)
    }
}

impl Part for Segment {
    fn bounds(&self) -> Bounds {
        self.footer.bounds
    }

    fn fragment_start(&self, id: TraceId) -> Result<Option<UnixNanos>, StoreError> {
        match fragment::find(self, id) {
            Ok(found) => Ok(found.map(|(_, place, traces)| traces.starts[place])),
            Err(failure) => Err(self.tell(failure)),
        }
    }

    fn fragment(&self, id: TraceId, detail: Detail, into: &mut BatchBuilder) -> Result<bool, StoreError> {
        fragment::fragment(self, id, detail, into).map_err(|failure| self.tell(failure))
    }

    fn ids_with_prefix(&self, prefix: TracePrefix, limit: usize) -> Result<Vec<TraceId>, StoreError> {
        ids_between(self, prefix.first(), prefix.last(), limit).map_err(|failure| self.tell(failure))
    }

    fn matches_with(self: Arc<Self>, search: &Search, helpers: &Arc<dyn Helpers>) -> Matches {
        Box::new(SegmentMatches::new(self, search, helpers.clone()))
    }

    fn slices(&self) -> usize {
        self.footer.groups.len().div_ceil(measure::SLICE_GROUPS)
    }

    fn measure(
        &self,
        measure: &Measure,
        slice: usize,
        tally: &mut Tally,
        damaged: &mut dyn FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        counted::measure(self, measure, slice, tally, damaged)
    }

    fn names(
        &self,
        search: &Search,
        slice: usize,
        names: &mut NameTally,
        damaged: &mut dyn FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        counted::names(self, search, slice, names, damaged)
    }

    fn services(&self, into: &mut BTreeSet<String>) -> Result<(), StoreError> {
        let operations = self.operations().map_err(|failure| self.tell(failure))?;
        into.extend(operations.into_iter().map(|record| record.service));
        Ok(())
    }

    fn operations(&self, service: &str, into: &mut BTreeSet<Operation>) -> Result<(), StoreError> {
        let operations = Self::operations(self).map_err(|failure| self.tell(failure))?;
        let of_service = operations.into_iter().filter(|record| record.service == service);
        into.extend(of_service.map(|record| Operation { name: record.operation, kind: record.kind }));
        Ok(())
    }
}

/// Returns the least `limit` ids from `first` to `last`, ascending. Ids stand whole in their groups; a
/// group is read once while its ids follow each other.
fn ids_between(
    segment: &Segment,
    first: TraceId,
    last: TraceId,
    limit: usize,
) -> Result<Vec<TraceId>, Failure> {
    let mut ids = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for group in segment.ids()?.groups_between(first, last) {
        if !seen.insert(group) {
            continue;
        }
        let traces = Group::sparse(segment, group)?.traces()?;
        ids.extend(traces.ids.into_iter().filter(|id| (first..=last).contains(id)));
    }
    Ok(ids.into_iter().take(limit).collect())
}

#[cfg(test)]
mod tests;
