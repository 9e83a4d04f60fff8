//! The tracer: where spans begin.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tracewell_context::{Context, SpanContext};

use crate::begin::Beginner;
use crate::engine::Engine;
use crate::kind::Kind;
use crate::open_span::Span;
use crate::sampling::Sampler;
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
        Status::of(&self.engine.depot, &self.engine.counters)
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
    if STANDS_IN.get()
        && let Some(tracer) = stand_in()
    {
        return SpanBuilder::owning(tracer, name);
    }
    SpanBuilder::new(GLOBAL.get(), name)
}

/// Returns a span that records nothing.
pub fn no_span() -> Span {
    Span::none()
}

/// A span that is being described. The parent is decided first: it is the thread's current span unless
/// told; from the first attribute on the span is open.
#[derive(Debug)]
#[must_use = "nothing is recorded until `start`"]
pub struct SpanBuilder<'a> {
    tracer: Handle<'a>,
    name: &'a str,
    parent: Option<&'a Context>,
    kind: Option<Kind>,
    start: Option<SystemTime>,
    open: Option<Span>,
}

#[derive(Debug)]
enum Handle<'a> {
    None,
    Borrowed(&'a Tracer),
    Owned(Tracer),
}

impl<'a> SpanBuilder<'a> {
    #[inline]
    pub(crate) fn new(tracer: Option<&'a Tracer>, name: &'a str) -> Self {
        let tracer = tracer.map_or(Handle::None, Handle::Borrowed);
        Self { tracer, name, parent: None, kind: None, start: None, open: None }
    }

    pub(crate) fn owning(tracer: Tracer, name: &'a str) -> Self {
        Self { tracer: Handle::Owned(tracer), name, parent: None, kind: None, start: None, open: None }
    }

    /// Names the parent; an empty context makes a root. It counts only before the first attribute.
    pub fn parent(mut self, context: &'a Context) -> Self {
        self.parent = Some(context);
        self
    }

    /// Says which side of a call it is.
    #[inline]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Begins it at that time, not now.
    pub fn start_time(mut self, time: SystemTime) -> Self {
        self.start = Some(time);
        self
    }

    /// Sets an attribute.
    #[inline]
    pub fn attr<'v>(mut self, key: &str, value: impl Into<Value<'v>>) -> Self {
        if !matches!(self.tracer, Handle::None) {
            self.opened().attr(key, value);
        }
        self
    }

    /// Links another span.
    pub fn link(mut self, to: &SpanContext) -> Self {
        self.opened().link(to, &[]);
        self
    }

    /// Begins it.
    #[inline]
    pub fn start(mut self) -> Span {
        if let Handle::None = self.tracer {
            return Span::none();
        }
        self.opened();
        let mut span = self.open.take().unwrap_or_else(Span::none);
        if let Some(kind) = self.kind {
            span.kind(kind);
        }
        if let Some(time) = self.start {
            span.started_at(time);
        }
        span
    }

    #[inline]
    fn opened(&mut self) -> &mut Span {
        if self.open.is_none() {
            self.open = Some(self.begin());
        }
        self.open.get_or_insert_with(Span::none)
    }

    /// Apart from the rest, which is small where nothing is recorded.
    #[inline(never)]
    fn begin(&self) -> Span {
        let tracer = match &self.tracer {
            Handle::None => return Span::none(),
            Handle::Borrowed(tracer) => tracer,
            Handle::Owned(tracer) => tracer,
        };
        Span::of(tracer.beginner().begin(self.name, self.parent.cloned()))
    }
}

/// Returns the tracer that stands in for the global one on this thread.
#[inline]
fn stand_in() -> Option<Tracer> {
    STAND_IN.try_with(|tracer| tracer.try_borrow().ok()?.clone()).ok().flatten()
}

/// Lets a tracer stand in for the global one on this thread; returns who did before.
fn let_stand_in(tracer: Option<Tracer>) -> Option<Tracer> {
    STANDS_IN.set(tracer.is_some());
    STAND_IN.try_with(|current| current.replace(tracer)).ok().flatten()
}
