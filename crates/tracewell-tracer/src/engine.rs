//! What all spans of a tracer share: clock, limits, the judge of traces, the depot, the scopes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::depot::Depot;
use crate::encode::{bytes_field, nested};
use crate::limits::Limits;
use crate::pace::Pace;
use crate::sampling::{Judge, Sampling};
use crate::status::Counters;

/// What all spans of a tracer share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) judge: Judge,
    pub(crate) depot: Depot,
    pub(crate) counters: Counters,
    /// What of the queue may change while the tracer is at work.
    pub(crate) pace: Pace,
    /// Instrumentation scopes, as messages of OTLP; a span names one by its place.
    scopes: Mutex<Vec<Arc<[u8]>>>,
    closed: AtomicBool,
}

/// How much a tracer may hold, and how often it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Bytes of finished spans that wait at most; beyond it, new spans are dropped and counted.
    pub bytes_max: usize,
    /// Spans of one request at most.
    pub batch_spans: usize,
    /// Bytes of one request, about.
    pub batch_bytes: usize,
    /// The longest that a finished span waits.
    pub delay: Duration,
    /// How long one attempt to send may take.
    pub timeout: Duration,
    /// How long a request is tried again before it is dropped and counted.
    pub retry_for: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            bytes_max: 48 * 1024 * 1024,
            batch_spans: 8192,
            batch_bytes: 1024 * 1024,
            delay: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            retry_for: Duration::from_secs(300),
        }
    }
}

impl Engine {
    pub(crate) fn new(sampling: Sampling, limits: Limits, queue: &Queue) -> Self {
        let pace = Pace::new(queue.batch_spans, queue.batch_bytes, queue.delay);
        let own = scope_message("tracewell", env!("CARGO_PKG_VERSION"));
        Self {
            clock: Clock::start(),
            limits,
            judge: Judge::new(sampling),
            depot: Depot::new(queue.bytes_max, pace.bytes_wake(queue.bytes_max)),
            counters: Counters::default(),
            pace,
            scopes: Mutex::new(vec![own]),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Returns the message of a scope.
    pub(crate) fn scope(&self, scope: u32) -> Arc<[u8]> {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(scopes.get(scope as usize).unwrap_or(&scopes[0]))
    }

    /// Returns the number of a scope, a new one if it is new.
    pub(crate) fn scope_of(&self, name: &str, version: &str) -> u32 {
        let message = scope_message(name, version);
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let at = scopes.iter().position(|known| *known == message).unwrap_or_else(|| {
            scopes.push(message);
            scopes.len() - 1
        });
        u32::try_from(at).unwrap_or(0)
    }
}

fn scope_message(name: &str, version: &str) -> Arc<[u8]> {
    let mut message = Vec::new();
    nested(&mut message, 0x0a, |out| {
        bytes_field(out, 0x0a, name.as_bytes());
        bytes_field(out, 0x12, version.as_bytes());
    });
    message.into()
}
