//! What a tracer says of itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::depot::Depot;
use crate::trail::Trails;

/// What became of the spans, and what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Spans that the other side took.
    pub spans_exported: u64,
    /// Spans that the other side rejected.
    pub spans_rejected: u64,
    /// Spans whose request was refused, or failed for too long.
    pub spans_failed: u64,
    /// Spans dropped because the queue was full.
    pub spans_dropped_full: u64,
    /// Spans that ended after their thread or their tracer.
    pub spans_dropped_late: u64,
    /// Spans of unsampled traces that found no room to wait for an error; see
    /// [`Keep`](crate::Keep).
    pub spans_dropped_unsampled: u64,
    /// Spans that wait in the queue; those in the threads' open chunks come to it.
    pub spans_waiting: u64,
    /// Bytes that wait in the queue or are on their way.
    pub bytes_waiting: usize,
    /// Requests that were tried.
    pub requests: u64,
    /// Of these, repeated ones.
    pub retries: u64,
    /// Values in which a secret was found, and that were sent without it.
    pub values_redacted: u64,
    /// Why the last request failed, or what was said about a part of it; empty when all is well.
    pub trouble: String,
}

impl Status {
    pub(crate) fn of(depot: &Depot, counters: &Counters, trails: Option<&Trails>) -> Self {
        let (bytes_waiting, spans_waiting) = depot.waiting();
        Self {
            spans_exported: counters.exported.load(Ordering::Relaxed),
            spans_rejected: counters.rejected.load(Ordering::Relaxed),
            spans_failed: counters.failed.load(Ordering::Relaxed),
            spans_dropped_full: depot.dropped_full.load(Ordering::Relaxed),
            spans_dropped_late: depot.dropped_late.load(Ordering::Relaxed),
            spans_dropped_unsampled: trails.map_or(0, |trails| trails.dropped.load(Ordering::Relaxed)),
            spans_waiting,
            bytes_waiting,
            requests: counters.requests.load(Ordering::Relaxed),
            retries: counters.retries.load(Ordering::Relaxed),
            values_redacted: counters.redacted.load(Ordering::Relaxed),
            trouble: counters.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// What the exporter's thread counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) exported: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) redacted: AtomicU64,
    /// Why the last attempt failed; empty since the last success.
    pub(crate) trouble: Mutex<String>,
}
