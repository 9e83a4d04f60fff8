//! OpenTracing's headers: `ot-tracer-traceid`, `ot-tracer-spanid`, `ot-tracer-sampled`, `ot-baggage-KEY`.
//!
//! Trace ids have 64 bits when written; 128 are read as well.

use super::{gather_prefixed, inject_prefixed};
use crate::{
    Context, Extract, HeaderText, Inject, Sampling, SpanContext, SpanId, TraceFlags, TraceId, carrier, hex,
};

pub(super) const TRACE_ID: &str = "ot-tracer-traceid";
pub(super) const SPAN_ID: &str = "ot-tracer-spanid";
pub(super) const SAMPLED: &str = "ot-tracer-sampled";
const BAGGAGE_PREFIX: &str = "ot-baggage-";

pub(super) fn inject(context: &Context, carrier: &mut dyn Inject) {
    let span = &context.span;
    if span.is_valid() {
        let low = span.trace_id.low();
        // Low halves of zero would name no trace at all.
        let trace_id =
            if low == 0 { span.trace_id.hex() } else { HeaderText::new().push_hex(&low.to_be_bytes()) };
        carrier.set(TRACE_ID, &trace_id);
        carrier.set(SPAN_ID, &span.span_id.hex());
        carrier.set(SAMPLED, if span.flags.is_sampled() { "true" } else { "false" });
    }
    if !context.baggage.is_empty() {
        inject_prefixed(context, BAGGAGE_PREFIX, carrier);
    }
}

pub(super) fn extract<C: Extract + ?Sized>(carrier: &C, context: &mut Context) {
    if let Some(ids) = ids(carrier) {
        let sampled = carrier::first(carrier, SAMPLED).map(<[u8]>::trim_ascii);
        let (sampling, flags) = match sampled {
            None => (Sampling::Deferred, TraceFlags::NONE),
            Some(b"1") => (Sampling::Decided, TraceFlags::SAMPLED),
            Some(text) if text.eq_ignore_ascii_case(b"true") => (Sampling::Decided, TraceFlags::SAMPLED),
            Some(_) => (Sampling::Decided, TraceFlags::NONE),
        };
        let span = SpanContext { is_remote: true, ..SpanContext::new(ids.0, ids.1, flags) };
        super::settle(context, span, sampling);
    }
    gather_prefixed(carrier, BAGGAGE_PREFIX, context);
}

fn ids<C: Extract + ?Sized>(carrier: &C) -> Option<(TraceId, SpanId)> {
    let trace_id = TraceId::from_bytes(hex::padded(carrier::first(carrier, TRACE_ID)?.trim_ascii())?);
    let span_id = SpanId::from_bytes(hex::padded(carrier::first(carrier, SPAN_ID)?.trim_ascii())?);
    (!trace_id.is_none() && !span_id.is_none()).then_some((trace_id, span_id))
}
