//! Zipkin's B3, in one header or in many.
//!
//! One: `{trace id}-{span id}-{0|1|d}-{parent span id}`, the last two optional, or the decision alone.
//! Many: `x-b3-traceid`, `x-b3-spanid`, `x-b3-sampled`, `x-b3-flags` (1 is debug). Both are read, the one
//! first. An id without a decision defers it; a decision without ids is kept for whoever starts the trace.

use crate::{
    Context, Extract, HeaderText, Inject, Sampling, SpanContext, SpanId, TraceFlags, TraceId, carrier, hex,
};

pub(super) const SINGLE: &str = "b3";
pub(super) const TRACE_ID: &str = "x-b3-traceid";
pub(super) const SPAN_ID: &str = "x-b3-spanid";
pub(super) const SAMPLED: &str = "x-b3-sampled";
pub(super) const FLAGS: &str = "x-b3-flags";

type Decision = (Sampling, TraceFlags);

pub(super) fn inject_single(context: &Context, carrier: &mut dyn Inject) {
    let span = &context.span;
    if !span.is_valid() {
        return;
    }
    let text = HeaderText::new()
        .push_hex(&span.trace_id.to_bytes())
        .push("-")
        .push_hex(&span.span_id.to_bytes())
        .push(match context.sampling {
            Sampling::Deferred => "",
            Sampling::Decided if span.flags.is_sampled() => "-1",
            Sampling::Decided => "-0",
            Sampling::Debug => "-d",
        });
    carrier.set(SINGLE, &text);
}

pub(super) fn inject_multi(context: &Context, carrier: &mut dyn Inject) {
    let span = &context.span;
    if !span.is_valid() {
        return;
    }
    carrier.set(TRACE_ID, &span.trace_id.hex());
    carrier.set(SPAN_ID, &span.span_id.hex());
    match context.sampling {
        Sampling::Deferred => {}
        Sampling::Decided => carrier.set(SAMPLED, if span.flags.is_sampled() { "1" } else { "0" }),
        Sampling::Debug => carrier.set(FLAGS, "1"),
    }
}

pub(super) fn extract<C: Extract + ?Sized>(carrier: &C, context: &mut Context) {
    let found = carrier::first(carrier, SINGLE).and_then(single).or_else(|| multi(carrier));
    if let Some(((sampling, flags), ids)) = found {
        // A decision alone does not take ids away that another format has found.
        if let Some((trace_id, span_id)) = ids {
            let span = SpanContext { is_remote: true, ..SpanContext::new(trace_id, span_id, flags) };
            super::settle(context, span, sampling);
        } else if !context.span.is_valid() {
            context.span.flags = flags;
            context.sampling = sampling;
        }
    }
}

fn single(text: &[u8]) -> Option<(Decision, Option<(TraceId, SpanId)>)> {
    let text = text.trim_ascii();
    if let Some(decision) = decision(text) {
        return Some((decision, None));
    }
    let mut fields = text.split(|byte| *byte == b'-');
    let ids = ids(fields.next()?, fields.next()?)?;
    let decision = match fields.next() {
        None => (Sampling::Deferred, TraceFlags::NONE),
        // Without a decision the parent may follow at once.
        Some(parent) if hex::exact::<8>(parent).is_some() => (Sampling::Deferred, TraceFlags::NONE),
        Some(text) => decision(text)?,
    };
    Some((decision, Some(ids)))
}

fn multi<C: Extract + ?Sized>(carrier: &C) -> Option<(Decision, Option<(TraceId, SpanId)>)> {
    let debug = carrier::first(carrier, FLAGS).is_some_and(|flags| flags.trim_ascii() == b"1");
    let sampled = carrier::first(carrier, SAMPLED).and_then(|text| decision(text.trim_ascii()));
    let decision = if debug { Some((Sampling::Debug, TraceFlags::SAMPLED)) } else { sampled };
    let ids = match (carrier::first(carrier, TRACE_ID), carrier::first(carrier, SPAN_ID)) {
        (Some(trace_id), Some(span_id)) => ids(trace_id.trim_ascii(), span_id.trim_ascii()),
        _ => None,
    };
    if decision.is_none() && ids.is_none() {
        return None;
    }
    Some((decision.unwrap_or((Sampling::Deferred, TraceFlags::NONE)), ids))
}

fn ids(trace_id: &[u8], span_id: &[u8]) -> Option<(TraceId, SpanId)> {
    let trace_id = match trace_id.len() {
        16 => TraceId::from_halves(0, u64::from_be_bytes(hex::exact(trace_id)?)),
        _ => TraceId::from_bytes(hex::exact(trace_id)?),
    };
    let span_id = SpanId::from_bytes(hex::exact(span_id)?);
    (!trace_id.is_none() && !span_id.is_none()).then_some((trace_id, span_id))
}

fn decision(text: &[u8]) -> Option<Decision> {
    match text {
        b"1" | b"true" | b"True" => Some((Sampling::Decided, TraceFlags::SAMPLED)),
        b"0" | b"false" | b"False" => Some((Sampling::Decided, TraceFlags::NONE)),
        b"d" => Some((Sampling::Debug, TraceFlags::SAMPLED)),
        _ => None,
    }
}
