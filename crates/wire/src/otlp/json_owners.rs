//! Walks an OTLP/JSON request down to its spans: resources and scopes.
//!
//! JSON is scanned byte by byte anyway, so nothing is walked twice: an owner's row is pushed with its
//! first good span and rewritten when its object ends, because keys come in any order. Keys are accepted
//! in camel case and in snake case; of a key that repeats the last value stands; unknown keys are ignored.

use bytes::Bytes;
use span::{BatchBuilder, ResourceRow, Rows, ScopeRow};

use crate::budget::Budget;
use crate::decoded::Refusals;
use crate::json_reader::JsonReader;
use crate::proto_writer::ProtoWriter;
use crate::{DecodeError, Decoded};

/// Reads an `ExportTraceServiceRequest` (or `TracesData`) in OTLP's JSON. The batch's texts point into
/// `body` where nothing in them was escaped.
pub fn decode_json(body: Bytes) -> Result<Decoded, DecodeError> {
    let mut walk = JsonWalk {
        json: JsonReader::new(&body),
        builder: BatchBuilder::over(body.clone())?,
        budget: Budget::new(),
        refusals: Refusals::default(),
        packed: ProtoWriter::new(),
        too_deep: false,
    };
    let mut request = walk.json.open_object("request")?;
    while let Some(key) = walk.json.key(&mut request)? {
        match &*key {
            b"resourceSpans" | b"resource_spans" => {
                let mut items = walk.json.open_array("resource_spans")?;
                while walk.json.item(&mut items)? {
                    walk.resource_spans()?;
                }
            }
            _ => drop(walk.json.skip("request")?),
        }
    }
    walk.json.end()?;
    Ok(walk.refusals.decoded(walk.builder.finish()))
}

/// A request on its way into a batch.
pub(super) struct JsonWalk<'a> {
    pub(super) json: JsonReader<'a>,
    pub(super) builder: BatchBuilder,
    pub(super) budget: Budget,
    pub(super) refusals: Refusals,
    /// The array or map being packed, and the residual of the span being read.
    pub(super) packed: ProtoWriter,
    /// The value being read nests deeper than it may.
    pub(super) too_deep: bool,
}

/// A resource or scope, and where in the batch it is once a good span needed it.
#[derive(Default)]
pub(super) struct Owner<Row> {
    row: Row,
    index: Option<u32>,
}

impl<Row: Copy> Owner<Row> {
    /// Returns the row's index, pushing it first where it is not in the batch yet.
    pub(super) fn index(&mut self, push: impl FnOnce(Row) -> u32) -> u32 {
        *self.index.get_or_insert_with(|| push(self.row))
    }
}

impl JsonWalk<'_> {
    fn resource_spans(&mut self) -> Result<(), DecodeError> {
        self.budget.group()?;
        let mark = self.builder.mark();
        let mut owner = Owner::<ResourceRow>::default();
        let mut object = self.json.open_object("resource_spans")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"resource" => self.resource(&mut owner.row)?,
                b"scopeSpans"
                | b"scope_spans"
                | b"instrumentationLibrarySpans"
                | b"instrumentation_library_spans" => {
                    let mut items = self.json.open_array("scope_spans")?;
                    while self.json.item(&mut items)? {
                        self.scope_spans(&mut owner)?;
                    }
                }
                b"schemaUrl" | b"schema_url" => {
                    owner.row.schema_url = self.text("resource_spans.schema_url")?
                }
                _ => drop(self.json.skip("resource_spans")?),
            }
        }
        match owner.index {
            Some(index) => self.builder.rewrite_resource(index, owner.row),
            None => self.builder.rewind(mark),
        }
        Ok(())
    }

    fn resource(&mut self, row: &mut ResourceRow) -> Result<(), DecodeError> {
        let mut object = self.json.open_object("resource")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"attributes" => row.attributes = self.attributes("resource.attributes")?,
                b"droppedAttributesCount" | b"dropped_attributes_count" => {
                    row.dropped_attributes_count = self.count("resource.dropped_attributes_count")?;
                }
                _ => drop(self.json.skip("resource")?),
            }
        }
        Ok(())
    }

    fn scope_spans(&mut self, resource: &mut Owner<ResourceRow>) -> Result<(), DecodeError> {
        self.budget.group()?;
        let mark = self.builder.mark();
        let mut owner = Owner::<ScopeRow>::default();
        let mut object = self.json.open_object("scope_spans")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"scope" | b"instrumentationLibrary" | b"instrumentation_library" => {
                    self.scope(&mut owner.row)?;
                }
                b"spans" => {
                    let mut items = self.json.open_array("scope_spans.spans")?;
                    while self.json.item(&mut items)? {
                        self.span(resource, &mut owner)?;
                    }
                }
                b"schemaUrl" | b"schema_url" => owner.row.schema_url = self.text("scope_spans.schema_url")?,
                _ => drop(self.json.skip("scope_spans")?),
            }
        }
        match owner.index {
            Some(index) => self.builder.rewrite_scope(index, owner.row),
            None => self.builder.rewind(mark),
        }
        Ok(())
    }

    fn scope(&mut self, row: &mut ScopeRow) -> Result<(), DecodeError> {
        let mut object = self.json.open_object("scope")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"name" => row.name = self.text("scope.name")?,
                b"version" => row.version = self.text("scope.version")?,
                b"attributes" => row.attributes = self.attributes("scope.attributes")?,
                b"droppedAttributesCount" | b"dropped_attributes_count" => {
                    row.dropped_attributes_count = self.count("scope.dropped_attributes_count")?;
                }
                _ => drop(self.json.skip("scope")?),
            }
        }
        Ok(())
    }

    /// Reads the attributes of one owner, an array of keys and values.
    pub(super) fn attributes(&mut self, field: &'static str) -> Result<Rows, DecodeError> {
        let mark = self.builder.mark();
        let mut items = self.json.open_array(field)?;
        while self.json.item(&mut items)? {
            self.attribute()?;
        }
        Ok(self.builder.since(mark))
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<span::Text, DecodeError> {
        let text = self.json.text(field)?;
        Ok(self.builder.text(&text)?)
    }

    /// Reads a number of 32 bits; what does not fit saturates.
    pub(super) fn count(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        Ok(self.json.integer(field)?.clamp(0, i128::from(u32::MAX)) as u32)
    }
}
