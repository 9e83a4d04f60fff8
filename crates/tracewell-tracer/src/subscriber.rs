//! The `tracing` crate's spans on this engine: a subscriber of its own.
//!
//! [`TraceSubscriber`] is all there is: no registry, no layers. A span of `tracing` is a slot in a
//! table of pages; its id is the slot's place and the number of its tenancy, so an id that outlived its
//! span finds nothing. Slots are reached without a lock; their record is behind one that nobody else
//! wants. A child of an unsampled span is no span at all: it shares its parent's slot.
//!
//! What existing code says with fields is understood: `otel.name`, `otel.kind`, `otel.status_code`,
//! `otel.status_description`. An event inside a span becomes an event of the span, with its level and
//! target; one that carries an `error` is an `exception` and fails the span.

mod directives;
mod fields;
mod reach;
mod slots;

#[cfg(feature = "layer")]
mod layer;

use std::fmt;

use tracewell_context::Context;
use tracing_core::span::{Attributes, Current, Id, Record as Values};
use tracing_core::subscriber::{Interest, Subscriber};
use tracing_core::{Event, LevelFilter, Metadata};

use crate::kind::Kind;
use crate::tracer::Tracer;
use crate::{begin, ending, fold, local};
use fields::Opening;
use slots::Slots;

pub use directives::{Directives, DirectivesError};
#[cfg(feature = "layer")]
pub use layer::TraceLayer;
pub use reach::{Reached, reach};

/// A subscriber that records the spans and events of `tracing`.
///
/// ```
/// use tracewell_tracer::{Capture, TraceSubscriber, TracerBuilder};
///
/// let capture = Capture::new();
/// let guard = TracerBuilder::default().start(capture.exporter())?;
/// let subscriber = TraceSubscriber::new(guard.tracer().clone());
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info_span!("work", items = 3).in_scope(|| tracing::info!("half done"));
/// });
/// guard.flush(std::time::Duration::from_secs(5));
/// assert_eq!(capture.span("work").attribute("items"), Some(&tracewell_tracer::CapturedValue::Int(3)));
/// assert!(capture.span("work").event("half done").is_some());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TraceSubscriber {
    tracing: Tracing,
    directives: Directives,
    on_event: Option<OnEvent>,
}

/// Called with every event that the directives let through, whether its span is recorded or not.
type OnEvent = Box<dyn EventSink>;

/// Takes events beside the spans, as a writer of logs does. The current context is the event's.
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Takes an event.
    fn event(&self, event: &Event<'_>);
}

/// What the subscriber and the layer share.
#[derive(Debug)]
pub(crate) struct Tracing {
    tracer: Tracer,
    slots: Slots,
    location: bool,
}

impl TraceSubscriber {
    /// Makes a subscriber of level INFO.
    pub fn new(tracer: Tracer) -> Self {
        Self { tracing: Tracing::new(tracer), directives: Directives::default(), on_event: None }
    }

    /// Says which spans and events count, by level and target.
    #[must_use]
    pub fn directives(mut self, directives: Directives) -> Self {
        self.directives = directives;
        self
    }

    /// Adds file, line and module of its callsite to each span; off unless told.
    #[must_use]
    pub fn location(mut self, on: Location) -> Self {
        self.tracing.location = on == Location::Recorded;
        self
    }

    /// Hands every event to `sink` too.
    #[must_use]
    pub fn event_sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.on_event = Some(Box::new(sink));
        self
    }
}

/// Whether spans say where in the code they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// As `code.file.path`, `code.line.number` and `code.namespace`.
    Recorded,
    /// Not at all.
    Omitted,
}

impl Tracing {
    pub(crate) fn new(tracer: Tracer) -> Self {
        Self { tracer, slots: Slots::default(), location: false }
    }

    /// Begins a span and returns its slot; an unsampled child has its parent's.
    #[inline]
    pub(crate) fn open(&self, attributes: &Attributes<'_>, parent: Parent) -> u64 {
        let metadata = attributes.metadata();
        if let Parent::Current = parent
            && let Some(slot) = self.unsampled()
        {
            return slot;
        }
        let (parent, sharable) = match parent {
            Parent::Current => (None, local::innermost_span()),
            Parent::Root => (Some(Context::default()), None),
            Parent::Slot(slot) => (self.slots.context(slot), Some(slot)),
        };
        let beginner = self.tracer.beginner();
        let asked = begin::Opening { name: metadata.name(), kind: Kind::Internal };
        let priority = || fields::priority(attributes);
        let mut begun = beginner.begin(asked, parent, &priority);
        if let Some(record) = &mut begun.record {
            attributes.record(&mut Opening::new(record));
        }
        if begun.undecided.is_some() {
            beginner.settle(&mut begun, metadata.name(), priority());
        }
        let Some(mut record) = begun.record else {
            let shared = sharable.filter(|slot| self.slots.is_unrecorded(*slot, &begun.context));
            if let Some(slot) = shared
                && self.slots.hold(slot)
            {
                return slot;
            }
            return self.slots.insert(metadata, begun.context, None);
        };
        if self.location {
            fields::location(&mut record, metadata);
        }
        self.slots.insert(metadata, begun.context, Some(record))
    }

    /// Holds the innermost span once more, if it is unsampled and its children are too.
    #[inline]
    fn unsampled(&self) -> Option<u64> {
        if !local::is_quiet() || !self.tracer.engine.follows_quietly {
            return None;
        }
        let slot = local::innermost_span()?;
        let inherits = local::with_current(|current| self.slots.is_unrecorded(slot, current));
        (inherits && self.slots.hold(slot)).then_some(slot)
    }

    /// Adds fields to a span.
    pub(crate) fn add(&self, slot: u64, values: &Values<'_>) {
        if !self.slots.is_recorded(slot) {
            return;
        }
        local::with_scratch(|scratch| {
            let later = fields::Later::read(values, scratch, &self.tracer.engine.limits);
            self.slots.with_record(slot, |record| later.apply(record, scratch));
        });
    }

    /// Adds an event to a span.
    pub(crate) fn event(&self, slot: u64, event: &Event<'_>) {
        if !self.slots.is_recorded(slot) {
            return;
        }
        local::with_scratch(|scratch| {
            let now = self.tracer.engine.clock.unix_ns(self.tracer.engine.clock.ticks());
            let read = fields::Happening::read(event, scratch, now, &self.tracer.engine.limits);
            self.slots.with_record(slot, |record| read.apply(record, scratch));
        });
    }

    /// Links another span, as `follows_from` means.
    pub(crate) fn follow(&self, slot: u64, other: u64) {
        if let Some(context) = self.slots.context(other) {
            fold::known(&context.span);
            self.slots.with_record(slot, |record| record.link(&context.span, &[]));
        }
    }

    #[inline]
    pub(crate) fn enter(&self, slot: u64) {
        if !self.slots.is_recorded(slot) && local::enter_again(slot) {
            return;
        }
        if let Some(context) = self.slots.context(slot) {
            local::enter(slot, context);
        }
    }

    #[inline]
    pub(crate) fn hold(&self, slot: u64) {
        self.slots.hold(slot);
    }

    /// Lets go of a span; returns whether that was the last hold, which ends it.
    #[inline]
    pub(crate) fn release(&self, slot: u64) -> bool {
        let Some(record) = self.slots.release(slot) else { return false };
        if let Some(record) = record {
            ending::end(record, None);
        }
        true
    }
}

/// Whose child a new span is.
pub(crate) enum Parent {
    /// The current context's, wherever that came from.
    Current,
    /// Nobody's.
    Root,
    /// A span's of this table.
    Slot(u64),
}

impl Subscriber for TraceSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.directives.admits(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.directives.admits(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.directives.level_max())
    }

    #[inline]
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let parent = match attributes.parent() {
            Some(id) => Parent::Slot(id.into_u64()),
            None if attributes.is_root() => Parent::Root,
            None => Parent::Current,
        };
        Id::from_u64(self.tracing.open(attributes, parent))
    }

    fn record(&self, span: &Id, values: &Values<'_>) {
        self.tracing.add(span.into_u64(), values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.tracing.follow(span.into_u64(), follows.into_u64());
    }

    fn event(&self, event: &Event<'_>) {
        let span = match event.parent() {
            Some(id) => Some(id.into_u64()),
            None if event.is_root() => None,
            None => local::innermost_span(),
        };
        if let Some(span) = span {
            self.tracing.event(span, event);
        }
        if let Some(sink) = &self.on_event {
            sink.event(event);
        }
    }

    #[inline]
    fn enter(&self, span: &Id) {
        self.tracing.enter(span.into_u64());
    }

    #[inline]
    fn exit(&self, span: &Id) {
        local::leave(span.into_u64());
    }

    #[inline]
    fn clone_span(&self, id: &Id) -> Id {
        self.tracing.hold(id.into_u64());
        id.clone()
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        self.tracing.release(id.into_u64())
    }

    fn current_span(&self) -> Current {
        let found = local::innermost_span()
            .and_then(|slot| Some((Id::from_u64(slot), self.tracing.slots.metadata(slot)?)));
        found.map_or_else(Current::none, |(id, metadata)| Current::new(id, metadata))
    }
}
