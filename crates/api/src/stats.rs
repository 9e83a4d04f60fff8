//! What the APIs count.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of all APIs of a process, since its start.
#[derive(Debug, Default)]
pub struct Stats {
    /// Queries that began to work.
    pub queries: Counter,
    /// Answers that were given whole.
    pub answers: Counter,
    /// Bytes of answers that were handed to connections.
    pub answer_bytes: Counter,
    /// Queries refused because too many waited.
    pub refused_busy: Counter,
    /// Queries refused or cut because the answers' pool was exhausted.
    pub refused_memory: Counter,
    /// Queries stopped because they took too long.
    pub stopped_slow: Counter,
    /// Queries stopped because the client left.
    pub stopped_left: Counter,
    /// Answers cut short by a failure after they began.
    pub cut: Counter,
    /// Queries that failed because of the engine.
    pub failed: Counter,
    /// Questions that were malformed or asked for what is not there.
    pub rejected: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Returns the count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}
