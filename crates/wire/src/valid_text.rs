//! Makes a batch's text valid UTF-8, for APIs whose answers must be.
//!
//! Broken text is data and is stored as it came; an answer in JSON, or in protobuf's `string`, must be
//! valid all the same. What is broken becomes, as in Jaeger:
//!
//! - an attribute's string: bytes;
//! - an attribute's key: `invalid-tag-key-1` (counted up within its owner), and the value becomes the bytes
//!   of `key:value`;
//! - a span's name: `invalid-span-name`;
//! - any other text: itself, with U+FFFD for each broken run.

use std::borrow::Cow;

use span::{
    BatchBuilder, BatchFull, EventRow, LinkRow, PackedWriter, ResourceRow, Rows, ScopeRow, SpanBatch,
    SpanRef, SpanRow, Text, ValueRef,
};

/// Returns the batch itself where all its text is UTF-8, else a repaired copy. A copy that would not fit
/// in a batch ends with the last span that does.
pub fn valid_text(batch: &SpanBatch) -> Cow<'_, SpanBatch> {
    if is_all_valid(batch) {
        return Cow::Borrowed(batch);
    }
    let mut repair = Repair {
        builder: BatchBuilder::new(),
        resources: vec![None; batch.resource_rows().len()],
        scopes: vec![None; batch.scope_rows().len()],
    };
    for span in batch.spans() {
        if repair.span(span).is_err() {
            break;
        }
    }
    Cow::Owned(repair.builder.finish())
}

/// Checks each span, and each run of spans' resource and scope once.
fn is_all_valid(batch: &SpanBatch) -> bool {
    let mut checked = None;
    batch.spans().all(|span| {
        let owners = (span.row().resource, span.row().scope);
        let known = checked.replace(owners) == Some(owners);
        (known || owners_are_valid(span)) && span_is_valid(span)
    })
}

fn owners_are_valid(span: SpanRef<'_>) -> bool {
    let (resource, scope) = (span.resource(), span.scope());
    [resource.schema_url(), scope.name(), scope.version(), scope.schema_url()].into_iter().all(is_valid)
        && attributes_are_valid(resource.attributes())
        && attributes_are_valid(scope.attributes())
}

fn span_is_valid(span: SpanRef<'_>) -> bool {
    [span.name(), span.status_message(), span.trace_state()].into_iter().all(is_valid)
        && attributes_are_valid(span.attributes())
        && span.events().all(|event| is_valid(event.name()) && attributes_are_valid(event.attributes()))
        && span.links().all(|link| is_valid(link.trace_state()) && attributes_are_valid(link.attributes()))
}

fn attributes_are_valid<'a>(mut attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>) -> bool {
    attributes.all(|(key, value)| is_valid(key) && value_is_valid(value))
}

fn value_is_valid(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Str(bytes) => is_valid(bytes),
        ValueRef::Array(list) => list.iter().all(value_is_valid),
        ValueRef::Map(map) => attributes_are_valid(map.iter()),
        _ => true,
    }
}

fn is_valid(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

/// A repaired copy in the making; `resources` and `scopes` know what was copied already.
struct Repair {
    builder: BatchBuilder,
    resources: Vec<Option<u32>>,
    scopes: Vec<Option<u32>>,
}

impl Repair {
    fn span(&mut self, span: SpanRef<'_>) -> Result<(), BatchFull> {
        let resource = self.resource(span)?;
        let scope = self.scope(span)?;
        let attributes = self.attributes(span.attributes())?;
        let mark = self.builder.mark();
        for event in span.events() {
            let row = EventRow {
                name: self.text(event.name())?,
                attributes: self.attributes(event.attributes())?,
                residual: self.builder.text(event.residual())?,
                ..*event.row()
            };
            self.builder.event(row);
        }
        for link in span.links() {
            let row = LinkRow {
                trace_state: self.text(link.trace_state())?,
                attributes: self.attributes(link.attributes())?,
                residual: self.builder.text(link.residual())?,
                ..*link.row()
            };
            self.builder.link(row);
        }
        let name =
            if is_valid(span.name()) { span.name() } else { span::naming::OPERATION_INVALID.as_bytes() };
        let row = SpanRow {
            resource,
            scope,
            name: self.builder.text(name)?,
            status_message: self.text(span.status_message())?,
            trace_state: self.text(span.trace_state())?,
            attributes,
            events: self.builder.events_since(mark),
            links: self.builder.links_since(mark),
            residual: self.builder.text(span.residual())?,
            ..*span.row()
        };
        self.builder.span(row);
        Ok(())
    }

    fn resource(&mut self, span: SpanRef<'_>) -> Result<u32, BatchFull> {
        let (from, slot) = (span.resource(), span.row().resource as usize);
        if let Some(index) = self.resources.get(slot).copied().flatten() {
            return Ok(index);
        }
        let row = ResourceRow {
            attributes: self.attributes(from.attributes())?,
            schema_url: self.text(from.schema_url())?,
            residual: self.builder.text(from.residual())?,
            ..*from.row()
        };
        let index = self.builder.resource(row);
        self.resources.get_mut(slot).into_iter().for_each(|slot| *slot = Some(index));
        Ok(index)
    }

    fn scope(&mut self, span: SpanRef<'_>) -> Result<u32, BatchFull> {
        let (from, slot) = (span.scope(), span.row().scope as usize);
        if let Some(index) = self.scopes.get(slot).copied().flatten() {
            return Ok(index);
        }
        let row = ScopeRow {
            name: self.text(from.name())?,
            version: self.text(from.version())?,
            attributes: self.attributes(from.attributes())?,
            schema_url: self.text(from.schema_url())?,
            residual: self.builder.text(from.residual())?,
            ..*from.row()
        };
        let index = self.builder.scope(row);
        self.scopes.get_mut(slot).into_iter().for_each(|slot| *slot = Some(index));
        Ok(index)
    }

    fn attributes<'a>(
        &mut self,
        attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
    ) -> Result<Rows, BatchFull> {
        let mark = self.builder.mark();
        let mut full = Ok(());
        each_repaired(attributes, &mut |key, value| {
            if full.is_ok() {
                full = self.builder.push(key, value);
            }
        });
        full?;
        Ok(self.builder.since(mark))
    }

    fn text(&mut self, bytes: &[u8]) -> Result<Text, BatchFull> {
        self.builder.text(String::from_utf8_lossy(bytes).as_bytes())
    }
}

/// Hands the attributes of one owner, repaired, to `take`.
fn each_repaired<'a>(
    attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
    take: &mut dyn FnMut(&[u8], ValueRef<'_>),
) {
    let mut broken_keys = 0;
    for (key, value) in attributes {
        if is_valid(key) {
            with_repaired(value, &mut |value| take(key, value));
            continue;
        }
        broken_keys += 1;
        let mut both = [key, b":"].concat();
        match value {
            ValueRef::Str(bytes) => both.extend_from_slice(bytes),
            value => both.extend_from_slice(value.text_form().as_bytes()),
        }
        take(format!("invalid-tag-key-{broken_keys}").as_bytes(), ValueRef::Bytes(&both));
    }
}

/// Hands the value, repaired, to `take`. The recursion ends where nesting does.
fn with_repaired(value: ValueRef<'_>, take: &mut dyn FnMut(ValueRef<'_>)) {
    match value {
        ValueRef::Str(bytes) if !is_valid(bytes) => take(ValueRef::Bytes(bytes)),
        ValueRef::Array(list) if !value_is_valid(value) => {
            let mut packed = PackedWriter::new();
            for item in list.iter() {
                with_repaired(item, &mut |item| packed.item(item));
            }
            take(ValueRef::Array(packed.packed().list()));
        }
        ValueRef::Map(map) if !value_is_valid(value) => {
            let mut packed = PackedWriter::new();
            each_repaired(map.iter(), &mut |key, value| packed.entry(key, value));
            take(ValueRef::Map(packed.packed().map()));
        }
        value => take(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with_attribute(name: &[u8], key: &[u8], value: ValueRef<'_>) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let scope = builder.scope(ScopeRow::default());
        let mark = builder.mark();
        builder.push(key, value).unwrap();
        builder.push(b"\xfe", ValueRef::Int(7)).unwrap();
        let attributes = builder.since(mark);
        let name = builder.text(name).unwrap();
        builder.span(SpanRow { name, attributes, resource, scope, ..SpanRow::default() });
        builder.finish()
    }

    #[test]
    fn broken_text_becomes_what_jaeger_makes_of_it() {
        let batch = with_attribute(b"\xff", b"\xff", ValueRef::Str(b"v\xff"));
        let valid = valid_text(&batch);
        let span = valid.span(0);
        assert_eq!(span.name(), b"invalid-span-name");
        assert!(span.attributes().eq([
            (&b"invalid-tag-key-1"[..], ValueRef::Bytes(b"\xff:v\xff")),
            (b"invalid-tag-key-2", ValueRef::Bytes(b"\xfe:7")),
        ]));
        let mut list = PackedWriter::new();
        list.item(ValueRef::Str(b"\xff"));
        let batch = with_attribute(b"ok", b"list", ValueRef::Array(list.packed().list()));
        let valid = valid_text(&batch);
        let Some(ValueRef::Array(items)) = valid.span(0).attribute(b"list") else { panic!("an array") };
        assert!(items.iter().eq([ValueRef::Bytes(b"\xff")]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_batch_becomes_valid_and_a_valid_one_is_not_copied(batch in span::arbitrary::batches()) {
            let valid = valid_text(&batch);
            prop_assert_eq!(valid.len(), batch.len());
            prop_assert!(is_all_valid(&valid));
            prop_assert!(matches!(valid_text(&valid), Cow::Borrowed(_)));
        }
    }
}
