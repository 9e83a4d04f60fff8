//! More about a span of `tracing` than its macros can say.

use std::error::Error;

use tracewell_tracer::context::{Context, SpanContext};
use tracewell_tracer::subscriber::{Reached, reach};
use tracewell_tracer::{SpanStatus, Value};

/// What a span of `tracing` lacks: keys that are not known when it is compiled, links, a status, a context.
///
/// A span that nobody records, or another subscriber, takes every call and does nothing.
///
/// ```
/// use tracewell::{SpanExt as _, SpanStatus, testing};
///
/// let (_, recorded) = testing::record(|| {
///     let span = tracing::info_span!("import");
///     span.set_attribute(&format!("rows.{}", "eu"), 40);
///     span.set_status(SpanStatus::Error, "half of it");
/// });
/// assert!(recorded.span("import").attribute("rows.eu").is_some());
/// ```
///
/// A parent is not among them: whose child a span is, and whether it is recorded, is decided when it begins.
/// Attach the caller's context first:
///
/// ```
/// # let headers = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
/// let _caller = tracewell::attach(tracewell::extract(headers.as_slice()));
/// let span = tracing::info_span!("serve");
/// # drop(span);
/// ```
pub trait SpanExt {
    /// Returns what the span hands on to its children and to the services that it calls; an empty context
    /// where this crate does not know it.
    fn context(&self) -> Context;

    /// Sets an attribute; one of that key is replaced.
    fn set_attribute<'v>(&self, key: &str, value: impl Into<Value<'v>>);

    /// Records that something happened now.
    fn add_event(&self, name: &str, attributes: &[(&str, Value<'_>)]);

    /// Links another span, of this trace or another.
    fn add_link(&self, to: &SpanContext);

    /// Says how it went. `Ok` is final; an error yields to it alone.
    fn set_status(&self, status: SpanStatus, message: &str);

    /// Records an error: an `exception` event with type, message and chain of causes, and the status.
    fn record_error<E: Error + ?Sized>(&self, error: &E);

    /// Gives it another name.
    fn rename(&self, name: &str);
}

impl SpanExt for tracing::Span {
    fn context(&self) -> Context {
        reached(self, |span| span.context()).unwrap_or_default()
    }

    fn set_attribute<'v>(&self, key: &str, value: impl Into<Value<'v>>) {
        reached(self, |span| span.attribute(key, value.into()));
    }

    fn add_event(&self, name: &str, attributes: &[(&str, Value<'_>)]) {
        reached(self, |span| span.event(name, attributes));
    }

    fn add_link(&self, to: &SpanContext) {
        reached(self, |span| span.link(to));
    }

    fn set_status(&self, status: SpanStatus, message: &str) {
        reached(self, |span| span.status(status, message));
    }

    fn record_error<E: Error + ?Sized>(&self, error: &E) {
        reached(self, |span| span.error(error));
    }

    fn rename(&self, name: &str) {
        reached(self, |span| span.rename(name));
    }
}

fn reached<R>(span: &tracing::Span, say: impl FnOnce(&Reached<'_>) -> R) -> Option<R> {
    span.with_subscriber(|(id, dispatch)| reach(dispatch, id).map(|span| say(&span))).flatten()
}
