//! One pool of memory for all answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ApiError;

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
    /// Makes an empty share hold its first `bytes`. A quarter of the pool is kept for answers that have
    /// begun: a new one is refused in words, while those would be cut in the middle.
    pub(crate) fn begin(&mut self, bytes: usize) -> Result<(), ApiError> {
        let bytes_max = self.pool.bytes_max;
        if bytes_max - bytes_max / 4 < self.pool.held().saturating_add(bytes) {
            return Err(ApiError::PoolExhausted { bytes_max });
        }
        self.hold(bytes)
    }

    /// Makes the share hold `bytes`, more or less than before. Fails, and holds what it held, where
    /// the pool has no room.
    pub fn hold(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes <= self.bytes {
            self.pool.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        } else {
            let more = bytes - self.bytes;
            let room = |held: usize| held.checked_add(more).filter(|held| *held <= self.pool.bytes_max);
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
    fn a_quarter_is_kept_for_answers_that_have_begun() {
        let pool = Pool::new(100);
        let (mut old, mut new) = (pool.share(), pool.share());
        old.begin(70).unwrap();
        assert!(matches!(new.begin(6), Err(ApiError::PoolExhausted { bytes_max: 100 })));
        old.hold(95).unwrap();
        old.hold(20).unwrap();
        new.begin(6).unwrap();
    }
}
