//! One pool of memory for all answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ApiError;

/// An answer of so many bytes is small.
const SMALL_BYTES_MAX: usize = 1 << 20;

/// The memory that answers may hold together. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    bytes_max: usize,
    held: Arc<AtomicUsize>,
}

/// One answer's part of the pool; it goes back when dropped.
#[derive(Debug)]
pub struct Share {
    pool: Pool,
    bytes: usize,
}

impl Pool {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, held: Arc::default() }
    }

    /// Returns an empty share.
    pub(crate) fn share(&self) -> Share {
        Share { pool: self.clone(), bytes: 0 }
    }

    /// Returns how many bytes all shares hold.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Makes the share hold `bytes`, more or less than before. Fails, and holds what it held, where
    /// the pool has no room. A quarter of the pool is for small answers alone, so that a few large ones,
    /// which somebody asked for and does not read, leave everybody else their lists and their traces.
    pub fn hold(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes <= self.bytes {
            self.pool.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        } else {
            let more = bytes - self.bytes;
            let bytes_max = self.pool.bytes_max;
            let limit = if bytes <= SMALL_BYTES_MAX { bytes_max } else { bytes_max - bytes_max / 4 };
            let room = |held: usize| held.checked_add(more).filter(|held| *held <= limit);
            let taken = self.pool.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
            taken.map_err(|_| ApiError::PoolExhausted { bytes_max: self.pool.bytes_max })?;
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pool.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_hold_more_than_the_pool() {
        let pool = Pool::new(100);
        let (mut a, mut b) = (pool.share(), pool.share());
        a.hold(60).unwrap();
        assert!(matches!(b.hold(41), Err(ApiError::PoolExhausted { bytes_max: 100 })));
        b.hold(40).unwrap();
        a.hold(10).unwrap();
        assert!(b.hold(usize::MAX).is_err());
        b.hold(90).unwrap();
        assert_eq!(pool.held(), 100);
        drop((a, b));
        assert_eq!(pool.held(), 0);
    }

    #[test]
    fn large_answers_leave_a_quarter_to_small_ones() {
        let pool = Pool::new(8 << 20);
        let (mut large, mut small) = (pool.share(), pool.share());
        large.hold(6 << 20).unwrap();
        assert!(matches!(large.hold((6 << 20) + 1), Err(ApiError::PoolExhausted { .. })));
        small.hold(1 << 20).unwrap();
        assert!(small.hold(2 << 20).is_err());
        large.hold(2 << 20).unwrap();
        small.hold(2 << 20).unwrap();
        assert_eq!(pool.held(), 4 << 20);
    }
}
