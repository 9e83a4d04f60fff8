//! Turns the oldest sealed head into a segment.
//!
//! 1. Write the segment beside its name, sync, rename, sync the folder. 2. List it in the manifest, sync.
//! 3. Swap the head for the segment in the view, and let go of the log's files that nobody needs.
//!
//! Commits and reads go on meanwhile: the sealed head is read until its segment is. A crash after
//! step 1 leaves a whole segment that the next start adopts. A full disk fails the step and keeps
//! everything as it was; a failed sync poisons.

use std::sync::Arc;

use span::UnixNanos;
use store::StoreError;

use crate::hold::{Head, Hold, Sealed};
use crate::manifest::{Edit, SegmentId, SegmentLine};
use crate::segment::Segment;
use crate::stats::{add, read};
use crate::view::Shelved;

use super::put::{PutFailure, put_segment};

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
    let id = SegmentId { first: sealed.first, last: sealed.last, level: 0 };
    let put = put_segment(hold, &sealed.tenant, id, &mut |out| Segment::build(&sealed.snapshot, out));
    put.map_err(|failure| match failure {
        PutFailure::Store(error) => error,
        PutFailure::Fill(source) => {
            let path = hold.directory.segments_of(&sealed.tenant).join(id.file_name());
            StoreError::Disk { path, action: "building the segment", source }
        }
    })
}

fn list(hold: &Hold, sealed: &Sealed, line: SegmentLine) -> Result<(), StoreError> {
    let mut manifest = hold.manifest()?;
    manifest.append(&Edit { adds: vec![line], ..Edit::of(sealed.tenant.clone()) })?;
    hold.synced(manifest.sync())?;
    hold.tidied(manifest.tidy_up())
}
