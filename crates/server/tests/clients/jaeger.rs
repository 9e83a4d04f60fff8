//! Reading traces back as Jaeger's UI and its users do: version 1 of the HTTP API.

use std::net::SocketAddr;

use serde_json::Value;

use crate::http::{self, Answer};

/// A trace as `/api/traces/{id}` gives it.
#[derive(Debug)]
pub(crate) struct Trace {
    json: Value,
}

impl Trace {
    /// Returns the trace, or `None` while there is none.
    pub(crate) fn by_id(query: SocketAddr, id: &str) -> Option<Self> {
        let answer = http::get(query, &format!("/api/traces/{id}"));
        if answer.status == 404 {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        Some(Self { json: json(&answer)["data"][0].clone() })
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = Span<'_>> {
        list(&self.json["spans"]).iter().map(|json| Span { trace: &self.json, json })
    }

    pub(crate) fn span(&self, id: &str) -> Span<'_> {
        self.spans()
            .find(|span| span.id() == id)
            .unwrap_or_else(|| panic!("span {id} was not kept: {}", self.json))
    }
}

/// Returns an attribute's value as version 3 tells it, with its OTLP type, from whichever span has it.
pub(crate) fn typed(query: SocketAddr, id: &str, key: &str) -> Option<Value> {
    let answer = http::get(query, &format!("/api/v3/traces/{id}"));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    attribute(&json(&answer), key).cloned()
}

fn attribute<'a>(json: &'a Value, key: &str) -> Option<&'a Value> {
    match json {
        Value::Array(items) => items.iter().find_map(|item| attribute(item, key)),
        Value::Object(fields) if json["key"] == key => fields.get("value"),
        Value::Object(fields) => fields.values().find_map(|field| attribute(field, key)),
        _ => None,
    }
}

/// A span as version 1 shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    trace: &'a Value,
    json: &'a Value,
}

impl<'a> Span<'a> {
    pub(crate) fn id(&self) -> &'a str {
        text(&self.json["spanID"])
    }

    pub(crate) fn name(&self) -> &'a str {
        text(&self.json["operationName"])
    }

    pub(crate) fn service(&self) -> &'a str {
        text(&self.process()["serviceName"])
    }

    /// Returns the span that this one is a child of.
    pub(crate) fn parent(&self) -> Option<&'a str> {
        self.references("CHILD_OF").next()
    }

    /// Returns the ids of the spans that this one refers to in this way.
    pub(crate) fn references(&self, sort: &str) -> impl Iterator<Item = &'a str> {
        list(&self.json["references"])
            .iter()
            .filter(move |reference| reference["refType"] == sort)
            .map(|reference| text(&reference["spanID"]))
    }

    /// Returns type and value of a tag.
    pub(crate) fn tag(&self, key: &str) -> Option<(&'a str, &'a Value)> {
        find(&self.json["tags"], key)
    }

    /// Returns type and value of a tag of the process.
    pub(crate) fn process_tag(&self, key: &str) -> Option<(&'a str, &'a Value)> {
        find(&self.process()["tags"], key)
    }

    /// Returns a tag's value as one would read it.
    pub(crate) fn tag_text(&self, key: &str) -> Option<String> {
        self.tag(key).map(|(_, value)| plain(value))
    }

    /// Returns each event as its fields.
    pub(crate) fn events(&self) -> impl Iterator<Item = Event<'a>> {
        list(&self.json["logs"]).iter().map(|json| Event { json })
    }

    pub(crate) fn start_us(&self) -> u64 {
        self.json["startTime"].as_u64().expect("a start in microseconds")
    }

    fn process(&self) -> &'a Value {
        &self.trace["processes"][text(&self.json["processID"])]
    }
}

/// A log of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    json: &'a Value,
}

impl<'a> Event<'a> {
    pub(crate) fn field(&self, key: &str) -> Option<(&'a str, &'a Value)> {
        find(&self.json["fields"], key)
    }

    /// Returns what the event is called: `event` from most clients, `message` from Python's Jaeger exporter.
    pub(crate) fn name(&self) -> String {
        self.field("event")
            .or_else(|| self.field("message"))
            .map(|(_, value)| plain(value))
            .unwrap_or_default()
    }
}

/// Returns the names of all services.
pub(crate) fn services(query: SocketAddr) -> Vec<String> {
    strings(&json(&http::get(query, "/api/services"))["data"])
}

/// Returns the names of a service's operations.
pub(crate) fn operations(query: SocketAddr, service: &str) -> Vec<String> {
    let target = format!("/api/services/{}/operations", encoded(service));
    strings(&json(&http::get(query, &target))["data"])
}

/// Returns the ids of the traces that a search finds; `query` is the part after the question mark.
pub(crate) fn search(address: SocketAddr, query: &str) -> Vec<String> {
    let answer = http::get(address, &format!("/api/traces?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", String::from_utf8_lossy(&answer.body));
    list(&json(&answer)["data"]).iter().map(|trace| text(&trace["traceID"]).to_owned()).collect()
}

/// Encodes a value for the query of a URL.
pub(crate) fn encoded(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Returns a value as one would read it: text without quotes, the rest as JSON.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&answer.body)))
}

fn find<'a>(tags: &'a Value, key: &str) -> Option<(&'a str, &'a Value)> {
    list(tags).iter().find(|tag| tag["key"] == key).map(|tag| (text(&tag["type"]), &tag["value"]))
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn strings(json: &Value) -> Vec<String> {
    list(json).iter().map(|value| text(value).to_owned()).collect()
}

fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_else(|| panic!("a text, not {json}"))
}
