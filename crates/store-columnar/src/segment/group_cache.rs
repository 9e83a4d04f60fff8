//! Columns of groups that were read and decoded, and what was counted over many groups, as much as may stay in memory.
//!
//! All segments of a store share one. A group is kept and let go as a whole: who asks for one of its columns asks
//! for more of them soon. Like a page, a group that was used since it was looked at last gets a second chance.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use store::{NameTally, Panel, Tally};

use crate::column::{Ints, Texts};

/// How many different figures of one slice are kept.
const FIGURES_MAX: usize = 16;

/// What an entry takes beside its values.
const ENTRY_BYTES: usize = 96;

/// Keeps decoded columns.
#[derive(Debug)]
pub(super) struct GroupCache {
    bytes_max: usize,
    /// The bytes of all slots.
    bytes: Arc<AtomicUsize>,
    /// The oldest first. A segment that is gone leaves entries that point nowhere. Held for moments.
    queue: Mutex<VecDeque<Weak<GroupSlot>>>,
}

/// Where the columns of one group are kept.
#[derive(Debug)]
pub(super) struct GroupSlot {
    /// Held for moments.
    columns: Mutex<Columns>,
    used: AtomicBool,
    /// The cache's count, from which the slot takes its own when it goes.
    all_bytes: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Columns {
    by_number: HashMap<(u32, Sort), Decoded, RandomState>,
    /// What was counted over the slice that begins with this group.
    figures: Vec<(Vec<Panel>, Arc<Tally>)>,
    bytes: usize,
    is_queued: bool,
}

/// How a column was read; one may be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    Ints,
    Texts,
    Raw,
    Buckets,
    /// No column, but the names of attributes in a slice.
    Names,
}

/// A column's values.
#[derive(Clone, Debug)]
pub(super) enum Decoded {
    Ints(Arc<Ints>),
    Texts(Arc<Texts>),
    Bytes(Arc<Vec<u8>>),
    Names(Arc<NameTally>),
}

impl Decoded {
    fn bytes(&self) -> usize {
        let values = match self {
            Self::Ints(ints) => ints.bytes(),
            Self::Texts(texts) => texts.bytes(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Names(names) => names.bytes(),
        };
        values + ENTRY_BYTES
    }
}

impl GroupCache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: Arc::default(), queue: Mutex::default() }
    }

    /// Makes a slot for a group.
    pub(super) fn slot(&self) -> Arc<GroupSlot> {
        let all_bytes = self.bytes.clone();
        Arc::new(GroupSlot { columns: Mutex::default(), used: AtomicBool::new(false), all_bytes })
    }

    /// Keeps a column that was read.
    pub(super) fn keep(&self, slot: &Arc<GroupSlot>, number: u32, sort: Sort, decoded: Decoded) {
        let bytes = decoded.bytes();
        if self.bytes_max < bytes {
            return;
        }
        let mut columns = slot.lock();
        if columns.by_number.insert((number, sort), decoded).is_some() {
            // Two readers missed it at once.
            return;
        }
        columns.bytes += bytes;
        // Before the lock goes: whoever clears the slot takes them off.
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let is_new = !std::mem::replace(&mut columns.is_queued, true);
        drop(columns);
        self.grown(slot, all, is_new);
    }

    /// Keeps what was counted over the slice that begins with a group.
    pub(super) fn keep_figures(&self, slot: &Arc<GroupSlot>, panels: &[Panel], tally: Arc<Tally>) {
        let bytes = tally.bytes() + ENTRY_BYTES;
        if self.bytes_max < bytes {
            return;
        }
        let mut columns = slot.lock();
        if FIGURES_MAX <= columns.figures.len() || columns.figures.iter().any(|(known, _)| known == panels) {
            return;
        }
        columns.figures.push((panels.to_vec(), tally));
        columns.bytes += bytes;
        // Before the lock goes: whoever clears the slot takes them off.
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let is_new = !std::mem::replace(&mut columns.is_queued, true);
        drop(columns);
        self.grown(slot, all, is_new);
    }

    /// Lets go of groups that nobody used, where `all` bytes are too many.
    fn grown(&self, slot: &Arc<GroupSlot>, all: usize, is_new: bool) {
        if !is_new && all <= self.bytes_max {
            return;
        }
        let mut queue = self.queue.lock().expect("no code panics while it holds the queue");
        if is_new {
            if queue.len() == queue.capacity() {
                // Segments that are gone must not leave entries for ever.
                queue.retain(|slot| slot.strong_count() != 0);
                let live = queue.len();
                queue.reserve(live + 1);
            }
            queue.push_back(Arc::downgrade(slot));
        }
        while self.bytes_max < self.bytes.load(Ordering::Relaxed) {
            let Some(oldest) = queue.pop_front() else { return };
            let Some(slot) = oldest.upgrade() else { continue };
            if slot.used.swap(false, Ordering::Relaxed) {
                queue.push_back(oldest);
            } else {
                slot.clear();
            }
        }
    }
}

impl GroupSlot {
    /// Returns a column, if it is kept.
    pub(super) fn get(&self, number: u32, sort: Sort) -> Option<Decoded> {
        let found = self.lock().by_number.get(&(number, sort)).cloned();
        if found.is_some() {
            self.used.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Returns what was counted over the slice that begins with this group, if it is kept.
    pub(super) fn figures(&self, panels: &[Panel]) -> Option<Arc<Tally>> {
        let found =
            self.lock().figures.iter().find(|(known, _)| known == panels).map(|(_, tally)| tally.clone());
        if found.is_some() {
            self.used.store(true, Ordering::Relaxed);
        }
        found
    }

    fn clear(&self) {
        let columns = std::mem::take(&mut *self.lock());
        self.all_bytes.fetch_sub(columns.bytes, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Columns> {
        self.columns.lock().expect("no code panics while it holds columns")
    }
}

impl Drop for GroupSlot {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Decoded {
        Decoded::Bytes(Arc::new(vec![7; len]))
    }

    #[test]
    fn groups_that_are_used_stay_and_the_rest_is_let_go() {
        let cache = GroupCache::new(50_000);
        let slots: Vec<_> = (0..40).map(|_| cache.slot()).collect();
        for slot in &slots {
            for column in 0..4 {
                cache.keep(slot, column, Sort::Raw, bytes(1_000));
                cache.keep(slot, column, Sort::Raw, bytes(1_000));
            }
            assert!(slots[0].get(3, Sort::Raw).is_some(), "it is used again and again");
        }
        let held = slots.iter().filter(|slot| slot.lock().is_queued).count();
        assert!((8..=12).contains(&held), "{held}");
        assert!(slots[20].get(0, Sort::Raw).is_none() && slots[0].get(0, Sort::Ints).is_none());
        drop(slots);
        assert_eq!(cache.bytes.load(Ordering::Relaxed), 0, "what is gone takes nothing");
        let last = cache.slot();
        cache.keep(&last, 0, Sort::Raw, bytes(40_000));
        assert!(last.get(0, Sort::Raw).is_some());
    }
}
