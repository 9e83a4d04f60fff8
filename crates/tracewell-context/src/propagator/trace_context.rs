//! W3C trace context, level 2: `traceparent` and `tracestate`.
//!
//! A `traceparent` that comes twice is none. A `tracestate` that is malformed costs only itself, and
//! without a `traceparent` it is not even read.

use crate::{Context, Extract, Inject, Sampling, SpanContext, TraceState, carrier, trace_state};

pub(super) const PARENT: &str = "traceparent";
pub(super) const STATE: &str = "tracestate";

pub(super) fn inject(context: &Context, carrier: &mut dyn Inject) {
    if !context.span.is_valid() {
        return;
    }
    carrier.set(PARENT, &context.span.traceparent());
    if !context.span.trace_state.is_empty() {
        carrier.set(STATE, context.span.trace_state.as_str());
    }
}

pub(super) fn extract<C: Extract + ?Sized>(carrier: &C, context: &mut Context) {
    let Some(parent) = carrier::sole(carrier, PARENT) else { return };
    let Ok(span) = SpanContext::from_traceparent_bytes(parent) else { return };
    let state = carrier::joined(carrier, STATE, trace_state::BYTES_MAX);
    let state = state.as_deref().and_then(|state| std::str::from_utf8(state).ok());
    let trace_state = state.and_then(|state| TraceState::parse(state).ok()).unwrap_or_default();
    super::settle(context, SpanContext { trace_state, ..span }, Sampling::Decided);
}
