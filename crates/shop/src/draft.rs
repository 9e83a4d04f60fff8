//! A span that happened and is not exported yet.

use span::{
    BatchBuilder, BatchFull, EventRow, LinkRow, SpanId, SpanKind, SpanRow, StatusCode, TraceId, UnixNanos,
    ValueRef,
};

/// W3C's sampled flag, and OTLP's bit that says that it is known whether the parent was remote.
const FLAGS: u32 = 0x101;

/// A span in the memory of its pod.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_span_id: SpanId,
    pub(crate) name: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) start: UnixNanos,
    pub(crate) end: UnixNanos,
    /// What its status says, where it failed.
    pub(crate) failure: Option<&'static str>,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<DraftEvent>,
    /// The span whose message it took up.
    pub(crate) link: Option<SpanId>,
}

/// Something that happened while the span was open.
#[derive(Debug)]
pub(crate) struct DraftEvent {
    pub(crate) time: UnixNanos,
    pub(crate) name: &'static str,
    pub(crate) attributes: Attributes,
}

/// Keys and values in the order in which instrumentation sets them.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<(&'static str, Field)>);

#[derive(Debug)]
enum Field {
    Fixed(&'static str),
    Text(String),
    Number(i64),
    Truth(bool),
}

impl Attributes {
    pub(crate) fn fixed(&mut self, key: &'static str, text: &'static str) -> &mut Self {
        self.push(key, Field::Fixed(text))
    }

    pub(crate) fn text(&mut self, key: &'static str, text: impl Into<String>) -> &mut Self {
        self.push(key, Field::Text(text.into()))
    }

    pub(crate) fn number(&mut self, key: &'static str, number: i64) -> &mut Self {
        self.push(key, Field::Number(number))
    }

    pub(crate) fn truth(&mut self, key: &'static str, truth: bool) -> &mut Self {
        self.push(key, Field::Truth(truth))
    }

    fn push(&mut self, key: &'static str, field: Field) -> &mut Self {
        if self.0.is_empty() {
            self.0.reserve(16);
        }
        self.0.push((key, field));
        self
    }

    fn write(&self, builder: &mut BatchBuilder) -> Result<span::Rows, BatchFull> {
        let mark = builder.mark();
        for (key, field) in &self.0 {
            let value = match field {
                Field::Fixed(text) => ValueRef::Str(text.as_bytes()),
                Field::Text(text) => ValueRef::Str(text.as_bytes()),
                Field::Number(number) => ValueRef::Int(*number),
                Field::Truth(truth) => ValueRef::Bool(*truth),
            };
            builder.push(key.as_bytes(), value)?;
        }
        Ok(builder.since(mark))
    }
}

impl Draft {
    /// Writes it into a batch.
    pub(crate) fn write(
        &self,
        builder: &mut BatchBuilder,
        resource: u32,
        scope: u32,
    ) -> Result<(), BatchFull> {
        let attributes = self.attributes.write(builder)?;
        let mark = builder.mark();
        for event in &self.events {
            let attributes = event.attributes.write(builder)?;
            let name = builder.text(event.name.as_bytes())?;
            builder.event(EventRow { time: event.time, name, attributes, ..EventRow::default() });
        }
        if let Some(span_id) = self.link {
            builder.link(LinkRow { trace_id: self.trace_id, span_id, flags: FLAGS, ..LinkRow::default() });
        }
        let row = SpanRow {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            start: self.start,
            end: self.end,
            resource,
            scope,
            name: builder.text(self.name.as_bytes())?,
            kind: self.kind,
            status_code: if self.failure.is_some() { StatusCode::Error } else { StatusCode::Unset },
            status_message: builder.text(self.failure.unwrap_or_default().as_bytes())?,
            flags: FLAGS,
            attributes,
            events: builder.events_since(mark),
            links: builder.links_since(mark),
            ..SpanRow::default()
        };
        builder.span(row);
        Ok(())
    }
}
