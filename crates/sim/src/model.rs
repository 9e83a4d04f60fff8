//! What must be there, and what may be.

use std::collections::{BTreeMap, BTreeSet};

use span::{BatchBuilder, SpanBatch, Tenant, UnixNanos};
use store::{MemoryStore, TraceWriter as _, Write};

use crate::fingerprint::fingerprint;
use crate::plan::TENANTS;

/// The fingerprints of a tenant's spans.
pub(crate) type Spans = BTreeSet<u64>;

/// Every write so far, and what is known of its fate.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) written: Vec<Written>,
}

#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) tenant: u8,
    pub(crate) received: UnixNanos,
    pub(crate) batch: SpanBatch,
    /// One fingerprint for each span.
    pub(crate) spans: Vec<u64>,
    pub(crate) fate: Fate,
}

/// What is known of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was acknowledged, or seen after a start: it must be there.
    Kept,
    /// It failed or was interrupted: the next start shows it whole, or never.
    Open,
    /// Retention may have forgotten it, or another copy hides whether it is there.
    Maybe,
    /// It is not there and must not come back.
    Gone,
}

/// When a model is compared with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Right after a start: what is not there now will never be.
    Start,
    /// In between.
    Life,
}

impl Model {
    pub(crate) fn add(&mut self, tenant: u8, received: UnixNanos, batch: SpanBatch, fate: Fate) {
        let spans = batch.spans().map(fingerprint).collect();
        self.written.push(Written { tenant, received, batch, spans, fate });
    }

    /// Notes that everything that arrived before may have been forgotten.
    pub(crate) fn fade(&mut self, before: UnixNanos) {
        for written in &mut self.written {
            if written.fate == Fate::Kept && written.received < before {
                written.fate = Fate::Maybe;
            }
        }
    }

    /// Says what is wrong with `found`, if anything is, and learns from it.
    pub(crate) fn settle(&mut self, tenant: u8, found: &Spans, moment: Moment) -> Result<(), String> {
        let holders = self.holders(tenant);
        for fingerprint in found {
            if !holders.contains_key(fingerprint) {
                return Err(format!("tenant {tenant}: a span is there that was never written, or is gone"));
            }
        }
        for (number, written) in self.of(tenant) {
            let there = written.spans.iter().filter(|span| found.contains(span)).count();
            if written.fate == Fate::Kept && there < written.spans.len() {
                let (missing, all) = (written.spans.len() - there, written.spans.len());
                return Err(format!(
                    "tenant {tenant}: {missing} of {all} acknowledged spans of write {number} are gone"
                ));
            }
        }
        self.learn(tenant, found, moment, &holders)
    }

    /// Decides the fates that `found` decides.
    fn learn(
        &mut self,
        tenant: u8,
        found: &Spans,
        moment: Moment,
        holders: &BTreeMap<u64, Vec<usize>>,
    ) -> Result<(), String> {
        for number in 0..self.written.len() {
            let written = &self.written[number];
            if written.tenant != tenant || !matches!(written.fate, Fate::Open | Fate::Maybe) {
                continue;
            }
            let there = written.spans.iter().filter(|span| found.contains(span)).count();
            let first = written.spans.first().and_then(|span| holders.get(span));
            let others = || first.into_iter().flatten().filter(|other| **other != number);
            let is_alone = others().next().is_none();
            if is_alone && 0 < there && there < written.spans.len() {
                let all = written.spans.len();
                return Err(format!("tenant {tenant}: {there} of {all} spans of write {number} are there"));
            }
            let is_there = there == written.spans.len();
            let is_first_of_copies = others().all(|other| {
                let other = &self.written[*other];
                other.fate == Fate::Open && written.received <= other.received
            });
            let fate = match (written.fate, is_there) {
                // Of several copies the one that retention forgets first is known to be needed till then.
                (Fate::Open, true) if is_alone || is_first_of_copies => Fate::Kept,
                (Fate::Open, true) => Fate::Maybe,
                (Fate::Open, false) if moment == Moment::Life => Fate::Open,
                (_, false) => Fate::Gone,
                (fate, true) => fate,
            };
            self.written[number].fate = fate;
        }
        Ok(())
    }

    /// Returns how many spans may be stored for a tenant, each copy counted.
    pub(crate) fn stored_max(&self, tenant: u8) -> u64 {
        self.of(tenant).map(|(_, written)| written.spans.len() as u64).sum()
    }

    /// Returns an engine in memory that holds what was found.
    pub(crate) fn reference(&self, found: &[Spans]) -> MemoryStore {
        let store = MemoryStore::new(usize::MAX);
        for tenant in 0..TENANTS {
            let mut wanted = found[usize::from(tenant)].clone();
            let mut builder = BatchBuilder::new();
            for (_, written) in self.of(tenant) {
                let spans = written.batch.spans().zip(&written.spans);
                let taken = spans.filter(|(_, fingerprint)| wanted.remove(fingerprint)).map(|(span, _)| span);
                builder.append(taken).expect("a plan writes less than a batch may hold");
            }
            let batch = builder.finish();
            let write = Write { tenant: tenant_of(tenant), received: UnixNanos::MIN, batch };
            store.write(&[write]).expect("the engine in memory takes everything");
        }
        store
    }

    /// Visits a tenant's writes that may be there.
    fn of(&self, tenant: u8) -> impl Iterator<Item = (usize, &Written)> {
        let written = self.written.iter().enumerate();
        written.filter(move |(_, written)| written.tenant == tenant && written.fate != Fate::Gone)
    }

    /// Returns which writes hold each span that may be there.
    fn holders(&self, tenant: u8) -> BTreeMap<u64, Vec<usize>> {
        let mut holders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (number, written) in self.of(tenant) {
            for fingerprint in &written.spans {
                holders.entry(*fingerprint).or_default().push(number);
            }
        }
        holders
    }
}

/// Returns a tenant by its number.
pub(crate) fn tenant_of(number: u8) -> Tenant {
    Tenant::new(["default", "other", "third"][usize::from(number)]).expect("it is a good name")
}
