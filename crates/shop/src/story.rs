//! One trace: a root operation is played out, with everything it calls and everything that follows.
//!
//! An operation spends its own time (lognormal around its median, one in a hundred twelve times as long)
//! partly before and partly after its children. Children follow each other after short gaps, or, in a
//! third of the groups, begin together. A leaf fails now and then; a failure climbs to the parent or is
//! absorbed by it, and then a call is often tried again.

use span::{DurationNanos, SpanId, SpanKind, UnixNanos};

use crate::attributes::{Message, Partitions, Scene, of_call, of_operation};
use crate::dice::Dice;
use crate::draft::{Attributes, Draft, DraftEvent};
use crate::failure::{Failure, Stacks};
use crate::operation::{Class, Operation};
use crate::service::Fleet;
use crate::visit::Visit;

/// How much own times scatter, as a lognormal's sigma.
const SCATTER: f64 = 0.55;
const SLOW: f64 = 0.01;
const SLOW_FACTOR: u64 = 12;
const GAP: DurationNanos = DurationNanos(30_000);
const NETWORK: DurationNanos = DurationNanos(120_000);
const PARALLEL: f64 = 0.30;
const LEAF_FAILS: f64 = 0.0156;
const FAILURE_CLIMBS: f64 = 0.55;
const RETRIES: f64 = 0.5;
const BACKOFF: DurationNanos = DurationNanos(25_000_000);
const EXCEPTION: f64 = 0.60;
const EVENT_ONE: f64 = 0.12;
const EVENT_TWO: f64 = 0.03;
const LINGER: DurationNanos = DurationNanos(2_000_000);
const LINGER_MORE: DurationNanos = DurationNanos(30_000_000);

/// What does not change from trace to trace.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    pub(crate) stacks: Stacks,
}

/// A trace while it is played.
pub(crate) struct Story<'a> {
    stage: &'a Stage,
    dice: &'a mut Dice,
    partitions: &'a mut Partitions,
    visit: Visit,
    /// Spans with the position of their pod.
    spans: Vec<(usize, &'static Operation, Draft)>,
    /// Messages that nobody has taken up yet.
    published: Vec<(&'static Operation, SpanId, UnixNanos, Message)>,
}

/// Where an operation happens and why.
#[derive(Clone, Copy)]
struct Place {
    pod: usize,
    parent: SpanId,
    start: UnixNanos,
}

#[derive(Clone, Copy)]
struct Outcome {
    end: UnixNanos,
    failure: Option<Failure>,
    http_status: i64,
}

impl<'a> Story<'a> {
    /// Plays `root` from `start` on and returns its spans, each with its pod.
    pub(crate) fn play(
        stage: &'a Stage,
        dice: &'a mut Dice,
        partitions: &'a mut Partitions,
        root: &'static Operation,
        start: UnixNanos,
    ) -> Vec<(usize, &'static Operation, Draft)> {
        let visit = Visit::new(dice);
        let mut story =
            Self { stage, dice, partitions, visit, spans: Vec::with_capacity(32), published: Vec::new() };
        let pod = stage.fleet.pod_of(root.service, story.dice);
        story.perform(root, Place { pod, parent: SpanId::NONE, start }, None);
        while let Some((operation, producer, published, message)) = story.published.pop() {
            let start = published.plus(LINGER).plus(story.dice.exponential(LINGER_MORE));
            let pod = stage.fleet.pod_of(operation.service, story.dice);
            story.perform(operation, Place { pod, parent: producer, start }, Some(message));
        }
        story.spans
    }

    /// Plays an operation and its children in one pod.
    fn perform(&mut self, operation: &'static Operation, place: Place, taken: Option<Message>) -> Outcome {
        let span_id = SpanId::from_u64(self.dice.id());
        let own = self.own_time(operation);
        let before = DurationNanos(own.0 * 2 / 5);
        let called = self.children(operation, place.pod, span_id, place.start.plus(before));
        let failure = match called {
            Some((_, failure)) => failure,
            None => self.dice.chance(LEAF_FAILS).then(|| Failure::roll(self.dice)),
        };
        let children_end = called.map_or_else(|| place.start.plus(before), |(end, _)| end);
        let end = children_end.plus(DurationNanos(own.0 - before.0));
        let sent =
            matches!(operation.class, Class::Producer { .. }).then(|| self.partitions.publish(self.dice));
        let http_status = self.http_status(failure);
        let pod = &self.stage.fleet.pods[place.pod];
        let scene = Scene { visit: &self.visit, address: &pod.address, failure, http_status, tries: 0 };
        let attributes = of_operation(operation, scene, taken.as_ref().or(sent.as_ref()), self.dice);
        let draft = Draft {
            trace_id: self.visit.trace_id,
            span_id,
            parent_span_id: place.parent,
            name: operation.name,
            kind: kind(operation),
            start: place.start,
            end,
            failure: failure.map(|failure| failure.said),
            attributes,
            events: self.events(operation, failure, (place.start, end)),
            link: taken.map(|_| place.parent),
        };
        self.spans.push((place.pod, operation, draft));
        if let (Class::Producer { consumers, .. }, Some(message), None) = (&operation.class, sent, failure) {
            self.published
                .extend(consumers.iter().map(|&consumer| (consumer, span_id, end, message.clone())));
        }
        Outcome { end, failure, http_status }
    }

    /// Plays the children. `None` where there were none; else when the last ended, and what climbed up.
    fn children(
        &mut self,
        operation: &'static Operation,
        pod: usize,
        parent: SpanId,
        start: UnixNanos,
    ) -> Option<(UnixNanos, Option<Failure>)> {
        let mut called = None;
        let mut climbed = None;
        for child in operation.children {
            if !self.dice.chance(child.probability) {
                continue;
            }
            let count = self.dice.between(child.least, child.most);
            let together = 1 < count && self.dice.chance(PARALLEL);
            let group = called.unwrap_or(start);
            let mut end = group;
            for _ in 0..count {
                let from = if together { group } else { end };
                let start = from.plus(self.dice.exponential(GAP));
                let outcome = self.call(child.operation, Place { pod, parent, start });
                end = end.max(outcome.end);
                climbed = climbed.or(outcome.failure);
            }
            called = Some(end);
        }
        called.map(|end| (end, climbed))
    }

    /// Plays a child, again where its failure was absorbed. What remains failed climbs.
    fn call(&mut self, operation: &'static Operation, place: Place) -> Outcome {
        let remote = operation.service != self.stage.fleet.pods[place.pod].service;
        let outcome = self.attempt(operation, place, remote, 0);
        if outcome.failure.is_none() || self.dice.chance(FAILURE_CLIMBS) {
            return outcome;
        }
        if remote && self.dice.chance(RETRIES) {
            let start = outcome.end.plus(self.dice.exponential(BACKOFF));
            let again = self.attempt(operation, Place { start, ..place }, remote, 1);
            return Outcome { failure: None, ..again };
        }
        Outcome { failure: None, ..outcome }
    }

    fn attempt(&mut self, operation: &'static Operation, place: Place, remote: bool, tries: i64) -> Outcome {
        if !remote || !operation.is_served() {
            return self.perform(operation, place, None);
        }
        let span_id = SpanId::from_u64(self.dice.id());
        let callee = self.stage.fleet.pod_of(operation.service, self.dice);
        let there = place.start.plus(self.dice.exponential(NETWORK));
        let served = self.perform(operation, Place { pod: callee, parent: span_id, start: there }, None);
        let end = served.end.plus(self.dice.exponential(NETWORK));
        let address = &self.stage.fleet.pods[callee].address;
        let Outcome { failure, http_status, .. } = served;
        let scene = Scene { visit: &self.visit, address, failure, http_status, tries };
        let attributes = of_call(operation, scene, self.dice);
        let draft = Draft {
            trace_id: self.visit.trace_id,
            span_id,
            parent_span_id: place.parent,
            name: operation.name,
            kind: SpanKind::Client,
            start: place.start,
            end,
            failure: failure.map(|failure| failure.said),
            attributes,
            events: self.events(operation, failure, (place.start, end)),
            link: None,
        };
        self.spans.push((place.pod, operation, draft));
        Outcome { end, ..served }
    }

    fn own_time(&mut self, operation: &Operation) -> DurationNanos {
        let own = self.dice.lognormal(DurationNanos(operation.median_us * 1_000), SCATTER);
        if self.dice.chance(SLOW) { DurationNanos(own.0 * SLOW_FACTOR) } else { own }
    }

    fn http_status(&mut self, failure: Option<Failure>) -> i64 {
        match failure {
            Some(failure) => failure.http,
            None if self.dice.chance(0.955) => 200,
            None => *self.dice.pick(&[304, 304, 404, 400, 401]),
        }
    }

    fn events(
        &mut self,
        operation: &Operation,
        failure: Option<Failure>,
        (start, end): (UnixNanos, UnixNanos),
    ) -> Vec<DraftEvent> {
        if let Some(failure) = failure
            && self.dice.chance(EXCEPTION)
        {
            return vec![self.stage.stacks.exception(
                operation.service,
                &operation.class,
                failure,
                end,
                self.dice,
            )];
        }
        let count = match self.dice.unit() {
            roll if roll < EVENT_TWO => 2,
            roll if roll < EVENT_TWO + EVENT_ONE => 1,
            _ => return Vec::new(),
        };
        let mut times: Vec<u64> = (0..count).map(|_| self.dice.between(start.0, end.0)).collect();
        times.sort_unstable();
        let message = |(number, time)| {
            let mut attributes = Attributes::default();
            attributes.number("message.id", number as i64 + 1);
            attributes.number("message.uncompressed_size", self.dice.between(60, 4_000) as i64);
            DraftEvent { time: UnixNanos(time), name: "message", attributes }
        };
        times.into_iter().enumerate().map(message).collect()
    }
}

const fn kind(operation: &Operation) -> SpanKind {
    match operation.class {
        Class::HttpServer { .. } | Class::GrpcServer { .. } => SpanKind::Server,
        Class::Sql { .. } | Class::Redis { .. } | Class::ExternalHttp { .. } => SpanKind::Client,
        Class::Producer { .. } => SpanKind::Producer,
        Class::Consumer { .. } => SpanKind::Consumer,
        Class::Internal { .. } => SpanKind::Internal,
    }
}
