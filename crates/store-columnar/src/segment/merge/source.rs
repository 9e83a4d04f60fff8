//! The inputs of a merge: their traces in order, and their groups as they are needed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use span::{TraceId, UnixNanos};

use super::chunk::Chunks;
use super::dictionary::Joined;
use super::{MergeFailure, input_failed};
use crate::rows::Intake;
use crate::segment::failure::Failure;
use crate::segment::fragment::{GroupSpans, find, group_spans};
use crate::segment::group::{Group, GroupTraces};
use crate::segment::reader::Segment;

/// How many bytes of groups are held, beside the one that is being read.
const HELD_BYTES_MAX: usize = 48 << 20;

/// What an input has of a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) id: TraceId,
    pub(super) start: UnixNanos,
    pub(super) input: usize,
    /// The group it begins in, and its place there.
    pub(super) group: usize,
    pub(super) place: usize,
    /// In this group and those that go on with it.
    pub(super) rows: usize,
}

/// The fragments of all inputs, in the order of segments.
pub(super) struct Queue {
    inputs: Vec<Input>,
    heads: BinaryHeap<Reverse<(UnixNanos, Reverse<TraceId>, usize)>>,
    /// Fragments that went with their traces before they came up.
    taken: HashSet<(TraceId, usize), RandomState>,
}

#[derive(Default)]
struct Input {
    group_next: usize,
    fragments: VecDeque<Fragment>,
}

impl Queue {
    pub(super) fn of(inputs: &[Arc<Segment>]) -> Result<Self, MergeFailure> {
        let mut queue = Self {
            inputs: inputs.iter().map(|_| Input::default()).collect(),
            heads: BinaryHeap::new(),
            taken: HashSet::default(),
        };
        for input in 0..inputs.len() {
            queue.advance(inputs, input)?;
        }
        Ok(queue)
    }

    /// Returns the next fragment of a trace that was not taken yet.
    pub(super) fn pop(&mut self, inputs: &[Arc<Segment>]) -> Result<Option<Fragment>, MergeFailure> {
        while let Some(Reverse((_, _, input))) = self.heads.pop() {
            let fragment = self.inputs[input].fragments.pop_front().expect("its head was in the heap");
            self.advance(inputs, input)?;
            if !self.taken.remove(&(fragment.id, input)) {
                return Ok(Some(fragment));
            }
        }
        Ok(None)
    }

    /// Returns the fragments of the trace of `first` in the other inputs, and leaves them out later.
    pub(super) fn others_of(
        &mut self,
        inputs: &[Arc<Segment>],
        first: &Fragment,
    ) -> Result<Vec<Fragment>, MergeFailure> {
        let mut others = Vec::new();
        for input in (0..inputs.len()).filter(|input| *input != first.input) {
            let found = find(&inputs[input], first.id);
            let found = found.map_err(|failure| input_failed(inputs, input, failure))?;
            if let Some((group, place, traces)) = found {
                self.taken.insert((first.id, input));
                others.push(fragment(&inputs[input], input, group, place, &traces));
            }
        }
        Ok(others)
    }

    /// Puts the next fragment of an input into the heap.
    fn advance(&mut self, inputs: &[Arc<Segment>], input: usize) -> Result<(), MergeFailure> {
        let (segment, queue) = (&inputs[input], &mut self.inputs[input]);
        let groups = &segment.footer.groups;
        while queue.fragments.is_empty() && queue.group_next < groups.len() {
            let group = queue.group_next;
            queue.group_next += 1;
            if groups[group].continues {
                continue;
            }
            let traces = Group::sparse(segment, group).and_then(|group| group.traces());
            let traces = traces.map_err(|failure: Failure| input_failed(inputs, input, failure))?;
            let all = (0..traces.ids.len()).map(|place| fragment(segment, input, group, place, &traces));
            queue.fragments.extend(all);
        }
        if let Some(next) = queue.fragments.front() {
            self.heads.push(Reverse((next.start, Reverse(next.id), input)));
        }
        Ok(())
    }
}

fn fragment(segment: &Segment, input: usize, group: usize, place: usize, traces: &GroupTraces) -> Fragment {
    let more = segment.footer.groups[group + 1..].iter().take_while(|group| group.continues);
    let more: usize = match place + 1 == traces.ids.len() {
        true => more.map(|group| group.rows as usize).sum(),
        false => 0,
    };
    Fragment {
        id: traces.ids[place],
        start: traces.starts[place],
        input,
        group,
        place,
        rows: traces.rows(place..place + 1).len() + more,
    }
}

/// A group that was read.
pub(super) struct Held {
    input: usize,
    group: usize,
    used: u64,
    pub(super) spans: GroupSpans,
    /// What the chunk of this number has of its resources and scopes.
    pub(super) intake: Option<(u64, Intake)>,
}

/// The groups that were read last.
pub(super) struct Groups<'a> {
    inputs: &'a [Arc<Segment>],
    held: Vec<Held>,
    uses: u64,
}

impl<'a> Groups<'a> {
    pub(super) const fn new(inputs: &'a [Arc<Segment>]) -> Self {
        Self { inputs, held: Vec::new(), uses: 0 }
    }

    /// Returns a group, reading it if need be.
    pub(super) fn held(
        &mut self,
        input: usize,
        group: usize,
        chunks: &mut Chunks<'_>,
        joined: &Joined,
    ) -> Result<&mut Held, MergeFailure> {
        self.uses += 1;
        let known = self.held.iter().position(|held| (held.input, held.group) == (input, group));
        let at = match known {
            Some(at) => at,
            None => {
                self.make_room(chunks, joined);
                let spans = group_spans(&self.inputs[input], group);
                let spans = spans.map_err(|failure| input_failed(self.inputs, input, failure))?;
                self.held.push(Held { input, group, used: 0, spans, intake: None });
                self.held.len() - 1
            }
        };
        self.held[at].used = self.uses;
        Ok(&mut self.held[at])
    }

    /// Tells the chunk the numbers of the dictionary's texts that it took from here.
    pub(super) fn number_texts(&mut self, chunks: &mut Chunks<'_>, joined: &Joined) {
        for held in &mut self.held {
            number_texts(held, chunks, joined);
        }
    }

    fn make_room(&mut self, chunks: &mut Chunks<'_>, joined: &Joined) {
        while HELD_BYTES_MAX < self.held.iter().map(|held| held.spans.batch.bytes()).sum() {
            let oldest = (0..self.held.len()).min_by_key(|at| self.held[*at].used);
            let mut held = self.held.swap_remove(oldest.expect("what has bytes has a group"));
            number_texts(&mut held, chunks, joined);
        }
    }
}

fn number_texts(held: &mut Held, chunks: &mut Chunks<'_>, joined: &Joined) {
    let Some((chunk, _)) = held.intake.take() else { return };
    if chunk == chunks.number() {
        for (number, text) in &held.spans.dictionary {
            chunks.number_text(held.spans.batch.text(*text), joined.number(held.input, *number));
        }
    }
}
