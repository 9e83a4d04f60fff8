//! A Jaeger span as its sender wrote it, and its translation into our words.
//!
//! Thrift and protobuf differ in bytes and agree in meaning: both walkers fill one [`SentSpan`], which is
//! cleared and used again from span to span, and the meaning is applied here, once:
//!
//! - The parent is the one that thrift names, else the first `CHILD_OF` of the same trace, else the first
//!   `FOLLOWS_FROM` there. All references but a `CHILD_OF` to the parent become links that remember
//!   their type.
//! - `span.kind`, `error`, `otel.status_code`, `otel.status_description`, `w3c.tracestate` and
//!   `otel.scope.*` are taken out of the tags where they say something that a span has a place for; a
//!   value that is not understood stays a tag.
//! - `error` sets the status as `true` and as `"true"`. A status is never guessed from an
//!   `http.status_code`: frameworks put 404 on spans that are no errors.
//! - An event's name is the field `event`, which is taken out, else `message`, which stays.

use span::{
    BatchBuilder, EventRow, LinkRow, Packed, SpanId, SpanKind, SpanRow, StatusCode, TraceId, UnixNanos,
    ValueRef,
};

use super::model::{CHILD_OF_WORD, FOLLOWS_FROM_WORD, REF_TYPE_KEY, RefType, WARNINGS_KEY};
use super::process::SentTag;
use crate::DecodeError;
use crate::budget::Budget;
use crate::scopes::Scopes;
use crate::status_word::status_code_of;

/// A span, as sent.
#[derive(Debug, Default)]
pub(super) struct SentSpan<'a> {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// Zero where there is none, or where references tell it.
    pub(super) parent_span_id: SpanId,
    pub(super) name: &'a [u8],
    pub(super) flags: u32,
    pub(super) start: UnixNanos,
    pub(super) end: UnixNanos,
    pub(super) references: Vec<SentReference>,
    pub(super) tags: Vec<SentTag<'a>>,
    pub(super) logs: Vec<SentLog>,
    /// The fields of all logs, one after the other.
    pub(super) fields: Vec<SentTag<'a>>,
    /// A packed list of what collectors on the way had to say.
    pub(super) warnings: Vec<u8>,
}

/// A reference, as sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentReference {
    pub(super) ref_type: RefType,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
}

/// A log, as sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentLog {
    pub(super) time: UnixNanos,
    /// How many of [`SentSpan::fields`] are its own.
    pub(super) field_count: usize,
}

/// Tags that a span has a place for. Of repeated ones the last stands.
#[derive(Debug, Default)]
struct Meant<'a> {
    kind: SpanKind,
    failed: bool,
    status: Option<StatusCode>,
    description: Option<&'a [u8]>,
    http_message: Option<&'a [u8]>,
    trace_state: &'a [u8],
    scope_name: &'a [u8],
    scope_version: &'a [u8],
}

impl<'a> SentSpan<'a> {
    /// Forgets the last span, keeping the memory.
    pub(super) fn clear(&mut self) {
        let (mut references, mut tags) =
            (std::mem::take(&mut self.references), std::mem::take(&mut self.tags));
        let (mut logs, mut fields) = (std::mem::take(&mut self.logs), std::mem::take(&mut self.fields));
        references.clear();
        tags.clear();
        logs.clear();
        fields.clear();
        *self = Self { references, tags, logs, fields, ..Self::default() };
    }

    /// Adds the span to the batch, or says why it cannot be stored.
    pub(super) fn store(
        &self,
        resource: u32,
        scopes: &mut Scopes,
        builder: &mut BatchBuilder,
        budget: &mut Budget,
    ) -> Result<Result<(), &'static str>, DecodeError> {
        if self.trace_id.is_none() {
            return Ok(Err("the trace id is missing or all zeros"));
        }
        if self.span_id.is_none() {
            return Ok(Err("the span id is missing or all zeros"));
        }
        let mark = builder.mark();
        let meant = self.store_tags(builder)?;
        let attributes = builder.since(mark);
        self.store_events(builder)?;
        let parent_span_id = self.parent();
        self.store_links(parent_span_id, builder, budget)?;
        let (status_code, status_message) = meant.status();
        let scope = scopes.place(meant.scope_name, meant.scope_version, builder, budget)?;
        let row = SpanRow {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id,
            start: self.start,
            end: self.end,
            resource,
            scope,
            name: builder.text(self.name)?,
            kind: meant.kind,
            status_code,
            status_message: builder.text(status_message)?,
            flags: self.flags & 0xff,
            trace_state: builder.text(meant.trace_state)?,
            attributes,
            events: builder.events_since(mark),
            links: builder.links_since(mark),
            ..SpanRow::default()
        };
        builder.span(row);
        Ok(Ok(()))
    }

    fn store_tags(&self, builder: &mut BatchBuilder) -> Result<Meant<'a>, DecodeError> {
        let mut meant = Meant::default();
        for (key, value) in &self.tags {
            if !meant.takes(key, *value) {
                builder.push(key, *value)?;
            }
        }
        // A description belongs to a status. Without one it is a tag like any other, and a version
        // without the name of what it is the version of is one too.
        if let (Some(text), false) = (meant.description, meant.has_status()) {
            builder.push(b"otel.status_description", ValueRef::Str(text))?;
        }
        if !self.warnings.is_empty() {
            let warnings = Packed::new(&self.warnings).list();
            builder.push(WARNINGS_KEY.as_bytes(), ValueRef::Array(warnings))?;
        }
        if meant.scope_name.is_empty() && !meant.scope_version.is_empty() {
            builder.push(b"otel.scope.version", ValueRef::Str(std::mem::take(&mut meant.scope_version)))?;
        }
        Ok(meant)
    }

    fn store_events(&self, builder: &mut BatchBuilder) -> Result<(), DecodeError> {
        let mut fields = self.fields.as_slice();
        for log in &self.logs {
            let (own, others) = fields.split_at_checked(log.field_count).unwrap_or((fields, &[]));
            fields = others;
            let name = event_name(own);
            let mark = builder.mark();
            for (key, value) in own {
                if *key != b"event" || value.as_str().is_none() {
                    builder.push(key, *value)?;
                }
            }
            let attributes = builder.since(mark);
            let name = builder.text(name)?;
            builder.event(EventRow { time: log.time, name, attributes, ..EventRow::default() });
        }
        Ok(())
    }

    fn parent(&self) -> SpanId {
        if !self.parent_span_id.is_none() {
            return self.parent_span_id;
        }
        let of_type = |ref_type| {
            let mut inside = self.references.iter().filter(|reference| reference.trace_id == self.trace_id);
            inside.find(|reference| reference.ref_type == ref_type).map(|reference| reference.span_id)
        };
        of_type(RefType::ChildOf).or_else(|| of_type(RefType::FollowsFrom)).unwrap_or_default()
    }

    fn store_links(
        &self,
        parent: SpanId,
        builder: &mut BatchBuilder,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        for reference in &self.references {
            let SentReference { ref_type, trace_id, span_id } = *reference;
            if ref_type == RefType::ChildOf && (trace_id, span_id) == (self.trace_id, parent) {
                continue;
            }
            budget.attribute()?;
            let mark = builder.mark();
            let word = match ref_type {
                RefType::ChildOf => CHILD_OF_WORD,
                RefType::FollowsFrom => FOLLOWS_FROM_WORD,
            };
            builder.push(REF_TYPE_KEY.as_bytes(), ValueRef::Str(word.as_bytes()))?;
            let attributes = builder.since(mark);
            builder.link(LinkRow { trace_id, span_id, attributes, ..LinkRow::default() });
        }
        Ok(())
    }
}

impl<'a> Meant<'a> {
    /// Takes a tag that a span has a place for; tells whether it did.
    fn takes(&mut self, key: &[u8], value: ValueRef<'a>) -> bool {
        match (key, value) {
            (b"span.kind", ValueRef::Str(word)) => {
                match std::str::from_utf8(word).ok().and_then(SpanKind::from_word) {
                    Some(kind) => self.kind = kind,
                    None => return false,
                }
            }
            (b"error", ValueRef::Bool(true)) => self.failed = true,
            (b"error", ValueRef::Str(word)) if word.eq_ignore_ascii_case(b"true") => self.failed = true,
            (b"otel.status_code", value) => match status_code_of(value) {
                Some(code) => self.status = Some(code),
                None => return false,
            },
            (b"otel.status_description", ValueRef::Str(text)) => self.description = Some(text),
            (b"w3c.tracestate", ValueRef::Str(text)) => self.trace_state = text,
            (b"otel.scope.name", ValueRef::Str(text)) => self.scope_name = text,
            (b"otel.scope.version", ValueRef::Str(text)) => self.scope_version = text,
            (b"http.status_message", ValueRef::Str(text)) => {
                self.http_message = Some(text);
                return false;
            }
            _ => return false,
        }
        true
    }

    const fn has_status(&self) -> bool {
        self.failed || self.status.is_some()
    }

    /// An error flag beats a status code, because every client of Jaeger has one.
    fn status(&self) -> (StatusCode, &'a [u8]) {
        match (self.failed, self.status) {
            (true, _) => (StatusCode::Error, self.description.or(self.http_message).unwrap_or_default()),
            (false, Some(code)) => (code, self.description.unwrap_or_default()),
            (false, None) => (StatusCode::Unset, b""),
        }
    }
}

fn event_name<'a>(fields: &[SentTag<'a>]) -> &'a [u8] {
    let text = |wanted: &[u8]| {
        fields.iter().rev().find(|(key, _)| *key == wanted).and_then(|(_, value)| value.as_str())
    };
    let named = fields.iter().any(|(key, _)| *key == b"event");
    if named { text(b"event") } else { text(b"message") }.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use span::{ResourceRow, SpanBatch};

    use super::*;

    fn stored(sent: &SentSpan<'_>) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let stored = sent.store(resource, &mut Scopes::default(), &mut builder, &mut Budget::new());
        stored.unwrap().unwrap();
        builder.finish()
    }

    fn sent<'a>(tags: &[SentTag<'a>]) -> SentSpan<'a> {
        SentSpan {
            trace_id: TraceId::from_halves(0, 1),
            span_id: SpanId::from_u64(2),
            tags: tags.to_vec(),
            ..SentSpan::default()
        }
    }

    /// Says what tags mean: kind, status, message, and the tags that stay.
    fn check(tags: &[SentTag<'_>], expected: &str) {
        let batch = stored(&sent(tags));
        let span = batch.span(0);
        let message = String::from_utf8_lossy(span.status_message());
        let mut seen = format!("{:?} {:?} {message}|", span.kind(), span.status_code());
        for (key, value) in span.attributes() {
            seen += &format!(" {}={}", String::from_utf8_lossy(key), value.text_form());
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn tags_mean_kind_and_status() {
        let text = |text: &'static str| ValueRef::Str(text.as_bytes());
        check(&[(b"span.kind", text("client"))], "Client Unset |");
        check(&[(b"span.kind", text("SERVER"))], "Server Unset |");
        check(&[(b"span.kind", text("rpc"))], "Unspecified Unset | span.kind=rpc");
        check(&[(b"error", ValueRef::Bool(true))], "Unspecified Error |");
        check(&[(b"error", text("true"))], "Unspecified Error |");
        check(&[(b"error", ValueRef::Bool(false))], "Unspecified Unset | error=false");
        check(&[(b"error", text("boom"))], "Unspecified Unset | error=boom");
        check(&[(b"http.status_code", ValueRef::Int(500))], "Unspecified Unset | http.status_code=500");
        check(
            &[(b"error", ValueRef::Bool(true)), (b"http.status_message", text("no"))],
            "Unspecified Error no| http.status_message=no",
        );
        check(
            &[(b"otel.status_description", text("d")), (b"otel.status_code", text("OK"))],
            "Unspecified Ok d|",
        );
        check(&[(b"otel.status_code", ValueRef::Double(2.0))], "Unspecified Error |");
        check(&[(b"otel.status_code", text("fine"))], "Unspecified Unset | otel.status_code=fine");
        check(&[(b"otel.status_description", text("d"))], "Unspecified Unset | otel.status_description=d");
        check(&[(b"error", ValueRef::Bool(true)), (b"otel.status_code", text("OK"))], "Unspecified Error |");
        check(&[(b"otel.scope.version", text("1"))], "Unspecified Unset | otel.scope.version=1");
    }

    #[test]
    fn references_tell_the_parent() {
        let check = |named: u64, references: &[(RefType, u64, u64)], expected: &str| {
            let mut sent = sent(&[]);
            sent.parent_span_id = SpanId::from_u64(named);
            sent.references.extend(references.iter().map(|(ref_type, trace, id)| SentReference {
                ref_type: *ref_type,
                trace_id: TraceId::from_halves(0, *trace),
                span_id: SpanId::from_u64(*id),
            }));
            let batch = stored(&sent);
            let span = batch.span(0);
            let mut seen = format!("{:x}:", span.parent_span_id().to_u64());
            for link in span.links() {
                let word = link.attribute(REF_TYPE_KEY.as_bytes()).unwrap().text_form();
                seen += &format!(" {:x}/{:x} {word}", link.trace_id().low(), link.span_id().to_u64());
            }
            assert_eq!(seen, expected);
        };
        use RefType::{ChildOf, FollowsFrom};
        check(0, &[], "0:");
        check(7, &[(ChildOf, 1, 7)], "7:");
        check(0, &[(FollowsFrom, 1, 6), (ChildOf, 1, 7)], "7: 1/6 follows_from");
        check(0, &[(FollowsFrom, 1, 6), (FollowsFrom, 1, 7)], "6: 1/6 follows_from 1/7 follows_from");
        check(0, &[(ChildOf, 9, 7)], "0: 9/7 child_of");
        check(7, &[(ChildOf, 9, 7), (ChildOf, 1, 8)], "7: 9/7 child_of 1/8 child_of");
    }

    #[test]
    fn fields_tell_the_event() {
        let check = |fields: &[SentTag<'_>], expected: &str| {
            let mut sent = sent(&[]);
            sent.fields.extend_from_slice(fields);
            sent.logs.push(SentLog { time: UnixNanos(1), field_count: fields.len() });
            let batch = stored(&sent);
            let event = batch.span(0).events().next().unwrap();
            let mut seen = format!("{}|", String::from_utf8_lossy(event.name()));
            for (key, value) in event.attributes() {
                seen += &format!(" {}={}", String::from_utf8_lossy(key), value.text_form());
            }
            assert_eq!(seen, expected);
        };
        let text = |text: &'static str| ValueRef::Str(text.as_bytes());
        check(&[(b"a", text("x")), (b"event", text("retry"))], "retry| a=x");
        check(&[(b"message", text("retry"))], "retry| message=retry");
        check(&[(b"message", text("m")), (b"event", text("e"))], "e| message=m");
        check(&[(b"event", ValueRef::Int(1)), (b"message", text("m"))], "| event=1 message=m");
        check(&[], "|");
    }

    #[test]
    fn spans_without_ids_are_not_stored() {
        for (trace, id) in [(0, 1), (1, 0)] {
            let sent = SentSpan {
                trace_id: TraceId::from_halves(0, trace),
                span_id: SpanId::from_u64(id),
                ..SentSpan::default()
            };
            let mut builder = BatchBuilder::new();
            let stored = sent.store(0, &mut Scopes::default(), &mut builder, &mut Budget::new()).unwrap();
            assert!(stored.unwrap_err().ends_with("missing or all zeros"));
        }
    }
}
