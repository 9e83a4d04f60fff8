//! Copies a trace, changed.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

use span::{
    BatchBuilder, BatchFull, EventRef, EventRow, LinkRow, PackedWriter, ResourceRow, Rows, ScopeRow, SpanRef,
    SpanRow, Trace, UnixNanos, ValueRef,
};
use wire::jaeger::model::{WARNINGS_KEY, negative_duration};

use super::{Change, Changes, Wording};

/// Attributes that hold an IPv4 address, sometimes as a number.
const ADDRESS_KEYS: [&[u8]; 2] = [b"ip", b"peer.ipv4"];

const SERVICE_KEY: &[u8] = b"service.name";

/// What describes the SDK and not the span.
const LIBRARY_KEYS: [&[u8]; 5] = [
    b"telemetry.sdk.language",
    b"telemetry.sdk.name",
    b"telemetry.sdk.version",
    b"telemetry.distro.name",
    b"telemetry.distro.version",
];

type Attribute<'a> = (&'a [u8], ValueRef<'a>);

/// Tells whether any span or resource holds something to be put right.
pub(super) fn is_needed(trace: &Trace) -> bool {
    let of_span = |span: SpanRef<'_>| {
        span.attributes().any(|(key, value)| LIBRARY_KEYS.contains(&key) || address((key, value)).is_some())
            || span.links().any(|link| link.trace_id().is_none())
    };
    let batch = trace.batch();
    let mut seen = vec![false; batch.resource_rows().len()];
    batch.spans().any(|span| {
        let first = !std::mem::replace(&mut seen[span.row().resource as usize], true);
        of_span(span) || first && span.resource().attributes().any(|it| address(it).is_some())
    })
}

/// Returns the trace with the changes made and everything else put right.
pub(super) fn rewrite(trace: &Trace, changes: &Changes, wording: Wording) -> Result<Trace, BatchFull> {
    let moved = Moved::of(trace);
    let (resources, scopes) = Default::default();
    let mut copy = Copy { wording, builder: BatchBuilder::new(), resources, scopes };
    for (row, span) in trace.spans().enumerate() {
        copy.span(span, changes.get(&row), &moved)?;
    }
    let batch = copy.builder.finish();
    let copied = Trace::assemble(trace.id(), batch.spans())?;
    Ok(copied.unwrap_or_else(|| trace.clone()))
}

/// Attributes that move from spans to their resource, by resource row.
struct Moved<'a>(HashMap<u32, Vec<Attribute<'a>>>);

impl<'a> Moved<'a> {
    fn of(trace: &'a Trace) -> Self {
        let mut moved = Self(HashMap::new());
        for span in trace.spans() {
            for (key, value) in span.attributes().filter(|(key, _)| LIBRARY_KEYS.contains(key)) {
                if moved.value(span, key).is_none() {
                    moved.0.entry(span.row().resource).or_default().push((key, value));
                }
            }
        }
        moved
    }

    /// Returns what the span's resource will say.
    fn value(&self, span: SpanRef<'a>, key: &[u8]) -> Option<ValueRef<'a>> {
        let of_resource = self.0.get(&span.row().resource).into_iter().flatten();
        span.resource()
            .attribute(key)
            .or_else(|| of_resource.into_iter().find(|(known, _)| *known == key).map(|(_, value)| *value))
    }
}

struct Copy {
    wording: Wording,
    builder: BatchBuilder,
    resources: HashMap<u32, u32>,
    scopes: HashMap<u32, u32>,
}

impl Copy {
    fn span<'a>(
        &mut self,
        span: SpanRef<'a>,
        change: Option<&Change>,
        moved: &Moved<'a>,
    ) -> Result<(), BatchFull> {
        let resource = self.resource(span, moved)?;
        let scope = self.scope(span)?;
        let shift = change.map_or(0, |change| change.shift);
        let mut warnings = Warnings::of(span);
        for warning in change.into_iter().flat_map(|change| &change.warnings) {
            warnings.add(warning);
        }
        let mut kept = Vec::with_capacity(span.attributes().len() + 1);
        for (key, value) in span.attributes().filter(|(key, _)| *key != WARNINGS_KEY.as_bytes()) {
            if LIBRARY_KEYS.contains(&key) {
                if moved.value(span, key) == Some(value) {
                    continue;
                }
                let key = String::from_utf8_lossy(key);
                warnings.add(&format!("conflicting values between Span and Resource for attribute {key}"));
            }
            kept.push((key, value));
        }
        for _ in span.links().filter(|link| link.trace_id().is_none()) {
            warnings.add("Invalid span link removed");
        }
        if self.wording == Wording::InOrder {
            negative_duration(span).iter().for_each(|warning| warnings.add(warning));
        }
        let list = warnings.finish();
        let list = list.as_ref().map(|bytes| ValueRef::Array(span::Packed::new(bytes).list()));
        kept.extend(list.map(|list| (WARNINGS_KEY.as_bytes(), list)));
        let attributes = self.attributes(kept.into_iter())?;
        let mark = self.builder.mark();
        self.events(span, shift)?;
        self.links(span)?;
        let name = match self.wording {
            Wording::AsSent => span.name(),
            Wording::InOrder => span.operation().as_bytes(),
        };
        let row = SpanRow {
            span_id: change.map_or_else(|| span.span_id(), |change| change.span_id),
            parent_span_id: change.map_or_else(|| span.parent_span_id(), |change| change.parent_span_id),
            start: shifted(span.start(), shift),
            end: shifted(span.end(), shift),
            resource,
            scope,
            name: self.builder.text(name)?,
            status_message: self.builder.text(span.status_message())?,
            trace_state: self.builder.text(span.trace_state())?,
            attributes,
            events: self.builder.events_since(mark),
            links: self.builder.links_since(mark),
            residual: self.builder.text(span.residual())?,
            ..*span.row()
        };
        self.builder.span(row);
        Ok(())
    }

    fn resource<'a>(&mut self, span: SpanRef<'a>, moved: &Moved<'a>) -> Result<u32, BatchFull> {
        let row = span.row().resource;
        if let Some(known) = self.resources.get(&row) {
            return Ok(*known);
        }
        let resource = span.resource();
        let added = moved.0.get(&row).into_iter().flatten().copied();
        let service = (SERVICE_KEY, ValueRef::Str(resource.service().as_bytes()));
        let attributes = match self.wording {
            Wording::AsSent => self.attributes(resource.attributes().chain(added))?,
            // As the last of its key it is the one that stands.
            Wording::InOrder => self.attributes(resource.attributes().chain(added).chain([service]))?,
        };
        let copied = ResourceRow {
            attributes,
            schema_url: self.builder.text(resource.schema_url())?,
            residual: self.builder.text(resource.residual())?,
            ..*resource.row()
        };
        let copied = self.builder.resource(copied);
        self.resources.insert(row, copied);
        Ok(copied)
    }

    fn scope(&mut self, span: SpanRef<'_>) -> Result<u32, BatchFull> {
        let row = span.row().scope;
        if let Some(known) = self.scopes.get(&row) {
            return Ok(*known);
        }
        let scope = span.scope();
        let copied = ScopeRow {
            name: self.builder.text(scope.name())?,
            version: self.builder.text(scope.version())?,
            attributes: self.attributes(scope.attributes())?,
            schema_url: self.builder.text(scope.schema_url())?,
            residual: self.builder.text(scope.residual())?,
            ..*scope.row()
        };
        let copied = self.builder.scope(copied);
        self.scopes.insert(row, copied);
        Ok(copied)
    }

    fn events(&mut self, span: SpanRef<'_>, shift: i64) -> Result<(), BatchFull> {
        let mut events: Vec<EventRef<'_>> = span.events().collect();
        if self.wording == Wording::InOrder {
            events.sort_by_key(|event| event.name());
        }
        for event in events {
            let copied = EventRow {
                time: shifted(event.time(), shift),
                name: self.builder.text(event.name())?,
                attributes: self.attributes(event.attributes())?,
                residual: self.builder.text(event.residual())?,
                ..*event.row()
            };
            self.builder.event(copied);
        }
        Ok(())
    }

    fn links(&mut self, span: SpanRef<'_>) -> Result<(), BatchFull> {
        for link in span.links().filter(|link| !link.trace_id().is_none()) {
            let copied = LinkRow {
                trace_state: self.builder.text(link.trace_state())?,
                attributes: self.attributes(link.attributes())?,
                residual: self.builder.text(link.residual())?,
                ..*link.row()
            };
            self.builder.link(copied);
        }
        Ok(())
    }

    fn attributes<'a>(&mut self, all: impl Iterator<Item = Attribute<'a>>) -> Result<Rows, BatchFull> {
        let mark = self.builder.mark();
        match self.wording {
            Wording::AsSent => all.into_iter().try_for_each(|attribute| self.attribute(attribute))?,
            Wording::InOrder => {
                let by_key: BTreeMap<_, _> = all.collect();
                by_key.into_iter().try_for_each(|attribute| self.attribute(attribute))?;
            }
        }
        Ok(self.builder.since(mark))
    }

    fn attribute(&mut self, attribute: Attribute<'_>) -> Result<(), BatchFull> {
        match address(attribute) {
            Some(address) => self.builder.push(attribute.0, ValueRef::Str(address.to_string().as_bytes())),
            None => self.builder.push(attribute.0, attribute.1),
        }
    }
}

/// Returns the address that a number stands for, as Jaeger's first clients packed it.
fn address((key, value): Attribute<'_>) -> Option<Ipv4Addr> {
    if !ADDRESS_KEYS.contains(&key) {
        return None;
    }
    match value {
        ValueRef::Int(number) => Some(Ipv4Addr::from(number as u32)),
        ValueRef::Double(number) => Some(Ipv4Addr::from(number as u32)),
        _ => None,
    }
}

/// What is said about one span: what was said when it was stored, and what is said now.
struct Warnings {
    list: PackedWriter,
    any: bool,
}

impl Warnings {
    fn of(span: SpanRef<'_>) -> Self {
        let mut warnings = Self { list: PackedWriter::new(), any: false };
        match span.attribute(WARNINGS_KEY.as_bytes()) {
            None => {}
            Some(ValueRef::Array(list)) => list.iter().for_each(|said| warnings.add(&said.text_form())),
            Some(said) => warnings.add(&said.text_form()),
        }
        warnings
    }

    fn add(&mut self, warning: &str) {
        self.list.item(ValueRef::Str(warning.as_bytes()));
        self.any = true;
    }

    /// Returns them as a packed list, if there are any.
    fn finish(self) -> Option<Vec<u8>> {
        self.any.then(|| self.list.finish())
    }
}

fn shifted(time: UnixNanos, shift: i64) -> UnixNanos {
    UnixNanos(time.0.saturating_add_signed(shift))
}
