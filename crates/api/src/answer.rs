//! How a question is worked on: in turns, within one memory pool and a time, until its client leaves.
//!
//! An [`Answer`] is a value that gives its next part when asked. Each part is made on the blocking pool
//! and handed to the connection before the next one is begun, so a client that reads slowly costs the
//! memory of one part and no thread:
//!
//! ```text
//! ask -> turn -> [open, first part] -> status and headers
//!                  client reads     -> turn -> [next part] -> ..      dropped anywhere: stop is raised
//! ```
//!
//! - turns: at most [`Limits::working_max`](crate::Limits) parts are made at a time; who must wait too long or finds
//!   too many waiting is refused. Who began waits as long as it takes.
//! - memory: every answer holds a [`Share`] of one pool from before it opens until its body is gone.
//! - time: only the making of parts is counted.

mod body;
mod gzip;
mod pool;
mod telling;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use store::{Stop, TraceReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::CHUNK_BYTES;
use crate::report::{Pace, Report, ServerStatus};
use crate::{ApiError, Backend, Limits, Stats};

pub(crate) use body::reply;
pub(crate) use gzip::Gzip;
use pool::Pool;
pub use pool::Share;
pub use telling::Telling;

/// Where questions are answered: a backend, and what its answers share. All APIs of a process stand at
/// one desk. Clones are the same desk.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    backend: Backend,
    pool: Pool,
    /// One permit for each part that may be made at a time.
    turns: Arc<Semaphore>,
    /// How many new questions wait for a permit.
    waiting: AtomicUsize,
    /// Set once, when the server is assembled.
    report: OnceLock<ReportOnce>,
    pace: Pace,
}

/// How the server reports itself.
struct ReportOnce(Report);

impl std::fmt::Debug for ReportOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportOnce")
    }
}

/// Something that is told part by part. Parts are made on the blocking pool.
pub trait Answer: Send + 'static {
    /// What is handed out.
    type Part: Send + 'static;

    /// Makes the next part. The share must hold what the answer keeps and what the part takes.
    fn next(&mut self, share: &mut Share) -> Result<Told<Self::Part>, ApiError>;

    /// Returns what is said where a later part cannot be made; without it the answer is cut off, so that nobody
    /// takes it for whole.
    fn last_words(_: &ApiError) -> Option<Self::Part> {
        None
    }
}

/// A part of an answer. The last one may be empty.
#[derive(Debug)]
pub enum Told<P> {
    /// More follow.
    Part(P),
    /// None follow.
    Last(P),
}

/// An answer that is made in one go.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Vec<u8>);

impl Answer for Whole {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        share.hold(self.0.capacity())?;
        Ok(Told::Last(std::mem::take(&mut self.0)))
    }
}

impl Desk {
    /// Sets a desk up.
    pub fn new(backend: Backend) -> Self {
        let pool = Pool::new(backend.limits.answer_bytes_max);
        let turns = Arc::new(Semaphore::new(backend.limits.working_max.clamp(1, Semaphore::MAX_PERMITS)));
        let (report, pace) = (OnceLock::new(), Pace::default());
        Self(Arc::new(Inside { backend, pool, turns, waiting: AtomicUsize::new(0), report, pace }))
    }

    /// Returns what the desk answers from.
    pub fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// Says how the server is asked about itself; only the first time counts.
    pub fn report_with(&self, report: impl Fn() -> ServerStatus + Send + Sync + 'static) {
        let _ = self.0.report.set(ReportOnce(Box::new(report)));
    }

    /// Returns how the server is; `None` where nobody said how to know.
    pub(crate) fn server_status(&self) -> Option<ServerStatus> {
        self.0.report.get().map(|report| report.0())
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    /// Returns how many bytes all answers hold at the moment.
    pub fn answer_bytes_held(&self) -> usize {
        self.0.pool.held()
    }

    /// Returns an empty share of the answers' memory, for what is kept before the question is asked.
    pub(crate) fn share(&self) -> Share {
        self.0.pool.share()
    }

    /// Opens an answer on the blocking pool and makes its first part. What `open` searches with must
    /// look at the given flag: it is raised when the client leaves or the time is up.
    pub async fn ask<A: Answer>(
        &self,
        open: impl FnOnce(&dyn TraceReader, &Stop) -> Result<A, ApiError> + Send + 'static,
    ) -> Result<Telling<A>, ApiError> {
        let mut share = self.0.pool.share();
        share.hold(CHUNK_BYTES)?;
        let turn = self.first_turn().await?;
        self.stats().queries.count();
        Telling::begin(self.clone(), share, turn, open).await
    }

    fn limits(&self) -> &Limits {
        &self.0.backend.limits
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.0.backend.stats
    }

    /// Waits for a permit, unless too many wait.
    async fn first_turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        if let Ok(turn) = Arc::clone(&self.0.turns).try_acquire_owned() {
            return Ok(turn);
        }
        let place = WaitingPlace::take(&self.0.waiting);
        let busy = || ApiError::Busy { waiting: place.number - 1 };
        if self.limits().waiting_max < place.number {
            return Err(busy());
        }
        timeout(self.limits().query_time_max, self.later_turn()).await.map_err(|_| busy())
    }

    async fn later_turn(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0.turns).acquire_owned().await.expect("nobody closes the semaphore")
    }

    /// Counts a question that got no answer, by cause. Every API calls it once for each.
    pub fn count(&self, error: &ApiError) {
        let stats = self.stats();
        match error {
            ApiError::Busy { .. } => stats.refused_busy.count(),
            ApiError::PoolExhausted { .. } => stats.refused_memory.count(),
            ApiError::TooSlow { .. } => stats.stopped_slow.count(),
            error if error.status().is_server_error() => {
                stats.failed.count();
                tracing::error!(%error, "query failed");
            }
            _ => stats.rejected.count(),
        }
    }
}

/// A place in the queue; left when dropped.
struct WaitingPlace<'a> {
    waiting: &'a AtomicUsize,
    /// From 1.
    number: usize,
}

impl<'a> WaitingPlace<'a> {
    fn take(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, number: waiting.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for WaitingPlace<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
