//! What the pipeline counts. `server` renders it.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Returns the number so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts since the start. What was offered is in the end refused, stored or failed.
#[derive(Debug, Default)]
pub struct Stats {
    /// Batches brought to the door.
    pub batches_offered: Counter,
    /// Their spans.
    pub spans_offered: Counter,
    /// Batches refused because the flow is behind.
    pub batches_refused_full: Counter,
    /// Their spans.
    pub spans_refused_full: Counter,
    /// Batches refused because the server is going.
    pub batches_refused_closed: Counter,
    /// Their spans.
    pub spans_refused_closed: Counter,
    /// Groups handed to the engine, each one disk sync.
    pub groups_written: Counter,
    /// Batches that are durable and visible.
    pub batches_stored: Counter,
    /// Their spans.
    pub spans_stored: Counter,
    /// Their bytes as they are logged.
    pub bytes_stored: Counter,
    /// Batches that the engine did not keep.
    pub batches_failed: Counter,
    /// Their spans.
    pub spans_failed: Counter,
}
