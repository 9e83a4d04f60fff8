//! What `#[trace]` expands to. Not for anybody else: it changes without notice.

use std::error::Error;
use std::fmt::Display;
use std::future::{Future, poll_fn};

use tracewell_tracer::Span;

/// Polls a future inside a span, and returns both.
pub async fn polled<F: Future>(span: Span, future: F) -> (Span, F::Output) {
    let mut future = std::pin::pin!(future);
    let result = poll_fn(|cx| {
        let _inside = span.enter();
        future.as_mut().poll(cx)
    })
    .await;
    (span, result)
}

/// Calls.
pub fn called<R>(function: impl FnOnce() -> R) -> R {
    function()
}

/// Says of which type something is, where it cannot be written; never called.
pub fn never<R>() -> R {
    unreachable!("it stands behind `if false`")
}

/// An error of a type that the macro does not know. Method calls find the best of the three traits, one
/// reference at a time.
#[derive(Debug)]
pub struct Failed<'a, E>(pub &'a E);

/// For errors.
pub trait ViaError {
    /// Records it with its chain of causes.
    fn record(&self, span: &mut Span);
}

impl<E: Error> ViaError for &&Failed<'_, E> {
    fn record(&self, span: &mut Span) {
        span.record_error(self.0);
    }
}

/// For what only can be shown, as `anyhow::Error`, `String`, boxed errors.
pub trait ViaDisplay {
    /// Records its text.
    fn record(&self, span: &mut Span);
}

impl<E: Display> ViaDisplay for &Failed<'_, E> {
    fn record(&self, span: &mut Span) {
        span.record_failure(std::any::type_name::<E>(), &self.0.to_string());
    }
}

/// For everything else.
pub trait ViaNothing {
    /// Records that it failed.
    fn record(&self, span: &mut Span);
}

impl<E> ViaNothing for Failed<'_, E> {
    fn record(&self, span: &mut Span) {
        span.record_failure(std::any::type_name::<E>(), "");
    }
}
