//! Jaeger's own headers: `uber-trace-id: {trace id}:{span id}:{parent span id}:{flags}`.
//!
//! Ids may be short, flags are hex (1 sampled, 2 debug), the whole may be percent-encoded. Baggage comes
//! as one `uberctx-KEY` each, and by hand as `jaeger-baggage: k1=v1,k2=v2`.

use super::{gather, gather_prefixed, inject_prefixed};
use crate::{
    Context, Extract, HeaderText, Inject, Sampling, SpanContext, SpanId, TraceFlags, TraceId, baggage,
    carrier, hex,
};

pub(super) const TRACE: &str = "uber-trace-id";
const BAGGAGE_PREFIX: &str = "uberctx-";
const BAGGAGE_BY_HAND: &str = "jaeger-baggage";
/// The longest value: 32 + 16 + 16 + 2 digits and three colons, each of which may be `%3A`.
const BYTES_MAX: usize = 96;

const SAMPLED: u8 = 0x01;
const DEBUG: u8 = 0x02;

pub(super) fn inject(context: &Context, carrier: &mut dyn Inject) {
    let span = &context.span;
    if span.is_valid() {
        let text = HeaderText::new()
            .push_hex(&span.trace_id.to_bytes())
            .push(":")
            .push_hex(&span.span_id.to_bytes())
            .push(":0:")
            .push(match context.sampling {
                Sampling::Debug => "3",
                _ if span.flags.is_sampled() => "1",
                _ => "0",
            });
        carrier.set(TRACE, &text);
    }
    if !context.baggage.is_empty() {
        inject_prefixed(context, BAGGAGE_PREFIX, carrier);
    }
}

pub(super) fn extract<C: Extract + ?Sized>(carrier: &C, context: &mut Context) {
    if let Some((span, sampling)) = carrier::first(carrier, TRACE).and_then(read) {
        super::settle(context, span, sampling);
    }
    if let Some(header) = carrier::first(carrier, BAGGAGE_BY_HAND) {
        gather(context, |draft| draft.read(header));
    }
    gather_prefixed(carrier, BAGGAGE_PREFIX, context);
}

fn read(text: &[u8]) -> Option<(SpanContext, Sampling)> {
    let text = text.trim_ascii();
    if BYTES_MAX < text.len() {
        return None;
    }
    let text = baggage::decode(text);
    let mut fields = text.as_bytes().split(|byte| *byte == b':');
    let trace_id = TraceId::from_bytes(hex::padded(fields.next()?)?);
    let span_id = SpanId::from_bytes(hex::padded(fields.next()?)?);
    // The parent is deprecated: whatever stands there is not looked at.
    fields.next()?;
    let [flags] = hex::padded::<1>(fields.next()?)?;
    if trace_id.is_none() || span_id.is_none() || fields.next().is_some() {
        return None;
    }
    let is_debug = flags & DEBUG != 0;
    let flags = if is_debug || flags & SAMPLED != 0 { TraceFlags::SAMPLED } else { TraceFlags::NONE };
    let span = SpanContext { is_remote: true, ..SpanContext::new(trace_id, span_id, flags) };
    Some((span, if is_debug { Sampling::Debug } else { Sampling::Decided }))
}
