//! Reads one span of OTLP/JSON, with its events and links.

use span::{
    EventRow, LinkRow, ResourceRow, ScopeRow, SpanId, SpanKind, SpanRow, StatusCode, TraceId, UnixNanos,
};

use super::json_owners::{JsonWalk, Owner};
use super::number::{span_message as number, status};
use crate::DecodeError;

/// What of a span is judged only when all of it was read.
#[derive(Default)]
struct Draft {
    row: SpanRow,
    /// Why an id cannot be one.
    bad_id: Option<&'static str>,
    /// Numbers that this version does not know.
    kind_unknown: Option<u64>,
    code_unknown: Option<u64>,
}

impl JsonWalk<'_> {
    pub(super) fn span(
        &mut self,
        resource: &mut Owner<ResourceRow>,
        scope: &mut Owner<ScopeRow>,
    ) -> Result<(), DecodeError> {
        self.budget.span()?;
        let mark = self.builder.mark();
        let mut draft = Draft::default();
        let mut name = std::borrow::Cow::Borrowed(&b""[..]);
        let mut object = self.json.open_object("span")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"name" => name = self.json.text("span.name")?,
                key => self.span_field(key, &mut draft)?,
            }
        }
        if let Some(why) = draft.bad_id.or_else(|| super::check_ids(&draft.row).err()) {
            self.builder.rewind(mark);
            self.refusals.refuse(&name, why);
            return Ok(());
        }
        let mut row = draft.row;
        row.name = self.builder.text(&name)?;
        self.packed.clear();
        if let Some(kind) = draft.kind_unknown {
            self.packed.varint(number::KIND, kind);
        }
        if let Some(code) = draft.code_unknown {
            self.packed.message(number::STATUS, |out| out.varint(status::CODE, code));
        }
        row.residual = self.builder.text(self.packed.written())?;
        row.resource = resource.index(|row| self.builder.resource(row));
        row.scope = scope.index(|row| self.builder.scope(row));
        self.builder.span(row);
        Ok(())
    }

    fn span_field(&mut self, key: &[u8], draft: &mut Draft) -> Result<(), DecodeError> {
        let row = &mut draft.row;
        match key {
            b"traceId" | b"trace_id" => match self.id("span.trace_id")? {
                Some(id) => row.trace_id = TraceId::from_bytes(id),
                None => draft.bad_id = Some("the trace id has not 32 hex digits"),
            },
            b"spanId" | b"span_id" => match self.id("span.span_id")? {
                Some(id) => row.span_id = SpanId::from_bytes(id),
                None => draft.bad_id = Some("the span id has not 16 hex digits"),
            },
            b"parentSpanId" | b"parent_span_id" => match self.id("span.parent_span_id")? {
                Some(id) => row.parent_span_id = SpanId::from_bytes(id),
                None => draft.bad_id = Some("the parent span id has neither 16 hex digits nor none"),
            },
            b"traceState" | b"trace_state" => row.trace_state = self.text("span.trace_state")?,
            b"flags" => row.flags = self.count("span.flags")?,
            b"kind" => self.kind(draft)?,
            b"startTimeUnixNano" | b"start_time_unix_nano" => {
                row.start = self.time("span.start_time_unix_nano")?;
            }
            b"endTimeUnixNano" | b"end_time_unix_nano" => row.end = self.time("span.end_time_unix_nano")?,
            b"attributes" => row.attributes = self.attributes("span.attributes")?,
            b"droppedAttributesCount" | b"dropped_attributes_count" => {
                row.dropped_attributes_count = self.count("span.dropped_attributes_count")?;
            }
            b"events" => {
                let mark = self.builder.mark();
                let mut items = self.json.open_array("span.events")?;
                while self.json.item(&mut items)? {
                    self.event()?;
                }
                row.events = self.builder.events_since(mark);
            }
            b"droppedEventsCount" | b"dropped_events_count" => {
                row.dropped_events_count = self.count("span.dropped_events_count")?;
            }
            b"links" => {
                let mark = self.builder.mark();
                let mut items = self.json.open_array("span.links")?;
                while self.json.item(&mut items)? {
                    self.link()?;
                }
                row.links = self.builder.links_since(mark);
            }
            b"droppedLinksCount" | b"dropped_links_count" => {
                row.dropped_links_count = self.count("span.dropped_links_count")?;
            }
            b"status" => self.status(draft)?,
            _ => drop(self.json.skip("span")?),
        }
        Ok(())
    }

    fn kind(&mut self, draft: &mut Draft) -> Result<(), DecodeError> {
        let number = self.enum_number("span.kind", |name| {
            let word = name.strip_prefix("SPAN_KIND_").unwrap_or(name);
            SpanKind::from_word(word).map(|kind| kind as u64)
        })?;
        let kind = SpanKind::from_number(number);
        draft.kind_unknown = kind.is_none().then_some(number);
        draft.row.kind = kind.unwrap_or_default();
        Ok(())
    }

    fn status(&mut self, draft: &mut Draft) -> Result<(), DecodeError> {
        let mut object = self.json.open_object("span.status")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"message" => draft.row.status_message = self.text("status.message")?,
                b"code" => {
                    let number = self.enum_number("status.code", |name| {
                        match name.strip_prefix("STATUS_CODE_").unwrap_or(name) {
                            "OK" => Some(StatusCode::Ok as u64),
                            "ERROR" => Some(StatusCode::Error as u64),
                            _ => None,
                        }
                    })?;
                    let code = StatusCode::from_number(number);
                    draft.code_unknown = code.is_none().then_some(number);
                    draft.row.status_code = code.unwrap_or_default();
                }
                _ => drop(self.json.skip("span.status")?),
            }
        }
        Ok(())
    }

    fn event(&mut self) -> Result<(), DecodeError> {
        self.budget.event()?;
        let mut row = EventRow::default();
        let mut object = self.json.open_object("event")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"timeUnixNano" | b"time_unix_nano" => row.time = self.time("event.time_unix_nano")?,
                b"name" => row.name = self.text("event.name")?,
                b"attributes" => row.attributes = self.attributes("event.attributes")?,
                b"droppedAttributesCount" | b"dropped_attributes_count" => {
                    row.dropped_attributes_count = self.count("event.dropped_attributes_count")?;
                }
                _ => drop(self.json.skip("event")?),
            }
        }
        self.builder.event(row);
        Ok(())
    }

    /// Reads a link. An id that is none does not cost the link: it is kept without it.
    fn link(&mut self) -> Result<(), DecodeError> {
        self.budget.link()?;
        let mut row = LinkRow::default();
        let mut is_whole = true;
        let mut object = self.json.open_object("link")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"traceId" | b"trace_id" => {
                    let id = self.id("link.trace_id")?;
                    is_whole &= id.is_some();
                    row.trace_id = id.map(TraceId::from_bytes).unwrap_or_default();
                }
                b"spanId" | b"span_id" => {
                    let id = self.id("link.span_id")?;
                    is_whole &= id.is_some();
                    row.span_id = id.map(SpanId::from_bytes).unwrap_or_default();
                }
                b"traceState" | b"trace_state" => row.trace_state = self.text("link.trace_state")?,
                b"attributes" => row.attributes = self.attributes("link.attributes")?,
                b"droppedAttributesCount" | b"dropped_attributes_count" => {
                    row.dropped_attributes_count = self.count("link.dropped_attributes_count")?;
                }
                b"flags" => row.flags = self.count("link.flags")?,
                _ => drop(self.json.skip("link")?),
            }
        }
        if !is_whole {
            self.refusals.warn("a link's id is no hex of the right length; the link is kept without it");
        }
        self.builder.link(row);
        Ok(())
    }

    /// Reads hex digits of either case. An empty text is all zeros; `None` where it is no such id.
    fn id<const N: usize>(&mut self, field: &'static str) -> Result<Option<[u8; N]>, DecodeError> {
        let text = self.json.text(field)?;
        let mut id = [0; N];
        if text.is_empty() {
            return Ok(Some(id));
        }
        if text.len() != 2 * N {
            return Ok(None);
        }
        let nibble = |digit: u8| (digit as char).to_digit(16).map(|nibble| nibble as u8);
        for (byte, pair) in id.iter_mut().zip(text.chunks_exact(2)) {
            let [high, low] = pair else { return Ok(None) };
            let (Some(high), Some(low)) = (nibble(*high), nibble(*low)) else { return Ok(None) };
            *byte = high << 4 | low;
        }
        Ok(Some(id))
    }

    /// Reads nanoseconds; what 64 bits do not hold saturates.
    fn time(&mut self, field: &'static str) -> Result<UnixNanos, DecodeError> {
        Ok(UnixNanos(self.json.integer(field)?.clamp(0, i128::from(u64::MAX)) as u64))
    }

    /// Reads an enum: a number, or a name that `of_name` knows. An unknown name is zero, with a warning.
    fn enum_number(
        &mut self,
        field: &'static str,
        of_name: impl FnOnce(&str) -> Option<u64>,
    ) -> Result<u64, DecodeError> {
        let is_name = self.json.is_string() && self.json.clone().integer(field).is_err();
        if !is_name {
            let number = self.json.integer(field)?;
            let within = number.clamp(i128::from(i32::MIN), i128::from(i32::MAX));
            return Ok(within as i64 as u64);
        }
        let name = self.json.text(field)?;
        let name = std::str::from_utf8(&name).unwrap_or_default();
        if name.is_empty() || name.ends_with("UNSPECIFIED") || name.ends_with("UNSET") {
            return Ok(0);
        }
        let number = of_name(name);
        if number.is_none() {
            self.refusals
                .warn("a kind or status code has a name that OTLP does not know; it is taken as unset");
        }
        Ok(number.unwrap_or(0))
    }
}
