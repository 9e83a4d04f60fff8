//! The threads behind the door.
//!
//! Each takes a whole group, has it written, settles its receipts, and begins again. There is no timer: under
//! little load a group is one batch and waits for nothing, under much it is what came during the last write.
//! Several threads let one group be interned while another is synced.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use store::{TraceWriter, Write};

use crate::intake::{Intake, NotStored, Offered, logged_bytes};

/// Logged bytes of one group: past this a sync takes longer than the senders at the end of the queue should wait.
pub const GROUP_BYTES_MAX: usize = 4 << 20;

/// The running threads. They end when the intake is closed and drained.
#[derive(Debug)]
pub struct Flow {
    threads: Vec<JoinHandle<()>>,
}

impl Flow {
    /// Starts the threads.
    pub fn start(intake: &Arc<Intake>, writer: &Arc<dyn TraceWriter>, threads: NonZeroUsize) -> Self {
        let threads = (0..threads.get()).map(|number| {
            let (intake, writer) = (Arc::clone(intake), Arc::clone(writer));
            thread::Builder::new()
                .name(format!("flow-{number}"))
                .spawn(move || run(&intake, &*writer))
                .expect("the system has a thread left at the start")
        });
        Self { threads: threads.collect() }
    }

    /// Waits until everything inside the closed intake is settled.
    pub fn join(self) {
        for thread in self.threads {
            // A panic was reported by its own hook, and the intake has been abandoned.
            let _ = thread.join();
        }
    }
}

fn run(intake: &Intake, writer: &dyn TraceWriter) {
    let _watch = AbandonOnPanic(intake);
    while let Some(group) = intake.take(GROUP_BYTES_MAX) {
        write(intake, writer, group);
    }
}

/// Writes one group and tells its senders.
fn write(intake: &Intake, writer: &dyn TraceWriter, group: Vec<Offered>) {
    let stats = intake.stats();
    let (writes, settles): (Vec<Write>, Vec<_>) =
        group.into_iter().map(|offered| (offered.write, offered.settle)).unzip();
    let spans: usize = writes.iter().map(|write| write.batch.len()).sum();
    let span = tracing::debug_span!("write", batches = writes.len(), spans);
    let outcome = span.in_scope(|| writer.write(&writes)).map_err(|error| NotStored(Arc::new(error)));
    stats.groups_written.add(1);
    match &outcome {
        Ok(()) => {
            stats.batches_stored.add(writes.len());
            stats.spans_stored.add(spans);
            stats.bytes_stored.add(writes.iter().map(|write| logged_bytes(&write.batch)).sum());
        }
        Err(_) => {
            stats.batches_failed.add(writes.len());
            stats.spans_failed.add(spans);
        }
    }
    for settle in settles {
        // A sender that left does not hear it; what is stored stays stored.
        let _ = settle.send(outcome.clone());
    }
}

/// An engine that panics has lost its state: nobody may wait for it.
struct AbandonOnPanic<'a>(&'a Intake);

impl Drop for AbandonOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("a flow thread panicked, the intake closes");
            self.0.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use span::{Tenant, UnixNanos};
    use store::{MemoryStore, StoreError};

    use super::*;
    use crate::intake::tests::batch_of;

    fn started(writer: Arc<dyn TraceWriter>) -> (Arc<Intake>, Flow) {
        let intake = Arc::new(Intake::new(usize::MAX, usize::MAX));
        let flow = Flow::start(&intake, &writer, NonZeroUsize::MIN);
        (intake, flow)
    }

    fn offer(intake: &Intake) -> crate::Receipt {
        intake.offer(Tenant::default(), UnixNanos(1), batch_of(2)).unwrap()
    }

    #[test]
    fn receipt_is_settled_by_the_engine() {
        let (intake, flow) = started(Arc::new(MemoryStore::new(usize::MAX)));
        assert!(offer(&intake).blocking_recv().unwrap().is_ok());
        intake.close();
        flow.join();
        assert_eq!(intake.stats().spans_stored.total(), 2);
    }

    #[test]
    fn closed_flow_stores_what_was_let_in() {
        let writer: Arc<dyn TraceWriter> = Arc::new(MemoryStore::new(usize::MAX));
        let intake = Arc::new(Intake::new(usize::MAX, usize::MAX));
        let receipts: Vec<_> = (0..10).map(|_| offer(&intake)).collect();
        intake.close();
        Flow::start(&intake, &writer, NonZeroUsize::MIN).join();
        assert!(receipts.into_iter().all(|receipt| receipt.blocking_recv().unwrap().is_ok()));
        // All ten were there, so they went together.
        assert_eq!(intake.stats().groups_written.total(), 1);
    }

    /// Fails, or panics, and counts its calls.
    #[derive(Default)]
    struct Broken {
        panics: bool,
        calls: AtomicUsize,
        groups: Mutex<Vec<usize>>,
    }

    impl TraceWriter for Broken {
        fn write(&self, group: &[Write]) -> Result<(), StoreError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.groups.lock().unwrap().push(group.len());
            assert!(!self.panics, "the engine broke");
            Err(StoreError::Poisoned { why: "a test".to_owned() })
        }
    }

    #[test]
    fn failure_reaches_every_sender_of_the_group() {
        let writer = Arc::new(Broken::default());
        let intake = Arc::new(Intake::new(usize::MAX, usize::MAX));
        let receipts = [offer(&intake), offer(&intake)];
        intake.close();
        let dynamic: Arc<dyn TraceWriter> = writer.clone();
        Flow::start(&intake, &dynamic, NonZeroUsize::MIN).join();
        for receipt in receipts {
            let failure = receipt.blocking_recv().unwrap().unwrap_err();
            assert!(failure.to_string().starts_with("the store takes no writes since a test"));
        }
        assert_eq!(*writer.groups.lock().unwrap(), [2]);
        assert_eq!(intake.stats().spans_failed.total(), 4);
    }

    #[test]
    fn panic_closes_the_door_and_leaves_nobody_waiting() {
        let (intake, flow) = started(Arc::new(Broken { panics: true, ..Broken::default() }));
        assert!(offer(&intake).blocking_recv().is_err());
        flow.join();
        let refused = intake.offer(Tenant::default(), UnixNanos(1), batch_of(1));
        assert!(matches!(refused, Err(crate::Refused::Closed(_))));
    }
}
