//! Context across processes, and the baggage that travels with it.

use std::sync::OnceLock;

use tracewell_context::{Context, ContextError, Extract, Inject, Propagator};
use tracewell_tracer::{Attached, attach, current};

/// What `OTEL_PROPAGATORS` chose; before `init`, W3C's trace context and baggage.
static PROPAGATOR: OnceLock<Propagator> = OnceLock::new();

/// Decides how contexts are written and read; the first decision stays.
pub(crate) fn decide(propagator: Propagator) {
    // A second `init` keeps the first one's choice, as it keeps its tracer.
    let _ = PROPAGATOR.set(propagator);
}

pub(crate) fn propagator() -> &'static Propagator {
    PROPAGATOR.get_or_init(Propagator::default)
}

/// Writes the current context into headers that go out.
///
/// ```
/// let mut headers = std::collections::HashMap::new();
/// tracewell::inject(&mut headers);
/// assert!(headers.is_empty(), "nothing is current");
/// ```
pub fn inject(carrier: &mut dyn Inject) {
    propagator().inject(&current(), carrier);
}

/// Reads the context of headers that came in; an empty one if there is none. Give it to a span as its
/// parent, or attach it.
///
/// ```
/// let headers = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
/// let caller = tracewell::extract(headers.as_slice());
/// let served = tracewell::span("serve").parent(&caller).start();
/// # drop(served);
/// assert_eq!(caller.span.span_id.to_string(), "b7ad6b7169203331");
/// ```
pub fn extract<C: Extract + ?Sized>(carrier: &C) -> Context {
    propagator().extract(carrier)
}

/// Adds an entry to the baggage until the guard is dropped. Everything that is called meanwhile gets it.
///
/// ```
/// let _tenant = tracewell::add_baggage("tenant", "acme")?;
/// assert_eq!(tracewell::baggage("tenant").as_deref(), Some("acme"));
/// # Ok::<(), tracewell::context::ContextError>(())
/// ```
pub fn add_baggage(key: &str, value: &str) -> Result<Attached, ContextError> {
    current().with_baggage(key, value).map(attach)
}

/// Returns the value of a baggage entry.
pub fn baggage(key: &str) -> Option<String> {
    current().baggage.get(key).map(str::to_owned)
}
