//! Work that is begun before its result is asked for, by whoever has time.
//!
//! A reader offers work to the store's helpers and goes on. When it wants the result and nobody has begun,
//! it does the work itself: so no reader waits for a helper that is busy elsewhere, a helper that
//! forgets an offer does no harm, and results come in the order in which they are taken, however
//! many helpers there are. An offer that is dropped before anybody began is never begun.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Threads that work for readers.
pub(crate) trait Helpers: Send + Sync {
    /// Returns how many there are beside the reader's own.
    fn count(&self) -> usize;

    /// Runs a job on one of them soon, or forgets it.
    fn offer(&self, job: Job);
}

/// What a helper is given.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Nobody helps: each reader does all of its work when it is needed.
pub(crate) struct Nobody;

impl Helpers for Nobody {
    fn count(&self) -> usize {
        0
    }

    fn offer(&self, _: Job) {}
}

/// A result to come.
pub(crate) struct Ahead<T>(Arc<State<T>>);

struct State<T> {
    /// Held for moments.
    stage: Mutex<Stage<T>>,
    /// Signalled once, when the work is done or lost.
    ended: Condvar,
}

enum Stage<T> {
    Waiting(Box<dyn FnOnce() -> T + Send>),
    Begun,
    Done(T),
    /// Taken, dropped, or lost to a panic.
    Gone,
}

impl<T: Send + 'static> Ahead<T> {
    /// Offers work to the helpers.
    pub(crate) fn begin(helpers: &dyn Helpers, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let stage = Mutex::new(Stage::Waiting(Box::new(work)));
        let state = Arc::new(State { stage, ended: Condvar::new() });
        let theirs = state.clone();
        helpers.offer(Box::new(move || theirs.work()));
        Self(state)
    }

    /// Tells whether the result is there.
    pub(crate) fn is_done(&self) -> bool {
        matches!(*self.0.lock(), Stage::Done(_))
    }

    /// Returns the result, doing the work here if nobody has begun. Panics where a helper did.
    pub(crate) fn take(self) -> T {
        self.0.work();
        let mut stage = self.0.lock();
        while matches!(*stage, Stage::Begun) {
            stage = self.0.ended.wait(stage).expect("no code panics while it holds a stage");
        }
        match std::mem::replace(&mut *stage, Stage::Gone) {
            Stage::Done(result) => result,
            _ => panic!("a helper panicked while it read for this search"),
        }
    }
}

impl<T> State<T> {
    /// Does the work, unless somebody has begun.
    fn work(&self) {
        let mut stage = self.lock();
        if !matches!(*stage, Stage::Waiting(_)) {
            return;
        }
        let Stage::Waiting(work) = std::mem::replace(&mut *stage, Stage::Begun) else { return };
        drop(stage);
        let mut end = End { state: self, stage: Some(Stage::Gone) };
        end.stage = Some(Stage::Done(work()));
    }

    fn lock(&self) -> MutexGuard<'_, Stage<T>> {
        self.stage.lock().expect("no code panics while it holds a stage")
    }
}

/// Ends the work, by a panic as well.
struct End<'a, T> {
    state: &'a State<T>,
    stage: Option<Stage<T>>,
}

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        if let Some(stage) = self.stage.take() {
            *self.state.lock() = stage;
        }
        self.state.ended.notify_all();
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        let mut stage = self.0.lock();
        if matches!(*stage, Stage::Waiting(_)) {
            *stage = Stage::Gone;
        }
    }
}

/// Helpers for tests: each offer is handed to a thread of its own.
#[cfg(test)]
pub(crate) struct Many;

#[cfg(test)]
impl Helpers for Many {
    fn count(&self) -> usize {
        4
    }

    fn offer(&self, job: Job) {
        std::thread::spawn(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn results_come_in_the_order_of_their_takers() {
        for helpers in [&Nobody as &dyn Helpers, &Many] {
            let all: Vec<_> = (0..50).map(|n| Ahead::begin(helpers, move || n * n)).collect();
            assert!(all.into_iter().map(Ahead::take).eq((0..50).map(|n| n * n)));
        }
    }

    #[test]
    fn what_is_dropped_is_not_begun_and_what_is_begun_is_waited_for() {
        let (tell, told) = mpsc::sync_channel(1);
        let teller = tell.clone();
        drop(Ahead::begin(&Nobody, move || teller.send(1)));
        assert!(told.try_recv().is_err());
        let (go, wait) = mpsc::sync_channel(1);
        let begun = Ahead::begin(&Many, move || {
            tell.send(2).unwrap();
            wait.recv().unwrap();
            7
        });
        assert_eq!((told.recv(), begun.is_done()), (Ok(2), false));
        go.send(()).unwrap();
        assert_eq!(begun.take(), 7);
    }
}
