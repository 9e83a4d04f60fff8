//! A trace in Jaeger's v1 JSON, read back into ours.
//!
//! Only what a reader in a terminal needs comes through: names, parents, times, status and plain tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use span::{
    BatchBuilder, DurationNanos, ResourceRow, ScopeRow, SpanId, SpanKind, SpanRow, StatusCode, Trace,
    TraceId, UnixNanos, ValueRef,
};

/// One entry of `data`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JaegerTrace {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(default)]
    spans: Vec<JaegerSpan>,
    #[serde(default)]
    processes: BTreeMap<String, Process>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JaegerSpan {
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(default)]
    operation_name: String,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    start_time: i64,
    duration: u64,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    #[serde(rename = "processID", default)]
    process_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    value: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
}

impl JaegerTrace {
    /// Returns the trace; `None` where it has no spans.
    pub(super) fn to_trace(&self) -> anyhow::Result<Option<Trace>> {
        let id: TraceId = self.trace_id.parse()?;
        let mut builder = BatchBuilder::new();
        let scope = builder.scope(ScopeRow::default());
        let mut resources = BTreeMap::new();
        for (name, process) in &self.processes {
            let mark = builder.mark();
            builder.push(b"service.name", ValueRef::Str(process.service_name.as_bytes()))?;
            let attributes = builder.since(mark);
            resources.insert(
                name.as_str(),
                builder.resource(ResourceRow { attributes, ..ResourceRow::default() }),
            );
        }
        let stranger = builder.resource(ResourceRow::default());
        for span in &self.spans {
            let resource = resources.get(span.process_id.as_str()).copied().unwrap_or(stranger);
            let row = SpanRow { trace_id: id, resource, scope, ..span.row(id, &mut builder)? };
            builder.span(row);
        }
        Ok(Trace::assemble(id, builder.finish().spans())?)
    }
}

impl JaegerSpan {
    fn row(&self, trace_id: TraceId, builder: &mut BatchBuilder) -> anyhow::Result<SpanRow> {
        let mark = builder.mark();
        for tag in self.tags.iter().flatten() {
            let key = tag.key.as_bytes();
            match &tag.value {
                Json::String(text) => builder.push(key, ValueRef::Str(text.as_bytes()))?,
                Json::Bool(truth) => builder.push(key, ValueRef::Bool(*truth))?,
                Json::Number(number) => match number.as_i64() {
                    Some(number) => builder.push(key, ValueRef::Int(number))?,
                    None => builder.push(key, ValueRef::Double(number.as_f64().unwrap_or(f64::NAN)))?,
                },
                Json::Null | Json::Array(_) | Json::Object(_) => {}
            }
        }
        let attributes = builder.since(mark);
        let start = UnixNanos::from_micros(self.start_time);
        let failed = self.tag("error").is_some_and(|value| match value {
            Json::Bool(truth) => *truth,
            Json::String(word) => word.eq_ignore_ascii_case("true"),
            _ => false,
        }) || self.tag("otel.status_code").is_some_and(|value| value == "ERROR");
        let message = self.tag("otel.status_description").and_then(Json::as_str).unwrap_or_default();
        let kind = self.tag("span.kind").and_then(Json::as_str).and_then(SpanKind::from_word);
        Ok(SpanRow {
            span_id: self.span_id.parse()?,
            parent_span_id: self.parent(trace_id),
            start,
            end: start.plus(DurationNanos(self.duration.saturating_mul(1_000))),
            name: builder.text(self.operation_name.as_bytes())?,
            kind: kind.unwrap_or_default(),
            status_code: if failed { StatusCode::Error } else { StatusCode::Unset },
            status_message: builder.text(message.as_bytes())?,
            attributes,
            ..SpanRow::default()
        })
    }

    fn tag(&self, key: &str) -> Option<&Json> {
        self.tags.iter().flatten().find(|tag| tag.key == key).map(|tag| &tag.value)
    }

    /// Returns the span that it is a child of; without one, the span of its trace that it follows.
    fn parent(&self, trace_id: TraceId) -> SpanId {
        let of_type = |wanted: &str| {
            let mut all = self.references.iter().flatten();
            all.find(|reference| reference.ref_type == wanted && reference.trace_id.parse() == Ok(trace_id))
        };
        let parent = of_type("CHILD_OF").or_else(|| of_type("FOLLOWS_FROM"));
        parent.and_then(|reference| reference.span_id.parse().ok()).unwrap_or(SpanId::NONE)
    }
}
