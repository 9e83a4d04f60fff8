//! The span: a value that records, that may move between threads, and that ends when it is dropped.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::SystemTime;

use pin_project_lite::pin_project;
use tracewell_context::{Context, SpanContext, SpanId, TraceId};

use crate::clock::unix_ns;
use crate::ending;
use crate::engine::Engine;
use crate::error_record;
use crate::fold;
use crate::kind::{Kind, Status};
use crate::local;
use crate::record::{Record, attributes_of};
use crate::scope::{Attached, attach_nothing, attach_span};
use crate::value::Value;

/// One operation, open until it is dropped or ended. It may end on another thread than it began on.
///
/// A span that is not recorded costs next to nothing and takes every call; ask
/// [`is_recording`](Self::is_recording) before you compute what only a recorded span wants.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    /// Small, because spans are moved about: who it is stands in the record, also where nothing is kept.
    record: Option<Box<Record>>,
}

impl Span {
    /// Returns a span that records nothing and belongs to no trace.
    #[inline]
    pub fn none() -> Self {
        Self { record: None }
    }

    /// Makes the span that has begun.
    #[inline]
    pub(crate) fn begun(engine: &Arc<Engine>, context: Context, record: Option<Box<Record>>) -> Self {
        let recorded = record.is_some();
        if !recorded && !context.span.is_valid() {
            return Self::none();
        }
        let mut record = record.unwrap_or_else(|| local::record(engine));
        record.be(context, recorded);
        Self { record: Some(record) }
    }

    /// Makes a span that nobody will see, below the current one.
    pub(crate) fn quiet(engine: &Arc<Engine>) -> Self {
        Self { record: Some(local::quiet_record(engine)) }
    }

    /// Takes a span apart that is not yet decided about.
    pub(crate) fn into_undecided(mut self) -> Option<(Context, Box<Record>)> {
        let mut record = self.record.take()?;
        Some((record.take_context(), record))
    }

    /// Returns the record, if anything that is said will be kept.
    #[inline]
    fn recording(&mut self) -> Option<&mut Record> {
        self.record.as_deref_mut().filter(|record| record.is_recorded())
    }

    #[inline]
    fn known(&self) -> &Context {
        match &self.record {
            Some(record) => record.context(),
            None => const { &Context::EMPTY },
        }
    }

    /// Tells whether anything that is said about the span will be kept.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.is_recorded())
    }

    /// Returns what the span hands on to its children and to the services that it calls.
    #[inline]
    pub fn context(&self) -> &Context {
        let context = self.known();
        fold::known(&context.span);
        context
    }

    /// Returns the trace's id; all zeros for a span of no trace.
    pub fn trace_id(&self) -> TraceId {
        self.known().span.trace_id
    }

    /// Returns the span's id; all zeros for a span of no trace.
    pub fn span_id(&self) -> SpanId {
        self.context().span.span_id
    }

    /// Sets an attribute; one of that key is replaced.
    #[inline]
    pub fn attr<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> &mut Self {
        if let Some(record) = self.recording() {
            record.attribute(key, value.into());
        }
        self
    }

    /// Records that something happened now.
    #[inline]
    pub fn event(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(record) = self.recording() {
            let now = record.now_unix_ns();
            record.event(now, name, |out, limits| attributes_of(out, 0x1a, attributes, limits));
        }
        self
    }

    /// Records that something happened at that time.
    pub fn event_at(&mut self, time: SystemTime, name: &str, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(record) = self.recording() {
            record.event(unix_ns(time), name, |out, limits| attributes_of(out, 0x1a, attributes, limits));
        }
        self
    }

    /// Links another span, of this trace or another.
    pub fn link(&mut self, to: &SpanContext, attributes: &[(&str, Value<'_>)]) -> &mut Self {
        if let Some(record) = self.recording() {
            record.link(to, attributes);
        }
        self
    }

    /// Says how it went. `Ok` is final; an error yields to it alone. The message is an error's.
    #[inline]
    pub fn status(&mut self, status: Status, message: &str) -> &mut Self {
        if let Some(record) = self.recording() {
            record.status(status, message);
        }
        self
    }

    /// Records an error: an `exception` event with type, message and chain of causes; `error.type`; and
    /// the status.
    pub fn record_error<E: Error + ?Sized>(&mut self, error: &E) -> &mut Self {
        if let Some(record) = self.recording() {
            error_record::write(record, std::any::type_name::<E>(), error);
        }
        self
    }

    /// Records a failure that is no [`Error`]: its type and its message.
    pub fn record_failure(&mut self, kind: &str, message: &str) -> &mut Self {
        if let Some(record) = self.recording() {
            error_record::write_text(record, kind, message, None);
        }
        self
    }

    /// Says which side of a call it is.
    pub fn kind(&mut self, kind: Kind) -> &mut Self {
        if let Some(record) = self.recording() {
            record.kind(kind);
        }
        self
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: &str) -> &mut Self {
        if let Some(record) = self.recording() {
            record.name(name);
        }
        self
    }

    /// Makes it the current span of this thread until the guard is dropped.
    #[inline]
    pub fn enter(&self) -> Attached {
        match &self.record {
            None => attach_nothing(),
            Some(record) => {
                fold::entered(&record.context().span);
                attach_span(record.context())
            }
        }
    }

    /// Calls `run` inside the span, then ends it.
    #[inline]
    pub fn within<R>(self, run: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        run()
    }

    /// Makes the span current whenever the future is polled; it ends with the future.
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        Instrumented { future, span: self }
    }

    /// Ends it now.
    pub fn end(self) {}

    /// Ends it at that time.
    pub fn end_at(mut self, time: SystemTime) {
        self.finish(Some(unix_ns(time)));
    }

    /// Begins it at that time, not when it was made.
    pub(crate) fn started_at(&mut self, time: SystemTime) {
        if let Some(record) = self.recording() {
            record.started_at(unix_ns(time));
        }
    }

    #[inline(never)]
    fn finish(&mut self, at: Option<u64>) {
        if let Some(record) = self.record.take() {
            if record.is_recorded() {
                ending::end(record, at);
            } else {
                local::recycle(record);
            }
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if self.record.is_some() {
            self.finish(None);
        }
    }
}

pin_project! {
    /// A future inside a span: the span is current while it is polled, and ends with it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F> {
        #[pin]
        future: F,
        // After the future, so that what the future drops is still inside.
        span: Span,
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // The span cannot end before this scope does, wherever it is polled.
        let _entered = attach_span(this.span.known());
        this.future.poll(cx)
    }
}
