//! The tracer: where spans begin.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tracewell_context::{Context, SpanContext};

use crate::begin::{Beginner, Begun, Opening};
use crate::engine::Engine;
use crate::kind::Kind;
use crate::local;
use crate::open_span::Span;
use crate::sampling::{PRIORITY_KEY, Priority, Sampled, Sampler};
use crate::status::Status;
use crate::value::Value;

static GLOBAL: OnceLock<Tracer> = OnceLock::new();

thread_local! {
    /// Whether somebody stands in; asked first, because nearly always nobody does.
    static STANDS_IN: Cell<bool> = const { Cell::new(false) };
    /// Stands in for the global tracer.
    static STAND_IN: RefCell<Option<Tracer>> = const { RefCell::new(None) };
}

/// Makes spans. A cheap handle: clones share everything. A tracer that was shut down makes spans that
/// record nothing.
#[derive(Clone, Debug)]
pub struct Tracer {
    pub(crate) engine: Arc<Engine>,
    scope: u32,
}

impl Tracer {
    pub(crate) fn of(engine: Arc<Engine>) -> Self {
        Self { engine, scope: 0 }
    }

    /// Begins to describe a span. Nothing is recorded, and nothing decided, until its first attribute
    /// or its start.
    #[inline]
    pub fn span<'a>(&'a self, name: &'a str) -> SpanBuilder<'a> {
        SpanBuilder::new(Some(self), name)
    }

    /// Returns a tracer whose spans name `name` as the library that made them.
    #[must_use]
    pub fn scoped(&self, name: &str, version: &str) -> Self {
        let scope = self.engine.scope_of(name, version);
        Self { engine: Arc::clone(&self.engine), scope }
    }

    /// Makes this the tracer that [`crate::span`] and the integrations use. The first one stays;
    /// returns whether this is it.
    pub fn install(&self) -> bool {
        GLOBAL.set(self.clone()).is_ok()
    }

    /// Returns the tracer that was installed.
    #[inline]
    pub fn global() -> Option<&'static Self> {
        GLOBAL.get()
    }

    /// Makes this tracer stand in for the global one while `run` runs, on this thread.
    pub fn stand_in<R>(&self, run: impl FnOnce() -> R) -> R {
        struct Back(Option<Tracer>);
        impl Drop for Back {
            fn drop(&mut self) {
                let_stand_in(self.0.take());
            }
        }
        let _back = Back(let_stand_in(Some(self.clone())));
        run()
    }

    /// Changes the share of new traces that are recorded.
    pub fn set_sample_rate(&self, ratio: f64) {
        self.engine.judge.replace(Sampler::Ratio(ratio));
    }

    /// Changes how new traces are decided.
    pub fn set_sampler(&self, sampler: Sampler) {
        self.engine.judge.replace(sampler);
    }

    /// Declares an emergency, or its end. During one, traces are recorded with the share that
    /// [`Sampling::emergency_ratio`](crate::Sampling::emergency_ratio) gives at most; only
    /// `sampling.priority=emergency` gets past it.
    pub fn set_emergency(&self, on: bool) {
        self.engine.judge.emergency(on);
    }

    /// Tells whether there is an emergency, by somebody's word or by load.
    pub fn is_emergency(&self) -> bool {
        self.engine.judge.is_emergency()
    }

    /// Returns what was decided about traces so far: `traces_sampled_total`, by operation, decision and
    /// rule.
    pub fn traces_sampled(&self) -> Vec<Sampled> {
        self.engine.tallies.read()
    }

    /// Returns how new traces are decided.
    pub fn sampler(&self) -> Sampler {
        self.engine.judge.sampler()
    }

    /// Changes how many spans one request holds at most.
    pub fn set_batch_size(&self, spans: usize) {
        self.engine.pace.set_batch_spans(spans);
    }

    /// Changes the longest that a finished span waits, 10 ms at least; from the next pause on.
    pub fn set_batch_delay(&self, delay: Duration) {
        self.engine.pace.set_delay(delay);
    }

    /// Changes how many bytes of finished spans wait at most.
    pub fn set_queue_bytes(&self, bytes_max: usize) {
        self.engine.depot.set_budget(bytes_max, self.engine.pace.bytes_wake(bytes_max));
    }

    /// Sends everything that has ended, and waits until it was tried or `timeout` has passed. Returns
    /// whether it was in time.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.engine.depot.flush(timeout)
    }

    /// Returns what became of the spans.
    pub fn status(&self) -> Status {
        let Engine { depot, counters, trails, .. } = &*self.engine;
        Status::of(depot, counters, trails.as_ref())
    }

    #[inline]
    pub(crate) fn beginner(&self) -> Beginner<'_> {
        Beginner { engine: &self.engine, scope: self.scope }
    }
}

/// Begins to describe a span of the installed tracer; without one, a span that records nothing.
///
/// ```
/// let mut span = tracewell_tracer::span("work").start();
/// assert!(!span.is_recording(), "no tracer is installed");
/// span.attr("key", 1);
/// ```
#[inline]
pub fn span(name: &str) -> SpanBuilder<'_> {
    if STANDS_IN.get() {
        return SpanBuilder { stands_in: true, live: true, ..SpanBuilder::new(None, name) };
    }
    SpanBuilder::new(GLOBAL.get(), name)
}

/// Returns a span that records nothing.
pub fn no_span() -> Span {
    Span::none()
}

/// A span that is being described. The parent is decided first: it is the thread's current span unless
/// told; from the first attribute on the span is open, and parent, kind and priority have been heard by
/// its sampler.
#[derive(Debug)]
#[must_use = "nothing is recorded until `start`"]
pub struct SpanBuilder<'a> {
    tracer: Option<&'a Tracer>,
    /// Whether what is said is heard: somebody is there to record, and it is no child of an unsampled
    /// span, which nobody will ever see.
    live: bool,
    /// The thread's stand-in counts, not `tracer`.
    stands_in: bool,
    name: &'a str,
    parent: Option<&'a Context>,
    kind: Kind,
    priority: Option<Priority>,
    start: Option<SystemTime>,
    open: Option<Span>,
    /// The sampler waits for attributes.
    undecided: Option<Box<Context>>,
}

impl<'a> SpanBuilder<'a> {
    #[inline]
    pub(crate) fn new(tracer: Option<&'a Tracer>, name: &'a str) -> Self {
        Self {
            tracer,
            live: tracer.is_some_and(|tracer| !(local::is_quiet() && tracer.engine.follows_quietly)),
            stands_in: false,
            name,
            parent: None,
            kind: Kind::Internal,
            priority: None,
            start: None,
            open: None,
            undecided: None,
        }
    }

    /// Names the parent; an empty context makes a root. It counts only before the first attribute.
    #[inline]
    pub fn parent(mut self, context: &'a Context) -> Self {
        self.parent = Some(context);
        self.live = self.tracer.is_some() || self.stands_in;
        self
    }

    /// Says which side of a call it is.
    #[inline]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Says how much its trace matters, as the attribute `sampling.priority` does. It counts only before
    /// the first attribute; that attribute itself may come as the first.
    #[inline]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Begins it at that time, not now.
    #[inline]
    pub fn start_time(mut self, time: SystemTime) -> Self {
        self.start = Some(time);
        self
    }

    /// Sets an attribute.
    #[inline(always)]
    pub fn attr<'v>(self, key: &str, value: impl Into<Value<'v>>) -> Self {
        if self.live { self.attr_live(key, value.into()) } else { self }
    }

    /// Apart from the rest, which is small where nothing is recorded.
    fn attr_live(mut self, key: &str, value: Value<'_>) -> Self {
        if key == PRIORITY_KEY {
            self.prioritize(value);
        }
        self.opened().attr(key, value);
        self
    }

    /// Links another span.
    pub fn link(mut self, to: &SpanContext) -> Self {
        if self.live {
            self.opened().link(to, &[]);
        }
        self
    }

    /// Begins it.
    #[inline(always)]
    pub fn start(self) -> Span {
        match self.tracer {
            _ if self.live => self.start_live(),
            // Its parent's ids do for what it calls.
            Some(tracer) => Span::quiet(&tracer.engine),
            None => Span::none(),
        }
    }

    fn start_live(mut self) -> Span {
        let (kind, time) = (self.kind, self.start);
        let opened = self.opened();
        if kind != Kind::Internal {
            opened.kind(kind);
        }
        if let Some(time) = time {
            opened.started_at(time);
        }
        if self.undecided.is_some() {
            self.settle();
        }
        self.open.take().unwrap_or_else(Span::none)
    }

    #[inline]
    fn opened(&mut self) -> &mut Span {
        if self.open.is_none() {
            let opening = Opening { name: self.name, kind: self.kind };
            let (span, undecided) = if self.stands_in {
                begin_standing_in(opening, self.parent, self.priority)
            } else {
                begin(self.tracer, opening, self.parent, self.priority)
            };
            self.undecided = undecided;
            self.open = Some(span);
        }
        self.open.get_or_insert_with(Span::none)
    }

    /// Hears what an attribute says of the span's importance; a trace that was left out begins anew.
    #[cold]
    fn prioritize(&mut self, value: Value<'_>) {
        self.priority = Priority::read(value);
        if self.open.as_ref().is_some_and(|open| !open.is_recording()) {
            self.open = None;
        }
    }

    #[cold]
    fn settle(&mut self) {
        let stand_in = if self.stands_in { stand_in() } else { None };
        let Some(tracer) = stand_in.as_ref().or(self.tracer) else { return };
        let Some((context, record)) = self.open.take().and_then(Span::into_undecided) else { return };
        let mut begun = Begun { context, record: Some(record), undecided: self.undecided.take() };
        tracer.beginner().settle(&mut begun, self.name, self.priority);
        self.open = Some(Span::begun(&tracer.engine, begun.context, begun.record));
    }
}

/// Apart from the rest, which is small where nothing is recorded.
#[inline(never)]
fn begin(
    tracer: Option<&Tracer>,
    opening: Opening<'_>,
    parent: Option<&Context>,
    priority: Option<Priority>,
) -> (Span, Option<Box<Context>>) {
    let Some(tracer) = tracer else { return (Span::none(), None) };
    let begun = tracer.beginner().begin(opening, parent.cloned(), &|| priority);
    (Span::begun(&tracer.engine, begun.context, begun.record), begun.undecided)
}

#[cold]
fn begin_standing_in(
    opening: Opening<'_>,
    parent: Option<&Context>,
    priority: Option<Priority>,
) -> (Span, Option<Box<Context>>) {
    begin(stand_in().as_ref(), opening, parent, priority)
}

/// Returns the tracer that stands in for the global one on this thread.
fn stand_in() -> Option<Tracer> {
    STAND_IN.try_with(|tracer| tracer.try_borrow().ok()?.clone()).ok().flatten()
}

/// Lets a tracer stand in for the global one on this thread; returns who did before.
fn let_stand_in(tracer: Option<Tracer>) -> Option<Tracer> {
    STANDS_IN.set(tracer.is_some());
    STAND_IN.try_with(|current| current.replace(tracer)).ok().flatten()
}
