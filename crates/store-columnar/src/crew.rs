//! What readers offer to the threads that help them: one bounded queue for all readers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard};

use crate::ahead::{Helpers, Job};

/// Offers beyond this are forgotten: then the helpers are far behind, and readers do their own work.
const OFFERS_MAX: usize = 256;

/// Jobs that wait for a thread.
pub(crate) struct Crew {
    count: usize,
    /// Held for moments.
    offers: Mutex<Offers>,
    /// Signalled for each offer and at the end; waited on by the helpers.
    changed: Condvar,
}

#[derive(Default)]
struct Offers {
    waiting: VecDeque<Job>,
    stopped: bool,
}

impl Crew {
    /// Makes a crew that `count` threads will work for.
    pub(crate) fn new(count: usize) -> Self {
        Self { count, offers: Mutex::default(), changed: Condvar::new() }
    }

    /// A helper's life. A job that panics costs its reader, who is told, and nobody else.
    pub(crate) fn work(&self) {
        let mut offers = self.lock();
        while !offers.stopped {
            let Some(job) = offers.waiting.pop_front() else {
                offers = self.changed.wait(offers).expect("no code panics while it holds the offers");
                continue;
            };
            drop(offers);
            let _ = catch_unwind(AssertUnwindSafe(job));
            offers = self.lock();
        }
    }

    /// Ends all helpers after what they are at.
    pub(crate) fn stop(&self) {
        let mut offers = self.lock();
        offers.stopped = true;
        offers.waiting.clear();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Offers> {
        self.offers.lock().expect("no code panics while it holds the offers")
    }
}

impl Helpers for Crew {
    fn count(&self) -> usize {
        self.count
    }

    fn offer(&self, job: Job) {
        let mut offers = self.lock();
        if !offers.stopped && offers.waiting.len() < OFFERS_MAX {
            offers.waiting.push_back(job);
            self.changed.notify_one();
        }
    }
}
