//! Forgets what is too old or too much.
//!
//! Whole segments only: first off the list (synced), then out of the view, then off the disk. A reader
//! that has one keeps its file open. What a compaction is about to write counts as if it were there. Age counts from arrival, so a sender's clock neither saves nor
//! dooms a span.

use std::sync::Arc;

use span::{Tenant, UnixNanos};
use store::StoreError;

use crate::hold::Hold;
use crate::manifest::{Edit, SegmentId, SegmentLine};
use crate::stats::add;
use crate::view::View;

/// Forgets what the retention of the config no longer keeps; returns how many segments that were.
pub(crate) fn retain(hold: &Hold, now: UnixNanos) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for (tenant, _) in hold.views.all() {
        hold.check_sound()?;
        if !(hold.config.spared)(&tenant) {
            forgotten += forget(hold, &tenant, now)?;
        }
    }
    Ok(forgotten)
}

/// Returns the segments of a view that are past, by their arrival.
fn expired(hold: &Hold, tenant: &Tenant, view: &View, now: UnixNanos) -> Vec<SegmentLine> {
    let retention = hold.config.retention;
    let mut lines: Vec<SegmentLine> = view.segments.iter().map(|shelved| shelved.line).collect();
    lines.sort_by_key(|line| (line.bounds.received_max, line.id));
    let reserved = hold.compaction().reserved.clone().filter(|(whose, _)| whose == tenant);
    let mut bytes: u64 = lines.iter().map(|line| line.bytes).sum();
    bytes = bytes.saturating_add(reserved.map_or(0, |(_, bytes)| bytes));
    let mut expired = Vec::new();
    for line in lines {
        let too_old = retention.age.is_some_and(|age| age < now.since(line.bounds.received_max));
        let too_much = retention.bytes.is_some_and(|bytes_max| bytes_max < bytes);
        let counter = match (too_old, too_much) {
            (true, _) => &hold.counters.segments_expired_by_age,
            (false, true) => &hold.counters.segments_expired_by_bytes,
            (false, false) => break,
        };
        add(counter, 1);
        bytes -= line.bytes;
        expired.push(line);
    }
    expired
}

fn forget(hold: &Hold, tenant: &Tenant, now: UnixNanos) -> Result<u64, StoreError> {
    let mut manifest = hold.manifest()?;
    let Some(view) = hold.views.of(tenant) else { return Ok(0) };
    let expired = expired(hold, tenant, &view, now);
    if expired.is_empty() {
        return Ok(0);
    }
    let removes = expired.iter().map(|line| line.id).collect();
    manifest.append(&Edit { removes, ..Edit::of(tenant.clone()) })?;
    hold.synced(manifest.sync())?;
    hold.tidied(manifest.tidy_up())?;
    let ingest = hold.ingest()?;
    hold.views.change(tenant, |view| {
        let gone = |line: &SegmentLine| expired.iter().any(|other| other.id == line.id);
        Arc::make_mut(&mut view.segments).retain(|shelved| !gone(&shelved.line));
    });
    drop(ingest);
    drop(manifest);
    for line in &expired {
        add(&hold.counters.spans_expired, line.bounds.spans);
        remove_segment(hold, tenant, line.id);
    }
    Ok(expired.len() as u64)
}

/// Removes the file of a segment that is no longer listed.
pub(super) fn remove_segment(hold: &Hold, tenant: &Tenant, id: SegmentId) {
    let path = hold.directory.segments_of(tenant).join(id.file_name());
    let removed = hold.disk.remove(&path);
    add(&hold.counters.removals_failed, u64::from(removed.is_err()));
}
