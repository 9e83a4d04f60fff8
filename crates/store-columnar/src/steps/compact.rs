//! Joins the segments of one hour of arrival into a larger one.
//!
//! 1. Choose a run of neighbours ([`choose`]). 2. Reserve room: retention makes place for the output
//!    before it is begun. 3. Merge them into a file beside, sync, rename, sync the folder. 4. In one edit list the
//!    output and take the inputs off the list, sync. 5. Swap them in the view, and remove the inputs.
//!
//! Commits, freezes and reads go on meanwhile; a reader that has an input keeps it. The output's name follows
//! from its inputs' names, so that a step that is tried again replaces what was left behind. A crash
//! before the edit is durable leaves the inputs, and after it the output; the next start removes the
//! others. A full disk fails the step and removes what was begun; an input that cannot be read is left
//! alone from then on, so that it stops nobody else.

mod choose;

use std::sync::Arc;

use span::UnixNanos;
use store::StoreError;

use self::choose::{Run, choose};
use super::put::{PutFailure, put_segment};
use super::retain::{remove_segment, retain};
use crate::hold::Hold;
use crate::manifest::{Edit, SegmentId};
use crate::segment::merge::{MergeFailure, Merged};
use crate::segment::{PageCache, Segment};
use crate::stats::add;
use crate::view::Shelved;

/// How much of the inputs' texts is kept on the way, beside what the chunk has.
const PAGES_BYTES_MAX: usize = 16 << 20;

/// What a step found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compacted {
    /// Segments became one, or one was found unreadable: look again.
    Run,
    /// Nothing is to be joined now, or it was stopped.
    Nothing,
}

/// Joins the oldest run that is worth it. One thread at a time; `stopped` is asked often.
pub(crate) fn compact(
    hold: &Hold,
    now: UnixNanos,
    stopped: &dyn Fn() -> bool,
) -> Result<Compacted, StoreError> {
    hold.check_sound()?;
    let Some(run) = choose(hold, now) else { return Ok(Compacted::Nothing) };
    let _reservation = Reservation::make(hold, &run);
    if hold.config.retention.bytes.is_some() {
        retain(hold, now)?;
    }
    if !is_shown(hold, &run) {
        return Ok(Compacted::Run);
    }
    let Some((output, merged)) = write_output(hold, &run, stopped)? else {
        return Ok(if stopped() { Compacted::Nothing } else { Compacted::Run });
    };
    let output = Arc::new(output);
    match swap(hold, &run, &output) {
        Ok(true) => {}
        swapped => {
            // After any other failure the edit may come true at the next start.
            if matches!(swapped, Ok(_) | Err(StoreError::DiskFull { .. })) {
                remove_segment(hold, &run.tenant, output.line.id);
            }
            return swapped.map(|_| Compacted::Run);
        }
    }
    for id in run.ids() {
        remove_segment(hold, &run.tenant, id);
    }
    add(&hold.counters.compactions, 1);
    add(&hold.counters.segments_compacted, run.inputs.len() as u64);
    add(&hold.counters.spans_collapsed, merged.repeats);
    Ok(Compacted::Run)
}

/// Room that is kept free for an output, until it is there or given up.
struct Reservation<'a>(&'a Hold);

impl<'a> Reservation<'a> {
    fn make(hold: &'a Hold, run: &Run) -> Self {
        let bytes = run.inputs.iter().map(|shelved| shelved.line.bytes).sum();
        hold.compaction().reserved = Some((run.tenant.clone(), bytes));
        Self(hold)
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.compaction().reserved = None;
    }
}

/// Tells whether all inputs are still shown: what retention took meanwhile is not joined.
fn is_shown(hold: &Hold, run: &Run) -> bool {
    let Some(view) = hold.views.of(&run.tenant) else { return false };
    let shown = |input: &Arc<Shelved>| view.segments.iter().any(|shelved| Arc::ptr_eq(shelved, input));
    run.inputs.iter().all(shown)
}

/// Writes the output; `None` where the merge was stopped or an input is unreadable.
fn write_output(
    hold: &Hold,
    run: &Run,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<(Shelved, Merged)>, StoreError> {
    let folder = hold.directory.segments_of(&run.tenant);
    let mut inputs = Vec::with_capacity(run.inputs.len());
    // Opened anew, so that what a merge reads pushes nothing out that searches need.
    let pages = PageCache::new(PAGES_BYTES_MAX);
    for id in run.ids() {
        let file = hold.disk.open(&folder.join(id.file_name()));
        match file.and_then(|file| Segment::open(file, &pages)) {
            Ok(segment) => inputs.push(segment),
            Err(error) => return set_apart(hold, run, id, error),
        }
    }
    let mut merged = None;
    let put = put_segment(hold, &run.tenant, run.output(), &mut |out| {
        let done = Segment::merge(&inputs, stopped, out)?;
        merged = Some(done);
        Ok(done.built)
    });
    match put {
        Ok(output) => Ok(merged.map(|merged| (output, merged))),
        Err(PutFailure::Store(error)) => Err(error),
        Err(PutFailure::Fill(MergeFailure::Stopped)) => Ok(None),
        Err(PutFailure::Fill(MergeFailure::Input(input, error))) => {
            set_apart(hold, run, run.inputs[input].line.id, error)
        }
        Err(PutFailure::Fill(MergeFailure::Output(source))) => {
            let path = folder.join(run.output().file_name());
            Err(StoreError::Disk { path, action: "joining segments", source })
        }
    }
}

/// Leaves an input alone from now on. Its readers are told of its damage each time they meet it.
fn set_apart<T>(hold: &Hold, run: &Run, id: SegmentId, error: StoreError) -> Result<Option<T>, StoreError> {
    tracing::error!(%error, "a segment cannot be read whole and is not compacted");
    add(&hold.counters.compactions_failed, 1);
    hold.compaction().unreadable.insert((run.tenant.clone(), id));
    Ok(None)
}

/// Puts the output in the inputs' place; tells whether they were still there.
fn swap(hold: &Hold, run: &Run, output: &Arc<Shelved>) -> Result<bool, StoreError> {
    let mut manifest = hold.manifest()?;
    if !is_shown(hold, run) {
        return Ok(false);
    }
    let removes = run.ids().collect();
    manifest.append(&Edit { adds: vec![output.line], removes, ..Edit::of(run.tenant.clone()) })?;
    hold.synced(manifest.sync())?;
    hold.tidied(manifest.tidy_up())?;
    let ingest = hold.ingest()?;
    hold.views.change(&run.tenant, |view| {
        let segments = Arc::make_mut(&mut view.segments);
        segments.retain(|shelved| !run.inputs.iter().any(|input| Arc::ptr_eq(input, shelved)));
        let at = segments.partition_point(|shelved| shelved.line.id < output.line.id);
        segments.insert(at, output.clone());
    });
    drop(ingest);
    Ok(true)
}

#[cfg(test)]
mod tests;
