//! The memory of all requests on their way, one pool for all listeners.
//!
//! Bytes are taken as they arrive, never as they are claimed: a client that announces much and sends little
//! holds little. Nobody waits for memory, because whoever waits holds some: what finds none is refused with a code
//! that says to come again. The last quarter is for small requests, so that a few large ones do not lock them out.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A request up to here may take from the last quarter.
const SMALL_BYTES: usize = 1 << 20;

/// Bytes that may be held.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    free: Arc<Semaphore>,
    bytes_max: usize,
}

/// Bytes that one request holds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    pool: Pool,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self { free: Arc::new(Semaphore::new(bytes_max)), bytes_max }
    }

    /// Starts a request, which holds nothing yet.
    pub(crate) fn share(&self) -> Share {
        Share { pool: self.clone(), permit: None }
    }

    /// Returns the bytes that are held now.
    pub(crate) fn bytes_held(&self) -> usize {
        self.bytes_max.saturating_sub(self.free.available_permits())
    }
}

impl Share {
    /// Takes more bytes; `false` when there are none for this request.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let kept_back = if held + bytes <= SMALL_BYTES { 0 } else { self.pool.bytes_max / 4 };
        let free = &self.pool.free;
        if free.available_permits() < bytes.saturating_add(kept_back) {
            return false;
        }
        let Ok(bytes) = u32::try_from(bytes) else { return false };
        let Ok(more) = Arc::clone(free).try_acquire_many_owned(bytes) else { return false };
        match &mut self.permit {
            None => self.permit = Some(more),
            Some(permit) => permit.merge(more),
        }
        true
    }

    /// Gives back what is held above `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if let Some(permit) = &mut self.permit {
            drop(permit.split(permit.num_permits().saturating_sub(bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let pool = Pool::new(8 * MIB);
        let mut share = pool.share();
        assert!(share.grow(4 * MIB) && share.grow(2 * MIB));
        assert_eq!(pool.bytes_held(), 6 * MIB);
        share.shrink_to(MIB);
        assert_eq!(pool.bytes_held(), MIB);
        drop(share);
        assert_eq!(pool.bytes_held(), 0);
    }

    #[test]
    fn large_requests_leave_a_quarter_to_small_ones() {
        let pool = Pool::new(8 * MIB);
        let mut large = pool.share();
        assert!(large.grow(6 * MIB));
        assert!(!large.grow(1));
        let mut small = pool.share();
        assert!(small.grow(MIB));
        assert!(!small.grow(1), "it is small no longer");
        let mut smaller = pool.share();
        assert!(smaller.grow(MIB));
        assert!(!pool.share().grow(1), "the pool is empty");
        assert_eq!(pool.bytes_held(), 8 * MIB);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let pool = Pool::new(usize::MAX);
        assert!(!pool.share().grow(usize::MAX));
        assert!(!pool.share().grow(1 << 40));
    }
}
