//! The engine of the Tracewell SDK: spans are OTLP bytes from the moment they are opened.
//!
//! A [`Span`] is a value. What is said about it is appended to its message in place; when it ends, the
//! message is copied once into its thread's chunk, and full chunks go to one exporter thread, which
//! writes the resource around them and sends. There is no tree of objects, no second encoding, no
//! allocation in a steady service, and no async runtime: the thread does its own I/O.
//!
//! ```
//! use tracewell_tracer::{Capture, Kind, TracerBuilder};
//!
//! let capture = Capture::new();
//! let guard = TracerBuilder::default().resource("service.name", "shop").start(capture.exporter())?;
//! let tracer = guard.tracer();
//!
//! let mut checkout = tracer.span("checkout").kind(Kind::Server).attr("cart.items", 3).start();
//! {
//!     let _inside = checkout.enter();
//!     tracer.span("charge").kind(Kind::Client).start().event("card.accepted", &[("last4", "4242".into())]);
//! }
//! checkout.attr("total", 59.9);
//! drop(checkout);
//!
//! guard.flush(std::time::Duration::from_secs(5));
//! assert_eq!(capture.span("charge").parent_id, capture.span("checkout").span_id);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Whether a trace is recorded is decided before anything is written. Whatever is not sent is counted
//! ([`Status`]). [`TraceSubscriber`] feeds the same engine from the `tracing` crate, alone and fast; the
//! feature `layer` does so beside other layers.
//!
//! Deliberately absent: environment variables, global setup (the crate `tracewell` has both), metrics.

#![forbid(unsafe_code)]

mod ambient;
mod begin;
mod capture;
mod clock;
mod depot;
mod encode;
mod ending;
mod engine;
mod error_record;
mod exceptions;
pub mod export;
mod fold;
mod fork;
mod json;
mod kind;
mod limits;
mod local;
mod message;
mod open_span;
#[cfg(feature = "otel-api-0_33")]
pub mod otel_api;
mod pace;
mod panic_note;
mod random;
mod read;
mod record;
mod sampling;
mod scope;
mod status;
pub mod subscriber;
mod sync;
mod tenancy;
mod ties;
mod tracer;
mod trail;
mod value;

pub use capture::{Capture, CapturedEvent, CapturedLink, CapturedSpan, CapturedValue};
pub use engine::Queue;
pub use exceptions::{Exception, ExceptionSink, Exceptions};
pub use export::{Export, ExportError, Guard, TracerBuilder};
pub use fold::SpanFilter;
pub use kind::{Kind, Status as SpanStatus};
pub use limits::Limits;
pub use open_span::{Instrumented, Span};
pub use panic_note::note_panic;
pub use sampling::{Asking, Decide, Keep, Load, Place, Priority, Remote, Rule, Sampled, Sampler, Sampling};
pub use scope::{
    Attached, Carried, attach, carry, carry_in, current, current_span_id, current_trace_id, is_suppressed,
    suppress, suppressed,
};
pub use status::Status;
pub use subscriber::TraceSubscriber;
pub use tracer::{SpanBuilder, Tracer, no_span, span};
pub use tracewell_context as context;
pub use value::Value;
