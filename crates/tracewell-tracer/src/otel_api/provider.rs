//! Where OpenTelemetry's API gets its spans from.

use crate::{Tracer, no_span};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind};
use opentelemetry::{Context as OtelContext, InstrumentationScope};
use tracewell_context::Context;

use super::convert;
use super::live;
use super::recorded::BridgeSpan;

/// Gives out tracers whose spans the engine records.
#[derive(Clone, Debug)]
pub struct BridgeTracerProvider {
    tracer: Tracer,
}

/// Makes spans for one library.
#[derive(Clone, Debug)]
pub struct BridgeTracer {
    tracer: Tracer,
}

impl BridgeTracerProvider {
    /// Returns a provider of that engine.
    pub fn new(tracer: &Tracer) -> Self {
        Self { tracer: tracer.clone() }
    }
}

impl opentelemetry::trace::TracerProvider for BridgeTracerProvider {
    type Tracer = BridgeTracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> BridgeTracer {
        BridgeTracer { tracer: self.tracer.scoped(scope.name(), scope.version().unwrap_or_default()) }
    }
}

impl opentelemetry::trace::Tracer for BridgeTracer {
    type Span = BridgeSpan;

    fn build_with_context(&self, builder: SpanBuilder, parent: &OtelContext) -> BridgeSpan {
        let under = live::local_id();
        if parent.is_telemetry_suppressed() {
            return BridgeSpan::new(no_span(), under);
        }
        let parent = live::parent(parent).unwrap_or_default();
        let mut span = self.begin(&builder, &parent);
        for event in builder.events.into_iter().flatten() {
            span.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
        }
        for link in builder.links.into_iter().flatten() {
            span.add_link(link.span_context, link.attributes);
        }
        span
    }
}

impl BridgeTracer {
    fn begin(&self, told: &SpanBuilder, parent: &Context) -> BridgeSpan {
        let kind = told.span_kind.as_ref().unwrap_or(&SpanKind::Internal);
        let mut builder = self.tracer.span(&told.name).parent(parent).kind(convert::kind(kind));
        if let Some(time) = told.start_time {
            builder = builder.start_time(time);
        }
        for attribute in told.attributes.iter().flatten() {
            builder = convert::value(&attribute.value, |value| builder.attr(attribute.key.as_str(), value));
        }
        BridgeSpan::new(builder.start(), live::local_id())
    }
}
