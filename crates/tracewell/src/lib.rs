//! Tracing for Rust services: one line in `main`, almost nothing on the hot path.
//!
//! ```no_run
//! // The first line of `main`:
//! let _tracing = tracewell::init();
//! // Whatever speaks `tracing` is recorded from here on, and sent when `_tracing` is dropped.
//! ```
//!
//! [`init`] reads the environment: every `OTEL_*` variable that concerns traces, and the names that
//! older kits use. It prints one line with what came of it, and a warning for each variable that it
//! does not follow. Where code should say it: [`service`].
//!
//! Spans are made with the `tracing` crate (`#[instrument]`, `info_span!`) or directly:
//!
//! ```
//! use tracewell::{Kind, span};
//!
//! let mut call = span("GET /price").kind(Kind::Client).attr("server.address", "shop").start();
//! if call.is_recording() {
//!     call.attr("price.count", 3);
//! }
//! # fn parse() -> Result<(), std::num::ParseIntError> { "x".parse::<i32>().map(drop) }
//! if let Err(error) = parse() {
//!     call.record_error(&error);
//! }
//! ```
//!
//! Context crosses processes with [`inject`] and [`extract`], and tasks with [`carry`].
//!
//! Deliberately absent: metrics; any async runtime. One thread of its own does all sending.

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod __private;
mod carriers;
mod exceptions;
mod guard;
mod last_words;
mod log;
mod metrics;
mod operation;
mod panics;
mod paths;
mod recording;
mod settings;
mod setup;
mod span_ext;

pub mod testing;

pub use carriers::{add_baggage, baggage, extract, inject};
pub use guard::{Guard, status};
pub use log::log_line;
pub use metrics::metrics;
#[cfg(feature = "tokio")]
pub use operation::spawn;
pub use operation::{
    Attributes, trace_ai_operation, trace_batch_operation, trace_database_operation, trace_operation,
    trace_result,
};
pub use panics::{Panicked, last_panic, watch_panics};
pub use paths::is_excluded;
pub use setup::{Setup, init, service};
pub use span_ext::SpanExt;
#[cfg(feature = "macros")]
pub use tracewell_macros::trace;
#[cfg(feature = "redact")]
pub use tracewell_redact as redact;
#[cfg(feature = "layer")]
pub use tracewell_tracer::subscriber::TraceLayer;
pub use tracewell_tracer::{
    Asking, Attached, Carried, Instrumented, Keep, Kind, Load, Place, Priority, Rule, Sampled, Sampler,
    Sampling, Span, SpanBuilder, SpanFilter, SpanStatus, Status, Tracer, Value, attach, carry, carry_in,
    context, current, current_span_id, current_trace_id, is_suppressed, span, suppress, suppressed,
};
pub use tracing;
