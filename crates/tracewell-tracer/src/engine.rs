//! What all spans of a tracer share: clock, limits, the judge of traces, the depot, the scopes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::depot::Depot;
use crate::encode::{bytes_field, nested};
use crate::exceptions::Exceptions;
use crate::fold::{Folding, SpanFilter};
use crate::fork;
use crate::limits::Limits;
use crate::pace::Pace;
use crate::sampling::{Judge, LoadMeter, RemotePoll, Sampling, Tallies};
use crate::status::Counters;
use crate::trail::Trails;

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
    /// What was decided about traces.
    pub(crate) tallies: Tallies,
    /// Where anything is kept although it was not sampled.
    pub(crate) trails: Option<Trails>,
    /// Whether children of unsampled spans are never recorded.
    pub(crate) follows_quietly: bool,
    /// Where spans are folded into their parents.
    pub(crate) folding: Option<Folding>,
    /// Entries of the baggage that become attributes of spans.
    pub(crate) baggage_keys: Vec<String>,
    /// Where errors are told.
    pub(crate) exceptions: Exceptions,
    /// What the exporter's thread looks after besides.
    chores: Mutex<Chores>,
    /// Instrumentation scopes, as messages of OTLP; a span names one by its place.
    scopes: Mutex<Vec<Arc<[u8]>>>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Chores {
    load: Option<LoadMeter>,
    remote: Option<RemotePoll>,
}

/// What a tracer is told besides limits and queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) sampling: Sampling,
    pub(crate) filter: Option<SpanFilter>,
    pub(crate) baggage_keys: Vec<String>,
    pub(crate) exceptions: Exceptions,
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
    pub(crate) fn new(manner: Manner, limits: Limits, queue: &Queue) -> Self {
        let Manner { sampling, filter, baggage_keys, exceptions } = manner;
        let pace = Pace::new(queue.batch_spans, queue.batch_bytes, queue.delay);
        let own = scope_message("tracewell", env!("CARGO_PKG_VERSION"));
        Self {
            clock: Clock::start(),
            limits,
            judge: Judge::new(&sampling),
            depot: Depot::new(queue.bytes_max, pace.bytes_wake(queue.bytes_max)),
            counters: Counters::default(),
            pace,
            tallies: Tallies::default(),
            follows_quietly: sampling.parent_based && sampling.keep.is_nothing(),
            trails: (!sampling.keep.is_nothing()).then(|| Trails::new(sampling.keep)),
            folding: filter.map(Folding::new),
            baggage_keys,
            exceptions,
            chores: Mutex::new(Chores {
                load: sampling.load.map(LoadMeter::new),
                remote: sampling.remote.map(RemotePoll::new),
            }),
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

    /// Does what the exporter's thread does besides sending, now and then: looks at the load, asks for
    /// the sampler, adds up what ended threads counted.
    pub(crate) fn do_chores(&self) {
        self.tallies.retire();
        let mut chores = self.chores.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.ticks();
        if let Some(meter) = &mut chores.load
            && let Some(demand) = meter.look(now, self.depot.fullness())
        {
            self.judge.load(demand.scale, demand.emergency);
        }
        if let Some(remote) = &mut chores.remote
            && let Some(sampler) = remote.poll(now)
        {
            self.judge.replace(sampler);
        }
    }

    /// Returns the message of a scope.
    pub(crate) fn scope(&self, scope: u32) -> Arc<[u8]> {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(scopes.get(scope as usize).unwrap_or(&scopes[0]))
    }

    /// Returns the number of a scope, a new one if it is new.
    pub(crate) fn scope_of(&self, name: &str, version: &str) -> u32 {
        let message = scope_message(name, version);
        let Some(mut scopes) = fork::lock(&self.scopes, self.depot.home()) else { return 0 };
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
