//! What the listeners count. `server` renders it.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns the number so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts over all listeners of a process.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections accepted.
    pub connections_accepted: Counter,
    /// Connections that ended, whoever ended them.
    pub connections_ended: Counter,
    /// Times that a listener had to wait because the cap of connections was reached.
    pub connections_capped: Counter,
    /// Accepts that the system refused, descriptors being the usual reason.
    pub accepts_failed: Counter,
    /// Connections closed because a request's header did not come in time.
    pub heads_late: Counter,
    /// Connections closed because no request came for long.
    pub connections_idle: Counter,
    /// Bodies given up because they came too slowly.
    pub bodies_slow: Counter,
    /// Replies given up because the client took nothing of them.
    pub replies_stalled: Counter,
    /// Requests handed to a service.
    pub requests: Counter,
    /// Requests refused because of their `Host`.
    pub hosts_refused: Counter,
    /// Requests refused because of their `Origin`.
    pub origins_refused: Counter,
    /// Requests refused because of the length of their headers.
    pub headers_refused: Counter,
    /// Requests refused because of the length of their URL.
    pub urls_refused: Counter,
    /// Connections cut at the end of a drain.
    pub connections_cut: Counter,
}

impl Stats {
    /// Returns the connections open now.
    pub fn connections_open(&self) -> u64 {
        // Read in this order the difference is never negative.
        let ended = self.connections_ended.total();
        self.connections_accepted.total().saturating_sub(ended)
    }
}
