//! Spans of OpenTelemetry's API, recorded by this engine.
//!
//! Libraries that speak the crate `opentelemetry` go on working: their spans come out beside those of
//! `tracing` and of the direct API, in one tree. [`install`] makes the engine the global provider, and its
//! propagator the global one.
//!
//! ```
//! use opentelemetry::{global, trace::{Span, Tracer}};
//! use tracewell_tracer::context::Propagator;
//! use tracewell_tracer::{Capture, TracerBuilder, otel_api};
//!
//! let capture = Capture::new();
//! let guard = TracerBuilder::default().start(capture.exporter())?;
//! otel_api::install(guard.tracer(), Propagator::default());
//!
//! let outer = guard.tracer().span("ours").start();
//! outer.within(|| global::tracer("theirs").start("inner").end());
//!
//! guard.flush(std::time::Duration::from_secs(5));
//! assert_eq!(capture.span("inner").parent_id, capture.span("ours").span_id);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Two APIs have two notions of what is current, and neither tells the other. What is asked is settled
//! when it is asked: of the thread's own context and OpenTelemetry's, the one that began inside the other
//! counts. So nothing is paid where a span is entered, which happens at each poll.
//!
//! This is version 0.33 of that API. Another version is another crate to the compiler, with globals of its
//! own: spans that go there are not seen here.
//!
//! Deliberately absent: metrics and logs, attributes of instrumentation scopes, a span's own view of its
//! attributes. OpenTelemetry's baggage stays in OpenTelemetry's context, except across processes, where
//! there is one.

mod convert;
mod live;
mod propagator;
mod provider;
mod recorded;

pub use propagator::BridgePropagator;
pub use provider::{BridgeTracer, BridgeTracerProvider};
pub use recorded::BridgeSpan;

use crate::Tracer;
use crate::ambient;
use tracewell_context::Propagator;

/// Makes `tracer` OpenTelemetry's global provider and `propagator` its global propagator, and lets spans of
/// the engine find their parents in OpenTelemetry's context.
pub fn install(tracer: &Tracer, propagator: Propagator) {
    follow();
    opentelemetry::global::set_tracer_provider(BridgeTracerProvider::new(tracer));
    opentelemetry::global::set_text_map_propagator(BridgePropagator::new(propagator));
}

/// Lets spans of the engine find their parents in OpenTelemetry's context, without touching its globals.
pub fn follow() {
    ambient::follow(live::inner);
}
