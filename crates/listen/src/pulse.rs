//! What a connection is waiting for, and since when.
//!
//! The socket notes that bytes came, the front notes that requests begin and end; the connection's task asks when
//! to look again. Hyper has a timer for headers too, but it also runs while a connection is idle, so
//! it cannot tell a slow header from a client that keeps its connection for later.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::time::Instant;

use crate::limits::Limits;

/// The state of one connection, held by its task, its socket and each of its requests.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Never held across anything but a few assignments.
    state: Mutex<State>,
}

/// What the connection's task has to do about its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// The header of a request takes too long.
    HeadLate,
    /// Nothing has been asked for long.
    Idle,
}

#[derive(Debug)]
struct State {
    /// Requests whose reply is not yet handed over.
    requests: usize,
    /// When the last request ended, or the connection began.
    quiet_since: Instant,
    /// When the first byte after that came. The first request of a connection is expected at once.
    head_since: Option<Instant>,
    /// On HTTP/2, bytes between requests are pings and windows, not a header.
    bytes_are_heads: bool,
}

/// Counts as one open request while it lives.
#[derive(Debug)]
pub(crate) struct Ticket(Arc<Pulse>);

impl Pulse {
    pub(crate) fn new(now: Instant) -> Arc<Self> {
        let state = State { requests: 0, quiet_since: now, head_since: Some(now), bytes_are_heads: true };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// The client turned out to speak HTTP/2; its settings and pings are no late header.
    pub(crate) fn is_multiplexed(&self) {
        let mut state = self.lock();
        state.bytes_are_heads = false;
        state.head_since = None;
    }

    pub(crate) fn bytes_came(&self) {
        let mut state = self.lock();
        if state.requests == 0 && state.bytes_are_heads && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Ticket {
        let mut state = self.lock();
        state.requests += 1;
        state.head_since = None;
        Ticket(Arc::clone(self))
    }

    pub(crate) fn verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        let state = self.lock();
        if 0 < state.requests {
            // The body and the reply have their own clocks; look again when one could have ended.
            return Verdict::Wait(now + limits.head_time);
        }
        let (due, verdict) = match state.head_since {
            Some(since) => (since + limits.head_time, Verdict::HeadLate),
            // A header may begin in between, and its time is shorter than the rest of this one.
            None => (state.quiet_since + limits.idle_time, Verdict::Idle),
        };
        if due <= now { verdict } else { Verdict::Wait(due.min(now + limits.head_time)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the pulse")
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests -= 1;
        if state.requests == 0 {
            state.quiet_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn first_request_is_expected_at_once() {
        let limits = Limits::of(1024);
        let start = Instant::now();
        let pulse = Pulse::new(start);
        assert_eq!(pulse.verdict(start + 9 * SECOND, &limits), Verdict::Wait(start + 10 * SECOND));
        assert_eq!(pulse.verdict(start + 10 * SECOND, &limits), Verdict::HeadLate);
    }

    #[tokio::test(start_paused = true)]
    async fn kept_connection_may_rest_but_its_next_header_may_not() {
        let limits = Limits::of(1024);
        let pulse = Pulse::new(Instant::now());
        drop(pulse.begin());
        tokio::time::advance(100 * SECOND).await;
        let now = Instant::now();
        assert_eq!(pulse.verdict(now, &limits), Verdict::Wait(now + 10 * SECOND));
        assert_eq!(pulse.verdict(now + 20 * SECOND, &limits), Verdict::Idle);
        pulse.bytes_came();
        assert_eq!(pulse.verdict(now + 10 * SECOND, &limits), Verdict::HeadLate);
    }

    #[tokio::test(start_paused = true)]
    async fn open_request_is_neither_late_nor_idle() {
        let limits = Limits::of(1024);
        let pulse = Pulse::new(Instant::now());
        let ticket = pulse.begin();
        tokio::time::advance(1000 * SECOND).await;
        assert!(matches!(pulse.verdict(Instant::now(), &limits), Verdict::Wait(_)));
        drop(ticket);
        assert!(matches!(pulse.verdict(Instant::now() + 121 * SECOND, &limits), Verdict::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn pings_of_http2_are_no_header() {
        let limits = Limits::of(1024);
        let pulse = Pulse::new(Instant::now());
        pulse.is_multiplexed();
        pulse.bytes_came();
        assert!(matches!(pulse.verdict(Instant::now() + 60 * SECOND, &limits), Verdict::Wait(_)));
        assert_eq!(pulse.verdict(Instant::now() + 120 * SECOND, &limits), Verdict::Idle);
    }
}
