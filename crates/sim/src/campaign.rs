//! Many seeds, on all cores, each a run of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::plan::Plan;
use crate::run::{Failure, run};

/// What many runs came to.
#[derive(Debug, Default)]
pub struct Campaign {
    /// Seeds that ran to their end.
    pub passed: u64,
    /// Seeds that did not, with what they found.
    pub failed: Vec<(u64, Failure)>,
    /// Starts of the engine.
    pub starts: u64,
    /// Comparisons of everything.
    pub checks: u64,
    /// Faults that struck.
    pub strikes: u64,
    /// Spans that were written.
    pub spans: u64,
}

/// Runs the seeds from `first` on, as long as `go_on` says so when it hears how many have begun, and until
/// some have failed.
pub fn campaign(first: u64, go_on: &(dyn Fn(u64) -> bool + Sync)) -> Campaign {
    const FAILED_MAX: usize = 5;
    let (begun, failed) = (AtomicU64::new(0), AtomicUsize::new(0));
    let total = Mutex::new(Campaign::default());
    let work = || {
        while failed.load(Ordering::Relaxed) < FAILED_MAX {
            let number = begun.fetch_add(1, Ordering::Relaxed);
            if !go_on(number) {
                return;
            }
            let seed = first.wrapping_add(number);
            let outcome = run(&Plan::of(seed));
            let mut total = total.lock().expect("no code panics while it holds the total");
            match outcome {
                Ok(report) => {
                    total.passed += 1;
                    total.starts += report.starts;
                    total.checks += report.checks;
                    total.strikes += report.strikes;
                    total.spans += report.spans;
                }
                Err(failure) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                    total.failed.push((seed, failure));
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    total.into_inner().expect("no code panics while it holds the total")
}
