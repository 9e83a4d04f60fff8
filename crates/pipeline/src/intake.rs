//! The one door into the pipeline.
//!
//! Receivers offer batches, the flow takes them and settles them. An offer gives a [`Receipt`]; the
//! sender's reply waits for it, because acked means fsynced and visible. The door holds at most
//! `bytes_max` bytes and `spans_max` spans; when it is full it refuses at once and never waits, because only the
//! receiver knows how to push back on its sender (429, RESOURCE_EXHAUSTED, or a counted drop for UDP).
//! An empty door lets any one batch in: a sender told to come again must be able to succeed.
//!
//! Deliberately absent: retries, priorities, any look inside a span.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use span::{SpanBatch, Tenant, UnixNanos};
use store::{StoreError, Write};
use tokio::sync::oneshot;

use crate::stats::Stats;

/// A bounded queue of batches, each with its receipt.
#[derive(Debug)]
pub struct Intake {
    bytes_max: usize,
    spans_max: usize,
    queue: Mutex<Queue>,
    /// Signalled after each offer and once on close; waited on by `take` alone.
    changed: Condvar,
    pub(crate) stats: Stats,
}

/// Why a batch was not let in. It comes back, so that the sender's reply can speak of it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The server is shutting down.
    #[error("intake is closed")]
    Closed(Box<SpanBatch>),
    /// The flow is behind.
    #[error("intake is full ({bytes_held} bytes, {spans_held} spans held)")]
    Full {
        /// What was offered.
        batch: Box<SpanBatch>,
        /// What is held already.
        bytes_held: usize,
        /// What is held already.
        spans_held: usize,
    },
}

/// Why a batch that was let in is not stored. The same for the whole group it was written with.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotStored(pub Arc<StoreError>);

impl NotStored {
    /// Tells whether the same batch may be stored later. A sender that is told so comes again and again, so what can
    /// never fit must not count as passing.
    pub fn is_passing(&self) -> bool {
        !matches!(*self.0, StoreError::BatchFull(_) | StoreError::TooLarge { .. })
    }
}

/// Resolves once: `Ok` when the batch is durable and visible, else why it is not.
pub type Receipt = oneshot::Receiver<Result<(), NotStored>>;

/// A batch on its way, with the other end of its receipt. Dropped unsettled, it tells the sender that the flow died.
#[derive(Debug)]
pub struct Offered {
    /// What is to be written.
    pub write: Write,
    /// Where the outcome goes.
    pub settle: oneshot::Sender<Result<(), NotStored>>,
}

impl Intake {
    /// Makes an open door for so many bytes and spans.
    pub fn new(bytes_max: usize, spans_max: usize) -> Self {
        let (queue, changed, stats) = Default::default();
        Self { bytes_max, spans_max, queue, changed, stats }
    }

    /// Lets the whole batch in, or none of it.
    pub fn offer(&self, tenant: Tenant, received: UnixNanos, batch: SpanBatch) -> Result<Receipt, Refused> {
        let (bytes, spans) = (batch.bytes(), batch.len());
        self.stats.batches_offered.add(1);
        self.stats.spans_offered.add(spans);
        let mut queue = self.lock();
        if queue.closed {
            self.stats.batches_refused_closed.add(1);
            self.stats.spans_refused_closed.add(spans);
            return Err(Refused::Closed(Box::new(batch)));
        }
        let over = self.bytes_max < queue.bytes_held + bytes || self.spans_max < queue.spans_held + spans;
        if over && !queue.offered.is_empty() {
            self.stats.batches_refused_full.add(1);
            self.stats.spans_refused_full.add(spans);
            let Queue { bytes_held, spans_held, .. } = *queue;
            return Err(Refused::Full { batch: Box::new(batch), bytes_held, spans_held });
        }
        let (settle, receipt) = oneshot::channel();
        queue.bytes_held += bytes;
        queue.spans_held += spans;
        queue.offered.push_back(Offered { write: Write { tenant, received, batch }, settle });
        self.changed.notify_one();
        Ok(receipt)
    }

    /// Takes the oldest batches, waiting for one: as many as are there, but of no more than `bytes_max` logged bytes
    /// unless the first alone has more. Returns `None` when closed and drained.
    pub fn take(&self, bytes_max: usize) -> Option<Vec<Offered>> {
        let mut queue = self
            .changed
            .wait_while(self.lock(), |queue| queue.offered.is_empty() && !queue.closed)
            .expect("no code panics while it holds the queue");
        let (mut group, mut bytes) = (Vec::new(), 0);
        while let Some(next) = queue.offered.front() {
            bytes += logged_bytes(&next.write.batch);
            if bytes_max < bytes && !group.is_empty() {
                break;
            }
            group.extend(queue.pop());
        }
        (!group.is_empty()).then_some(group)
    }

    /// Refuses every later offer. What is inside can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Refuses every later offer and drops what is inside, so that its senders hear that nobody will store it.
    pub(crate) fn abandon(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        while let Some(offered) = queue.pop() {
            self.stats.batches_failed.add(1);
            self.stats.spans_failed.add(offered.write.batch.len());
        }
        self.changed.notify_all();
    }

    /// Returns the bytes and the spans that wait inside now.
    pub fn held(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.bytes_held, queue.spans_held)
    }

    /// Returns what was counted so far, at this door and behind it.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no code panics while it holds the queue")
    }
}

#[derive(Debug, Default)]
struct Queue {
    offered: VecDeque<Offered>,
    /// Invariant: the bytes in `offered`.
    bytes_held: usize,
    /// Invariant: the spans in `offered`.
    spans_held: usize,
    closed: bool,
}

impl Queue {
    fn pop(&mut self) -> Option<Offered> {
        let offered = self.offered.pop_front()?;
        self.bytes_held -= offered.write.batch.bytes();
        self.spans_held -= offered.write.batch.len();
        Some(offered)
    }
}

/// Returns about what a log will append for a batch: the sender's own bytes, while the batch equals them.
pub(crate) fn logged_bytes(batch: &SpanBatch) -> usize {
    batch.source().map_or_else(|| batch.bytes(), |source| source.body.len())
}

#[cfg(test)]
pub(crate) mod tests {
    use span::{BatchBuilder, ResourceRow, ScopeRow, SpanRow, TraceId};

    use super::*;

    /// Makes a batch of spans that have nothing but a name.
    pub(crate) fn batch_of(spans: usize) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let scope = builder.scope(ScopeRow::default());
        for number in 0..spans {
            let name = builder.text(b"GET /cart").unwrap();
            let trace_id = TraceId::from_halves(1, number as u64 + 1);
            builder.span(SpanRow { resource, scope, name, trace_id, ..SpanRow::default() });
        }
        builder.finish()
    }

    fn offer(intake: &Intake, spans: usize) -> Result<Receipt, Refused> {
        intake.offer(Tenant::default(), UnixNanos(1), batch_of(spans))
    }

    #[test]
    fn full_door_gives_the_batch_back() {
        let bytes = batch_of(2).bytes();
        let intake = Intake::new(bytes * 3 / 2, 100);
        let _first = offer(&intake, 2).unwrap();
        let refused = offer(&intake, 2).unwrap_err();
        assert_eq!(refused.to_string(), format!("intake is full ({bytes} bytes, 2 spans held)"));
        assert!(matches!(refused, Refused::Full { batch, .. } if batch.len() == 2));
        assert_eq!(intake.stats().spans_refused_full.total(), 2);
    }

    #[test]
    fn spans_fill_the_door_as_bytes_do() {
        let intake = Intake::new(usize::MAX, 3);
        let _first = offer(&intake, 2).unwrap();
        assert!(matches!(offer(&intake, 2), Err(Refused::Full { spans_held: 2, .. })));
        let _second = offer(&intake, 1).unwrap();
        assert_eq!(intake.held().1, 3);
    }

    #[test]
    fn empty_door_lets_any_batch_in() {
        let intake = Intake::new(1, 1);
        let _receipt = offer(&intake, 50).unwrap();
        assert!(offer(&intake, 1).is_err());
        intake.take(1).unwrap();
        assert_eq!(intake.held(), (0, 0));
        let _receipt = offer(&intake, 50).unwrap();
    }

    #[test]
    fn receipt_resolves_only_after_settle() {
        let intake = Intake::new(usize::MAX, 100);
        let mut receipt = offer(&intake, 1).unwrap();
        let offered = intake.take(usize::MAX).unwrap().pop().unwrap();
        assert!(receipt.try_recv().is_err());
        offered.settle.send(Ok(())).unwrap();
        assert!(receipt.try_recv().unwrap().is_ok());
    }

    #[test]
    fn group_ends_at_its_bytes_but_is_never_empty() {
        let intake = Intake::new(usize::MAX, 100);
        let bytes = batch_of(1).bytes();
        let _receipts: Vec<_> = (0..5).map(|_| offer(&intake, 1).unwrap()).collect();
        let taken = |bytes_max| intake.take(bytes_max).unwrap().len();
        assert_eq!([taken(2 * bytes), taken(0), taken(usize::MAX)], [2, 1, 2]);
    }

    #[test]
    fn what_can_never_fit_does_not_pass() {
        let fails = |error: StoreError| NotStored(Arc::new(error)).is_passing();
        assert!(fails(StoreError::Poisoned { why: "a test".to_owned() }));
        assert!(!fails(StoreError::TooLarge { bytes_max: 1 }));
        assert!(!fails(span::BatchFull.into()));
    }

    #[test]
    fn closed_door_drains_and_lets_nothing_in() {
        let intake = Intake::new(usize::MAX, 100);
        let _receipt = offer(&intake, 1).unwrap();
        intake.close();
        assert!(matches!(offer(&intake, 1), Err(Refused::Closed(_))));
        assert_eq!(intake.take(usize::MAX).unwrap().len(), 1);
        assert!(intake.take(usize::MAX).is_none());
        assert_eq!(intake.stats().spans_refused_closed.total(), 1);
    }
}
