//! Counts over whole slices, kept: what completes names and values, and what facets over everything show.
//!
//! A segment never changes, so what was counted over all rows of a slice stays true. It is kept where the slice's first
//! group keeps its columns, while it is small and while it is asked for; a search with a filter, or with a
//! window that cuts the slice, is counted anew.

use std::sync::Arc;

use store::{Measure, NameTally, Search, StoreError, Tally};

use super::group_cache::{Decoded, Sort};
use super::measure::{self, Damaged, SLICE_GROUPS};
use super::reader::Segment;

/// What is larger than this is counted anew: values of which there are thousands.
const KEPT_BYTES_MAX: usize = 256 << 10;

/// Counts what a measure asks for over one slice.
pub(super) fn measure(
    segment: &Segment,
    asked: &Measure,
    slice: usize,
    tally: &mut Tally,
    damaged: Damaged<'_>,
) -> Result<(), StoreError> {
    let in_time = asked.panels.iter().any(|panel| panel.steps.is_some());
    if asked.traces || in_time || !is_whole(segment, &asked.search, slice) {
        return measure::measure(segment, asked, slice, tally, damaged);
    }
    let slot = segment.group_slot(slice * SLICE_GROUPS);
    if let Some(kept) = slot.figures(&asked.panels) {
        tally.merge(Tally::clone(&kept));
        return Ok(());
    }
    let (mut fresh, mut is_sound) = (Tally::new(asked), true);
    measure::measure(segment, asked, slice, &mut fresh, &mut |damage| {
        is_sound = false;
        damaged(damage)
    })?;
    if is_sound && !fresh.is_cut() && fresh.bytes() <= KEPT_BYTES_MAX {
        segment.keep_figures(slot, &asked.panels, Arc::new(fresh.clone()));
    }
    tally.merge(fresh);
    Ok(())
}

/// Counts the attributes of the spans that a search accepts over one slice.
pub(super) fn names(
    segment: &Segment,
    search: &Search,
    slice: usize,
    names: &mut NameTally,
    damaged: Damaged<'_>,
) -> Result<(), StoreError> {
    if !is_whole(segment, search, slice) {
        return measure::names(segment, search, slice, names, damaged);
    }
    let slot = segment.group_slot(slice * SLICE_GROUPS);
    if let Some(Decoded::Names(kept)) = slot.get(0, Sort::Names) {
        names.merge(NameTally::clone(&kept));
        return Ok(());
    }
    let (mut fresh, mut is_sound) = (NameTally::default(), true);
    measure::names(segment, search, slice, &mut fresh, &mut |damage| {
        is_sound = false;
        damaged(damage)
    })?;
    if is_sound && fresh.bytes() <= KEPT_BYTES_MAX {
        segment.keep_column(slot, 0, Sort::Names, Decoded::Names(Arc::new(fresh.clone())));
    }
    names.merge(fresh);
    Ok(())
}

/// Tells whether a search accepts every row of a slice.
fn is_whole(segment: &Segment, search: &Search, slice: usize) -> bool {
    let window = search.start_min..=search.start_max;
    let groups = &segment.footer.groups[slice * SLICE_GROUPS..];
    search.filter.all.is_empty()
        && groups
            .iter()
            .take(SLICE_GROUPS)
            .all(|group| window.contains(&group.start_min) && window.contains(&group.start_max))
}
