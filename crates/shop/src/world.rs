//! The world: customers come, traces interleave, pods export.
//!
//! 1. Traces begin as a Poisson process and are played out at once ([`crate::story`]).
//! 2. Their spans wait in a heap until the world's clock has passed their end, as a span is exported when
//!    it ends.
//! 3. Each pod keeps ended spans and exports them as one request of one resource when it holds as many as
//!    it drew, 200 to 512, or when the first of them has waited too long.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use span::{BatchBuilder, BatchFull, DurationNanos, ScopeRow, SpanBatch, UnixNanos};

use crate::attributes::Partitions;
use crate::dice::Dice;
use crate::draft::Draft;
use crate::failure::Stacks;
use crate::operation::Operation;
use crate::operation::table::ROOTS;
use crate::scope::scope_of;
use crate::service::Fleet;
use crate::story::{Stage, Story};

/// The mean number of spans of a trace.
pub const SPANS_PER_TRACE: f64 = 23.7;

/// The default rate: 6,600 spans a second of the world's time.
pub const TRACES_PER_SECOND: f64 = 6_600.0 / SPANS_PER_TRACE;

/// Spans that a pod holds before it exports them.
const BUFFER_LEAST: u64 = 200;
const BUFFER_MOST: u64 = 512;

/// The shop, as a seed makes it.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    start: UnixNanos,
    traces_per_second: f64,
    traces_max: u64,
    buffer_age_max: DurationNanos,
}

impl World {
    /// Makes the world of a seed. It begins on 2026-01-01 and never ends.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            start: UnixNanos(1_767_225_600_000_000_000),
            traces_per_second: TRACES_PER_SECOND,
            traces_max: u64::MAX,
            buffer_age_max: DurationNanos(u64::MAX),
        }
    }

    /// Begins at `start` instead.
    #[must_use]
    pub const fn starting(self, start: UnixNanos) -> Self {
        Self { start, ..self }
    }

    /// Ends after so many traces; the last ones are exported whole.
    #[must_use]
    pub const fn traces(self, traces_max: u64) -> Self {
        Self { traces_max, ..self }
    }

    /// Lets so many traces begin in a second of the world's time.
    #[must_use]
    pub const fn traces_per_second(self, traces_per_second: f64) -> Self {
        Self { traces_per_second, ..self }
    }

    /// Lets pods export what they have when its first span is as old as this, as exporters with a timer do.
    #[must_use]
    pub const fn exporting_after(self, buffer_age_max: DurationNanos) -> Self {
        Self { buffer_age_max, ..self }
    }

    /// Returns the export requests in the order in which pods send them.
    pub fn requests(self) -> Requests {
        let mut dice = Dice::new(self.seed);
        let stage = Stage { fleet: Fleet::new(&mut dice), stacks: Stacks::new(&mut dice) };
        let buffers = stage.fleet.pods.iter().map(|_| Buffer::new(&mut dice)).collect();
        Requests {
            clock: self.start,
            world: self,
            dice,
            stage,
            partitions: Partitions::default(),
            open: BinaryHeap::new(),
            numbered: 0,
            buffers,
            ready: VecDeque::new(),
            traces: 0,
        }
    }
}

/// What the shop's pods send, one batch for each export request: one resource, scopes grouped.
#[derive(Debug)]
pub struct Requests {
    world: World,
    dice: Dice,
    stage: Stage,
    partitions: Partitions,
    /// When the next trace begins.
    clock: UnixNanos,
    /// Spans that have not ended by the clock, the first to end on top.
    open: BinaryHeap<Reverse<Open>>,
    /// How many spans were ever open; breaks ties.
    numbered: u64,
    /// One for each pod.
    buffers: Vec<Buffer>,
    ready: VecDeque<SpanBatch>,
    traces: u64,
}

impl Requests {
    /// Returns how many traces have begun so far.
    pub const fn traces(&self) -> u64 {
        self.traces
    }

    /// Returns the world's time: all later traces begin at this point or after it.
    pub const fn clock(&self) -> UnixNanos {
        self.clock
    }

    /// Returns the requests, each with the time at which its pod sends it, counted from the world's start.
    pub fn paced(mut self) -> impl Iterator<Item = (Duration, SpanBatch)> {
        std::iter::from_fn(move || {
            let batch = self.next()?;
            Some((Duration::from_nanos(self.clock.since(self.world.start).0), batch))
        })
    }

    /// Returns the requests, all due at once.
    pub fn unpaced(self) -> impl Iterator<Item = (Duration, SpanBatch)> {
        self.map(|batch| (Duration::ZERO, batch))
    }

    /// Lets one trace begin, and everything be exported that has ended by then.
    fn step(&mut self) {
        let gap = DurationNanos((1e9 / self.world.traces_per_second) as u64);
        self.clock = self.clock.plus(self.dice.exponential(gap));
        self.export_until(self.clock);
        let root = self.root();
        let spans = Story::play(&self.stage, &mut self.dice, &mut self.partitions, root, self.clock);
        for (pod, operation, draft) in spans {
            self.numbered += 1;
            self.open.push(Reverse(Open { end: draft.end, number: self.numbered, pod, operation, draft }));
        }
        self.traces += 1;
    }

    fn root(&mut self) -> &'static Operation {
        let total: f64 = ROOTS.iter().map(|(_, weight)| weight).sum();
        let mut roll = self.dice.unit() * total;
        for (operation, weight) in &ROOTS {
            roll -= weight;
            if roll < 0.0 {
                return operation;
            }
        }
        ROOTS[0].0
    }

    fn export_until(&mut self, clock: UnixNanos) {
        while let Some(Reverse(open)) = self.open.peek()
            && open.end <= clock
        {
            let Some(Reverse(open)) = self.open.pop() else { break };
            let buffer = &mut self.buffers[open.pod];
            let pod = open.pod;
            buffer.spans.push((open.operation, open.draft));
            if buffer.limit <= buffer.spans.len() {
                self.export(pod);
            }
        }
        if self.world.buffer_age_max != DurationNanos(u64::MAX) {
            let oldest = clock.minus(self.world.buffer_age_max);
            for pod in 0..self.buffers.len() {
                if self.buffers[pod].spans.first().is_some_and(|(_, first)| first.end < oldest) {
                    self.export(pod);
                }
            }
        }
    }

    fn export(&mut self, pod: usize) {
        let full = std::mem::replace(&mut self.buffers[pod], Buffer::new(&mut self.dice));
        let batch = full.write(&self.stage.fleet, pod).expect("512 spans of a few kilobytes fit a batch");
        self.ready.push_back(batch);
    }

    /// Lets all spans end and all pods export what they have.
    fn close(&mut self) {
        self.export_until(UnixNanos::MAX);
        for pod in 0..self.buffers.len() {
            if !self.buffers[pod].spans.is_empty() {
                self.export(pod);
            }
        }
    }
}

impl Iterator for Requests {
    type Item = SpanBatch;

    fn next(&mut self) -> Option<SpanBatch> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Some(batch);
            }
            if self.traces < self.world.traces_max {
                self.step();
            } else {
                self.close();
                return self.ready.pop_front();
            }
        }
    }
}

/// What a pod has not exported yet.
#[derive(Debug)]
struct Buffer {
    spans: Vec<(&'static Operation, Draft)>,
    limit: usize,
}

impl Buffer {
    fn new(dice: &mut Dice) -> Self {
        Self { spans: Vec::new(), limit: dice.between(BUFFER_LEAST, BUFFER_MOST) as usize }
    }

    /// Writes one resource, its scopes, and the spans of each scope beside each other.
    fn write(mut self, fleet: &Fleet, pod: usize) -> Result<SpanBatch, BatchFull> {
        let pod = &fleet.pods[pod];
        let language = pod.service.deployment().language;
        let mut builder = BatchBuilder::new();
        let resource = pod.write(&mut builder)?;
        self.spans.sort_by_key(|(operation, draft)| scope_of(language, operation, draft.kind));
        let mut last = None;
        for (operation, draft) in &self.spans {
            let scope = scope_of(language, operation, draft.kind);
            let index = match last {
                Some((same, index)) if same == scope => index,
                _ => {
                    let (name, version) = scope;
                    let name = builder.text(name.as_bytes())?;
                    let version = builder.text(version.as_bytes())?;
                    builder.scope(ScopeRow { name, version, ..ScopeRow::default() })
                }
            };
            last = Some((scope, index));
            draft.write(&mut builder, resource, index)?;
        }
        Ok(builder.finish())
    }
}

/// A span that has not ended yet.
#[derive(Debug)]
struct Open {
    end: UnixNanos,
    number: u64,
    pod: usize,
    operation: &'static Operation,
    draft: Draft,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.end, self.number).cmp(&(other.end, other.number))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}
