//! What Zipkin's first generation means.
//!
//! Its spans have neither kind nor endpoints; both are told by core annotations, each with a host:
//!
//! | annotation | kind |
//! |---|---|
//! | `cs` client sent, `cr` client received | client |
//! | `sr` server received, `ss` server sent | server |
//! | `ms`, `mr` message sent, received | producer, consumer |
//!
//! The first one that comes decides, and names the local endpoint. Where a span has no times of its own, it
//! lasts from the first annotation to the last one. The binary annotations `sa`, `ca` and `ma` say who
//! was at the other end; `lc` is the tag `component`, and a service name where nothing else is one.

use std::borrow::Cow;

use span::{SpanKind, ValueRef};

use super::endpoint::Endpoint;
use super::sent::{SentAnnotation, SentSpan, SentValue};

/// The service of a span whose sender named none.
const UNKNOWN_SERVICE: &[u8] = b"unknown-service";

/// What of a span decides when all of it was read.
#[derive(Debug, Default)]
pub(super) struct V1<'a> {
    /// The host of the first core annotation that has a name.
    core: Endpoint<'a>,
    /// The host of any other annotation, then of any tag.
    other: Endpoint<'a>,
    tagged: Endpoint<'a>,
    component: Cow<'a, [u8]>,
    first: Option<i64>,
    last: Option<i64>,
}

impl<'a> V1<'a> {
    /// Takes an annotation.
    pub(super) fn annotation(
        &mut self,
        annotation: SentAnnotation<'a>,
        host: Endpoint<'a>,
        sent: &mut SentSpan<'a>,
    ) {
        let time = annotation.time;
        if 0 < time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        let kind = match annotation.text.as_ref() {
            b"cs" | b"cr" => SpanKind::Client,
            b"sr" | b"ss" => SpanKind::Server,
            b"ms" => SpanKind::Producer,
            b"mr" => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        };
        let decided = sent.kind != SpanKind::Unspecified;
        if kind == SpanKind::Unspecified || decided && sent.kind != kind {
            // Of a span of both sides, the second side's moments stay events.
            sent.annotations.push(annotation);
            fill(&mut self.other, host);
            return;
        }
        sent.kind = kind;
        fill(&mut self.core, host);
    }

    /// Takes a binary annotation: a tag, or who was at the other end.
    pub(super) fn tag(
        &mut self,
        key: Cow<'a, [u8]>,
        value: SentValue<'a>,
        host: Endpoint<'a>,
        sent: &mut SentSpan<'a>,
    ) {
        let is_address = match value.as_ref() {
            ValueRef::Bool(on) => on,
            ValueRef::Str(text) => matches!(text, b"true" | b"1" | b"\x01"),
            _ => false,
        };
        match key.as_ref() {
            b"sa" | b"ca" | b"ma" if is_address && !host.is_empty() => sent.remote = host,
            b"lc" => {
                if let SentValue::Text(text) = &value {
                    self.component = text.clone();
                }
                sent.tags.push((Cow::Borrowed(b"component"), value));
                fill(&mut self.tagged, host);
            }
            _ => {
                sent.tags.push((key, value));
                fill(&mut self.tagged, host);
            }
        }
    }

    /// Decides the local endpoint and the times.
    pub(super) fn finish(self, sent: &mut SentSpan<'a>) {
        let hosts = [self.core, self.other, self.tagged];
        sent.local = hosts.into_iter().find(|host| !host.service_name.is_empty()).unwrap_or_default();
        if sent.local.service_name.is_empty() {
            let named = !self.component.is_empty();
            sent.local.service_name = if named { self.component } else { Cow::Borrowed(UNKNOWN_SERVICE) };
        }
        if sent.start <= 0 {
            sent.start = self.first.unwrap_or(0);
        }
        if sent.duration <= 0 {
            sent.duration = self.last.map_or(0, |last| last.saturating_sub(sent.start).max(0));
        }
    }
}

fn fill<'a>(known: &mut Endpoint<'a>, host: Endpoint<'a>) {
    if known.service_name.is_empty() && !host.is_empty() {
        *known = host;
    }
}
