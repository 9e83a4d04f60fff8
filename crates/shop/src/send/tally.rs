//! What became of the spans that were sent.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Message;

/// Counts of one run; they can be read while it runs.
#[derive(Debug, Default)]
pub struct Tally {
    requests_sent: AtomicU64,
    requests_acked: AtomicU64,
    spans_sent: AtomicU64,
    spans_acked: AtomicU64,
    spans_refused: AtomicU64,
    spans_given_up: AtomicU64,
    retries: AtomicU64,
    bytes_sent: AtomicU64,
    /// The last reason that a server gave for a no or a later. Held for one assignment.
    complaint: Mutex<Option<String>>,
}

/// Declares how counters are read.
macro_rules! read {
    ($($(#[$doc:meta])* $name:ident)*) => {
        impl Tally {
            $(
                $(#[$doc])*
                pub fn $name(&self) -> u64 {
                    self.$name.load(Ordering::Relaxed)
                }
            )*
        }
    };
}

read! {
    /// Returns the messages sent, repetitions not counted.
    requests_sent
    /// Returns the messages acknowledged.
    requests_acked
    /// Returns the spans sent, repetitions not counted.
    spans_sent
    /// Returns the spans acknowledged. Datagrams are never acknowledged.
    spans_acked
    /// Returns the spans that a server will not have.
    spans_refused
    /// Returns the spans that were not acknowledged before patience ended.
    spans_given_up
    /// Returns how often a message was sent again.
    retries
    /// Returns the bytes of all messages as they travelled, repetitions not counted.
    bytes_sent
}

impl Tally {
    /// Returns the last reason that a server gave for not taking something.
    pub fn complaint(&self) -> Option<String> {
        self.complaint.lock().expect("no code panics while it holds the text").clone()
    }

    pub(super) fn sent(&self, message: &Message) {
        self.requests_sent.fetch_add(1, Ordering::Relaxed);
        self.spans_sent.fetch_add(message.spans as u64, Ordering::Relaxed);
        self.bytes_sent.fetch_add(message.body.len() as u64, Ordering::Relaxed);
    }

    pub(super) fn acked(&self, message: &Message, rejected: u64, reason: Option<String>) {
        let rejected = rejected.min(message.spans as u64);
        self.requests_acked.fetch_add(1, Ordering::Relaxed);
        self.spans_acked.fetch_add(message.spans as u64 - rejected, Ordering::Relaxed);
        self.spans_refused.fetch_add(rejected, Ordering::Relaxed);
        if let Some(reason) = reason {
            self.complain(reason);
        }
    }

    pub(super) fn refused(&self, message: &Message, why: String) {
        self.spans_refused.fetch_add(message.spans as u64, Ordering::Relaxed);
        self.complain(why);
    }

    pub(super) fn given_up(&self, message: &Message, why: String) {
        self.spans_given_up.fetch_add(message.spans as u64, Ordering::Relaxed);
        self.complain(why);
    }

    pub(super) fn later(&self, _message: &Message, why: String) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.complain(why);
    }

    fn complain(&self, why: String) {
        *self.complaint.lock().expect("no code panics while it holds the text") = Some(why);
    }
}
