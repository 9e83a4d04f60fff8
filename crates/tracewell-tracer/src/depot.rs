//! Where finished spans wait for the exporter: a chunk per thread, and a queue of full ones.
//!
//! 1. A thread appends each finished span to its own chunk, under a lock that nobody else wants except
//!    an exporter that collects.
//! 2. A full chunk is sealed into the queue. If the queue holds its budget of bytes already, the chunk
//!    is emptied and its spans are counted: new spans are lost, never the service's memory or time.
//! 3. The exporter's thread takes sealed parcels, or, when it is time or somebody flushes, first
//!    collects what all threads have, and gives the empty buffers back.
//!
//! Locks are held for a copy or a swap, never for I/O or a user's code. Order: chunk, then queue.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::encode::{varint, varint_len};
use crate::fork;

/// A chunk is sealed at this size: some three hundred spans, one lock of the queue for all of them.
const CHUNK_BYTES: usize = 64 * 1024;
/// Empty buffers that are kept for later chunks.
const SPARES_MAX: usize = 32;
/// A thread's first buffer: a rare span on many threads must not cost a full chunk on each.
const CHUNK_BYTES_FIRST: usize = 4 * 1024;

/// One thread's open chunk.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    parcel: Mutex<Parcel>,
}

/// Finished spans, each as entry `spans` of OTLP's `ScopeSpans`.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// Entries, one after the other.
    pub(crate) bytes: Vec<u8>,
    /// How many.
    pub(crate) spans: u32,
    /// Where the entries of a scope end: (scope, end), one for each run of equal scopes.
    pub(crate) runs: Vec<(u32, usize)>,
}

/// The queue and the chunks of one tracer.
#[derive(Debug)]
pub(crate) struct Depot {
    /// The process whose spans these are.
    home: u32,
    /// Every thread's chunk; those whose thread has ended are collected once more, then forgotten.
    chunks: Mutex<Vec<Arc<Chunk>>>,
    queue: Mutex<Queue>,
    /// Wakes the exporter: enough to send, a flush, or the end.
    wake: Condvar,
    /// Wakes those who wait for a flush.
    flushed: Condvar,
    /// Spans lost because the queue was full.
    pub(crate) dropped_full: AtomicU64,
    /// Spans lost because their thread or their tracer had ended.
    pub(crate) dropped_late: AtomicU64,
    /// Spans that ended, ever.
    pub(crate) ended: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    /// Bytes in `parcels` and in the exporter's hands.
    bytes: usize,
    bytes_max: usize,
    /// So many bytes wake the exporter.
    bytes_wake: usize,
    spares: Vec<Parcel>,
    /// Flushes asked for, and done.
    asked: u64,
    done: u64,
    closed: bool,
}

/// What a sealed chunk goes on with.
#[derive(Clone, Copy)]
enum Refill {
    /// An empty buffer: its thread is busy.
    Spare,
    /// Nothing, until its thread has another span: threads that rest hold no memory.
    Nothing,
}

/// Why the exporter was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Woken {
    /// The flush to confirm once everything has been tried.
    pub(crate) flush: Option<u64>,
    /// No span will come any more.
    pub(crate) closed: bool,
}

impl Parcel {
    /// Empties it and keeps its buffers.
    fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
        self.spans = 0;
    }

    #[inline]
    fn add(&mut self, span: &[u8], scope: u32) {
        let head = 1 + varint_len(span.len() as u64);
        self.bytes.reserve(head + span.len());
        self.bytes.push(0x12);
        varint(&mut self.bytes, span.len() as u64);
        self.bytes.extend_from_slice(span);
        self.spans += 1;
        match self.runs.last_mut() {
            Some((last, end)) if *last == scope => *end = self.bytes.len(),
            _ => self.runs.push((scope, self.bytes.len())),
        }
    }
}

impl Depot {
    /// Makes an empty depot that holds at most `bytes_max` sealed bytes and wakes its exporter at
    /// `bytes_wake`.
    pub(crate) fn new(bytes_max: usize, bytes_wake: usize) -> Self {
        Self {
            home: fork::process(),
            chunks: Mutex::default(),
            queue: Mutex::new(Queue { bytes_max, bytes_wake, ..Queue::default() }),
            wake: Condvar::new(),
            flushed: Condvar::new(),
            dropped_full: AtomicU64::new(0),
            dropped_late: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// Returns the process whose spans these are.
    pub(crate) fn home(&self) -> u32 {
        self.home
    }

    /// Makes a chunk for a thread.
    pub(crate) fn chunk(&self) -> Arc<Chunk> {
        let chunk = Arc::new(Chunk::default());
        // In a forked child nobody collects it, and nobody has to.
        if let Some(mut chunks) = fork::lock(&self.chunks, self.home) {
            chunks.push(Arc::clone(&chunk));
        }
        chunk
    }

    /// Adds a finished span.
    #[inline]
    pub(crate) fn put(&self, chunk: &Chunk, span: &[u8], scope: u32) {
        let Some(mut parcel) = fork::lock(&chunk.parcel, self.home) else { return self.dropped_late() };
        if parcel.bytes.capacity() == 0 {
            *parcel = self.spare();
        }
        parcel.add(span, scope);
        if CHUNK_BYTES <= parcel.bytes.len() {
            self.seal(&mut parcel, Refill::Spare);
        }
    }

    /// Changes the budget, and how many bytes wake the exporter.
    pub(crate) fn set_budget(&self, bytes_max: usize, bytes_wake: usize) {
        let mut queue = lock(&self.queue);
        (queue.bytes_max, queue.bytes_wake) = (bytes_max, bytes_wake);
        drop(queue);
        self.wake.notify_one();
    }

    /// Counts a span that has no thread any more to be kept by.
    pub(crate) fn dropped_late(&self) {
        self.dropped_late.fetch_add(1, Ordering::Relaxed);
    }

    #[cold]
    fn spare(&self) -> Parcel {
        let spare = fork::lock(&self.queue, self.home).and_then(|mut queue| queue.spares.pop());
        spare.unwrap_or_else(|| Parcel { bytes: Vec::with_capacity(CHUNK_BYTES_FIRST), ..Parcel::default() })
    }

    /// Moves a chunk's spans into the queue, or counts them and keeps the empty buffer.
    #[cold]
    fn seal(&self, parcel: &mut Parcel, refill: Refill) {
        self.ended.fetch_add(u64::from(parcel.spans), Ordering::Relaxed);
        let Some(mut queue) = fork::lock(&self.queue, self.home) else {
            self.dropped_late.fetch_add(u64::from(parcel.spans), Ordering::Relaxed);
            return parcel.clear();
        };
        if queue.closed || queue.bytes_max < queue.bytes + parcel.bytes.len() {
            let lost = if queue.closed { &self.dropped_late } else { &self.dropped_full };
            lost.fetch_add(u64::from(parcel.spans), Ordering::Relaxed);
            drop(queue);
            parcel.clear();
            return;
        }
        let fresh = match refill {
            Refill::Spare => queue.spares.pop().unwrap_or_default(),
            Refill::Nothing => Parcel::default(),
        };
        let full = mem::replace(parcel, fresh);
        queue.bytes += full.bytes.len();
        queue.parcels.push_back(full);
        let enough = queue.bytes_wake <= queue.bytes;
        drop(queue);
        if enough {
            self.wake.notify_one();
        }
    }

    /// Collects what every thread has; forgets the chunks of threads that have ended.
    fn collect(&self) {
        let mut chunks = lock(&self.chunks);
        chunks.retain(|chunk| {
            // Counted first: a thread that ends in between is collected next time.
            let alive = 1 < Arc::strong_count(chunk);
            let mut parcel = lock(&chunk.parcel);
            if 0 < parcel.spans {
                self.seal(&mut parcel, Refill::Nothing);
            }
            alive
        });
    }

    /// Waits until there is enough to send, a flush, the end, or `delay` has passed; then collects if
    /// it is time to.
    pub(crate) fn wait(&self, delay: Duration) -> Woken {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| {
            !queue.closed && queue.asked == queue.done && queue.parcels_bytes() < queue.bytes_wake
        };
        let waited = self.wake.wait_timeout_while(queue, delay, idle);
        let (queue, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        let flush = (queue.asked != queue.done).then_some(queue.asked);
        let woken = Woken { flush, closed: queue.closed };
        drop(queue);
        if timeout.timed_out() || flush.is_some() {
            self.collect();
        }
        woken
    }

    /// Waits for `delay` after a failure; a new flush or the end cut it short.
    pub(crate) fn pause(&self, delay: Duration, flush: Option<u64>) -> Woken {
        let queue = lock(&self.queue);
        let known = flush.unwrap_or(queue.done);
        let idle = |queue: &mut Queue| !queue.closed && queue.asked == known;
        let waited = self.wake.wait_timeout_while(queue, delay, idle);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Woken { flush: (queue.asked != queue.done).then_some(queue.asked), closed: queue.closed }
    }

    /// Takes the oldest parcel. Its bytes count until [`Self::give_back`].
    pub(crate) fn take(&self) -> Option<Parcel> {
        lock(&self.queue).parcels.pop_front()
    }

    /// Gives a parcel's room back to the budget and its buffer to later chunks.
    pub(crate) fn give_back(&self, mut parcel: Parcel) {
        let mut queue = lock(&self.queue);
        queue.bytes = queue.bytes.saturating_sub(parcel.bytes.len());
        if queue.spares.len() < SPARES_MAX && CHUNK_BYTES <= parcel.bytes.capacity() {
            parcel.clear();
            queue.spares.push(parcel);
        }
    }

    /// Confirms a flush.
    pub(crate) fn flushed(&self, flush: u64) {
        let mut queue = lock(&self.queue);
        queue.done = queue.done.max(flush);
        drop(queue);
        self.flushed.notify_all();
    }

    /// Asks for everything that has ended to be sent, and waits. Returns whether it was in time.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        if fork::is_child_of(self.home) {
            // The thread that would send them lives in the parent.
            return false;
        }
        let deadline = clock::instant() + timeout.min(clock::LONGEST);
        let mut queue = lock(&self.queue);
        queue.asked += 1;
        let asked = queue.asked;
        self.wake.notify_one();
        while queue.done < asked {
            let left = deadline.saturating_duration_since(clock::instant());
            if left.is_zero() {
                return false;
            }
            let waited = self.flushed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Collects a last time and refuses whatever comes later.
    pub(crate) fn close(&self) {
        self.collect();
        lock(&self.queue).closed = true;
        self.wake.notify_all();
    }

    /// Returns the bytes that wait, and the spans of them that are sealed.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        let Some(queue) = fork::lock(&self.queue, self.home) else { return (0, 0) };
        (queue.bytes, queue.parcels.iter().map(|parcel| u64::from(parcel.spans)).sum())
    }

    /// Returns the part of the budget that is taken, 0 to 1.
    pub(crate) fn fullness(&self) -> f64 {
        let queue = lock(&self.queue);
        queue.bytes as f64 / queue.bytes_max.max(1) as f64
    }

    /// Returns the time until `deadline`.
    pub(crate) fn left(deadline: Instant) -> Duration {
        deadline.saturating_duration_since(clock::instant())
    }
}

impl Queue {
    fn parcels_bytes(&self) -> usize {
        // Few parcels ever wait: the exporter takes them all before it sleeps again.
        self.parcels.iter().map(|parcel| parcel.bytes.len()).sum()
    }
}

/// Locks; a thread that panicked while it held the lock left whole spans or none, so what is inside
/// stays good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(depot: &Depot) -> u64 {
        let mut spans = 0;
        while let Some(parcel) = depot.take() {
            spans += u64::from(parcel.spans);
            depot.give_back(parcel);
        }
        spans
    }

    #[test]
    fn full_queue_drops_new_spans_and_counts_each() {
        let depot = Depot::new(2 * CHUNK_BYTES, usize::MAX);
        let chunk = depot.chunk();
        for _ in 0..1_000 {
            depot.put(&chunk, &[1; 1_000], 0);
        }
        depot.collect();
        let lost = depot.dropped_full.load(Ordering::Relaxed);
        assert!(0 < lost);
        assert_eq!(taken(&depot) + lost, 1_000);
        assert_eq!(depot.waiting().0, 0);
        depot.put(&chunk, &[1; 1_000], 0);
        depot.collect();
        assert_eq!(taken(&depot), 1);
    }

    #[test]
    fn spans_of_ended_threads_are_collected() {
        let depot = Arc::new(Depot::new(1 << 20, usize::MAX));
        let theirs = Arc::clone(&depot);
        std::thread::spawn(move || {
            let chunk = theirs.chunk();
            theirs.put(&chunk, &[1; 10], 0);
        })
        .join()
        .unwrap();
        depot.collect();
        assert_eq!(taken(&depot), 1);
        assert!(lock(&depot.chunks).is_empty());
    }

    #[test]
    fn runs_name_the_scope_of_each_entry() {
        let mut parcel = Parcel::default();
        for scope in [0, 0, 1, 0] {
            parcel.add(&[5; 3], scope);
        }
        assert_eq!(parcel.runs, [(0, 10), (1, 15), (0, 20)]);
    }

    #[test]
    fn after_the_end_spans_are_counted_as_late() {
        let depot = Depot::new(1 << 20, usize::MAX);
        let chunk = depot.chunk();
        depot.close();
        depot.put(&chunk, &[1; 10], 0);
        depot.collect();
        assert_eq!(depot.dropped_late.load(Ordering::Relaxed), 1);
    }
}
