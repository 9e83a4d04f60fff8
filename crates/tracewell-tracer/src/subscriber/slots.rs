//! Where the spans of a subscriber live: pages of slots that are never freed, so that a place is always
//! there to be looked at, and never mistaken for its next tenant.
//!
//! An id is `table 7 bits | tenancy 32 bits | place 24 bits`. What readers want most (ids and
//! flags) is read without a lock, as [`Tenancy`] says; the rest is behind one. Ids of other tables, of later tenancies or of nowhere find
//! nothing; no state of a table makes that unsound, because there is nothing unsafe here.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracewell_context::{Context, SpanContext, SpanId, TraceFlags, TraceId};
use tracing_core::Metadata;

use crate::fork;
use crate::record::Record;
use crate::tenancy::{Tenancy, Tenant};

/// Slots of the first page; each next page has twice as many.
const PAGE_FIRST: usize = 64;
/// Pages: some 16 million spans open at once, which is what 24 bits name.
const PAGES: usize = 18;
const PLACE_BITS: u32 = 24;
const TABLE_BITS: u32 = 7;
/// Lists of free places; each thread prefers one.
const SHARDS: usize = 16;
/// New places that a thread takes at once.
const FRESH: u32 = 32;
/// The id of a span for which there was no place.
const NOWHERE: u64 = (1 << PLACE_BITS) - 1;

const RECORDED: u32 = 1 << 8;
const REMOTE: u32 = 1 << 9;
/// The context has more than ids and flags: it is behind the lock.
const RICH: u32 = 1 << 10;
const DECIDED: u32 = 1 << 11;

static TABLES: AtomicU64 = AtomicU64::new(0);
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The table of one subscriber.
#[derive(Debug)]
pub(super) struct Slots {
    table: u64,
    /// The process that it was made in.
    home: u32,
    pages: [OnceLock<Box<[Slot]>>; PAGES],
    /// Places below this were used once.
    fresh: AtomicU32,
    free: [Mutex<Vec<u32>>; SHARDS],
}

#[derive(Debug, Default)]
struct Slot {
    tenancy: Tenancy,
    body: Mutex<Body>,
}

#[derive(Debug, Default)]
struct Body {
    record: Option<Box<Record>>,
    metadata: Option<&'static Metadata<'static>>,
    /// Only where the bits say rich.
    context: Option<Context>,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            table: TABLES.fetch_add(1, Ordering::Relaxed) % ((1 << TABLE_BITS) - 1) + 1,
            home: fork::process(),
            pages: std::array::from_fn(|_| OnceLock::new()),
            fresh: AtomicU32::new(0),
            free: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Slots {
    /// Gives a span a slot, held once.
    #[inline]
    pub(super) fn insert(
        &self,
        metadata: &'static Metadata<'static>,
        context: Context,
        record: Option<Box<Record>>,
    ) -> u64 {
        let Some(place) = self.take_place() else {
            if let Some(record) = record {
                record.engine().depot.dropped_late();
            }
            return NOWHERE;
        };
        let slot = self.slot(place);
        let span = &context.span;
        let mut bits = u32::from(span.flags.bits());
        bits |= if record.is_some() { RECORDED } else { 0 } | if span.is_remote { REMOTE } else { 0 };
        let decided = context.sampling == tracewell_context::Sampling::Decided;
        bits |= if decided { DECIDED } else { 0 };
        let plain = decided && span.trace_state.as_str().is_empty() && context.baggage.is_empty();
        let empty = context == Context::default();
        bits |= if plain || empty { 0 } else { RICH };
        slot.tenancy.prepare(Tenant {
            trace_high: span.trace_id.high(),
            trace_low: span.trace_id.low(),
            span: span.span_id.to_u64(),
            bits,
        });
        let mut body = lock(&slot.body);
        body.record = record;
        body.metadata = Some(metadata);
        body.context = (bits & RICH != 0).then_some(context);
        drop(body);
        let tenancy = slot.tenancy.begin();
        self.table << (PLACE_BITS + 32) | tenancy << PLACE_BITS | u64::from(place)
    }

    /// Holds a span once more; returns whether it is still there.
    #[inline]
    pub(super) fn hold(&self, id: u64) -> bool {
        let Some((slot, tenancy)) = self.find(id) else { return false };
        slot.tenancy.hold(tenancy)
    }

    /// Lets go of a span. The last to do so gets what was recorded, if anything was.
    #[inline]
    pub(super) fn release(&self, id: u64) -> Option<Option<Box<Record>>> {
        let (slot, tenancy) = self.find(id)?;
        if !slot.tenancy.leave(tenancy)? {
            return None;
        }
        let mut body = lock(&slot.body);
        let record = body.record.take();
        body.context = None;
        drop(body);
        slot.tenancy.vacate(tenancy);
        let place = (id & NOWHERE) as u32;
        self.free(shard(), place);
        Some(record)
    }

    /// Returns a span's context.
    #[inline]
    pub(super) fn context(&self, id: u64) -> Option<Context> {
        let (slot, tenancy) = self.find(id)?;
        let behind_lock = |bits: u32| if bits & RICH == 0 { None } else { lock(&slot.body).context.clone() };
        let (tenant, rich) = slot.tenancy.read(tenancy, behind_lock)?;
        let bits = tenant.bits;
        if let Some(rich) = rich {
            return Some(rich);
        }
        if bits & DECIDED == 0 {
            return Some(Context::default());
        }
        let trace_id = TraceId::from_halves(tenant.trace_high, tenant.trace_low);
        let span_id = SpanId::from_u64(tenant.span);
        let mut span = SpanContext::new(trace_id, span_id, TraceFlags::from_bits(bits as u8));
        span.is_remote = bits & REMOTE != 0;
        Some(Context::of(span))
    }

    /// Tells whether a span is there and recorded.
    #[inline]
    pub(super) fn is_recorded(&self, id: u64) -> bool {
        self.find(id)
            .is_some_and(|(slot, tenancy)| slot.tenancy.is(tenancy) && slot.tenancy.bits() & RECORDED != 0)
    }

    /// Tells whether a span is there, is not recorded, and has that context's ids.
    #[inline]
    pub(super) fn is_unrecorded(&self, id: u64, context: &Context) -> bool {
        self.find(id).is_some_and(|(slot, tenancy)| {
            slot.tenancy.is(tenancy)
                && slot.tenancy.bits() & RECORDED == 0
                && slot.tenancy.has_ids(context.span.trace_id.low(), context.span.span_id.to_u64())
        })
    }

    /// Calls `change` with a span's record, if it is there. Nothing of a user's may run in it.
    pub(super) fn with_record(&self, id: u64, change: impl FnOnce(&mut Record)) {
        let Some((slot, tenancy)) = self.find(id) else { return };
        let mut body = lock(&slot.body);
        // Under the lock, because only who ends the tenancy takes the record, and does so under it.
        if slot.tenancy.is(tenancy)
            && let Some(record) = &mut body.record
        {
            change(record);
        }
    }

    /// Returns a span's metadata.
    pub(super) fn metadata(&self, id: u64) -> Option<&'static Metadata<'static>> {
        let (slot, tenancy) = self.find(id)?;
        let body = lock(&slot.body);
        if slot.tenancy.is(tenancy) { body.metadata } else { None }
    }

    #[inline]
    fn find(&self, id: u64) -> Option<(&Slot, u64)> {
        let place = id & NOWHERE;
        if id >> (PLACE_BITS + 32) != self.table {
            return None;
        }
        let (page, at) = page_of(place as usize);
        let slot = self.pages.get(page)?.get()?.get(at)?;
        Some((slot, (id >> PLACE_BITS) & u64::from(u32::MAX)))
    }

    fn slot(&self, place: u32) -> &Slot {
        let (page, at) = page_of(place as usize);
        &self.pages[page].get_or_init(|| (0..PAGE_FIRST << page).map(|_| Slot::default()).collect())[at]
    }

    #[inline]
    fn take_place(&self) -> Option<u32> {
        let own = shard();
        match fork::lock(&self.free[own], self.home).and_then(|mut free| free.pop()) {
            Some(place) => Some(place),
            None => self.find_place(own),
        }
    }

    /// Takes half of what another thread freed, or places that nobody had.
    #[cold]
    fn find_place(&self, own: usize) -> Option<u32> {
        for other in (0..SHARDS).filter(|other| *other != own) {
            let Ok(mut theirs) = self.free[other].try_lock() else { continue };
            let half = theirs.len() / 2;
            let mut taken = theirs.split_off(half);
            drop(theirs);
            if let Some(place) = taken.pop() {
                if let Some(mut free) = fork::lock(&self.free[own], self.home) {
                    free.append(&mut taken);
                }
                return Some(place);
            }
        }
        let places = (PAGE_FIRST * ((1 << PAGES) - 1)) as u32;
        let more = |fresh: u32| (fresh + FRESH < places).then(|| fresh + FRESH);
        let first = self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        if let Some(mut free) = fork::lock(&self.free[own], self.home) {
            free.extend((first + 1..first + FRESH).rev());
        }
        Some(first)
    }

    /// Gives a place to whoever wants one next; in a forked child it may be lost.
    #[inline]
    fn free(&self, own: usize, place: u32) {
        if let Some(mut free) = fork::lock(&self.free[own], self.home) {
            free.push(place);
        }
    }
}

#[inline]
fn page_of(place: usize) -> (usize, usize) {
    let shifted = place + PAGE_FIRST;
    let page = (shifted.ilog2() - PAGE_FIRST.ilog2()) as usize;
    (page, shifted - (PAGE_FIRST << page))
}

/// Returns the thread's list of free places.
#[inline]
fn shard() -> usize {
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

/// Locks; whatever a panic left inside is whole, because each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> &'static Metadata<'static> {
        use tracing::callsite::DefaultCallsite;
        use tracing::field::FieldSet;
        use tracing_core::{Kind, identify_callsite};
        static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
        static METADATA: Metadata<'static> = Metadata::new(
            "x",
            "x",
            tracing::Level::INFO,
            None,
            None,
            None,
            FieldSet::new(&[], identify_callsite!(&CALLSITE)),
            Kind::SPAN,
        );
        &METADATA
    }

    fn numbered(number: u64) -> Context {
        Context::of(SpanContext::new(
            TraceId::from_halves(1, number),
            SpanId::from_u64(number),
            TraceFlags::SAMPLED,
        ))
    }

    #[test]
    fn places_and_pages_agree() {
        assert_eq!(page_of(0), (0, 0));
        assert_eq!(page_of(63), (0, 63));
        assert_eq!(page_of(64), (1, 0));
        assert_eq!(page_of(191), (1, 127));
        assert_eq!(page_of(192), (2, 0));
    }

    #[test]
    fn ids_that_outlived_their_span_find_nothing() {
        let slots = Slots::default();
        let first = slots.insert(metadata(), numbered(1), None);
        assert_eq!(slots.context(first), Some(numbered(1)));
        assert!(slots.hold(first));
        assert!(slots.release(first).is_none());
        assert!(slots.release(first).is_some());
        assert!(slots.release(first).is_none());
        assert_eq!(slots.context(first), None);
        let second = slots.insert(metadata(), numbered(2), None);
        assert_ne!(first, second);
        assert!(!slots.hold(first));
        assert_eq!(slots.context(second), Some(numbered(2)));
        assert_eq!(Slots::default().context(second), None);
    }

    #[test]
    fn many_threads_never_see_another_tenant() {
        let slots = Slots::default();
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let slots = &slots;
                scope.spawn(move || {
                    for round in 0..20_000 {
                        let number = thread << 32 | (round + 1);
                        let id = slots.insert(metadata(), numbered(number), None);
                        assert_eq!(slots.context(id), Some(numbered(number)));
                        assert!(slots.release(id).is_some());
                        assert_eq!(slots.context(id), None);
                    }
                });
            }
        });
        // Freed places are used again, whichever thread freed them.
        assert!(slots.fresh.load(Ordering::Relaxed) <= FRESH * 4 * 4);
    }
}
