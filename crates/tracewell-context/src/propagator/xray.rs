//! AWS X-Ray: `x-amzn-trace-id: Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled={0|1|?}`.
//!
//! Fields come in any order, with others among them (`Self`, `Lineage`) that are not ours. Without a
//! `Parent`, as a load balancer writes it, there is no span to be a child of.

use crate::{
    Context, Extract, HeaderText, Inject, Sampling, SpanContext, SpanId, TraceFlags, TraceId, carrier, hex,
};

pub(super) const TRACE: &str = "x-amzn-trace-id";
/// Longer than any sender writes: Lambda's lineage included it is below 256.
const BYTES_MAX: usize = 1024;

pub(super) fn inject(context: &Context, carrier: &mut dyn Inject) {
    let span = &context.span;
    if !span.is_valid() {
        return;
    }
    let (seconds, random) = (&span.trace_id.to_bytes()[..4], &span.trace_id.to_bytes()[4..]);
    let text = HeaderText::new()
        .push("Root=1-")
        .push_hex(seconds)
        .push("-")
        .push_hex(random)
        .push(";Parent=")
        .push_hex(&span.span_id.to_bytes())
        .push(match context.sampling {
            Sampling::Deferred => ";Sampled=?",
            _ if span.flags.is_sampled() => ";Sampled=1",
            _ => ";Sampled=0",
        });
    carrier.set(TRACE, &text);
}

pub(super) fn extract<C: Extract + ?Sized>(carrier: &C, context: &mut Context) {
    if let Some((span, sampling)) = carrier::first(carrier, TRACE).and_then(read) {
        super::settle(context, span, sampling);
    }
}

fn read(text: &[u8]) -> Option<(SpanContext, Sampling)> {
    if BYTES_MAX < text.len() {
        return None;
    }
    let (mut trace_id, mut span_id) = (None, None);
    let mut decision = (Sampling::Deferred, TraceFlags::NONE);
    for field in text.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
        if let Some(root) = value(field, b"root=") {
            trace_id = Some(read_root(root)?);
        } else if let Some(parent) = value(field, b"parent=") {
            span_id = Some(SpanId::from_bytes(hex::exact(parent)?));
        } else if let Some(sampled) = value(field, b"sampled=") {
            decision = match sampled {
                b"1" => (Sampling::Decided, TraceFlags::SAMPLED),
                b"0" => (Sampling::Decided, TraceFlags::NONE),
                _ => decision,
            };
        }
    }
    let (sampling, flags) = decision;
    let span = SpanContext { is_remote: true, ..SpanContext::new(trace_id?, span_id?, flags) };
    span.is_valid().then_some((span, sampling))
}

fn value<'a>(field: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = field.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

/// `1-{8 hex}-{24 hex}`.
fn read_root(root: &[u8]) -> Option<TraceId> {
    let (seconds, random) = root.strip_prefix(b"1-")?.split_at_checked(8)?;
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&hex::exact::<4>(seconds)?);
    bytes[4..].copy_from_slice(&hex::exact::<12>(random.strip_prefix(b"-")?)?);
    Some(TraceId::from_bytes(bytes))
}
