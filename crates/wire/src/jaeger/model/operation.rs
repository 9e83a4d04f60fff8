//! Spans as Jaeger's spans.

use std::borrow::Cow;

use span::{EventRef, LinkRef, SpanId, SpanKind, SpanRef, StatusCode, ValueRef};

use super::tag::{tag, tags_of, value_of};
use super::{
    CHILD_OF_WORD, JaegerLog, JaegerReference, JaegerSpan, JaegerTag, JaegerValue, REF_TYPE_KEY, RefType,
    TagOrder, WARNINGS_KEY,
};

impl<'a> JaegerSpan<'a> {
    /// Translates a span.
    pub fn of(span: SpanRef<'a>, order: TagOrder) -> Self {
        Self {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            operation_name: Cow::Borrowed(span.operation()),
            references: references_of(span),
            flags: span.row().flags & 0xff,
            start: span.start(),
            duration: span.duration(),
            tags: span_tags(span, order),
            logs: logs_of(span, order),
            warnings: warnings_of(span),
        }
    }

    /// Returns the parent: the first reference to a parent in the same trace, else the first span it
    /// follows there. [`SpanId::NONE`] for a root.
    pub fn parent_span_id(&self) -> SpanId {
        let of_trace = |reference: &&JaegerReference| reference.trace_id == self.trace_id;
        let mut inside = self.references.iter().filter(of_trace);
        let first = inside.next();
        let parent = first.into_iter().chain(inside).find(|reference| reference.ref_type == RefType::ChildOf);
        parent.or(first).map_or(SpanId::NONE, |reference| reference.span_id)
    }
}

fn span_tags<'a>(span: SpanRef<'a>, order: TagOrder) -> Vec<JaegerTag<'a>> {
    let mut tags = Vec::with_capacity(span.attributes().len() + 7);
    let texts = [("otel.scope.name", span.scope().name()), ("otel.scope.version", span.scope().version())];
    tags.extend(texts.into_iter().filter_map(text_tag));
    let own = span.attributes().filter(|(key, _)| *key != WARNINGS_KEY.as_bytes());
    let failed = span.status_code() == StatusCode::Error;
    if failed {
        tags.extend(tags_of(own.filter_map(|own| error_apart(own, span.status_message())), order));
    } else {
        tags.extend(tags_of(own, order));
    }
    if span.kind() != SpanKind::Unspecified {
        tags.push(tag("span.kind", JaegerValue::String(Cow::Borrowed(span.kind().word()))));
    }
    match span.status_code() {
        StatusCode::Unset => {}
        StatusCode::Ok => tags.push(tag("otel.status_code", JaegerValue::String(Cow::Borrowed("OK")))),
        StatusCode::Error => {
            tags.push(tag("otel.status_code", JaegerValue::String(Cow::Borrowed("ERROR"))));
            tags.push(tag("error", JaegerValue::Bool(true)));
        }
    }
    let texts = [("otel.status_description", span.status_message()), ("w3c.tracestate", span.trace_state())];
    tags.extend(texts.into_iter().filter_map(text_tag));
    tags
}

/// A failed span is shown with `error=true`, and once: an attribute `error` that says more than that
/// (Zipkin's says what went wrong) is shown as `error.message`, unless the status says the same.
fn error_apart<'a>(
    (key, value): (&'a [u8], ValueRef<'a>),
    status_message: &[u8],
) -> Option<(&'a [u8], ValueRef<'a>)> {
    match (key, value) {
        (b"error", ValueRef::Bool(_) | ValueRef::Empty | ValueRef::Str(b"" | b"true" | b"false")) => None,
        (b"error", ValueRef::Str(text)) if text == status_message => None,
        (b"error", value) => Some((b"error.message", value)),
        other => Some(other),
    }
}

fn text_tag<'a>((key, text): (&'static str, &'a [u8])) -> Option<JaegerTag<'a>> {
    (!text.is_empty()).then(|| tag(key, value_of(ValueRef::Str(text))))
}

fn references_of(span: SpanRef<'_>) -> Vec<JaegerReference> {
    let mut references = Vec::with_capacity(span.links().len() + 1);
    let parent = JaegerReference {
        ref_type: RefType::ChildOf,
        trace_id: span.trace_id(),
        span_id: span.parent_span_id(),
    };
    let has_parent = !parent.span_id.is_none();
    if has_parent {
        references.push(parent);
    }
    for link in span.links() {
        let (trace_id, span_id) = (link.trace_id(), link.span_id());
        let ref_type = ref_type_of(link);
        match references.first_mut() {
            Some(first) if has_parent && (first.trace_id, first.span_id) == (trace_id, span_id) => {
                first.ref_type = ref_type;
            }
            _ => references.push(JaegerReference { ref_type, trace_id, span_id }),
        }
    }
    references
}

fn ref_type_of(link: LinkRef<'_>) -> RefType {
    match link.attribute(REF_TYPE_KEY.as_bytes()) {
        Some(ValueRef::Str(word)) if word == CHILD_OF_WORD.as_bytes() => RefType::ChildOf,
        _ => RefType::FollowsFrom,
    }
}

fn logs_of<'a>(span: SpanRef<'a>, order: TagOrder) -> Vec<JaegerLog<'a>> {
    let mut events: Vec<EventRef<'a>> = span.events().collect();
    if order == TagOrder::ByKey {
        events.sort_by_key(|event| event.name());
    }
    events.into_iter().map(|event| log_of(event, order)).collect()
}

/// Puts the event's name first, as the field `event`; unless a field says it already: one of that
/// name, or `message`, where OpenTelemetry's Python client for Jaeger writes it.
fn log_of<'a>(event: EventRef<'a>, order: TagOrder) -> JaegerLog<'a> {
    let fields = tags_of(event.attributes(), order);
    let name = event.name();
    let said = name.is_empty()
        || event
            .attributes()
            .any(|(key, value)| key == b"event" || key == b"message" && value.as_str() == Some(name));
    if said {
        return JaegerLog { time: event.time(), fields };
    }
    let name = tag("event", value_of(ValueRef::Str(name)));
    JaegerLog { time: event.time(), fields: std::iter::once(name).chain(fields).collect() }
}

fn warnings_of(span: SpanRef<'_>) -> Vec<Cow<'_, str>> {
    let mut warnings = match span.attribute(WARNINGS_KEY.as_bytes()) {
        None => Vec::new(),
        Some(ValueRef::Array(list)) => list.iter().map(ValueRef::text_form).collect(),
        Some(value) => vec![value.text_form()],
    };
    warnings.extend(negative_duration(span).map(Cow::Owned));
    warnings
}

/// Returns the warning about a span that ends before it starts; its duration is shown as none.
pub fn negative_duration(span: SpanRef<'_>) -> Option<String> {
    let (start, end) = (span.row().start, span.row().end);
    let early = (end < start).then(|| start.since(end));
    early.map(|early| format!("Negative duration detected: it ends {}ns before it starts", early.0))
}

#[cfg(test)]
mod tests {
    use span::{
        BatchBuilder, EventRow, LinkRow, PackedWriter, ResourceRow, ScopeRow, SpanBatch, SpanRow, TraceId,
        UnixNanos,
    };

    use super::*;

    /// Builds one span of trace 1 and id 2; `fill` gives its row after adding what belongs to it.
    fn one(fill: impl FnOnce(&mut BatchBuilder) -> SpanRow) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let name = builder.text(b"lib").unwrap();
        let scope = builder.scope(ScopeRow { name, ..ScopeRow::default() });
        let row = fill(&mut builder);
        let (trace_id, span_id) = (TraceId::from_halves(0, 1), SpanId::from_u64(2));
        builder.span(SpanRow { trace_id, span_id, resource, scope, ..row });
        builder.finish()
    }

    fn tags(tags: &[JaegerTag<'_>]) -> String {
        let tags = tags.iter().map(|tag| match &tag.value {
            JaegerValue::String(text) => format!("{}={text}", tag.key),
            value => format!("{}={value:?}", tag.key),
        });
        tags.collect::<Vec<_>>().join(" ")
    }

    fn with_attributes(attributes: &[(&[u8], ValueRef<'_>)], status_code: StatusCode) -> SpanBatch {
        one(|builder| {
            let mark = builder.mark();
            attributes.iter().for_each(|(key, value)| builder.push(key, *value).unwrap());
            let message = builder.text(b"oh").unwrap();
            let trace_state = builder.text(b"a=b").unwrap();
            SpanRow {
                attributes: builder.since(mark),
                kind: SpanKind::Server,
                status_code,
                status_message: message,
                trace_state,
                flags: 0x301,
                ..SpanRow::default()
            }
        })
    }

    #[test]
    fn tags_have_their_order() {
        let batch =
            with_attributes(&[(b"z", ValueRef::Int(1)), (b"b", ValueRef::Bool(true))], StatusCode::Ok);
        let shown = JaegerSpan::of(batch.span(0), TagOrder::ByKey);
        assert_eq!(
            tags(&shown.tags),
            "otel.scope.name=lib b=Bool(true) z=Int64(1) span.kind=server otel.status_code=OK \
             otel.status_description=oh w3c.tracestate=a=b"
        );
        assert_eq!((shown.flags, &*shown.operation_name), (1, "empty-span-name"));
    }

    #[test]
    fn error_is_shown_once() {
        let end = "span.kind=server otel.status_code=ERROR error=Bool(true) otel.status_description=oh \
                   w3c.tracestate=a=b";
        let check = |value, expected: &str| {
            let batch = with_attributes(&[(b"error", value)], StatusCode::Error);
            let shown = JaegerSpan::of(batch.span(0), TagOrder::AsSent);
            assert_eq!(tags(&shown.tags), format!("otel.scope.name=lib {expected}{end}"));
        };
        check(ValueRef::Bool(true), "");
        check(ValueRef::Str(b"true"), "");
        check(ValueRef::Str(b"boom"), "error.message=boom ");
        check(ValueRef::Str(b"oh"), "");
        let batch = with_attributes(&[(b"error", ValueRef::Str(b"boom"))], StatusCode::Unset);
        assert!(tags(&JaegerSpan::of(batch.span(0), TagOrder::AsSent).tags).contains("error=boom"));
    }

    #[test]
    fn references_begin_with_the_parent_whose_link_gives_its_type() {
        let batch = one(|builder| {
            let mark = builder.mark();
            for (trace, id, word) in [(1, 3, &b"follows_from"[..]), (1, 4, b"child_of"), (9, 3, b"")] {
                let at = builder.mark();
                builder.push(b"opentracing.ref_type", ValueRef::Str(word)).unwrap();
                builder.link(LinkRow {
                    trace_id: TraceId::from_halves(0, trace),
                    span_id: SpanId::from_u64(id),
                    attributes: builder.since(at),
                    ..LinkRow::default()
                });
            }
            let links = builder.links_since(mark);
            SpanRow { parent_span_id: SpanId::from_u64(3), links, ..SpanRow::default() }
        });
        let shown = JaegerSpan::of(batch.span(0), TagOrder::AsSent);
        let references: Vec<_> = shown
            .references
            .iter()
            .map(|r| (r.ref_type.name(), r.trace_id.low(), r.span_id.to_u64()))
            .collect();
        assert_eq!(references, [("FOLLOWS_FROM", 1, 3), ("CHILD_OF", 1, 4), ("FOLLOWS_FROM", 9, 3)]);
        assert_eq!(shown.parent_span_id(), SpanId::from_u64(4));
    }

    #[test]
    fn events_say_their_name_once() {
        let check = |name: &[u8], field: (&[u8], ValueRef<'_>), expected: &str| {
            let batch = one(|builder| {
                let mark = builder.mark();
                builder.push(field.0, field.1).unwrap();
                let attributes = builder.since(mark);
                let name = builder.text(name).unwrap();
                builder.event(EventRow { time: UnixNanos(5), name, attributes, ..EventRow::default() });
                SpanRow { events: builder.events_since(mark), ..SpanRow::default() }
            });
            let shown = JaegerSpan::of(batch.span(0), TagOrder::ByKey);
            assert_eq!(shown.logs.iter().map(|log| tags(&log.fields)).collect::<Vec<_>>(), [expected]);
        };
        check(b"retry", (b"a", ValueRef::Str(b"x")), "event=retry a=x");
        check(b"retry", (b"event", ValueRef::Int(1)), "event=Int64(1)");
        check(b"retry", (b"message", ValueRef::Str(b"retry")), "message=retry");
        check(b"retry", (b"message", ValueRef::Str(b"other")), "event=retry message=other");
        check(b"", (b"a", ValueRef::Empty), "a=");
    }

    #[test]
    fn a_span_that_ends_before_it_starts_is_warned_about() {
        let batch = one(|_| SpanRow { start: UnixNanos(9), end: UnixNanos(5), ..SpanRow::default() });
        let shown = JaegerSpan::of(batch.span(0), TagOrder::AsSent);
        assert_eq!(shown.warnings, ["Negative duration detected: it ends 4ns before it starts"]);
    }

    #[test]
    fn warnings_are_no_tags() {
        let mut list = PackedWriter::new();
        list.item(ValueRef::Str(b"skewed"));
        list.item(ValueRef::Str(b"cut"));
        let bytes = list.finish();
        let warnings = ValueRef::Array(span::Packed::new(&bytes).list());
        let batch = with_attributes(&[(b"@jaeger@warnings", warnings)], StatusCode::Unset);
        let shown = JaegerSpan::of(batch.span(0), TagOrder::AsSent);
        assert_eq!(shown.warnings, ["skewed", "cut"]);
        assert!(!tags(&shown.tags).contains("warnings"));
    }
}
