//! Answers as Grafana's Go types read them: unknown fields are ignored, absent and null ones are empty,
//! and anything of another type is an error.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::http::Answer;

/// Go's decoder turns null into the empty value.
fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an answer of status 200 into a type.
macro_rules! read {
    ($($name:ident),*) => {$(
        impl From<&Answer> for $name {
            fn from(answer: &Answer) -> Self {
                let text = String::from_utf8_lossy(&answer.body);
                assert_eq!(answer.status, 200, "{text}");
                let media = answer.header("content-type").unwrap_or_default();
                assert!(media.starts_with("application/json"), "{media}");
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
            }
        }
    )*};
}

read!(Services, Traces, Dependencies, Services3, Operations3, Traces3);

#[derive(Deserialize)]
pub(crate) struct Services {
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) data: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Traces {
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) data: Vec<Trace>,
}

#[derive(Deserialize)]
pub(crate) struct Trace {
    #[serde(rename = "traceID")]
    pub(crate) trace_id: String,
    pub(crate) spans: Vec<Span>,
    pub(crate) processes: BTreeMap<String, Process>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    pub(crate) service_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    #[serde(rename = "spanID")]
    pub(crate) span_id: String,
    #[serde(rename = "processID")]
    pub(crate) process_id: String,
    pub(crate) operation_name: String,
    /// Microseconds, and a number.
    pub(crate) start_time: i64,
    pub(crate) duration: i64,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) logs: Vec<Log>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) references: Vec<Reference>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) tags: Vec<Tag>,
}

#[derive(Deserialize)]
pub(crate) struct Log {
    pub(crate) timestamp: i64,
    pub(crate) fields: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) ref_type: String,
    #[serde(rename = "spanID")]
    pub(crate) span_id: String,
}

#[derive(Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    #[serde(rename = "type")]
    pub(crate) tag_type: String,
    pub(crate) value: Value,
}

#[derive(Deserialize)]
pub(crate) struct Dependencies {
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) data: Vec<Edge>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Edge {
    pub(crate) parent: String,
    pub(crate) child: String,
    pub(crate) call_count: i64,
}

#[derive(Deserialize)]
pub(crate) struct Services3 {
    pub(crate) services: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Operations3 {
    pub(crate) operations: Vec<Operation3>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation3 {
    pub(crate) name: String,
    pub(crate) span_kind: String,
}

#[derive(Deserialize)]
pub(crate) struct Traces3 {
    result: Result3,
    /// How the newer API says that a search failed, whatever the status.
    pub(crate) error: Option<Value>,
}

impl Traces3 {
    pub(crate) fn spans(&self) -> Vec<&Span3> {
        let scopes = self.result.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Result3 {
    resource_spans: Vec<ResourceSpans3>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans3 {
    scope_spans: Vec<ScopeSpans3>,
}

#[derive(Deserialize)]
struct ScopeSpans3 {
    spans: Vec<Span3>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span3 {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    #[serde(default)]
    pub(crate) parent_span_id: String,
    /// A number: names of kinds and codes are not read.
    #[serde(default)]
    pub(crate) kind: i64,
    /// Nanoseconds as text.
    pub(crate) start_time_unix_nano: String,
    #[serde(default)]
    pub(crate) attributes: Vec<KeyValue3>,
    #[serde(default)]
    pub(crate) events: Vec<Event3>,
    #[serde(default)]
    pub(crate) status: Status3,
}

#[derive(Deserialize)]
pub(crate) struct KeyValue3 {
    pub(crate) value: Value,
}

#[derive(Deserialize)]
pub(crate) struct Event3 {
    pub(crate) name: String,
}

#[derive(Default, Deserialize)]
pub(crate) struct Status3 {
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
}
