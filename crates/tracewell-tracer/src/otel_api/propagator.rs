//! Headers in and out for libraries that speak OpenTelemetry's API.

use opentelemetry::Context as OtelContext;
use opentelemetry::baggage::{Baggage, BaggageExt, KeyValueMetadata};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use tracewell_context::{Extract, Propagator};

use super::convert;
use super::live;

/// Writes and reads the formats of a [`Propagator`]. What goes out is the current context of either API, and
/// the baggage of both.
#[derive(Debug)]
pub struct BridgePropagator {
    propagator: Propagator,
    fields: Vec<String>,
}

impl BridgePropagator {
    /// Returns one for these formats.
    pub fn new(propagator: Propagator) -> Self {
        let names = propagator.formats().flat_map(|format| format.headers().iter());
        let fields = names.map(|name| (*name).to_owned()).collect();
        Self { propagator, fields }
    }
}

impl TextMapPropagator for BridgePropagator {
    fn inject_context(&self, context: &OtelContext, injector: &mut dyn Injector) {
        let mut ours = live::parent(context).unwrap_or_default();
        for (key, (value, metadata)) in context.baggage().iter() {
            // An entry beyond the limits stays behind; the others go.
            if let Ok(baggage) = ours.baggage.with_metadata(key.as_str(), value.as_str(), metadata.as_str()) {
                ours.baggage = baggage;
            }
        }
        self.propagator.inject(&ours, &mut |name: &str, value: &str| injector.set(name, value.to_owned()));
    }

    fn extract_with_context(&self, context: &OtelContext, extractor: &dyn Extractor) -> OtelContext {
        let came = self.propagator.extract(&Headers(extractor));
        let mut context = context.clone();
        if came.span.is_valid() {
            context = context.with_remote_span_context(convert::otel_context(&came.span));
        }
        if !came.baggage.is_empty() {
            let entries = came.baggage.iter().map(|entry| {
                let (key, value) = (entry.key().to_owned(), entry.value().to_owned());
                KeyValueMetadata::new(key, value, entry.metadata())
            });
            context = context.with_baggage(entries.collect::<Baggage>());
        }
        context
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// Headers of OpenTelemetry's kind as ours.
struct Headers<'a>(&'a dyn Extractor);

impl Extract for Headers<'_> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for name in self.0.keys() {
            for value in self.0.get_all(name).unwrap_or_default() {
                visit(name, value.as_bytes());
            }
        }
    }
}
