//! How much is sent at once and how often, changed while the tracer is at work.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A thread that never rested would cost the service what it is meant to save.
const DELAY_MIN: Duration = Duration::from_millis(10);

/// What of a queue may change; the exporter's thread reads it before each request and each pause.
#[derive(Debug)]
pub(crate) struct Pace {
    batch_spans: AtomicUsize,
    delay_ns: AtomicU64,
    /// Bytes of one request, to find the depot's mark again when its budget changes.
    batch_bytes: usize,
}

impl Pace {
    pub(crate) fn new(batch_spans: usize, batch_bytes: usize, delay: Duration) -> Self {
        let pace = Self { batch_spans: AtomicUsize::new(1), delay_ns: AtomicU64::new(0), batch_bytes };
        pace.set_batch_spans(batch_spans);
        pace.set_delay(delay);
        pace
    }

    pub(crate) fn batch_spans(&self) -> usize {
        self.batch_spans.load(Ordering::Relaxed)
    }

    pub(crate) fn set_batch_spans(&self, spans: usize) {
        self.batch_spans.store(spans.max(1), Ordering::Relaxed);
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_ns.load(Ordering::Relaxed))
    }

    pub(crate) fn set_delay(&self, delay: Duration) {
        let ns = u64::try_from(delay.max(DELAY_MIN).as_nanos()).unwrap_or(u64::MAX);
        self.delay_ns.store(ns, Ordering::Relaxed);
    }

    /// Returns how many bytes are worth a request before their time, under that budget.
    pub(crate) fn bytes_wake(&self, bytes_max: usize) -> usize {
        self.batch_bytes.min(bytes_max / 2).max(1)
    }
}
