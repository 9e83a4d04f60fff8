//! A trace as it is read back: all its stored spans in one batch, each once.
//!
//! Two stored spans are one when trace id, span id, kind, start, name and resource agree: that is what
//! a sender's retry produces. Client and server halves that share an id stay two.

use hashbrown::{HashMap, HashSet};

use crate::batch_builder::Copied;
use crate::{
    BatchBuilder, BatchFull, ResourceRef, SpanBatch, SpanId, SpanKind, SpanRef, TraceId, UnixNanos, ValueRef,
};

/// All stored spans of one trace, ordered by start, then span id, then kind.
#[derive(Clone, Debug)]
pub struct Trace {
    id: TraceId,
    batch: SpanBatch,
}

/// The place of a trace in every listing: newest start first, ties by id, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceKey {
    /// The start of the trace's earliest stored span.
    pub start: UnixNanos,
    /// Its id.
    pub id: TraceId,
}

impl Trace {
    /// Puts a trace together from spans of any number of batches. Spans of other traces are left out,
    /// repeated ones collapse. `None` where nothing remains.
    pub fn assemble<'a>(
        id: TraceId,
        spans: impl IntoIterator<Item = SpanRef<'a>>,
    ) -> Result<Option<Self>, BatchFull> {
        let mut spans: Vec<SpanRef<'a>> = spans.into_iter().filter(|span| span.trace_id() == id).collect();
        if spans.is_empty() {
            return Ok(None);
        }
        spans.sort_by_key(|span| (span.start(), span.span_id(), span.kind(), span.name()));
        let mut seen: HashSet<Identity<'a>, foldhash::fast::RandomState> =
            HashSet::with_capacity_and_hasher(spans.len(), foldhash::fast::RandomState::default());
        let mut builder = BatchBuilder::new();
        let mut copied: Vec<(*const SpanBatch, Copied)> = Vec::new();
        let mut resources = ResourceHashes::default();
        for span in spans {
            if !seen.insert(Identity::of(span, resources.hash_of(span))) {
                continue;
            }
            let batch: *const SpanBatch = span.batch();
            let at = copied.iter().position(|(known, _)| std::ptr::eq(*known, batch)).unwrap_or_else(|| {
                copied.push((batch, Copied::default()));
                copied.len() - 1
            });
            builder.append_one(span, &mut copied[at].1)?;
        }
        Ok(Some(Self { id, batch: builder.finish() }))
    }

    /// Returns its id.
    pub const fn id(&self) -> TraceId {
        self.id
    }

    /// Returns its spans as a batch.
    pub const fn batch(&self) -> &SpanBatch {
        &self.batch
    }

    /// Visits its spans, by start.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = SpanRef<'_>> {
        self.batch.spans()
    }

    /// Returns the start of its earliest span.
    pub fn start(&self) -> UnixNanos {
        self.batch.span(0).start()
    }

    /// Returns the end of its latest span.
    pub fn end(&self) -> UnixNanos {
        self.spans().map(SpanRef::end).max().unwrap_or_default()
    }

    /// Returns its place in listings.
    pub fn key(&self) -> TraceKey {
        TraceKey { start: self.start(), id: self.id }
    }
}

impl Ord for TraceKey {
    /// Orders as listings do: a newer start is less.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.start.cmp(&self.start).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for TraceKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What makes a stored span itself. The resource stands as the hash of its content.
#[derive(PartialEq, Eq, Hash)]
struct Identity<'a> {
    span_id: SpanId,
    kind: SpanKind,
    start: UnixNanos,
    name: &'a [u8],
    resource: u64,
}

impl<'a> Identity<'a> {
    fn of(span: SpanRef<'a>, resource: u64) -> Self {
        Self { span_id: span.span_id(), kind: span.kind(), start: span.start(), name: span.name(), resource }
    }
}

/// Content hashes of resources, each computed once: a resource has dozens of attributes and
/// hundreds of spans.
#[derive(Default)]
struct ResourceHashes(HashMap<(usize, u32), u64, foldhash::fast::RandomState>);

impl ResourceHashes {
    fn hash_of(&mut self, span: SpanRef<'_>) -> u64 {
        let place = (std::ptr::from_ref(span.batch()) as usize, span.row().resource);
        *self.0.entry(place).or_insert_with(|| span.resource().content_hash())
    }
}

impl ResourceRef<'_> {
    /// Returns a hash over keys and values, the same in every process: equal resources of different
    /// batches have equal hashes.
    pub fn content_hash(self) -> u64 {
        let mut hash = Fnv::START;
        for (key, value) in self.attributes() {
            hash.eat(key);
            hash.eat_value(value);
        }
        hash.0
    }
}

/// FNV-1a, 64 bits: short inputs, no seed, no state to keep.
struct Fnv(u64);

impl Fnv {
    const START: Self = Self(0xcbf2_9ce4_8422_2325);

    fn eat(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn eat_value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Empty => self.eat(b"e"),
            ValueRef::Str(bytes) => self.eat(bytes),
            ValueRef::Bool(on) => self.eat(&[b'b', u8::from(on)]),
            ValueRef::Int(number) => self.eat(&number.to_le_bytes()),
            ValueRef::Double(number) => self.eat(&number.to_bits().to_be_bytes()),
            ValueRef::Bytes(bytes) => self.eat(bytes),
            ValueRef::Array(list) => self.eat(list.packed().bytes()),
            ValueRef::Map(map) => self.eat(map.packed().bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ResourceRow, ScopeRow, SpanRow};

    fn batch(service: &[u8], spans: &[(u64, u64, SpanKind)]) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        let mark = builder.mark();
        builder.push(b"service.name", ValueRef::Str(service)).unwrap();
        let attributes = builder.since(mark);
        let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
        let scope = builder.scope(ScopeRow::default());
        for &(id, start, kind) in spans {
            builder.span(SpanRow {
                trace_id: TraceId::from_halves(0, 1),
                span_id: SpanId::from_u64(id),
                start: UnixNanos(start),
                end: UnixNanos(start + 1),
                kind,
                resource,
                scope,
                ..SpanRow::default()
            });
        }
        builder.finish()
    }

    fn ids(trace: &Trace) -> Vec<u64> {
        trace.spans().map(|span| span.span_id().to_u64()).collect()
    }

    #[test]
    fn retries_collapse_and_halves_stay_two() {
        let first = batch(b"a", &[(2, 20, SpanKind::Client), (1, 10, SpanKind::Server)]);
        let retry = batch(b"a", &[(1, 10, SpanKind::Server), (2, 20, SpanKind::Server)]);
        let other = batch(b"b", &[(2, 20, SpanKind::Client)]);
        let all = first.spans().chain(retry.spans()).chain(other.spans());
        let trace = Trace::assemble(TraceId::from_halves(0, 1), all).unwrap().unwrap();
        assert_eq!(ids(&trace), [1, 2, 2, 2]);
        assert_eq!((trace.start(), trace.end()), (UnixNanos(10), UnixNanos(21)));
    }

    #[test]
    fn listings_are_newest_first_then_by_id() {
        let key = |start, id| TraceKey { start: UnixNanos(start), id: TraceId::from_halves(0, id) };
        let mut keys = [key(5, 1), key(9, 2), key(9, 1)];
        keys.sort();
        assert_eq!(keys, [key(9, 1), key(9, 2), key(5, 1)]);
    }

    #[test]
    fn absent_traces_are_none() {
        let spans = batch(b"a", &[(1, 1, SpanKind::Server)]);
        assert!(Trace::assemble(TraceId::from_halves(9, 9), spans.spans()).unwrap().is_none());
    }
}
