//! Where errors and panics are told besides the status of their span: as events of the span, as logs, or
//! both. OpenTelemetry moves from the one to the other, so this is a choice.

use std::fmt;
use std::sync::Arc;

use tracewell_context::{SpanId, TraceId};

/// Where exceptions are told.
#[derive(Clone, Debug)]
pub struct Exceptions {
    /// As events of their spans.
    pub on_spans: bool,
    /// To a log.
    pub log: Option<Arc<dyn ExceptionSink>>,
}

impl Default for Exceptions {
    /// On their spans alone.
    fn default() -> Self {
        Self { on_spans: true, log: None }
    }
}

/// Takes exceptions beside the spans, as a writer of logs does.
pub trait ExceptionSink: fmt::Debug + Send + Sync {
    /// Takes an exception. It is called on the thread that met it, where no lock is held.
    fn exception(&self, exception: &Exception<'_>);
}

/// An error or a panic, and where it was met.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'a> {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// When, in nanoseconds since 1970.
    pub unix_ns: u64,
    /// Its type.
    pub kind: &'a str,
    /// What it says.
    pub message: &'a str,
    /// The chain of causes, or where the panic was; empty if nobody knows.
    pub details: &'a str,
}
