//! Spans as Zipkin shows them: v2's words, for answers and for senders.
//!
//! Everything is text there, so types are lost; so are links, dropped counts and attributes of scopes. What
//! the decoders of this room take apart is put together in the same way: addresses and ports become
//! endpoints, status and scope become tags, an event with attributes becomes `"name":{..}`.

use std::borrow::Cow;

use span::{EventRef, SpanId, SpanKind, SpanRef, StatusCode, TraceId, ValueRef};

use super::event;
use super::sent::START_ABSENT_KEY;

/// One span. What is empty or zero is left out of messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ZipkinSpan<'a> {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// The span that caused it.
    pub parent_id: SpanId,
    /// Its own id.
    pub id: SpanId,
    /// Its role; Zipkin has no word for [`SpanKind::Internal`], which is told by a tag.
    pub kind: SpanKind,
    /// The operation.
    pub name: Cow<'a, str>,
    /// When it began, in microseconds since 1970.
    pub timestamp: u64,
    /// How long it took, in microseconds.
    pub duration: u64,
    /// Who recorded it.
    pub local_endpoint: ZipkinEndpoint<'a>,
    /// Who was at the other end.
    pub remote_endpoint: ZipkinEndpoint<'a>,
    /// Its events: microseconds and text.
    pub annotations: Vec<(u64, Cow<'a, str>)>,
    /// Attributes of the resource, then its own, then what it has a place for and Zipkin has not.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// All samplers must keep it.
    pub debug: bool,
}

/// One side of a span.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ZipkinEndpoint<'a> {
    /// Its service.
    pub service_name: Cow<'a, str>,
    /// Its address; always a valid one.
    pub address: Option<std::net::IpAddr>,
    /// Its port.
    pub port: u16,
}

impl<'a> ZipkinSpan<'a> {
    /// Translates a span.
    pub fn of(span: SpanRef<'a>) -> Self {
        let mut tags = Tags::default();
        for (key, value) in span.resource().attributes().filter(|(key, _)| *key != b"service.name") {
            tags.push(key, value);
        }
        let mut shown = Self {
            trace_id: span.trace_id(),
            parent_id: span.parent_span_id(),
            id: span.span_id(),
            kind: span.kind(),
            name: lossy(span.name()),
            timestamp: span.start().to_micros(),
            duration: span.duration().to_micros(),
            local_endpoint: ZipkinEndpoint::default(),
            remote_endpoint: ZipkinEndpoint::default(),
            annotations: span.events().map(|event| (event.time().to_micros(), annotation(event))).collect(),
            tags: Vec::new(),
            debug: span.row().flags & 2 != 0,
        };
        if span.resource().attribute(b"service.name").is_some() {
            shown.local_endpoint.service_name = Cow::Borrowed(span.resource().service());
        }
        for (key, value) in span.attributes() {
            if !shown.takes(key, value) {
                tags.push(key, value);
            }
        }
        tags.push_own(span);
        shown.tags = tags.0;
        shown
    }

    /// Returns the word for its kind; empty where Zipkin has none.
    pub const fn kind_word(&self) -> &'static str {
        match self.kind {
            SpanKind::Unspecified | SpanKind::Internal => "",
            SpanKind::Server => "SERVER",
            SpanKind::Client => "CLIENT",
            SpanKind::Producer => "PRODUCER",
            SpanKind::Consumer => "CONSUMER",
        }
    }

    /// Takes an attribute that has a place of its own; tells whether it did.
    fn takes(&mut self, key: &[u8], value: ValueRef<'a>) -> bool {
        let (local, remote) = (&mut self.local_endpoint, &mut self.remote_endpoint);
        match (key, value) {
            (b"network.local.address", ValueRef::Str(text)) => local.set_address(text),
            (b"network.peer.address", ValueRef::Str(text)) => remote.set_address(text),
            (b"net.host.port", ValueRef::Int(port)) => local.set_port(port),
            (b"net.peer.port", ValueRef::Int(port)) => remote.set_port(port),
            (b"service.peer.name", ValueRef::Str(name)) => {
                remote.service_name = lossy(name);
                true
            }
            (key, ValueRef::Bool(true)) => key == START_ABSENT_KEY.as_bytes(),
            _ => false,
        }
    }
}

impl ZipkinEndpoint<'_> {
    /// Tells whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.service_name.is_empty() && self.address.is_none() && self.port == 0
    }

    fn set_address(&mut self, text: &[u8]) -> bool {
        let address = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        self.address = address.or(self.address);
        address.is_some()
    }

    fn set_port(&mut self, port: i64) -> bool {
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        self.port = port.unwrap_or(self.port);
        port.is_some()
    }
}

#[derive(Default)]
struct Tags<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Tags<'a> {
    /// Adds a tag; of a repeated key the last value stands.
    fn push(&mut self, key: &'a [u8], value: ValueRef<'a>) {
        self.0.push((lossy(key), value.text_form()));
    }

    /// Adds a text as the attribute that it is read back as: what says one thing twice has one form.
    fn say(&mut self, key: &'static str, value: &'a [u8]) {
        if !value.is_empty() {
            self.0.push((Cow::Borrowed(key), ValueRef::Str(value).text_form()));
        }
    }

    /// Adds what a span has a place for and Zipkin has not.
    fn push_own(&mut self, span: SpanRef<'a>) {
        self.say("otel.scope.name", span.scope().name());
        self.say("otel.scope.version", span.scope().version());
        if span.kind() == SpanKind::Internal {
            self.say("span.kind", b"internal");
        }
        let message = span.status_message();
        let error = span.attribute(b"error");
        match span.status_code() {
            StatusCode::Unset => {}
            StatusCode::Ok => self.say("otel.status_code", b"OK"),
            StatusCode::Error => {
                self.say("otel.status_code", b"ERROR");
                if error.is_none() {
                    self.say("error", if message.is_empty() { b"true" } else { message });
                }
            }
        }
        // A tag that says it already is read back as both.
        if error != Some(ValueRef::Str(message)) {
            self.say("otel.status_description", message);
        }
        self.say("w3c.tracestate", span.trace_state());
        self.once();
    }

    /// Keeps the last value of each key: a JSON object has each key once.
    fn once(&mut self) {
        let mut seen = std::collections::HashSet::with_capacity(self.0.len());
        let repeated: Vec<bool> = self.0.iter().rev().map(|(key, _)| !seen.insert(key)).collect();
        if repeated.contains(&true) {
            let mut repeated = repeated.into_iter().rev();
            self.0.retain(|_| !repeated.next().unwrap_or_default());
        }
    }
}

/// A name that would be taken for more than a name is written with an empty object of attributes.
fn annotation(event: EventRef<'_>) -> Cow<'_, str> {
    if event.attributes().len() == 0 && !event::is_apart(event.name()) {
        return lossy(event.name());
    }
    let mut text = ValueRef::Array(name_in_list(event.name()).packed().list()).json_form();
    // `["name"]` without its brackets is a JSON string.
    text.truncate(text.len().saturating_sub(1));
    text.replace_range(..1, "");
    let mut map = span::PackedWriter::new();
    event.attributes().for_each(|(key, value)| map.entry(key, value));
    text.push(':');
    text.push_str(&ValueRef::Map(map.packed().map()).json_form());
    Cow::Owned(text)
}

fn name_in_list(name: &[u8]) -> span::PackedWriter {
    let mut list = span::PackedWriter::new();
    list.item(ValueRef::Str(lossy(name).as_bytes()));
    list
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
