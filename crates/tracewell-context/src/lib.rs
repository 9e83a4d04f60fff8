//! Trace context: the ids that tie spans together, and how they travel between processes.
//!
//! Published, because the SDK and the server speak of the same ids. An id is big-endian bytes, printed
//! as lower-case hex; all zeros means "none" on the wire and is never a valid id.
//!
//! A [`Context`] is what one process tells the next: a [`SpanContext`] (ids, flags, [`TraceState`]), a
//! [`Baggage`] and how binding the sampling decision is. A [`Propagator`] writes it into any [`Inject`]
//! and reads it from any [`Extract`], in one or several of the seven [`Format`]s: W3C trace context and
//! baggage, B3 with one header or many, Jaeger, AWS X-Ray, and OpenTracing's.
//!
//! ```
//! use std::collections::HashMap;
//! use tracewell_context::Propagator;
//!
//! let mut headers = HashMap::new();
//! headers.insert("traceparent".to_owned(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
//! headers.insert("baggage".to_owned(), "tenant=acme".to_owned());
//!
//! let propagator = Propagator::default();
//! let context = propagator.extract(&headers);
//! assert_eq!(context.span.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
//! assert_eq!(context.baggage.get("tenant"), Some("acme"));
//!
//! let mut onwards = HashMap::new();
//! propagator.inject(&context, &mut onwards);
//! assert_eq!(onwards, headers);
//! ```
//!
//! What comes in is hostile: everything is bounded, whatever is malformed counts as absent, nothing
//! panics. What goes out follows the formats to the letter.
//!
//! Deliberately absent: I/O, random numbers, any one protocol's spelling of a parse error, a current
//! context (who holds one knows its threads).

#![forbid(unsafe_code)]

mod baggage;
mod carrier;
mod context;
mod error;
mod header_text;
mod hex;
mod id;
mod propagator;
mod span_context;
mod trace_state;

pub use baggage::{Baggage, BaggageEntry};
pub use carrier::{Environment, Extract, Inject};
pub use context::{Context, Sampling};
pub use error::ContextError;
pub use header_text::HeaderText;
pub use id::{ParseIdError, SpanId, TraceId};
pub use propagator::{Format, Propagator};
pub use span_context::{SpanContext, TraceFlags};
pub use trace_state::TraceState;
