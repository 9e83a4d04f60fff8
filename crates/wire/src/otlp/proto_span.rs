//! Walks one span: its plain fields and attributes first, then its events and links.
//!
//! The attributes of one owner stand in a row, so events and links, which have attributes of their
//! own, wait for a second walk. Most spans have none and are walked once.

use span::{
    EventRow, LinkRow, ResourceRow, ScopeRow, SpanId, SpanKind, SpanRow, StatusCode, TraceId, UnixNanos,
};

use super::number::{event, link, span_message as number, status};
use super::proto_owners::{Owner, ProtoWalk};
use crate::DecodeError;
use crate::proto_reader::{ProtoField, ProtoReader};

/// What of a span is judged only when all of it was read.
#[derive(Default)]
struct Draft<'a> {
    row: SpanRow,
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    name: &'a [u8],
    /// A kind that this version does not know, as field.
    kind_unknown: Option<&'a [u8]>,
    /// A status code that this version does not know, as field of `Status`.
    code_unknown: Option<&'a [u8]>,
    has_children: bool,
}

impl ProtoWalk {
    pub(super) fn span(
        &mut self,
        message: ProtoReader<'_>,
        resource: &mut Owner<ResourceRow>,
        scope: &mut Owner<ScopeRow>,
    ) -> Result<(), DecodeError> {
        self.budget.span()?;
        let mark = self.builder.mark();
        self.residual.clear();
        let mut draft = Draft::default();
        let mut fields = message;
        while let Some(field) = fields.field()? {
            self.span_field(field, &mut draft)?;
        }
        let mut row = draft.row;
        row.attributes = self.builder.since(mark);
        let mark_children = self.builder.mark();
        if draft.has_children {
            self.children(message)?;
        }
        row.events = self.builder.events_since(mark_children);
        row.links = self.builder.links_since(mark_children);
        if let Err(why) = draft.ids(&mut row) {
            self.builder.rewind(mark);
            self.refusals.refuse(draft.name, why);
            return Ok(());
        }
        row.name = self.builder.text(draft.name)?;
        if let Some(field) = draft.kind_unknown {
            self.residual.raw(field);
        }
        if let Some(field) = draft.code_unknown {
            self.residual.bytes(number::STATUS, field);
        }
        row.residual = self.builder.text(self.residual.written())?;
        row.resource = resource.index(|row| self.builder.resource(row));
        row.scope = scope.index(|row| self.builder.scope(row));
        self.builder.span(row);
        Ok(())
    }

    #[inline]
    fn span_field<'a>(&mut self, field: ProtoField<'a>, draft: &mut Draft<'a>) -> Result<(), DecodeError> {
        let row = &mut draft.row;
        match field.number {
            number::TRACE_ID => draft.trace_id = field.bytes("span.trace_id")?,
            number::SPAN_ID => draft.span_id = field.bytes("span.span_id")?,
            number::TRACE_STATE => row.trace_state = self.builder.text(field.bytes("span.trace_state")?)?,
            number::PARENT_SPAN_ID => draft.parent_span_id = field.bytes("span.parent_span_id")?,
            number::NAME => draft.name = field.bytes("span.name")?,
            number::KIND => {
                let kind = SpanKind::from_number(field.varint("span.kind")?);
                draft.kind_unknown = kind.is_none().then(|| field.raw());
                row.kind = kind.unwrap_or_default();
            }
            number::START => row.start = UnixNanos(field.fixed64("span.start_time_unix_nano")?),
            number::END => row.end = UnixNanos(field.fixed64("span.end_time_unix_nano")?),
            number::ATTRIBUTES => {
                if !self.attribute(field)? {
                    self.residual.raw(field.raw());
                }
            }
            number::DROPPED_ATTRIBUTES_COUNT => {
                row.dropped_attributes_count = field.varint("span.dropped_attributes_count")? as u32;
            }
            number::EVENTS | number::LINKS => draft.has_children = true,
            number::DROPPED_EVENTS_COUNT => {
                row.dropped_events_count = field.varint("span.dropped_events_count")? as u32;
            }
            number::DROPPED_LINKS_COUNT => {
                row.dropped_links_count = field.varint("span.dropped_links_count")? as u32;
            }
            number::STATUS => self.status(field.message("span.status")?, draft)?,
            number::FLAGS => row.flags = field.fixed32("span.flags")?,
            _ => self.residual.raw(field.raw()),
        }
        Ok(())
    }

    fn status<'a>(&mut self, mut fields: ProtoReader<'a>, draft: &mut Draft<'a>) -> Result<(), DecodeError> {
        while let Some(field) = fields.field()? {
            match field.number {
                status::MESSAGE => {
                    draft.row.status_message = self.builder.text(field.bytes("status.message")?)?;
                }
                status::CODE => {
                    let code = StatusCode::from_number(field.varint("status.code")?);
                    draft.code_unknown = code.is_none().then(|| field.raw());
                    draft.row.status_code = code.unwrap_or_default();
                }
                _ => self.residual.bytes(number::STATUS, field.raw()),
            }
        }
        Ok(())
    }

    fn children(&mut self, mut fields: ProtoReader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = fields.field()? {
            match field.number {
                number::EVENTS => self.event(field.message("event")?)?,
                number::LINKS => self.link(field)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn event(&mut self, mut fields: ProtoReader<'_>) -> Result<(), DecodeError> {
        self.budget.event()?;
        let mark = self.builder.mark();
        let mut row = EventRow::default();
        self.child_residual.clear();
        while let Some(field) = fields.field()? {
            match field.number {
                event::TIME => row.time = UnixNanos(field.fixed64("event.time_unix_nano")?),
                event::NAME => row.name = self.builder.text(field.bytes("event.name")?)?,
                event::ATTRIBUTES => self.child_attribute(field)?,
                event::DROPPED_ATTRIBUTES_COUNT => {
                    row.dropped_attributes_count = field.varint("event.dropped_attributes_count")? as u32;
                }
                _ => self.child_residual.raw(field.raw()),
            }
        }
        row.attributes = self.builder.since(mark);
        row.residual = self.builder.text(self.child_residual.written())?;
        self.builder.event(row);
        Ok(())
    }

    fn link(&mut self, whole: ProtoField<'_>) -> Result<(), DecodeError> {
        self.budget.link()?;
        let mark = self.builder.mark();
        let mut row = LinkRow::default();
        let (mut trace_id, mut span_id) = (&[][..], &[][..]);
        self.child_residual.clear();
        let mut fields = whole.message("link")?;
        while let Some(field) = fields.field()? {
            match field.number {
                link::TRACE_ID => trace_id = field.bytes("link.trace_id")?,
                link::SPAN_ID => span_id = field.bytes("link.span_id")?,
                link::TRACE_STATE => {
                    row.trace_state = self.builder.text(field.bytes("link.trace_state")?)?;
                }
                link::ATTRIBUTES => self.child_attribute(field)?,
                link::DROPPED_ATTRIBUTES_COUNT => {
                    row.dropped_attributes_count = field.varint("link.dropped_attributes_count")? as u32;
                }
                link::FLAGS => row.flags = field.fixed32("link.flags")?,
                _ => self.child_residual.raw(field.raw()),
            }
        }
        let (Some(trace_id), Some(span_id)) = (id_or_none(trace_id), id_or_none(span_id)) else {
            self.builder.rewind(mark);
            self.residual.raw(whole.raw());
            self.refusals.warn("a link's id has the wrong length; the link is kept but cannot be followed");
            return Ok(());
        };
        row.trace_id = TraceId::from_bytes(trace_id);
        row.span_id = SpanId::from_bytes(span_id);
        row.attributes = self.builder.since(mark);
        row.residual = self.builder.text(self.child_residual.written())?;
        self.builder.link(row);
        Ok(())
    }

    fn child_attribute(&mut self, field: ProtoField<'_>) -> Result<(), DecodeError> {
        if !self.attribute(field)? {
            self.child_residual.raw(field.raw());
        }
        Ok(())
    }
}

impl Draft<'_> {
    /// Writes the ids into `row`, or says why the span cannot be stored.
    fn ids(&self, row: &mut SpanRow) -> Result<(), &'static str> {
        row.trace_id =
            id_or_none(self.trace_id).map(TraceId::from_bytes).ok_or("the trace id has not 16 bytes")?;
        row.span_id =
            id_or_none(self.span_id).map(SpanId::from_bytes).ok_or("the span id has not 8 bytes")?;
        row.parent_span_id = id_or_none(self.parent_span_id)
            .map(SpanId::from_bytes)
            .ok_or("the parent span id has neither 8 bytes nor none")?;
        super::check_ids(row)
    }
}

/// Takes an id of the right length; an absent one is all zeros.
fn id_or_none<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    if bytes.is_empty() { Some([0; N]) } else { bytes.try_into().ok() }
}
