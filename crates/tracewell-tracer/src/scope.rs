//! The current context of a thread: what new spans take as their parent and what goes out with calls.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;
use tracewell_context::{Context, SpanId, TraceId};

use crate::ambient;
use crate::fold;
use crate::local;

/// The token of a scope that changes nothing.
const NOTHING: u64 = u64::MAX;

/// A scope in which a context is current. It belongs to its thread and ends when it is dropped.
#[derive(Debug)]
#[must_use = "the context is current until this is dropped"]
pub struct Attached {
    token: u64,
    /// A guard that moved would leave a scope of another thread.
    on_thread: PhantomData<*const ()>,
}

/// Makes a context current on this thread until the guard is dropped.
#[inline]
pub fn attach(context: Context) -> Attached {
    Attached { token: local::enter_anew(context), on_thread: PhantomData }
}

impl Drop for Attached {
    #[inline]
    fn drop(&mut self) {
        if self.token != NOTHING {
            local::leave(self.token);
        }
    }
}

/// Returns a scope that changes nothing.
#[inline]
pub(crate) fn attach_nothing() -> Attached {
    Attached { token: NOTHING, on_thread: PhantomData }
}

/// Makes a span's context current; nothing has to be done where it is so already, or where there is no
/// span.
#[inline(never)]
pub(crate) fn attach_span(context: &Context) -> Attached {
    let needless = !context.span.is_valid()
        || local::with_current(|current| {
            current.span.span_id == context.span.span_id && current.span.trace_id == context.span.trace_id
        });
    let token = if needless { NOTHING } else { local::enter_anew(context.clone()) };
    Attached { token, on_thread: PhantomData }
}

/// Returns the current context, which is empty outside of any span.
pub fn current() -> Context {
    ambient::with_current(|current| {
        fold::known(&current.span);
        current.clone()
    })
}

/// Returns the id of the current trace, if there is one.
pub fn current_trace_id() -> Option<TraceId> {
    ambient::with_current(|current| Some(current.span.trace_id).filter(|id| !id.is_none()))
}

/// Returns the id of the current span, if there is one.
pub fn current_span_id() -> Option<SpanId> {
    ambient::with_current(|current| {
        fold::known(&current.span);
        Some(current.span.span_id).filter(|id| !id.is_none())
    })
}

/// Calls `run` without telemetry: no span begins on this thread meanwhile.
pub fn suppress<R>(run: impl FnOnce() -> R) -> R {
    let _back = Suppressed(local::suppress(true));
    run()
}

/// Tells whether telemetry is suppressed on this thread.
pub fn is_suppressed() -> bool {
    local::is_suppressed()
}

/// What suppression returns to.
struct Suppressed(bool);

impl Drop for Suppressed {
    fn drop(&mut self) {
        local::suppress(self.0);
    }
}

pin_project! {
    /// A future that takes a context, or the suppression of telemetry, wherever it is polled.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Carried<F> {
        #[pin]
        future: F,
        context: Context,
        suppressed: bool,
    }
}

/// Makes a future take the current context along, to whatever thread polls it.
pub fn carry<F: Future>(future: F) -> Carried<F> {
    Carried { future, context: current(), suppressed: local::is_suppressed() }
}

/// Makes a future run with that context.
pub fn carry_in<F: Future>(context: Context, future: F) -> Carried<F> {
    Carried { future, context, suppressed: false }
}

/// Makes a future run without telemetry.
pub fn suppressed<F: Future>(future: F) -> Carried<F> {
    Carried { future, context: current(), suppressed: true }
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = attach(this.context.clone());
        let _back = Suppressed(local::suppress(*this.suppressed || local::is_suppressed()));
        this.future.poll(cx)
    }
}
