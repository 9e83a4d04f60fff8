//! What the receivers count. `server` renders it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use listen::Counter;
use span::UnixNanos;

use crate::protocol::Protocol;
use crate::refusal::{Cause, Refusal};

/// A cause is logged at most this often, with a count of what came meanwhile.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(10);

/// Counts since the start, by protocol.
#[derive(Debug, Default)]
pub struct Stats {
    protocols: [ProtocolStats; Protocol::ALL.len()],
}

/// What one protocol brought.
#[derive(Debug, Default)]
pub struct ProtocolStats {
    /// Messages that came, good or bad. A UDP datagram is one.
    pub messages: Counter,
    /// Their bytes as they came, compressed or not.
    pub bytes: Counter,
    /// Spans that are durable and visible. For UDP, where nobody waits for it, spans that were let in.
    pub spans_stored: Counter,
    /// Spans that were bad, in messages whose other spans were taken.
    pub spans_rejected: Counter,
    causes: [CauseStats; Cause::ALL.len()],
}

/// What was refused for one cause.
#[derive(Debug, Default)]
pub struct CauseStats {
    /// Messages refused.
    pub messages: Counter,
    /// Their spans, where the refusal came after decoding.
    pub spans: Counter,
    /// When the last complaint was logged, in ns.
    logged: AtomicU64,
    /// `messages` at that time.
    logged_messages: AtomicU64,
}

impl Stats {
    /// Returns the counts of one protocol.
    pub fn of(&self, protocol: Protocol) -> &ProtocolStats {
        &self.protocols[protocol as usize]
    }

    /// Counts a refused message and complains in the log, unless that was done a moment ago.
    pub(crate) fn refuse(&self, protocol: Protocol, refusal: &Refusal, spans: usize, now: UnixNanos) {
        let cause = &self.of(protocol).causes[refusal.cause() as usize];
        cause.messages.count();
        cause.spans.add(spans as u64);
        let Some(messages) = cause.complaint(now) else { return };
        tracing::warn!(
            receiver = protocol.receiver(),
            transport = protocol.transport(),
            cause = refusal.cause().word(),
            messages,
            last = %refusal,
            "messages refused"
        );
    }
}

impl ProtocolStats {
    /// Returns what was refused for one cause.
    pub fn refused(&self, cause: Cause) -> &CauseStats {
        &self.causes[cause as usize]
    }
}

impl CauseStats {
    /// Returns how many messages were refused since the last complaint, when it is time for one.
    fn complaint(&self, now: UnixNanos) -> Option<u64> {
        let last = self.logged.load(Ordering::Relaxed);
        let again = last.saturating_add(COMPLAINT_INTERVAL.as_nanos() as u64);
        if 0 < last && now.0 < again {
            return None;
        }
        // Of several threads one complains.
        self.logged.compare_exchange(last, now.0.max(1), Ordering::Relaxed, Ordering::Relaxed).ok()?;
        let total = self.messages.total();
        Some(total - self.logged_messages.swap(total, Ordering::Relaxed).min(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_place() {
        for (place, protocol) in Protocol::ALL.into_iter().enumerate() {
            assert_eq!(protocol as usize, place);
        }
        for (place, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, place);
        }
    }

    #[test]
    fn complaints_are_rare_and_say_how_many() {
        let cause = CauseStats::default();
        let second = |seconds: u64| UnixNanos(seconds * 1_000_000_000);
        cause.messages.add(1);
        assert_eq!(cause.complaint(second(100)), Some(1));
        cause.messages.add(7);
        assert_eq!(cause.complaint(second(109)), None);
        assert_eq!(cause.complaint(second(110)), Some(7));
        // A clock that jumps back keeps it silent, nothing worse.
        assert_eq!(cause.complaint(second(1)), None);
    }
}
