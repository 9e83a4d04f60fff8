//! Everything an open store holds, and who may touch it when.
//!
//! * The **ingest lock** covers the log, the heads and every change of a view. A commit holds it through
//!   its sync; a freeze takes it twice, for a moment. Who holds it knows that no head has a row
//!   that is not durable, so sealing a head is always safe.
//! * The **manifest lock** covers the list of segments, and is held until the views show what the list
//!   says. It is never waited for under the ingest lock.
//! * The **poison** is set once, by the first sync that fails, and then nothing more is written.
//!
//! Readers take neither lock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use span::{Tenant, UnixNanos};
use store::StoreError;

use crate::ahead::{Helpers, Nobody};
use crate::config::Config;
use crate::directory::Directory;
use crate::disk::Disk;
use crate::manifest::{Manifest, SegmentId};
use crate::rows::{Rows, RowsSnapshot};
use crate::segment::PageCache;
use crate::stats::{Counters, Stats, read};
use crate::view::Views;
use crate::wal::Wal;

/// An open store, without threads.
pub(crate) struct Hold {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: Directory,
    pub(crate) config: Config,
    pub(crate) views: Views,
    pub(crate) counters: Arc<Counters>,
    /// Pages of texts that searches read.
    pub(crate) pages: Arc<PageCache>,
    ingest: Mutex<Ingest>,
    manifest: Mutex<Manifest>,
    /// What compaction knows from one step to the next. Held by the one who compacts, and for moments.
    compaction: Mutex<Compaction>,
    /// Who works for readers, where there are threads.
    helpers: OnceLock<Arc<dyn Helpers>>,
    /// The first failure after which what is durable is not known.
    poison: OnceLock<String>,
    /// Set by a clean stop: no more writes, though freezing goes on.
    closed: AtomicBool,
}

/// What compaction knows.
#[derive(Default)]
pub(crate) struct Compaction {
    /// Whose output is being written, and how long it may get: room that retention keeps free.
    pub(crate) reserved: Option<(Tenant, u64)>,
    /// Segments that could not be read and are left alone until the next start.
    pub(crate) unreadable: BTreeSet<(Tenant, SegmentId)>,
}

/// The writing side.
pub(crate) struct Ingest {
    pub(crate) wal: Wal,
    pub(crate) heads: BTreeMap<Tenant, Head>,
    /// Heads that wait to be frozen, oldest first.
    pub(crate) sealed: VecDeque<Sealed>,
    /// Counts sealed heads.
    pub(crate) generation: u64,
}

/// A head that grows.
pub(crate) struct Head {
    pub(crate) rows: Arc<Rows>,
    /// The numbers of its first and last log entry.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// When it got its first span.
    pub(crate) born: UnixNanos,
    /// The hour of arrival that its segment will belong to.
    pub(crate) hour: u64,
}

/// A head that takes no more.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) generation: u64,
    pub(crate) tenant: Tenant,
    pub(crate) snapshot: Arc<RowsSnapshot>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) bytes: usize,
}

impl Hold {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        directory: Directory,
        config: Config,
        manifest: Manifest,
        pages: Arc<PageCache>,
        wal: Wal,
    ) -> Self {
        let (heads, sealed) = (BTreeMap::new(), VecDeque::new());
        Self {
            disk,
            directory,
            config,
            views: Views::default(),
            counters: Arc::default(),
            pages,
            ingest: Mutex::new(Ingest { wal, heads, sealed, generation: 0 }),
            manifest: Mutex::new(manifest),
            compaction: Mutex::default(),
            helpers: OnceLock::new(),
            poison: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Takes the ingest lock. Fails when a thread panicked while it had it.
    pub(crate) fn ingest(&self) -> Result<MutexGuard<'_, Ingest>, StoreError> {
        self.ingest.lock().map_err(|_| self.panicked())
    }

    /// Takes the manifest lock. Fails when a thread panicked while it had it.
    pub(crate) fn manifest(&self) -> Result<MutexGuard<'_, Manifest>, StoreError> {
        self.manifest.lock().map_err(|_| self.panicked())
    }

    /// Takes what compaction knows.
    pub(crate) fn compaction(&self) -> MutexGuard<'_, Compaction> {
        self.compaction.lock().expect("no code panics while it holds what compaction knows")
    }

    /// Lets readers be helped from now on.
    pub(crate) fn help(&self, helpers: Arc<dyn Helpers>) {
        let _ = self.helpers.set(helpers);
    }

    /// Returns who works for readers.
    pub(crate) fn helpers(&self) -> Arc<dyn Helpers> {
        self.helpers.get().cloned().unwrap_or_else(|| Arc::new(Nobody))
    }

    /// Fails once the store is poisoned.
    pub(crate) fn check_sound(&self) -> Result<(), StoreError> {
        match self.poison.get() {
            Some(why) => Err(StoreError::Poisoned { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Fails once the store takes no more spans.
    pub(crate) fn check_writable(&self) -> Result<(), StoreError> {
        self.check_sound()?;
        match self.closed.load(Ordering::Acquire) {
            true => Err(StoreError::Poisoned { why: "it was closed".to_owned() }),
            false => Ok(()),
        }
    }

    /// Takes no more spans from now on.
    pub(crate) fn close_door(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Takes no more writes from now on, and says why.
    pub(crate) fn poison(&self, why: impl ToString) -> StoreError {
        let why = self.poison.get_or_init(|| why.to_string());
        StoreError::Poisoned { why: why.clone() }
    }

    /// Poisons the store where a sync failed.
    pub(crate) fn synced(&self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        result.map_err(|error| self.poison(error))
    }

    /// Poisons the store where the list could not be rewritten, unless there was only no room: then the
    /// old list holds.
    pub(crate) fn tidied(&self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        match result {
            Err(StoreError::DiskFull { .. }) => Ok(()),
            result => self.synced(result),
        }
    }

    /// Tells whether heads take more memory than they may.
    pub(crate) fn is_crowded(&self) -> bool {
        (self.config.limits.heads_bytes_max as u64) < read(&self.counters.heads_bytes)
    }

    /// Tells whether a head waits to be frozen.
    pub(crate) fn has_sealed(&self) -> bool {
        0 < read(&self.counters.heads_sealed)
    }

    /// Returns what was counted.
    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.counters;
        let mut stats = Stats {
            spans_written: read(&counters.spans_written),
            batches_written: read(&counters.batches_written),
            groups_written: read(&counters.groups_written),
            wal_written_bytes: read(&counters.wal_written_bytes),
            wal_bytes: read(&counters.wal_bytes),
            heads_bytes: read(&counters.heads_bytes),
            heads_frozen: read(&counters.heads_frozen),
            freezes_failed: read(&counters.freezes_failed),
            writes_held_back: read(&counters.writes_held_back),
            writes_refused: read(&counters.writes_refused),
            segments_expired_by_age: read(&counters.segments_expired_by_age),
            segments_expired_by_bytes: read(&counters.segments_expired_by_bytes),
            spans_expired: read(&counters.spans_expired),
            compactions: read(&counters.compactions),
            segments_compacted: read(&counters.segments_compacted),
            spans_collapsed: read(&counters.spans_collapsed),
            compactions_failed: read(&counters.compactions_failed),
            removals_failed: read(&counters.removals_failed),
            reads_damaged: read(&counters.reads_damaged),
            poisoned: self.poison.get().is_some(),
            ..Stats::default()
        };
        for (_, view) in self.views.all() {
            for shelved in view.segments.iter() {
                stats.segments += 1;
                stats.segments_bytes += shelved.line.bytes;
                stats.segments_spans += shelved.line.bounds.spans;
            }
        }
        stats
    }

    /// Notes what the writing side takes.
    pub(crate) fn measure(&self, ingest: &Ingest) {
        let heads: usize = ingest.heads.values().map(|head| head.rows.bytes()).sum();
        let sealed: usize = ingest.sealed.iter().map(|sealed| sealed.bytes).sum();
        self.counters.heads_bytes.store((heads + sealed) as u64, Ordering::Relaxed);
        self.counters.heads_sealed.store(ingest.sealed.len() as u64, Ordering::Relaxed);
        self.counters.wal_bytes.store(ingest.wal.bytes(), Ordering::Relaxed);
    }

    fn panicked(&self) -> StoreError {
        self.poison("a thread panicked while it stored spans")
    }
}

impl Ingest {
    /// Ends a tenant's head and queues it for freezing. All of its rows must be durable.
    pub(crate) fn seal(&mut self, tenant: &Tenant, views: &Views) {
        let Some(head) = self.heads.remove(tenant) else { return };
        self.generation += 1;
        let generation = self.generation;
        let (snapshot, bytes) = (head.rows.snapshot(), head.rows.bytes());
        views.change(tenant, |view| {
            view.head = None;
            view.sealed.push((generation, snapshot.clone()));
        });
        let Head { first, last, .. } = head;
        self.sealed.push_back(Sealed { generation, tenant: tenant.clone(), snapshot, first, last, bytes });
    }

    /// Returns the number of the first log entry that is still needed.
    pub(crate) fn needed_from(&self) -> u64 {
        let heads = self.heads.values().map(|head| head.first);
        let sealed = self.sealed.iter().map(|sealed| sealed.first);
        heads.chain(sealed).min().unwrap_or_else(|| self.wal.sequence_next())
    }
}
