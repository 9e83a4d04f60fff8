//! The reference engine: everything in memory, every answer by the plainest scan.
//!
//! It serves `--storage memory` and is the model that other engines are checked against, so it is short
//! before it is fast: batches as they arrived, an ordered map from trace id to the spans' places. Full,
//! it forgets the batches that arrived first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use span::{SpanBatch, SpanRef, Tenant, Trace, TraceId, TraceKey, UnixNanos};

use crate::{
    Capabilities, Operation, Search, StoreError, TraceCursor, TracePrefix, TraceReader, TraceWriter, Write,
};

/// An engine without a disk. Clones share what is stored.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    /// The most bytes of batches that each tenant may keep.
    bytes_max: usize,
    tenants: Arc<RwLock<BTreeMap<Tenant, Tenancy>>>,
}

/// What one tenant stored.
#[derive(Debug, Default)]
struct Tenancy {
    /// Batches by number of arrival; the first is `batch_first`.
    batches: VecDeque<Kept>,
    batch_first: u64,
    /// Invariant: the sum of [`SpanBatch::bytes`] over `batches`.
    bytes: usize,
    /// Where each trace's spans are: number of the batch and row, in order of arrival.
    traces: BTreeMap<TraceId, VecDeque<(u64, usize)>>,
}

/// A batch and when it came.
#[derive(Debug)]
struct Kept {
    received: UnixNanos,
    batch: Arc<SpanBatch>,
}

impl MemoryStore {
    /// Makes an empty store that keeps about `bytes_max` bytes for each tenant.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, tenants: Arc::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Tenant, Tenancy>> {
        self.tenants.read().expect("no code panics while it holds the spans")
    }
}

impl TraceWriter for MemoryStore {
    fn write(&self, group: &[Write]) -> Result<(), StoreError> {
        let mut tenants = self.tenants.write().expect("no code panics while it holds the spans");
        for write in group {
            let tenancy = tenants.entry(write.tenant.clone()).or_default();
            tenancy.keep(&write.batch, write.received);
            while self.bytes_max < tenancy.bytes && 1 < tenancy.batches.len() {
                tenancy.forget_first();
            }
        }
        Ok(())
    }
}

impl TraceReader for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { exact: |_| true }
    }

    fn trace(&self, tenant: &Tenant, id: TraceId) -> Result<Option<Trace>, StoreError> {
        self.read().get(tenant).map_or(Ok(None), |tenancy| tenancy.trace(id))
    }

    fn ids_with_prefix(
        &self,
        tenant: &Tenant,
        prefix: TracePrefix,
        limit: usize,
    ) -> Result<Vec<TraceId>, StoreError> {
        let tenants = self.read();
        let Some(tenancy) = tenants.get(tenant) else { return Ok(Vec::new()) };
        let ids = tenancy.traces.range(prefix.first()..=prefix.last()).map(|(id, _)| *id);
        Ok(ids.take(limit).collect())
    }

    fn search(&self, search: Search) -> Result<Box<dyn TraceCursor>, StoreError> {
        let tenants = self.read();
        let mut keys = Vec::new();
        if let Some(tenancy) = tenants.get(&search.tenant) {
            for id in tenancy.traces.keys() {
                search.stop.check()?;
                keys.extend(tenancy.key_where(*id, &search));
            }
        }
        keys.sort_unstable();
        let keys = keys.into_iter().filter(|key| search.after.is_none_or(|after| after < *key)).collect();
        Ok(Box::new(Cursor { store: self.clone(), search, keys }))
    }

    fn services(&self, tenant: &Tenant) -> Result<Vec<String>, StoreError> {
        let tenants = self.read();
        let spans = tenants.get(tenant).into_iter().flat_map(Tenancy::spans);
        let services: BTreeSet<&str> = spans.map(|span| span.resource().service()).collect();
        Ok(services.into_iter().map(str::to_owned).collect())
    }

    fn operations(&self, tenant: &Tenant, service: &str) -> Result<Vec<Operation>, StoreError> {
        let tenants = self.read();
        let spans = tenants.get(tenant).into_iter().flat_map(Tenancy::spans);
        let of_service = spans.filter(|span| span.resource().service() == service);
        let distinct: BTreeSet<(&str, _)> = of_service.map(|span| (span.operation(), span.kind())).collect();
        let operation = |(name, kind): (&str, _)| Operation { name: name.to_owned(), kind };
        Ok(distinct.into_iter().map(operation).collect())
    }
}

impl Tenancy {
    fn keep(&mut self, batch: &SpanBatch, received: UnixNanos) {
        let number = self.batch_first + self.batches.len() as u64;
        for (row, span) in batch.spans().enumerate() {
            self.traces.entry(span.trace_id()).or_default().push_back((number, row));
        }
        self.bytes += batch.bytes();
        self.batches.push_back(Kept { received, batch: Arc::new(batch.clone()) });
    }

    fn forget_first(&mut self) {
        let Some(Kept { batch, .. }) = self.batches.pop_front() else { return };
        for span in batch.spans() {
            let places = self.traces.get_mut(&span.trace_id()).expect("every stored span has a place");
            places.pop_front();
            if places.is_empty() {
                self.traces.remove(&span.trace_id());
            }
        }
        self.batch_first += 1;
        self.bytes -= batch.bytes();
    }

    fn spans(&self) -> impl Iterator<Item = SpanRef<'_>> {
        self.batches.iter().flat_map(|kept| kept.batch.spans())
    }

    /// Visits the spans of a trace, each with when it came.
    fn arrivals_of(&self, id: TraceId) -> impl Iterator<Item = (UnixNanos, SpanRef<'_>)> {
        let places = self.traces.get(&id).into_iter().flatten();
        places.map(|(number, row)| {
            let kept = &self.batches[(number - self.batch_first) as usize];
            (kept.received, kept.batch.span(*row))
        })
    }

    fn spans_of(&self, id: TraceId) -> impl Iterator<Item = SpanRef<'_>> {
        self.arrivals_of(id).map(|(_, span)| span)
    }

    fn trace(&self, id: TraceId) -> Result<Option<Trace>, StoreError> {
        Ok(Trace::assemble(id, self.spans_of(id))?)
    }

    /// Returns the trace's place in listings, where one of its spans is what the search wants.
    fn key_where(&self, id: TraceId, search: &Search) -> Option<TraceKey> {
        let is_new = |received| search.arrived_after.is_none_or(|after| after < received);
        self.arrivals_of(id).find(|(received, span)| is_new(*received) && search.accepts(*span))?;
        let start = self.spans_of(id).map(SpanRef::start).min()?;
        Some(TraceKey { start, id })
    }
}

/// The keys that matched when the search began; traces are put together as they are pulled.
struct Cursor {
    store: MemoryStore,
    search: Search,
    keys: VecDeque<TraceKey>,
}

impl TraceCursor for Cursor {
    fn next(&mut self) -> Result<Option<Trace>, StoreError> {
        while let Some(key) = self.keys.pop_front() {
            self.search.stop.check()?;
            // Forgotten meanwhile, a trace is left out.
            if let Some(trace) = self.store.trace(&self.search.tenant, key.id)? {
                return Ok(Some(trace));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn conforms() {
        conformance::run(|| MemoryStore::new(usize::MAX));
    }

    #[test]
    fn full_store_forgets_what_came_first() {
        let write = |id: u64| conformance::write(&conformance::one("cart", "GET", id, 100 * id));
        let bytes = write(1).batch.bytes();
        let store = MemoryStore::new(2 * bytes);
        for id in 1..=3 {
            store.write(&[write(id)]).unwrap();
        }
        let tenant = Tenant::default();
        let found = |id: u64| store.trace(&tenant, TraceId::from_halves(0, id)).unwrap().is_some();
        assert_eq!([found(1), found(2), found(3)], [false, true, true]);
    }
}
