//! Who sent spans: processes as resources.

use span::{BatchBuilder, ResourceRow, ValueRef};

use crate::DecodeError;
use crate::budget::Budget;

/// The name that collectors give to a service that has none.
const NO_SERVICE: &[u8] = b"OTLPResourceNoServiceName";

/// A key and its value, as sent.
pub(super) type SentTag<'a> = (&'a [u8], ValueRef<'a>);

/// A process, as sent.
#[derive(Debug, Default)]
pub(super) struct SentProcess<'a> {
    pub(super) service_name: &'a [u8],
    pub(super) tags: Vec<SentTag<'a>>,
}

impl<'a> SentProcess<'a> {
    /// Adds the process as a resource. Two tags of Jaeger's clients get OpenTelemetry's names, unless
    /// those are taken.
    pub(super) fn store(&self, builder: &mut BatchBuilder, budget: &mut Budget) -> Result<u32, DecodeError> {
        budget.group()?;
        let mark = builder.mark();
        if !self.service_name.is_empty() && self.service_name != NO_SERVICE {
            builder.push(b"service.name", ValueRef::Str(self.service_name))?;
        }
        let has = |wanted: &[u8]| self.tags.iter().any(|(key, _)| *key == wanted);
        let host_named = has(b"host.name");
        let exporter_named = has(b"opencensus.exporterversion");
        for (key, value) in &self.tags {
            match (*key, *value) {
                (b"hostname", value) if !host_named => builder.push(b"host.name", value)?,
                (b"jaeger.version", ValueRef::Str(version)) if !exporter_named => {
                    let version = [b"Jaeger-", version].concat();
                    builder.push(b"opencensus.exporterversion", ValueRef::Str(&version))?;
                }
                (key, value) => builder.push(key, value)?,
            }
        }
        let attributes = builder.since(mark);
        Ok(builder.resource(ResourceRow { attributes, ..ResourceRow::default() }))
    }
}
