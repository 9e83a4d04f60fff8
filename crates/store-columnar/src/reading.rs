//! How an open store is read: each question takes one view, and asks its parts.

use std::collections::BTreeSet;

use span::{Tenant, Trace, TraceId};
use store::{
    AttributeName, Capabilities, Measure, Measured, Operation, Search, StoreError, TraceCursor, TracePrefix,
    TraceReader,
};

use crate::cursor::{Parts, PartsCursor};
use crate::hold::Hold;
use crate::measuring;
use crate::view::View;

impl TraceReader for Hold {
    fn capabilities(&self) -> Capabilities {
        Capabilities { exact: |_| true }
    }

    fn trace(&self, tenant: &Tenant, id: TraceId) -> Result<Option<Trace>, StoreError> {
        parts(self, tenant).named(id)
    }

    fn ids_with_prefix(
        &self,
        tenant: &Tenant,
        prefix: TracePrefix,
        limit: usize,
    ) -> Result<Vec<TraceId>, StoreError> {
        let parts = parts(self, tenant);
        let mut ids = BTreeSet::new();
        for part in &parts.all {
            ids.extend(parts.spare(part.ids_with_prefix(prefix, limit))?.into_iter().flatten());
        }
        Ok(ids.into_iter().take(limit).collect())
    }

    fn search(&self, search: Search) -> Result<Box<dyn TraceCursor>, StoreError> {
        search.stop.check()?;
        Ok(Box::new(PartsCursor::new(parts(self, &search.tenant), search, self.helpers())))
    }

    fn services(&self, tenant: &Tenant) -> Result<Vec<String>, StoreError> {
        let parts = parts(self, tenant);
        let mut services = BTreeSet::new();
        for part in &parts.all {
            parts.spare(part.services(&mut services))?;
        }
        Ok(services.into_iter().collect())
    }

    fn measure(&self, measure: &Measure) -> Result<Measured, StoreError> {
        measuring::measure(&parts(self, &measure.search.tenant), measure)
    }

    fn attribute_names(&self, search: &Search) -> Result<Vec<AttributeName>, StoreError> {
        measuring::attribute_names(&parts(self, &search.tenant), search)
    }

    fn operations(&self, tenant: &Tenant, service: &str) -> Result<Vec<Operation>, StoreError> {
        let parts = parts(self, tenant);
        let mut operations = BTreeSet::new();
        for part in &parts.all {
            parts.spare(part.operations(service, &mut operations))?;
        }
        Ok(operations.into_iter().collect())
    }
}

fn parts(hold: &Hold, tenant: &Tenant) -> Parts {
    let all = hold.views.of(tenant).as_deref().map_or_else(Vec::new, View::parts);
    Parts { all, counters: hold.counters.clone(), trace_bytes_max: hold.config.limits.trace_bytes_max }
}
