//! Makes a group of batches durable and visible.
//!
//! 1. Write the entries to the log. 2. Sync the file, and meanwhile intern the spans into the heads,
//!    above every reader's watermark. 3. When both are done, move the watermarks. A reader never sees a
//!    span that is not durable, and an acknowledged span is seen by every read that begins afterwards.
//!
//! A write that fails refuses the group, and nothing happened. A sync that fails poisons the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use span::{Tenant, UnixNanos};
use store::StoreError;

use crate::disk::DiskFile;
use crate::hold::{Head, Hold, Ingest};
use crate::rows::Rows;
use crate::stats::add;
use crate::wal::body::Prepared;
use crate::wal::{AppendError, Appended};

/// How a sync and the work beside it are run: one after the other, or at once.
pub(crate) type Overlap<'a> = &'a dyn Fn(Arc<dyn DiskFile>, &mut dyn FnMut()) -> Result<(), StoreError>;

/// Commits a group. When it returns `Ok`, all of it is durable and visible.
pub(crate) fn commit(hold: &Hold, group: &[Prepared], overlap: Overlap<'_>) -> Result<(), StoreError> {
    if group.is_empty() {
        return Ok(());
    }
    let mut guard = hold.ingest()?;
    hold.check_writable()?;
    let ingest = &mut *guard;
    let now = (hold.config.now)();
    seal_past_hours(hold, ingest, group);
    let appended = append(hold, ingest, group, now)?;
    let heads = &mut ingest.heads;
    let mut intern = || {
        for (prepared, sequence) in group.iter().zip(appended.first..) {
            intern(heads, prepared, sequence, now);
        }
    };
    let synced = overlap(appended.file.clone(), &mut intern);
    hold.synced(synced)?;
    publish(hold, ingest, group);
    count(hold, group, &appended);
    hold.measure(ingest);
    Ok(())
}

/// Adds one batch to its head. Nobody sees it before the head's next watermark.
pub(crate) fn intern(heads: &mut BTreeMap<Tenant, Head>, prepared: &Prepared, sequence: u64, now: UnixNanos) {
    let entry = &prepared.entry;
    let head = heads.entry(entry.tenant.clone()).or_insert_with(|| Head {
        rows: Rows::new(),
        first: sequence,
        last: sequence,
        born: now,
        hour: hour_of(entry.received),
    });
    head.last = sequence;
    head.rows.push(&prepared.batch, entry.received);
}

/// Moves the watermarks of the heads that a group went to, and seals those that are full.
pub(crate) fn publish(hold: &Hold, ingest: &mut Ingest, group: &[Prepared]) {
    let tenants: BTreeSet<&Tenant> = group.iter().map(|prepared| &prepared.entry.tenant).collect();
    for tenant in tenants {
        let Some(head) = ingest.heads.get(tenant) else { continue };
        let limits = &hold.config.limits;
        if limits.freeze_spans <= head.rows.len() || limits.freeze_bytes <= head.rows.bytes() {
            ingest.seal(tenant, &hold.views);
            continue;
        }
        let snapshot = head.rows.snapshot();
        hold.views.change(tenant, |view| view.head = Some(snapshot));
    }
}

/// Seals heads of earlier hours: a segment holds one hour of arrival. A clock that goes back does not
/// seal, so one that jumps to and fro makes no crowd of small segments.
fn seal_past_hours(hold: &Hold, ingest: &mut Ingest, group: &[Prepared]) {
    for prepared in group {
        let tenant = &prepared.entry.tenant;
        let past = ingest.heads.get(tenant).is_some_and(|head| head.hour < hour_of(prepared.entry.received));
        if past {
            ingest.seal(tenant, &hold.views);
        }
    }
}

fn append(
    hold: &Hold,
    ingest: &mut Ingest,
    group: &[Prepared],
    now: UnixNanos,
) -> Result<Appended, StoreError> {
    match ingest.wal.append(group.iter().map(|prepared| &prepared.entry), now) {
        Ok(appended) => Ok(appended),
        Err(AppendError::Refused(error)) => {
            add(&hold.counters.writes_refused, 1);
            Err(error)
        }
        Err(AppendError::Unsound(error)) => Err(hold.poison(error)),
    }
}

fn count(hold: &Hold, group: &[Prepared], appended: &Appended) {
    let counters = &hold.counters;
    add(&counters.groups_written, 1);
    add(&counters.batches_written, group.len() as u64);
    add(&counters.spans_written, group.iter().map(|prepared| prepared.batch.len() as u64).sum());
    add(&counters.wal_written_bytes, appended.bytes);
}

/// The hour of arrival, counted from 1970.
pub(crate) fn hour_of(received: UnixNanos) -> u64 {
    received.0 / 3_600_000_000_000
}
