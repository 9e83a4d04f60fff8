//! Who sent spans: processes as resources, and the scopes that tags name.

use std::collections::HashMap;

use span::{BatchBuilder, ResourceRow, ScopeRow, ValueRef};

use super::sent::SentTag;
use crate::DecodeError;
use crate::budget::Budget;

/// The name that collectors give to a service that has none.
const NO_SERVICE: &[u8] = b"OTLPResourceNoServiceName";

/// A process, as sent.
#[derive(Debug, Default)]
pub(super) struct SentProcess<'a> {
    pub(super) service_name: &'a [u8],
    pub(super) tags: Vec<SentTag<'a>>,
}

/// The scopes of one message, each once.
#[derive(Debug, Default)]
pub(super) struct Groups<'a> {
    scopes: HashMap<NameAndVersion<'a>, u32>,
    /// Spans of one library come in runs.
    last: Option<(NameAndVersion<'a>, u32)>,
}

type NameAndVersion<'a> = (&'a [u8], &'a [u8]);

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

impl<'a> Groups<'a> {
    /// Returns the scope with this name and version.
    pub(super) fn scope(
        &mut self,
        name: &'a [u8],
        version: &'a [u8],
        builder: &mut BatchBuilder,
        budget: &mut Budget,
    ) -> Result<u32, DecodeError> {
        let key = (name, version);
        if let Some((last, scope)) = self.last
            && last == key
        {
            return Ok(scope);
        }
        let scope = match self.scopes.get(&key) {
            Some(scope) => *scope,
            None => {
                budget.group()?;
                let (name, version) = (builder.text(name)?, builder.text(version)?);
                let scope = builder.scope(ScopeRow { name, version, ..ScopeRow::default() });
                self.scopes.insert(key, scope);
                scope
            }
        };
        self.last = Some((key, scope));
        Ok(scope)
    }
}
