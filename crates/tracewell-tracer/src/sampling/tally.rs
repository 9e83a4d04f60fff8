//! `traces_sampled_total{operation,decision,rule}`: decisions, counted where they are made.
//!
//! Each thread counts in a table of its own, so counting is one look and one store and no two threads
//! share a line. Tables are added up when somebody asks. A table knows so many operations; later ones
//! are counted as `other`, because names may be anybody's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::fork;
use crate::limits::cut_bytes;

const SLOTS: usize = 256;
const PROBES: usize = 8;
/// Bytes of an operation's name that are told apart.
const NAME_BYTES: usize = 128;
/// Operations that are remembered of threads that have ended.
const RETIRED_MAX: usize = 4096;
const OTHER: &str = "other";

/// How often a rule decided one way about an operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sampled {
    /// The name of the span that was decided about; `other` for those past the table.
    pub operation: String,
    /// Whether it was recorded.
    pub recorded: bool,
    /// What decided: a rule's name, or `always_on`, `ratio`, `parent`, `priority.high` and the like.
    pub rule: String,
    /// How often.
    pub count: u64,
}

/// The counts of one thread, which alone writes to it.
#[derive(Debug)]
pub(crate) struct Tally {
    slots: Box<[Slot]>,
    others: [AtomicU64; 2],
}

#[derive(Debug, Default)]
struct Slot {
    key: OnceLock<Key>,
    count: AtomicU64,
}

#[derive(Debug)]
struct Key {
    operation: Box<str>,
    rule: Box<str>,
    recorded: bool,
}

/// All tables of a tracer.
#[derive(Debug)]
pub(crate) struct Tallies {
    home: u32,
    all: Mutex<Registered>,
}

#[derive(Debug, Default)]
struct Registered {
    threads: Vec<Arc<Tally>>,
    /// Of threads that have ended.
    retired: BTreeMap<(String, bool, String), u64>,
}

impl Tally {
    fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Slot::default()).collect(), others: Default::default() }
    }

    #[inline]
    pub(crate) fn count(&self, operation: &str, recorded: bool, rule: &str) {
        let operation = cut_bytes(operation, NAME_BYTES);
        let first = place(operation, recorded);
        for probe in 0..PROBES {
            let slot = &self.slots[first.wrapping_add(probe) % SLOTS];
            let is_new = slot.key.get().is_none();
            if is_new {
                let key = Key { operation: operation.into(), rule: rule.into(), recorded };
                // Nobody but this thread sets it.
                let _ = slot.key.set(key);
            }
            let fits = slot.key.get().is_some_and(|key| {
                key.recorded == recorded && *key.operation == *operation && *key.rule == *rule
            });
            if is_new || fits {
                return add(&slot.count);
            }
        }
        add(&self.others[usize::from(recorded)]);
    }

    fn each(&self, visit: &mut dyn FnMut(&str, bool, &str, u64)) {
        for slot in &self.slots {
            if let Some(key) = slot.key.get() {
                visit(&key.operation, key.recorded, &key.rule, slot.count.load(Ordering::Relaxed));
            }
        }
        for (recorded, count) in [false, true].into_iter().zip(&self.others) {
            let count = count.load(Ordering::Relaxed);
            if 0 < count {
                visit(OTHER, recorded, OTHER, count);
            }
        }
    }
}

/// Adds one; only one thread does so, and others may look.
#[inline]
fn add(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl Default for Tallies {
    fn default() -> Self {
        Self { home: fork::process(), all: Mutex::default() }
    }
}

impl Tallies {
    /// Makes a table for a thread.
    pub(crate) fn register(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::new());
        if let Some(mut all) = self.lock() {
            all.threads.push(Arc::clone(&tally));
        }
        tally
    }

    /// Adds up the tables of threads that have ended.
    pub(crate) fn retire(&self) {
        let Some(mut all) = self.lock() else { return };
        let Registered { threads, retired } = &mut *all;
        threads.retain(|tally| {
            let alive = 1 < Arc::strong_count(tally);
            if !alive {
                tally.each(&mut |operation, recorded, rule, count| {
                    let mut key = (operation.to_owned(), recorded, rule.to_owned());
                    if RETIRED_MAX <= retired.len() && !retired.contains_key(&key) {
                        key = (OTHER.to_owned(), recorded, OTHER.to_owned());
                    }
                    *retired.entry(key).or_default() += count;
                });
            }
            alive
        });
    }

    /// Returns all counts, in order.
    pub(crate) fn read(&self) -> Vec<Sampled> {
        let Some(all) = self.lock() else { return Vec::new() };
        let mut sums = all.retired.clone();
        for tally in &all.threads {
            tally.each(&mut |operation, recorded, rule, count| {
                *sums.entry((operation.to_owned(), recorded, rule.to_owned())).or_default() += count;
            });
        }
        drop(all);
        let row = |((operation, recorded, rule), count)| Sampled { operation, recorded, rule, count };
        sums.into_iter().map(row).collect()
    }

    fn lock(&self) -> Option<MutexGuard<'_, Registered>> {
        fork::lock(&self.all, self.home)
    }
}

/// Where a key's search begins.
#[inline]
fn place(operation: &str, recorded: bool) -> usize {
    let bytes = operation.as_bytes();
    let mut hash = bytes.len() as u64 ^ u64::from(recorded) << 32;
    for eight in bytes.chunks(8) {
        let word = eight.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
    (hash ^ hash >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_up_over_threads_and_outlive_them() {
        let tallies = Tallies::default();
        let first = tallies.register();
        first.count("GET /", true, "ratio");
        first.count("GET /", false, "ratio");
        first.count("GET /", false, "ratio");
        std::thread::scope(|scope| {
            scope.spawn(|| tallies.register().count("GET /", true, "ratio"));
        });
        tallies.retire();
        let row = |recorded, count| Sampled {
            operation: "GET /".to_owned(),
            recorded,
            rule: "ratio".to_owned(),
            count,
        };
        assert_eq!(tallies.read(), [row(false, 2), row(true, 2)]);
        assert_eq!(tallies.lock().unwrap().threads.len(), 1);
    }

    #[test]
    fn names_without_end_are_counted_together() {
        let tallies = Tallies::default();
        let tally = tallies.register();
        for number in 0..10_000 {
            tally.count(&format!("GET /{number}"), true, "ratio");
        }
        let rows = tallies.read();
        assert!(rows.len() <= SLOTS + 1);
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 10_000);
    }
}
