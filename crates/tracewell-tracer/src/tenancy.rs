//! A place that spans live in one after the other, and what is read of its tenant without a lock.
//!
//! `state` holds the number of the tenancy and how many hold it; without a holder nobody lives here.
//! Ids and bits are written before a tenancy begins and read between two looks at `state`: if the
//! tenancy is still the reader's at the second look, what was read was its own. The fences make that
//! hold on every processor; `tests/loom.rs` tries all orders.

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// A place.
#[derive(Debug)]
pub(crate) struct Tenancy {
    /// Tenancy in the high half, holders in the low one.
    state: AtomicU64,
    trace_high: AtomicU64,
    trace_low: AtomicU64,
    span: AtomicU64,
    bits: AtomicU32,
}

/// What is read of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) trace_high: u64,
    pub(crate) trace_low: u64,
    pub(crate) span: u64,
    pub(crate) bits: u32,
}

impl Default for Tenancy {
    fn default() -> Self {
        Self {
            state: AtomicU64::new(0),
            trace_high: AtomicU64::new(0),
            trace_low: AtomicU64::new(0),
            span: AtomicU64::new(0),
            bits: AtomicU32::new(0),
        }
    }
}

impl Tenancy {
    /// Writes down who moves in. Nobody lives here, and only one moves in.
    #[inline]
    pub(crate) fn prepare(&self, tenant: Tenant) {
        // Whoever reads any of what follows sees that the tenancy before is over.
        fence(Ordering::Release);
        self.trace_high.store(tenant.trace_high, Ordering::Relaxed);
        self.trace_low.store(tenant.trace_low, Ordering::Relaxed);
        self.span.store(tenant.span, Ordering::Relaxed);
        self.bits.store(tenant.bits, Ordering::Relaxed);
    }

    /// Begins the tenancy, held once, and returns its number.
    #[inline]
    pub(crate) fn begin(&self) -> u64 {
        let number = self.state.load(Ordering::Relaxed) >> 32;
        self.state.store(number << 32 | 1, Ordering::Release);
        number
    }

    /// Tells whether that tenancy goes on.
    #[inline]
    pub(crate) fn is(&self, number: u64) -> bool {
        let state = self.state.load(Ordering::Acquire);
        state >> 32 == number && 0 < state as u32
    }

    /// Returns the tenant, and what `beside` reads with its bits, if the tenancy goes on.
    #[inline]
    pub(crate) fn read<T>(&self, number: u64, beside: impl FnOnce(u32) -> T) -> Option<(Tenant, T)> {
        if !self.is(number) {
            return None;
        }
        let tenant = Tenant {
            trace_high: self.trace_high.load(Ordering::Relaxed),
            trace_low: self.trace_low.load(Ordering::Relaxed),
            span: self.span.load(Ordering::Relaxed),
            bits: self.bits.load(Ordering::Relaxed),
        };
        let more = beside(tenant.bits);
        fence(Ordering::Acquire);
        self.is(number).then_some((tenant, more))
    }

    /// Returns the bits of whoever lives here.
    #[inline]
    pub(crate) fn bits(&self) -> u32 {
        self.bits.load(Ordering::Relaxed)
    }

    /// Tells whether whoever lives here has these ids.
    #[inline]
    pub(crate) fn has_ids(&self, trace_low: u64, span: u64) -> bool {
        self.span.load(Ordering::Relaxed) == span && self.trace_low.load(Ordering::Relaxed) == trace_low
    }

    /// Holds the tenancy once more; returns whether it goes on.
    #[inline]
    pub(crate) fn hold(&self, number: u64) -> bool {
        let held = |state: u64| (state >> 32 == number && 0 < state as u32).then(|| state + 1);
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, held).is_ok()
    }

    /// Lets go once; returns whether that was the last hold, and nothing if it is over already. The last
    /// one clears the place and calls [`Self::vacate`].
    #[inline]
    pub(crate) fn leave(&self, number: u64) -> Option<bool> {
        let fewer = |state: u64| (state >> 32 == number && 0 < state as u32).then(|| state - 1);
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fewer).ok()?;
        Some(before as u32 == 1)
    }

    /// Makes the place ready for the next tenancy.
    #[inline]
    pub(crate) fn vacate(&self, number: u64) {
        // Nobody holds it, so nobody else writes here; ids of this tenancy find nothing from now on.
        let next = (number + 1) & u64::from(u32::MAX);
        self.state.store(next << 32, Ordering::Release);
    }
}
