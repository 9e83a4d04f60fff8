//! Pages of texts that were read, as many as may stay in memory; and beside them columns of groups.
//!
//! All segments of a store share one. A page that was used since it was looked at last gets a second
//! chance; so what is asked for often stays, and a scan over everything does not push it out at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::group_cache::GroupCache;
use super::page_texts::PageTexts;

/// Keeps pages.
#[derive(Debug)]
pub(crate) struct PageCache {
    bytes_max: usize,
    kept: Mutex<Kept>,
    /// Columns that were decoded.
    pub(super) groups: GroupCache,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    /// The oldest first. A segment that is gone leaves entries that point nowhere.
    queue: VecDeque<(Weak<PageSlot>, usize)>,
}

/// Where a page is kept.
#[derive(Debug, Default)]
pub(super) struct PageSlot {
    /// Held for moments.
    texts: Mutex<Option<Arc<PageTexts>>>,
    used: AtomicBool,
}

impl PageCache {
    /// Keeps pages alone.
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Self::with_columns(bytes_max, 0)
    }

    /// Keeps pages, and columns for who reads groups again.
    pub(crate) fn with_columns(bytes_max: usize, columns_bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, kept: Mutex::default(), groups: GroupCache::new(columns_bytes_max) })
    }

    /// Keeps a page that was read, and lets go of others.
    pub(super) fn keep(&self, slot: &Arc<PageSlot>, texts: Arc<PageTexts>) {
        let bytes = texts.bytes();
        let before = slot.lock().replace(texts);
        if before.is_some() {
            // Two readers missed it at once: it is in the queue already.
            return;
        }
        let mut kept = self.kept.lock().expect("no code panics while it holds the pages");
        kept.bytes += bytes;
        kept.queue.push_back((Arc::downgrade(slot), bytes));
        while self.bytes_max < kept.bytes {
            let Some((slot, bytes)) = kept.queue.pop_front() else { return };
            match slot.upgrade() {
                Some(used) if used.used.swap(false, Ordering::Relaxed) => kept.queue.push_back((slot, bytes)),
                Some(unused) => {
                    *unused.lock() = None;
                    kept.bytes -= bytes;
                }
                None => kept.bytes -= bytes,
            }
        }
    }
}

impl PageSlot {
    /// Returns the page, if it is kept.
    pub(super) fn get(&self) -> Option<Arc<PageTexts>> {
        let texts = self.lock().clone();
        if texts.is_some() {
            self.used.store(true, Ordering::Relaxed);
        }
        texts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<PageTexts>>> {
        self.texts.lock().expect("no code panics while it holds a page")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_let_go() {
        let cache = PageCache::new(10_000);
        let slots: Vec<Arc<PageSlot>> = (0..100).map(|_| Arc::default()).collect();
        for slot in &slots {
            cache.keep(slot, Arc::new(PageTexts::of_bytes(vec![7; 1_000])));
            assert!(slots[0].get().is_some(), "it is used again and again");
        }
        let held = slots.iter().filter(|slot| slot.lock().is_some()).count();
        assert!((5..=10).contains(&held), "{held}");
        assert!(slots[50].get().is_none());
        drop(slots);
        let last = Arc::default();
        cache.keep(&last, Arc::new(PageTexts::of_bytes(vec![7; 9_000])));
        assert!(last.get().is_some() && cache.kept.lock().unwrap().bytes <= 10_000);
    }
}
