//! A Zipkin span as its sender wrote it, and its translation into our words.
//!
//! - The service of the local endpoint makes the resource, together with tags that name what OpenTelemetry
//!   puts into resources (its exporters to Zipkin flatten them into tags). Spans share a resource only if
//!   all of it is equal, so nothing is lost on siblings.
//! - Addresses and ports become `network.local.address`, `net.host.port` and their `peer` kin.
//! - `error`, whatever its value, sets the status; unless the value is `true` it stays a tag, and is the
//!   status message where no other is given. `otel.status_code` is taken out in each of its spellings.
//! - A parent that is the span itself is none. A span without a start begins in 1970 and says so.

use std::borrow::Cow;
use std::collections::HashMap;

use span::{BatchBuilder, ResourceRow, SpanId, SpanKind, SpanRow, StatusCode, TraceId, UnixNanos, ValueRef};

use super::Debug;
use super::endpoint::Endpoint;
use super::event;
use crate::DecodeError;
use crate::budget::Budget;
use crate::decoded::Refusals;
use crate::scopes::Scopes;
use crate::status_word::status_code_of;

/// Says that the sender gave no start.
pub(super) const START_ABSENT_KEY: &str = "otel.zipkin.absentField.startTime";

/// W3C's and Jaeger's flags for a span that samplers must keep: sampled, debug.
const DEBUG_FLAGS: u32 = 3;

/// A span, as sent.
#[derive(Debug, Default)]
pub(super) struct SentSpan<'a> {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent_id: SpanId,
    pub(super) name: Cow<'a, [u8]>,
    pub(super) kind: SpanKind,
    /// Microseconds; zero and less stand for nothing.
    pub(super) start: i64,
    pub(super) duration: i64,
    pub(super) local: Endpoint<'a>,
    pub(super) remote: Endpoint<'a>,
    pub(super) annotations: Vec<SentAnnotation<'a>>,
    pub(super) tags: Vec<(Cow<'a, [u8]>, SentValue<'a>)>,
    pub(super) debug: bool,
    /// Why the span cannot be stored.
    pub(super) bad: Option<&'static str>,
}

/// An annotation, as sent.
#[derive(Clone, Debug)]
pub(super) struct SentAnnotation<'a> {
    /// Microseconds.
    pub(super) time: i64,
    pub(super) text: Cow<'a, [u8]>,
}

/// A tag's value. All but v1's thrift have only text.
#[derive(Clone, Debug)]
pub(super) enum SentValue<'a> {
    Text(Cow<'a, [u8]>),
    Plain(ValueRef<'a>),
}

/// What all spans of one message are stored with.
pub(super) struct Store {
    pub(super) builder: BatchBuilder,
    pub(super) budget: Budget,
    pub(super) refusals: Refusals,
    debug: Debug,
    scopes: Scopes,
    /// Resources by all that is in them.
    resources: HashMap<Vec<u8>, u32>,
    /// A resource's content, on the way.
    content: Vec<u8>,
}

/// What tags say beyond being tags.
#[derive(Default)]
struct Meant<'s> {
    kind: SpanKind,
    status: Option<StatusCode>,
    error: Option<&'s [u8]>,
    description: Option<&'s [u8]>,
    trace_state: &'s [u8],
    scope: (&'s [u8], &'s [u8]),
    library: (&'s [u8], &'s [u8]),
}

impl<'a> SentSpan<'a> {
    /// Forgets the last span, keeping the memory.
    pub(super) fn clear(&mut self) {
        let (mut annotations, mut tags) =
            (std::mem::take(&mut self.annotations), std::mem::take(&mut self.tags));
        annotations.clear();
        tags.clear();
        *self = Self { annotations, tags, ..Self::default() };
    }

    /// Takes a trace id of 8 or 16 bytes, or the other ids of 8.
    pub(super) fn set_trace_id(&mut self, bytes: &[u8]) {
        match padded(bytes) {
            Some(id) if bytes.len() == 8 || bytes.len() == 16 => self.trace_id = TraceId::from_bytes(id),
            _ => self.bad = Some("the trace id is neither 8 nor 16 bytes long"),
        }
    }

    /// Remembers the first reason against the span.
    pub(super) fn expect(&mut self, result: Result<(), &'static str>) {
        if let Err(why) = result {
            self.bad.get_or_insert(why);
        }
    }

    fn why_bad(&self) -> Option<&'static str> {
        match self {
            Self { bad: Some(why), .. } => Some(why),
            Self { trace_id, .. } if trace_id.is_none() => Some("the trace id is missing or all zeros"),
            Self { span_id, .. } if span_id.is_none() => Some("the span id is missing or all zeros"),
            _ => None,
        }
    }

    fn meant(&self) -> Meant<'_> {
        let mut meant = Meant { kind: self.kind, ..Meant::default() };
        for (key, value) in &self.tags {
            let value = value.as_ref();
            let Some(text) = value.as_str() else {
                if key.as_ref() == b"error" && value != ValueRef::Bool(false) {
                    meant.error = Some(b"true");
                }
                continue;
            };
            match key.as_ref() {
                b"error" => meant.error = Some(text),
                b"otel.status_code" => meant.status = status_code_of(value).or(meant.status),
                b"otel.status_description" => meant.description = Some(text),
                b"w3c.tracestate" => meant.trace_state = text,
                b"otel.scope.name" => meant.scope.0 = text,
                b"otel.scope.version" => meant.scope.1 = text,
                b"otel.library.name" => meant.library.0 = text,
                b"otel.library.version" => meant.library.1 = text,
                b"span.kind" if self.kind == SpanKind::Unspecified => {
                    let word = std::str::from_utf8(text).unwrap_or_default();
                    meant.kind = SpanKind::from_word(word).unwrap_or_default();
                }
                _ => {}
            }
        }
        if meant.scope.0.is_empty() {
            meant.scope = meant.library;
        }
        meant
    }
}

impl SentValue<'_> {
    pub(super) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Text(text) => ValueRef::Str(text),
            Self::Plain(value) => *value,
        }
    }
}

impl Meant<'_> {
    fn status(&self) -> (StatusCode, &[u8]) {
        match (self.error, self.status) {
            (Some(error), _) => {
                let said = Some(error).filter(|error| !error.eq_ignore_ascii_case(b"true"));
                (StatusCode::Error, self.description.or(said).unwrap_or_default())
            }
            (None, Some(code)) => (code, self.description.unwrap_or_default()),
            (None, None) => (StatusCode::Unset, b""),
        }
    }

    /// Tells whether a tag is said already by what the span has a place for.
    fn says(&self, key: &[u8], value: ValueRef<'_>) -> bool {
        let Some(text) = value.as_str() else {
            return key == b"error" && value == ValueRef::Bool(true);
        };
        match key {
            b"error" => text.eq_ignore_ascii_case(b"true") || self.description == Some(text),
            b"otel.status_code" => status_code_of(value).is_some(),
            b"otel.status_description" => self.error.is_some() || self.status.is_some(),
            b"w3c.tracestate" => true,
            b"otel.scope.name" | b"otel.library.name" => text == self.scope.0,
            b"otel.scope.version" | b"otel.library.version" => {
                !self.scope.0.is_empty() && text == self.scope.1
            }
            b"span.kind" => text.eq_ignore_ascii_case(self.kind.word().as_bytes()),
            _ => false,
        }
    }
}

impl Store {
    pub(super) fn new(builder: BatchBuilder, debug: Debug) -> Self {
        Self {
            builder,
            budget: Budget::new(),
            refusals: Refusals::default(),
            debug,
            scopes: Scopes::default(),
            resources: HashMap::new(),
            content: Vec::new(),
        }
    }

    /// Adds a span to the batch, or counts it as refused.
    pub(super) fn span(&mut self, sent: &SentSpan<'_>) -> Result<(), DecodeError> {
        if let Some(why) = sent.why_bad() {
            self.refusals.refuse(&sent.name, why);
            return Ok(());
        }
        let meant = sent.meant();
        let resource = self.resource(sent)?;
        let mark = self.builder.mark();
        self.attributes(sent, &meant)?;
        let attributes = self.builder.since(mark);
        for annotation in &sent.annotations {
            let time = UnixNanos::from_micros(annotation.time);
            event::store(time, &annotation.text, &mut self.builder, &mut self.budget)?;
        }
        let scope = self.scopes.place(meant.scope.0, meant.scope.1, &mut self.builder, &mut self.budget)?;
        let (status_code, status_message) = meant.status();
        let start = sent.start.max(0);
        let debug = sent.debug || self.debug == Debug::Forced;
        let row = SpanRow {
            trace_id: sent.trace_id,
            span_id: sent.span_id,
            parent_span_id: if sent.parent_id == sent.span_id { SpanId::NONE } else { sent.parent_id },
            start: UnixNanos::from_micros(start),
            end: UnixNanos::from_micros(start.saturating_add(sent.duration.max(0))),
            resource,
            scope,
            name: self.builder.text(&sent.name)?,
            kind: meant.kind,
            status_code,
            status_message: self.builder.text(status_message)?,
            flags: if debug { DEBUG_FLAGS } else { 0 },
            trace_state: self.builder.text(meant.trace_state)?,
            attributes,
            events: self.builder.events_since(mark),
            ..SpanRow::default()
        };
        self.builder.span(row);
        Ok(())
    }

    fn resource(&mut self, sent: &SentSpan<'_>) -> Result<u32, DecodeError> {
        let name = sent.local.service_name.as_ref();
        let moved = || sent.tags.iter().filter(|(key, value)| is_resource_tag(key, value.as_ref(), name));
        self.content.clear();
        let named = std::iter::once((&b"service.name"[..], name));
        let texts = moved().filter_map(|(key, value)| Some((key.as_ref(), value.as_ref().as_str()?)));
        for (key, text) in named.chain(texts) {
            self.content.extend((key.len() as u64).to_le_bytes());
            self.content.extend((text.len() as u64).to_le_bytes());
            self.content.extend(key);
            self.content.extend(text);
        }
        if let Some(resource) = self.resources.get(&self.content) {
            return Ok(*resource);
        }
        self.budget.group()?;
        let mark = self.builder.mark();
        if !name.is_empty() {
            self.builder.push(b"service.name", ValueRef::Str(name))?;
        }
        for (key, value) in moved() {
            if key.as_ref() != b"service.name" || name.is_empty() {
                self.builder.push(key, value.as_ref())?;
            }
        }
        let attributes = self.builder.since(mark);
        let resource = self.builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
        self.resources.insert(self.content.clone(), resource);
        Ok(resource)
    }

    fn attributes(&mut self, sent: &SentSpan<'_>, meant: &Meant<'_>) -> Result<(), DecodeError> {
        let builder = &mut self.builder;
        let name = sent.local.service_name.as_ref();
        for (key, value) in &sent.tags {
            let value = value.as_ref();
            if meant.says(key, value) || is_resource_tag(key, value, name) {
                continue;
            }
            let key =
                if key.as_ref() == b"http.status_code" { b"http.response.status_code" } else { key.as_ref() };
            builder.push(key, value)?;
        }
        let texts = [
            (&b"network.local.address"[..], sent.local.address()),
            (b"service.peer.name", sent.remote.service_name.as_ref()),
            (b"network.peer.address", sent.remote.address()),
        ];
        for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            self.budget.attribute()?;
            builder.push(key, ValueRef::Str(text))?;
        }
        let ports = [(&b"net.host.port"[..], sent.local.port), (b"net.peer.port", sent.remote.port)];
        for (key, port) in ports.into_iter().filter(|(_, port)| *port != 0) {
            self.budget.attribute()?;
            builder.push(key, ValueRef::Int(i64::from(port)))?;
        }
        if sent.start <= 0 {
            self.budget.attribute()?;
            builder.push(START_ABSENT_KEY.as_bytes(), ValueRef::Bool(true))?;
        }
        Ok(())
    }
}

/// Tells whether a tag is one of those that describe the service instance. A `service.name` that is not
/// the endpoint's stays with the span.
fn is_resource_tag(key: &[u8], value: ValueRef<'_>, service: &[u8]) -> bool {
    const FAMILIES: [&[u8]; 14] = [
        b"telemetry.",
        b"host.",
        b"process.",
        b"os.",
        b"container.",
        b"k8s.",
        b"cloud.",
        b"deployment.",
        b"device.",
        b"webengine.",
        b"aws.ecs.",
        b"aws.eks.",
        b"aws.log.",
        b"browser.",
    ];
    const KEYS: [&[u8]; 7] = [
        b"service.namespace",
        b"service.instance.id",
        b"service.version",
        b"faas.name",
        b"faas.id",
        b"faas.version",
        b"faas.instance",
    ];
    match value.as_str() {
        None => false,
        Some(text) if key == b"service.name" => service.is_empty() || text == service,
        Some(_) => KEYS.contains(&key) || FAMILIES.iter().any(|family| key.starts_with(family)),
    }
}

/// Pads an id with zeros on the left; `None` where it is too long.
pub(super) fn padded<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let mut id = [0; N];
    id.get_mut(N.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(id)
}
