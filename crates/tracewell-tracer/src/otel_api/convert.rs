//! OpenTelemetry's words in ours, and back.

use std::str::FromStr;

use crate::{Kind, Value};
use opentelemetry::{Array, KeyValue, StringValue, Value as OtelValue, trace};
use tracewell_context::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

pub(super) fn id(id: trace::SpanId) -> SpanId {
    SpanId::from_bytes(id.to_bytes())
}

/// Their context as ours.
pub(super) fn span_context(theirs: &trace::SpanContext) -> SpanContext {
    let trace_id = TraceId::from_bytes(theirs.trace_id().to_bytes());
    let flags = TraceFlags::from_bits(theirs.trace_flags().to_u8());
    let mut ours = SpanContext::new(trace_id, id(theirs.span_id()), flags);
    ours.trace_state = TraceState::parse(&theirs.trace_state().header()).unwrap_or(TraceState::EMPTY);
    ours.is_remote = theirs.is_remote();
    ours
}

/// Our context as theirs.
pub(super) fn otel_context(ours: &SpanContext) -> trace::SpanContext {
    let state = trace::TraceState::from_str(ours.trace_state.as_str()).unwrap_or_default();
    trace::SpanContext::new(
        trace::TraceId::from_bytes(ours.trace_id.to_bytes()),
        trace::SpanId::from_bytes(ours.span_id.to_bytes()),
        trace::TraceFlags::new(ours.flags.bits()),
        ours.is_remote,
        state,
    )
}

pub(super) fn kind(kind: &trace::SpanKind) -> Kind {
    match kind {
        trace::SpanKind::Client => Kind::Client,
        trace::SpanKind::Server => Kind::Server,
        trace::SpanKind::Producer => Kind::Producer,
        trace::SpanKind::Consumer => Kind::Consumer,
        trace::SpanKind::Internal => Kind::Internal,
    }
}

/// Calls `write` with a value of theirs as ours, which lives no longer than that.
pub(super) fn value<R>(theirs: &OtelValue, write: impl FnOnce(Value<'_>) -> R) -> R {
    write(plain(theirs, &items(theirs)))
}

/// Calls `write` with a list of theirs as ours.
pub(super) fn attributes<R>(theirs: &[KeyValue], write: impl FnOnce(&[(&str, Value<'_>)]) -> R) -> R {
    let lists: Vec<_> = theirs.iter().map(|entry| items(&entry.value)).collect();
    let both = theirs.iter().zip(&lists);
    let ours: Vec<_> = both.map(|(entry, list)| (entry.key.as_str(), plain(&entry.value, list))).collect();
    write(&ours)
}

/// Returns a value whose items, if it has any, are those.
fn plain<'a>(theirs: &'a OtelValue, items: &'a [Value<'a>]) -> Value<'a> {
    match theirs {
        OtelValue::Bool(truth) => Value::Bool(*truth),
        OtelValue::I64(number) => Value::Int(*number),
        OtelValue::F64(number) => Value::Double(*number),
        OtelValue::String(text) => Value::Str(text.as_str()),
        OtelValue::Array(_) => Value::List(items),
        // A later version may add a type; a text says something of each.
        other => Value::Display(other),
    }
}

fn items(theirs: &OtelValue) -> Vec<Value<'_>> {
    let OtelValue::Array(array) = theirs else { return Vec::new() };
    match array {
        Array::Bool(truths) => truths.iter().map(|truth| Value::Bool(*truth)).collect(),
        Array::I64(numbers) => numbers.iter().map(|number| Value::Int(*number)).collect(),
        Array::F64(numbers) => numbers.iter().map(|number| Value::Double(*number)).collect(),
        Array::String(texts) => texts.iter().map(StringValue::as_str).map(Value::Str).collect(),
        other => vec![Value::Display(other)],
    }
}
