//! For tests of services: what was recorded, kept in memory.

use std::time::Duration;

use tracewell_tracer::subscriber::{Directives, EventSink};
use tracewell_tracer::{TraceSubscriber, TracerBuilder};

pub use tracewell_tracer::{Capture, CapturedEvent, CapturedLink, CapturedSpan, CapturedValue};

/// How long a test waits for its spans; they are in memory, so it is never that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls `work` with a tracer of its own on this thread, for `tracing` and [`crate::span`] alike, and
/// returns what it recorded. Tests may run side by side.
///
/// ```
/// let (_, recorded) = tracewell::testing::record(|| {
///     let order = tracewell::span("order").attr("items", 3).start();
///     let _inside = order.enter();
///     tracewell::span("charge").start();
/// });
/// assert_eq!(recorded.span("charge").parent_id, recorded.span("order").span_id);
/// assert!(recorded.span("order").attribute("items").is_some_and(|items| *items == 3));
/// ```
///
/// # Panics
///
/// If the system gives it no thread.
pub fn record<R>(work: impl FnOnce() -> R) -> (R, Capture) {
    recorded(|subscriber| subscriber, work)
}

/// Like [`record`]; every event goes to `sink` too.
///
/// # Panics
///
/// If the system gives it no thread.
pub fn record_with<R>(sink: impl EventSink + 'static, work: impl FnOnce() -> R) -> (R, Capture) {
    recorded(|subscriber| subscriber.event_sink(sink), work)
}

fn recorded<R>(
    with: impl FnOnce(TraceSubscriber) -> TraceSubscriber,
    work: impl FnOnce() -> R,
) -> (R, Capture) {
    let capture = Capture::new();
    let guard = TracerBuilder::default().start(capture.exporter()).expect("a test can have a thread");
    let everything = Directives::parse("trace").expect("it is a level");
    let subscriber = with(TraceSubscriber::new(guard.tracer().clone()).directives(everything));
    let tracer = guard.tracer().clone();
    let result = tracing::subscriber::with_default(subscriber, || tracer.stand_in(work));
    assert!(guard.shutdown(PATIENCE), "spans in memory are exported at once");
    (result, capture)
}
