//! Walks a request down to its spans: resources and scopes.
//!
//! A resource may stand behind its spans, yet every span's row names it. So each message that owns
//! others is walked twice: first for what it says itself, skipping the owned ones by their length,
//! then for them. Skipping costs a few nanoseconds a span, and no list of anything is kept.
//!
//! A resource or scope gets its row when its first good span comes. What was read for one that never
//! gets a span is taken back, so empty messages leave nothing behind.

use bytes::Bytes;
use span::{BatchBuilder, ResourceRow, ScopeRow};

use super::number::{request, resource, resource_spans, scope, scope_spans};
use crate::budget::Budget;
use crate::decoded::Refusals;
use crate::proto_reader::{ProtoField, ProtoReader};
use crate::proto_writer::ProtoWriter;
use crate::{DecodeError, Decoded};

/// Reads an `ExportTraceServiceRequest` (or `TracesData`) whose compression is already undone. The
/// batch's texts point into `body`.
pub fn decode_proto(body: Bytes) -> Result<Decoded, DecodeError> {
    let mut walk = ProtoWalk {
        builder: BatchBuilder::over(body.clone())?,
        budget: Budget::new(),
        refusals: Refusals::default(),
        residual: ProtoWriter::new(),
        child_residual: ProtoWriter::new(),
    };
    let mut fields = ProtoReader::new(&body, "request");
    while let Some(field) = fields.field()? {
        if field.number == request::RESOURCE_SPANS {
            walk.resource_spans(field.message("resource_spans")?)?;
        }
    }
    Ok(walk.refusals.decoded(walk.builder.finish()))
}

/// A request on its way into a batch.
pub(super) struct ProtoWalk {
    pub(super) builder: BatchBuilder,
    pub(super) budget: Budget,
    pub(super) refusals: Refusals,
    /// Unknown fields of the resource, scope or span being read.
    pub(super) residual: ProtoWriter,
    /// Unknown fields of the event or link being read.
    pub(super) child_residual: ProtoWriter,
}

/// A resource or scope: its row comes into the batch with its first good span.
pub(super) enum Owner<Row> {
    Pending(Row),
    Pushed(u32),
}

impl ProtoWalk {
    fn resource_spans(&mut self, message: ProtoReader<'_>) -> Result<(), DecodeError> {
        self.budget.group()?;
        let mark = self.builder.mark();
        let mut row = ResourceRow::default();
        let mut owned = resource_spans::DEPRECATED_SCOPE_SPANS;
        self.residual.clear();
        let mut fields = message;
        while let Some(field) = fields.field()? {
            match field.number {
                resource_spans::RESOURCE => self.resource(field.message("resource")?, &mut row)?,
                resource_spans::SCOPE_SPANS => owned = resource_spans::SCOPE_SPANS,
                resource_spans::SCHEMA_URL => {
                    row.schema_url = self.builder.text(field.bytes("resource_spans.schema_url")?)?;
                }
                resource_spans::DEPRECATED_SCOPE_SPANS => {}
                _ => self.residual.raw(field.raw()),
            }
        }
        row.attributes = self.builder.since(mark);
        row.residual = self.builder.text(self.residual.written())?;
        let mut owner = Owner::Pending(row);
        let mut fields = message;
        while let Some(field) = fields.field()? {
            if field.number == owned {
                self.scope_spans(field.message("scope_spans")?, &mut owner)?;
            }
        }
        if matches!(owner, Owner::Pending(_)) {
            self.builder.rewind(mark);
        }
        Ok(())
    }

    fn resource(&mut self, mut fields: ProtoReader<'_>, row: &mut ResourceRow) -> Result<(), DecodeError> {
        while let Some(field) = fields.field()? {
            match field.number {
                resource::ATTRIBUTES => self.owner_attribute(field, resource_spans::RESOURCE)?,
                resource::DROPPED_ATTRIBUTES_COUNT => {
                    row.dropped_attributes_count = field.varint("resource.dropped_attributes_count")? as u32;
                }
                _ => self.residual.bytes(resource_spans::RESOURCE, field.raw()),
            }
        }
        Ok(())
    }

    fn scope_spans(
        &mut self,
        message: ProtoReader<'_>,
        resource: &mut Owner<ResourceRow>,
    ) -> Result<(), DecodeError> {
        self.budget.group()?;
        let mark = self.builder.mark();
        let mut row = ScopeRow::default();
        self.residual.clear();
        let mut fields = message;
        while let Some(field) = fields.field()? {
            match field.number {
                scope_spans::SCOPE => self.scope(field.message("scope")?, &mut row)?,
                scope_spans::SPANS => {}
                scope_spans::SCHEMA_URL => {
                    row.schema_url = self.builder.text(field.bytes("scope_spans.schema_url")?)?;
                }
                _ => self.residual.raw(field.raw()),
            }
        }
        row.attributes = self.builder.since(mark);
        row.residual = self.builder.text(self.residual.written())?;
        let mut owner = Owner::Pending(row);
        let mut fields = message;
        while let Some(field) = fields.field()? {
            if field.number == scope_spans::SPANS {
                self.span(field.message("span")?, resource, &mut owner)?;
            }
        }
        if matches!(owner, Owner::Pending(_)) {
            self.builder.rewind(mark);
        }
        Ok(())
    }

    fn scope(&mut self, mut fields: ProtoReader<'_>, row: &mut ScopeRow) -> Result<(), DecodeError> {
        while let Some(field) = fields.field()? {
            match field.number {
                scope::NAME => row.name = self.builder.text(field.bytes("scope.name")?)?,
                scope::VERSION => row.version = self.builder.text(field.bytes("scope.version")?)?,
                scope::ATTRIBUTES => self.owner_attribute(field, scope_spans::SCOPE)?,
                scope::DROPPED_ATTRIBUTES_COUNT => {
                    row.dropped_attributes_count = field.varint("scope.dropped_attributes_count")? as u32;
                }
                _ => self.residual.bytes(scope_spans::SCOPE, field.raw()),
            }
        }
        Ok(())
    }

    /// Reads an attribute of the resource or scope that its parent knows as field `number`.
    fn owner_attribute(&mut self, field: ProtoField<'_>, number: u32) -> Result<(), DecodeError> {
        if !self.attribute(field)? {
            self.residual.bytes(number, field.raw());
        }
        Ok(())
    }
}

impl<Row: Copy> Owner<Row> {
    /// Returns the row's index, pushing it first where it is not in the batch yet.
    pub(super) fn index(&mut self, push: impl FnOnce(Row) -> u32) -> u32 {
        match *self {
            Self::Pushed(index) => index,
            Self::Pending(row) => {
                let index = push(row);
                *self = Self::Pushed(index);
                index
            }
        }
    }
}
