//! The same engine as a layer, beside others on `tracing-subscriber`'s registry.

use tracing_core::span::{Attributes, Id, Record as Values};
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{self, Layer};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::{Location, Parent, Tracing};
use crate::local;
use crate::tracer::Tracer;

/// A layer that records the spans and events of `tracing`.
///
/// ```
/// use tracewell_tracer::{Capture, TracerBuilder, subscriber::TraceLayer};
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let capture = Capture::new();
/// let guard = TracerBuilder::default().start(capture.exporter())?;
/// let subscriber = tracing_subscriber::registry().with(TraceLayer::new(guard.tracer().clone()));
/// tracing::subscriber::with_default(subscriber, || tracing::info_span!("work").in_scope(|| {}));
/// guard.flush(std::time::Duration::from_secs(5));
/// assert!(capture.span("work").parent_id.is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TraceLayer {
    tracing: Tracing,
}

/// What the registry keeps of ours beside a span.
#[derive(Clone, Copy)]
struct Slot(u64);

impl TraceLayer {
    /// Makes a layer. Which spans it sees is decided by the filters around it.
    pub fn new(tracer: Tracer) -> Self {
        Self { tracing: Tracing::new(tracer) }
    }

    /// Adds file, line and module of its callsite to each span; off unless told.
    #[must_use]
    pub fn location(mut self, on: Location) -> Self {
        self.tracing.location = on == Location::Recorded;
        self
    }
}

fn slot<S>(ctx: &layer::Context<'_, S>, id: &Id) -> Option<u64>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    ctx.span(id)?.extensions().get::<Slot>().map(|slot| slot.0)
}

/// Finds the layer behind a dispatcher, and its slot of a span.
pub(super) fn find<'a>(dispatch: &'a Dispatch, id: &Id) -> Option<(&'a Tracing, u64)> {
    let layer = dispatch.downcast_ref::<TraceLayer>()?;
    let registry = dispatch.downcast_ref::<Registry>()?;
    let slot = registry.span(id)?.extensions().get::<Slot>().map(|slot| slot.0)?;
    Some((&layer.tracing, slot))
}

impl<S> Layer<S> for TraceLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: layer::Context<'_, S>) {
        if slot(&ctx, id).is_some() {
            // Another layer of ours stands on the same registry, and a span has one place for a slot.
            return;
        }
        let parent = match attributes.parent() {
            Some(id) => slot(&ctx, id).map_or(Parent::Root, Parent::Slot),
            None if attributes.is_root() => Parent::Root,
            None => Parent::Current,
        };
        let opened = self.tracing.open(attributes, parent);
        match ctx.span(id) {
            Some(span) => span.extensions_mut().insert(Slot(opened)),
            None => drop(self.tracing.release(opened)),
        }
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, ctx: layer::Context<'_, S>) {
        if let Some(slot) = slot(&ctx, id) {
            self.tracing.add(slot, values);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: layer::Context<'_, S>) {
        if let (Some(slot), Some(other)) = (slot(&ctx, id), slot(&ctx, follows)) {
            self.tracing.follow(slot, other);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: layer::Context<'_, S>) {
        let span = match event.parent() {
            Some(id) => slot(&ctx, id),
            None if event.is_root() => None,
            None => local::innermost_span(),
        };
        if let Some(span) = span {
            self.tracing.event(span, event);
        }
    }

    fn on_enter(&self, id: &Id, ctx: layer::Context<'_, S>) {
        if let Some(slot) = slot(&ctx, id) {
            self.tracing.enter(slot);
        }
    }

    fn on_exit(&self, id: &Id, ctx: layer::Context<'_, S>) {
        if let Some(slot) = slot(&ctx, id) {
            local::leave(slot);
        }
    }

    fn on_close(&self, id: Id, ctx: layer::Context<'_, S>) {
        if let Some(slot) = slot(&ctx, &id) {
            self.tracing.release(slot);
        }
    }
}
