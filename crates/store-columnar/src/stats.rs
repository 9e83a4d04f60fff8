//! What the engine counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wal::replay::WalLoss;

/// The engine's counters and sizes at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Spans acknowledged since the start.
    pub spans_written: u64,
    /// Batches acknowledged.
    pub batches_written: u64,
    /// Groups: log syncs, that is.
    pub groups_written: u64,
    /// Bytes written to the log.
    pub wal_written_bytes: u64,
    /// Bytes that the log's files take.
    pub wal_bytes: u64,
    /// Memory that heads take, those that are being frozen included.
    pub heads_bytes: u64,
    /// Segments that can be read.
    pub segments: u64,
    /// Bytes that they take on the disk.
    pub segments_bytes: u64,
    /// Spans in them; a retried one counts each time.
    pub segments_spans: u64,
    /// Heads that became segments.
    pub heads_frozen: u64,
    /// Freezes that failed and are tried again.
    pub freezes_failed: u64,
    /// Writes that had to wait for a freeze.
    pub writes_held_back: u64,
    /// Writes refused because the disk was full or broken.
    pub writes_refused: u64,
    /// Segments forgotten because of their age.
    pub segments_expired_by_age: u64,
    /// Segments forgotten because there were too many bytes.
    pub segments_expired_by_bytes: u64,
    /// Spans in forgotten segments.
    pub spans_expired: u64,
    /// Times that segments were joined into one.
    pub compactions: u64,
    /// Segments that were joined.
    pub segments_compacted: u64,
    /// Spans that were stored more than once and are no longer.
    pub spans_collapsed: u64,
    /// Compactions that failed and are tried again later.
    pub compactions_failed: u64,
    /// Files that could not be removed after they were forgotten; the next start removes them.
    pub removals_failed: u64,
    /// Reads that left out damaged rows.
    pub reads_damaged: u64,
    /// Whether writes are refused because a sync failed.
    pub poisoned: bool,
}

/// What a start found and mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments that can be read.
    pub segments: u64,
    /// Spans in them.
    pub segments_spans: u64,
    /// Log entries that were replayed into heads.
    pub entries_replayed: u64,
    /// Spans in them.
    pub spans_replayed: u64,
    /// Finished segments that a crash had kept off the list.
    pub segments_adopted: u64,
    /// Unfinished or forgotten files that were removed.
    pub files_removed: u64,
    /// Log files that ended in a group that was never acknowledged.
    pub torn_tails: u64,
    /// What the log lost of what it had acknowledged.
    pub wal_losses: Vec<WalLoss>,
    /// Log entries whose bodies could be read in part or not at all: file by sequence, and why.
    pub entries_undecodable: Vec<UndecodableEntry>,
    /// Segments that were set aside, with the reason.
    pub segments_set_aside: Vec<SetAside>,
    /// Whether edits of the manifest were lost, and the list was made anew from the segments.
    pub manifest_damaged: bool,
}

/// A log entry that is sound and yet gives other spans than it once gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecodableEntry {
    /// Its number.
    pub sequence: u64,
    /// How many spans were kept when it came.
    pub spans_expected: u64,
    /// How many it gives now.
    pub spans_found: u64,
    /// What the decoder said.
    pub why: Option<String>,
}

/// A segment that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its file, as it is named now.
    pub path: std::path::PathBuf,
    /// How many spans the list says it holds.
    pub spans: u64,
    /// What is wrong with it.
    pub why: String,
}

/// The counters that run. Each is added to by one place and read by [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) spans_written: AtomicU64,
    pub(crate) batches_written: AtomicU64,
    pub(crate) groups_written: AtomicU64,
    pub(crate) wal_written_bytes: AtomicU64,
    pub(crate) wal_bytes: AtomicU64,
    pub(crate) heads_bytes: AtomicU64,
    pub(crate) heads_sealed: AtomicU64,
    pub(crate) heads_frozen: AtomicU64,
    pub(crate) freezes_failed: AtomicU64,
    pub(crate) writes_held_back: AtomicU64,
    pub(crate) writes_refused: AtomicU64,
    pub(crate) segments_expired_by_age: AtomicU64,
    pub(crate) segments_expired_by_bytes: AtomicU64,
    pub(crate) spans_expired: AtomicU64,
    pub(crate) compactions: AtomicU64,
    pub(crate) segments_compacted: AtomicU64,
    pub(crate) spans_collapsed: AtomicU64,
    pub(crate) compactions_failed: AtomicU64,
    pub(crate) removals_failed: AtomicU64,
    pub(crate) reads_damaged: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Reads a counter.
pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
