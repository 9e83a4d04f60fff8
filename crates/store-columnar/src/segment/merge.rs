//! Joins segments into one, from front to back, in bounded memory.
//!
//! 1. The dictionaries are read in step ([`dictionary`]): each text gets its number in the new one.
//! 2. The inputs' traces are pulled in the order of segments. A trace is put together from all inputs when
//!    its earliest fragment comes up; its other fragments are found by its id and left out later.
//! 3. Its spans go to the chunk at hand ([`chunk`]), which is ordered, planned and written when it is full:
//!    repeats collapse, parents that were in another fragment are found, and pre-order is made anew.
//! 4. A trace that does not fit a chunk is written in pieces, each ordered by itself; a parent in another piece
//!    is told by its id.
//! 5. The dictionaries are read once more and written, then the tables and the footer.
//!
//! In memory are: the groups that are being read (a bounded cache), one chunk, the indexes of ids of the
//! inputs and the tables of the output. The same inputs give the same rows.

mod chunk;
mod dictionary;
mod source;

use std::io::{self, Write};
use std::sync::Arc;

use span::{TraceId, UnixNanos};
use store::StoreError;

use self::chunk::Chunks;
use self::dictionary::Joined;
use self::source::{Fragment, Groups, Queue};
use super::build::{Built, File};
use super::failure::Failure;
use super::layout::Sizes;
use super::reader::Segment;
use crate::part::{Bounds, Part as _};

/// What a merge made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merged {
    pub(crate) built: Built,
    /// Spans that were in the inputs more than once.
    pub(crate) repeats: u64,
}

/// Why there is no new segment.
#[derive(Debug)]
pub(crate) enum MergeFailure {
    /// This input cannot be read.
    Input(usize, StoreError),
    /// The new segment cannot be written.
    Output(io::Error),
    /// The caller wanted no more of it.
    Stopped,
}

impl From<io::Error> for MergeFailure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Writes a segment with all spans of `inputs`, which are in order of age. `stopped` is asked often.
pub(super) fn merge(
    inputs: &[Arc<Segment>],
    sizes: &Sizes,
    stopped: &dyn Fn() -> bool,
    out: &mut dyn Write,
) -> Result<Merged, MergeFailure> {
    let joined = Joined::of(inputs)?;
    let chunks = Chunks::new(File::begin(out)?, sizes);
    let mut merge =
        Merge { inputs, stopped, groups: Groups::new(inputs), queue: Queue::of(inputs)?, joined, chunks };
    while let Some(first) = merge.queue.pop(inputs)? {
        merge.take_trace(first)?;
    }
    let Merge { mut groups, joined, mut chunks, .. } = merge;
    groups.number_texts(&mut chunks, &joined);
    chunks.flush(None)?;
    let dictionary = joined.write(inputs, chunks.file())?;
    let spans = inputs.iter().map(|input| input.bounds().spans).sum::<u64>();
    let built = chunks.finish(dictionary, union(inputs))?;
    Ok(Merged { built, repeats: spans - built.bounds.spans })
}

struct Merge<'a> {
    inputs: &'a [Arc<Segment>],
    stopped: &'a dyn Fn() -> bool,
    groups: Groups<'a>,
    queue: Queue,
    joined: Joined,
    chunks: Chunks<'a>,
}

impl Merge<'_> {
    /// Takes a trace whole, given its earliest fragment.
    fn take_trace(&mut self, first: Fragment) -> Result<(), MergeFailure> {
        if (self.stopped)() {
            return Err(MergeFailure::Stopped);
        }
        let (id, start) = (first.id, first.start);
        let mut fragments = self.queue.others_of(self.inputs, &first)?;
        fragments.push(first);
        // Of a span that is stored twice the latest is kept, as reads do.
        fragments.sort_unstable_by_key(|fragment| std::cmp::Reverse(fragment.input));
        let rows = fragments.iter().map(|fragment| fragment.rows).sum();
        if !self.chunks.has_room_for(rows) {
            self.flush(None)?;
        }
        let mut is_cut = false;
        for fragment in &fragments {
            let groups = &self.inputs[fragment.input].footer.groups;
            let more = groups[fragment.group + 1..].iter().take_while(|group| group.continues).count();
            for group in fragment.group..=fragment.group + more {
                let place = if group == fragment.group { fragment.place } else { 0 };
                self.take_piece(fragment.input, group, place, id, start, &mut is_cut)?;
            }
        }
        if is_cut {
            self.flush(Some((start, true)))?;
            self.chunks.end_pieces();
        } else if self.chunks.end_trace(rows) {
            self.flush(None)?;
        }
        Ok(())
    }

    /// Takes the spans of a trace that are in one group.
    fn take_piece(
        &mut self,
        input: usize,
        group: usize,
        place: usize,
        id: TraceId,
        start: UnixNanos,
        is_cut: &mut bool,
    ) -> Result<(), MergeFailure> {
        let mut at = 0;
        loop {
            let held = self.groups.held(input, group, &mut self.chunks, &self.joined)?;
            if held.spans.traces.ids.get(place) != Some(&id) {
                let broken = crate::column::Broken("a trace is not where the index says");
                let place = super::layout::Place::default();
                return Err(input_failed(self.inputs, input, Failure::Broken(broken, place)));
            }
            let rows = held.spans.traces.rows(place..place + 1);
            while at < rows.len() && !self.chunks.is_full() {
                self.chunks.push(&held.spans.batch, &mut held.intake, rows.start + at);
                at += 1;
            }
            if at == rows.len() {
                return Ok(());
            }
            self.flush(Some((start, *is_cut)))?;
            *is_cut = true;
            if (self.stopped)() {
                return Err(MergeFailure::Stopped);
            }
        }
    }

    /// Writes the chunk, whose last trace may be a piece: its start, and whether it goes on.
    fn flush(&mut self, piece: Option<(UnixNanos, bool)>) -> Result<(), MergeFailure> {
        self.groups.number_texts(&mut self.chunks, &self.joined);
        Ok(self.chunks.flush(piece)?)
    }
}

fn input_failed(inputs: &[Arc<Segment>], input: usize, failure: Failure) -> MergeFailure {
    MergeFailure::Input(input, inputs[input].tell(failure))
}

/// Returns when all spans were; how many there are is found out on the way.
fn union(inputs: &[Arc<Segment>]) -> Bounds {
    inputs.iter().fold(Bounds::EMPTY, |all, input| {
        let bounds = input.bounds();
        Bounds {
            start_min: all.start_min.min(bounds.start_min),
            start_max: all.start_max.max(bounds.start_max),
            received_min: all.received_min.min(bounds.received_min),
            received_max: all.received_max.max(bounds.received_max),
            ..all
        }
    })
}

#[cfg(test)]
mod tests;
