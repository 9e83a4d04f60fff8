//! Zipkin's own protocol: its second version, as JSON over HTTP.
//!
//! All tags are texts there, and an event is one: its name, and its attributes behind it as JSON, as
//! OpenTelemetry's exporters write them. Attributes of the service become tags of each span. Links have
//! no place.

use super::endpoint::EndpointError;
use super::http::Client;
use super::span_view::{self, AnyValue, Attribute, EventView, SpanView, json_each, json_object, json_text};
use super::{Accepted, Endpoint, Export, ExportError, Request};
use crate::read::each_span;

/// Sends Zipkin's JSON over HTTP.
#[derive(Debug)]
pub struct ZipkinHttp {
    client: Client,
}

impl ZipkinHttp {
    /// Makes an exporter that posts to `endpoint`'s path as it stands; usually `/api/v2/spans` on port
    /// 9411.
    pub fn new(endpoint: Endpoint, headers: &[(String, String)]) -> Result<Self, EndpointError> {
        Ok(Self { client: Client::new(endpoint, headers)? })
    }
}

impl Export for ZipkinHttp {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let mut body = String::with_capacity(2 * request.body.len());
        body.push('[');
        each_span(request.body, &mut |resource, scope, span| {
            if 1 < body.len() {
                body.push(',');
            }
            write(&mut body, resource, scope, &SpanView::read(span));
        });
        body.push(']');
        self.client.post("application/json", None, body.as_bytes(), request.deadline)?.verdict()?;
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        format!("zipkin {}", self.client.endpoint.url())
    }
}

fn write(out: &mut String, resource: &[u8], scope: &[u8], span: &SpanView<'_>) {
    let (service, of_service) = span_view::resource(resource);
    out.push_str("{\"traceId\":\"");
    hex(out, &span.trace_id);
    out.push_str("\",\"id\":\"");
    hex(out, &span.span_id);
    if span.parent_id != [0; 8] {
        out.push_str("\",\"parentId\":\"");
        hex(out, &span.parent_id);
    }
    out.push_str("\",\"name\":");
    json_text(out, span.name);
    if 2 <= span.kind
        && let Some(kind) = span.kind_word()
    {
        out.push_str(&format!(",\"kind\":\"{}\"", kind.to_ascii_uppercase()));
    }
    // A duration of zero means that it is not known.
    let micros = span.duration_ns().div_ceil(1000).max(1);
    out.push_str(&format!(",\"timestamp\":{},\"duration\":{micros}", span.start_unix_ns / 1000));
    out.push_str(",\"localEndpoint\":{\"serviceName\":");
    json_text(out, service);
    out.push('}');
    remote(out, span);
    if !span.events.is_empty() {
        out.push_str(",\"annotations\":");
        json_each(out, ['[', ']'], span.events.iter(), annotation);
    }
    tags(out, &of_service, scope, span);
    out.push('}');
}

/// Writes who was called, or who called, if the span says so.
fn remote(out: &mut String, span: &SpanView<'_>) {
    let said = |keys: &[&str]| {
        let of = |key: &&str| span.attributes.iter().find(|attribute| attribute.key == key.as_bytes());
        keys.iter().find_map(of).map(|attribute| attribute.value)
    };
    let name = match span.kind {
        3 | 4 => said(&["peer.service", "service.peer.name", "server.address", "db.namespace"]),
        2 | 5 => said(&["peer.service", "service.peer.name"]),
        _ => None,
    };
    let Some(AnyValue::Str(name)) = name else { return };
    out.push_str(",\"remoteEndpoint\":{\"serviceName\":");
    json_text(out, name);
    if let (3 | 4, Some(AnyValue::Int(port @ 1..=65_535))) = (span.kind, said(&["server.port"])) {
        out.push_str(&format!(",\"port\":{port}"));
    }
    out.push('}');
}

fn annotation(out: &mut String, event: &EventView<'_>) {
    out.push_str(&format!("{{\"timestamp\":{},\"value\":", event.unix_ns / 1000));
    if event.attributes.is_empty() {
        json_text(out, event.name);
    } else {
        let mut value = String::new();
        json_text(&mut value, event.name);
        value.push(':');
        json_object(&mut value, &event.attributes);
        json_text(out, value.as_bytes());
    }
    out.push('}');
}

fn tags(out: &mut String, of_service: &[Attribute<'_>], scope: &[u8], span: &SpanView<'_>) {
    let (scope_name, scope_version) = span_view::scope(scope);
    let mut texts: Vec<(&[u8], &[u8])> = vec![
        (b"otel.scope.name", scope_name),
        (b"otel.scope.version", scope_version),
        (b"w3c.tracestate", span.trace_state),
        (b"otel.status_code", span.status_word().unwrap_or_default().as_bytes()),
    ];
    texts.retain(|(_, text)| !text.is_empty());
    if span.is_error() {
        // The presence of the tag is what fails a span there.
        texts.push((b"error", if span.status_message.is_empty() { b"true" } else { span.status_message }));
    }
    let counts: Vec<(&str, String)> =
        span.dropped_counts().map(|(key, count)| (key, count.to_string())).collect();
    texts.extend(counts.iter().map(|(key, count)| (key.as_bytes(), count.as_bytes())));
    let told = |key: &[u8]| texts.iter().any(|(known, _)| *known == key);
    let own = |key: &[u8]| span.attributes.iter().any(|attribute| attribute.key == key);
    let inherited = of_service.iter().filter(|attribute| !own(attribute.key));
    let values = span.attributes.iter().chain(inherited).filter(|attribute| !told(attribute.key));
    let values: Vec<(&[u8], AnyValue<'_>)> = values
        .map(|attribute| (attribute.key, attribute.value))
        .chain(texts.iter().map(|(key, text)| (*key, AnyValue::Str(text))))
        .collect();
    if values.is_empty() {
        return;
    }
    out.push_str(",\"tags\":");
    json_each(out, ['{', '}'], values.into_iter(), |out, (key, value)| {
        json_text(out, key);
        out.push(':');
        match value {
            AnyValue::Empty => out.push_str("\"\""),
            // These are texts of JSON already.
            AnyValue::Str(_) | AnyValue::Bytes(_) => value.json(out),
            other => {
                let mut json = String::new();
                other.json(&mut json);
                json_text(out, json.trim_matches('"').as_bytes());
            }
        }
    });
}

fn hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
}
