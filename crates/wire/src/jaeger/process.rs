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

#[cfg(test)]
mod tests {
    use span::{ScopeRow, SpanRow};

    use super::*;

    #[test]
    fn processes_get_names_of_opentelemetry() {
        let check = |service_name: &[u8], tags: &[SentTag<'_>], expected: &str| {
            let mut builder = BatchBuilder::new();
            let process = SentProcess { service_name, tags: tags.to_vec() };
            let resource = process.store(&mut builder, &mut Budget::new()).unwrap();
            let scope = builder.scope(ScopeRow::default());
            builder.span(SpanRow { resource, scope, ..SpanRow::default() });
            let batch = builder.finish();
            let shown = |(key, value): (&[u8], ValueRef<'_>)| {
                format!("{}={}", String::from_utf8_lossy(key), value.text_form())
            };
            let seen: Vec<String> = batch.span(0).resource().attributes().map(shown).collect();
            assert_eq!(seen.join(" "), expected);
        };
        let (box_1, version) = (ValueRef::Str(b"box-1"), ValueRef::Str(b"Go-2.1"));
        check(b"cart", &[(b"hostname", box_1), (b"ip", box_1)], "service.name=cart host.name=box-1 ip=box-1");
        check(b"", &[(b"hostname", box_1), (b"host.name", box_1)], "hostname=box-1 host.name=box-1");
        check(b"", &[(b"jaeger.version", version)], "opencensus.exporterversion=Jaeger-Go-2.1");
        check(NO_SERVICE, &[], "");
    }
}
