//! What all connections of a process have in common.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::Limits;
use crate::stats::Stats;

/// One for each [`crate::Listeners`].
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) limits: Arc<Limits>,
    pub(crate) stats: Arc<Stats>,
    /// Cancelled when no new request is welcome.
    pub(crate) drain: CancellationToken,
    /// Cancelled when the requests that are open have had their time.
    pub(crate) cut: CancellationToken,
    /// Accept loops, connections and HTTP/2 streams.
    pub(crate) tasks: TaskTracker,
    /// One permit for each connection.
    pub(crate) slots: Arc<Semaphore>,
}

impl Terms {
    pub(crate) fn new(limits: Limits) -> Self {
        let slots = limits.connections_max.min(Semaphore::MAX_PERMITS);
        Self {
            limits: Arc::new(limits),
            stats: Arc::default(),
            drain: CancellationToken::new(),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(slots)),
        }
    }
}
