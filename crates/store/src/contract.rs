//! What an engine promises.

use span::{SpanBatch, SpanKind, Tenant, Trace, TraceId, UnixNanos};

use crate::{
    AttributeName, Detail, Measure, Measured, Predicate, Search, StoreError, TraceCursor, TracePrefix, scan,
};

/// Keeps spans.
pub trait TraceWriter: Send + Sync {
    /// Keeps all of `group`, or fails. When it returns `Ok`, every span is durable and visible to every
    /// read that begins afterwards. When it fails, spans may or may not be kept, but none is lost later
    /// that a read has shown. Called from several threads; each call blocks for one disk sync.
    fn write(&self, group: &[Write]) -> Result<(), StoreError>;
}

/// One batch on its way into an engine.
#[derive(Clone, Debug)]
pub struct Write {
    /// Whose spans these are.
    pub tenant: Tenant,
    /// When they arrived, by our clock. Retention counts from here.
    pub received: UnixNanos,
    /// The spans.
    pub batch: SpanBatch,
}

/// Finds spans. Every read sees one consistent state.
pub trait TraceReader: Send + Sync {
    /// Returns what this engine can do exactly.
    fn capabilities(&self) -> Capabilities;

    /// Returns the whole trace, or `None` where no span of it is stored.
    fn trace(&self, tenant: &Tenant, id: TraceId) -> Result<Option<Trace>, StoreError>;

    /// Returns the ids that begin with `prefix`, ascending, at most `limit`.
    fn ids_with_prefix(
        &self,
        tenant: &Tenant,
        prefix: TracePrefix,
        limit: usize,
    ) -> Result<Vec<TraceId>, StoreError>;

    /// Begins a search. Traces come newest first ([`span::TraceKey`]), each once, with every stored
    /// span; the search's state is the one at this call.
    fn search(&self, search: Search) -> Result<Box<dyn TraceCursor>, StoreError>;

    /// Returns all services with stored spans, by name.
    fn services(&self, tenant: &Tenant) -> Result<Vec<String>, StoreError>;

    /// Returns the distinct operations of `service`, by name and kind. An unknown service has none.
    fn operations(&self, tenant: &Tenant, service: &str) -> Result<Vec<Operation>, StoreError>;

    /// Counts the spans that a search accepts, by what they have in common.
    fn measure(&self, measure: &Measure) -> Result<Measured, StoreError> {
        let search = Search { after: None, detail: Detail::Whole, ..measure.search.clone() };
        scan::measure(&mut *self.search(search)?, measure)
    }

    /// Returns the attributes of the spans that a search accepts: those of spans first, then of resources, scopes,
    /// events and links, each by key.
    fn attribute_names(&self, search: &Search) -> Result<Vec<AttributeName>, StoreError> {
        let search = Search { after: None, detail: Detail::Whole, ..search.clone() };
        scan::attribute_names(&mut *self.search(search.clone())?, &search)
    }
}

/// An operation of a service: distinct name and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// The span name.
    pub name: String,
    /// The span kind.
    pub kind: SpanKind,
}

/// What an engine answers by itself.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Tells whether a predicate is answered exactly. Where it is not, the engine returns a superset
    /// and its caller checks again.
    pub exact: fn(&Predicate) -> bool,
}
