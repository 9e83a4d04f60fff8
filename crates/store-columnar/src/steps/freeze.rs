//! Turns the oldest sealed head into a segment.
//!
//! 1. Write the segment beside its name, sync, rename, sync the folder. 2. List it in the manifest, sync.
//! 3. Swap the head for the segment in the view, and let go of the log's files that nobody needs.
//!
//! Commits and reads go on meanwhile: the sealed head is read until its segment is. A crash after
//! step 1 leaves a whole segment that the next start adopts. A full disk fails the step and keeps
//! everything as it was; a failed sync poisons.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use span::UnixNanos;
use store::StoreError;

use crate::disk::DiskFile;
use crate::hold::{Head, Hold, Sealed};
use crate::manifest::{Edit, SegmentId, SegmentLine};
use crate::segment::Segment;
use crate::segment::build::Built;
use crate::stats::{add, read};
use crate::view::Shelved;

/// How much is written to a segment's file at once.
const WRITE_BYTES: usize = 1 << 20;

/// What a step found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frozen {
    /// One head became a segment.
    Head,
    /// No head is sealed.
    Nothing,
}

/// Seals the heads that are old by now, and the largest one where all take too much memory.
pub(crate) fn seal_due(hold: &Hold, now: UnixNanos) -> Result<(), StoreError> {
    let mut ingest = hold.ingest()?;
    hold.check_sound()?;
    let limits = hold.config.limits;
    let log_is_long = 4 * limits.wal_file_bytes < read(&hold.counters.wal_bytes);
    let due = |head: &Head| {
        let is_small = head.rows.len() < limits.small_head_spans && !log_is_long;
        let age = if is_small { limits.small_head_age } else { limits.freeze_age };
        age <= now.since(head.born)
    };
    let mut tenants: Vec<_> =
        ingest.heads.iter().filter(|(_, head)| due(head)).map(|(tenant, _)| tenant.clone()).collect();
    if tenants.is_empty() && ingest.sealed.is_empty() && hold.is_crowded() {
        let largest = ingest.heads.iter().max_by_key(|(_, head)| head.rows.bytes());
        tenants.extend(largest.map(|(tenant, _)| tenant.clone()));
    }
    tenants.iter().for_each(|tenant| ingest.seal(tenant, &hold.views));
    Ok(())
}

/// Seals every head.
pub(crate) fn seal_all(hold: &Hold) -> Result<(), StoreError> {
    let mut ingest = hold.ingest()?;
    hold.check_sound()?;
    let tenants: Vec<_> = ingest.heads.keys().cloned().collect();
    tenants.iter().for_each(|tenant| ingest.seal(tenant, &hold.views));
    Ok(())
}

/// Freezes the oldest sealed head. One thread at a time.
pub(crate) fn freeze(hold: &Hold) -> Result<Frozen, StoreError> {
    hold.check_sound()?;
    let Some(sealed) = hold.ingest()?.sealed.front().cloned() else { return Ok(Frozen::Nothing) };
    let shelved = Arc::new(write_segment(hold, &sealed)?);
    list(hold, &sealed, shelved.line)?;
    let mut ingest = hold.ingest()?;
    ingest.sealed.pop_front();
    hold.views.change(&sealed.tenant, |view| {
        view.sealed.retain(|(generation, _)| *generation != sealed.generation);
        Arc::make_mut(&mut view.segments).push(shelved);
    });
    add(&hold.counters.heads_frozen, 1);
    let needed_from = ingest.needed_from();
    // A file that cannot be let go costs room and nothing else: replay knows what is in segments.
    let released = ingest.wal.release_below(needed_from);
    add(&hold.counters.removals_failed, u64::from(released.is_err()));
    hold.measure(&ingest);
    Ok(Frozen::Head)
}

fn write_segment(hold: &Hold, sealed: &Sealed) -> Result<Shelved, StoreError> {
    let folder = hold.directory.segments_of(&sealed.tenant);
    let id = SegmentId { first: sealed.first, last: sealed.last, level: 0 };
    let path = folder.join(id.file_name());
    let aside = path.with_extension("tmp");
    hold.disk.create_dir(&folder)?;
    hold.synced(hold.disk.sync_dir(&hold.directory.segments()))?;
    let built = match write_aside(hold, sealed, &aside) {
        Ok(built) => built,
        Err(error) => {
            // What was begun only takes room; where it cannot be removed, the next start does it.
            let _ = hold.disk.remove(&aside);
            return Err(error);
        }
    };
    hold.disk.rename(&aside, &path)?;
    hold.synced(hold.disk.sync_dir(&folder))?;
    let part = Segment::open(hold.disk.open(&path)?)?;
    let line = SegmentLine { id, bytes: built.len, bounds: built.bounds };
    Ok(Shelved { line, part })
}

fn write_aside(hold: &Hold, sealed: &Sealed, aside: &Path) -> Result<Built, StoreError> {
    let mut out = FileWriter { file: hold.disk.create(aside)?, at: 0, buffer: Vec::new(), failure: None };
    let written = Segment::build(&sealed.snapshot, &mut out);
    let flushed = written.and_then(|built| out.flush().map(|()| built));
    let built = match (flushed, out.failure.take()) {
        (Ok(built), _) => built,
        (Err(_), Some(error)) => return Err(error),
        (Err(source), None) => {
            return Err(StoreError::Disk { path: aside.to_owned(), action: "building the segment", source });
        }
    };
    match out.file.sync_data() {
        // Room for a file may be missing only when it is synced. The log still has everything.
        Err(full @ StoreError::DiskFull { .. }) => Err(full),
        synced => hold.synced(synced).map(|()| built),
    }
}

fn list(hold: &Hold, sealed: &Sealed, line: SegmentLine) -> Result<(), StoreError> {
    let mut manifest = hold.manifest()?;
    manifest.append(&Edit { adds: vec![line], ..Edit::of(sealed.tenant.clone()) })?;
    hold.synced(manifest.sync())?;
    hold.tidied(manifest.tidy_up())
}

/// Writes a file from front to back, in large pieces.
struct FileWriter {
    file: Arc<dyn DiskFile>,
    at: u64,
    buffer: Vec<u8>,
    /// What the disk said, because an `io::Error` could not carry it.
    failure: Option<StoreError>,
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if WRITE_BYTES <= self.buffer.len() {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Err(error) = self.file.write_at(self.at, &self.buffer) {
            self.failure = Some(error);
            return Err(io::Error::other("the disk refused"));
        }
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
