//! Which segments are joined next.
//!
//! Neighbours in the order of their log entries, of one tenant and one hour of arrival, that fit into one
//! segment together. An hour is joined once when it is over and settled; before that only while it has a
//! crowd of segments. A segment that is far larger than all its neighbours is not written again for
//! them: so each span is written a bounded number of times, whatever trickles in behind it.

use std::sync::Arc;

use span::{Tenant, UnixNanos};

use crate::config::CompactionLimits;
use crate::hold::Hold;
use crate::manifest::SegmentId;
use crate::steps::commit::hour_of;
use crate::view::Shelved;

/// A segment is written again only where the others have at least a quarter of its spans.
const WORTH_SHARE: u64 = 4;

/// Segments to be joined, in order of age.
pub(super) struct Run {
    pub(super) tenant: Tenant,
    pub(super) inputs: Vec<Arc<Shelved>>,
}

impl Run {
    pub(super) fn ids(&self) -> impl Iterator<Item = SegmentId> {
        self.inputs.iter().map(|shelved| shelved.line.id)
    }

    /// Returns the name of what comes of it.
    pub(super) fn output(&self) -> SegmentId {
        SegmentId {
            first: self.ids().map(|id| id.first).min().unwrap_or_default(),
            last: self.ids().map(|id| id.last).max().unwrap_or_default(),
            level: self.ids().map(|id| id.level).max().unwrap_or_default().saturating_add(1),
        }
    }
}

/// Returns the oldest run that is worth joining.
pub(super) fn choose(hold: &Hold, now: UnixNanos) -> Option<Run> {
    let mut limits = hold.config.limits.compaction;
    if let Some(bytes) = hold.config.retention.bytes {
        limits.bytes_max = limits.bytes_max.min(bytes / 8);
    }
    let settled = hour_of(UnixNanos(now.0.saturating_sub(limits.settle_age.0)));
    let unreadable = hold.compaction().unreadable.clone();
    for (tenant, view) in hold.views.all() {
        let mut segments: Vec<Arc<Shelved>> = view.segments.to_vec();
        segments.sort_by_key(|shelved| shelved.line.id);
        for hour in segments.chunk_by(|a, b| hour_of_arrival(a) == hour_of_arrival(b)) {
            let is_due = hour_of_arrival(&hour[0]) < settled || limits.crowd < hour.len();
            if !is_due {
                continue;
            }
            let is_whole = |shelved: &Arc<Shelved>| {
                unreadable.is_empty() || !unreadable.contains(&(tenant.clone(), shelved.line.id))
            };
            for neighbours in hour.split(|shelved| !is_whole(shelved)) {
                if let Some(inputs) = run_of(neighbours, &limits) {
                    return Some(Run { tenant, inputs: inputs.to_vec() });
                }
            }
        }
    }
    None
}

fn hour_of_arrival(shelved: &Shelved) -> u64 {
    hour_of(shelved.line.bounds.received_max)
}

/// Returns the first neighbours that are worth joining.
fn run_of<'a>(neighbours: &'a [Arc<Shelved>], limits: &CompactionLimits) -> Option<&'a [Arc<Shelved>]> {
    (0..neighbours.len()).find_map(|first| {
        let from = &neighbours[first..];
        let (mut spans, mut bytes, mut tables, mut greatest) = (0, 0, 0, 0);
        let mut count = 0;
        for shelved in from.iter().take(limits.segments_max) {
            spans += shelved.line.bounds.spans;
            bytes += shelved.line.bytes;
            tables += shelved.tables_bytes;
            if limits.spans_max < spans || limits.bytes_max < bytes || limits.tables_bytes_max < tables {
                spans -= shelved.line.bounds.spans;
                break;
            }
            greatest = greatest.max(shelved.line.bounds.spans);
            count += 1;
        }
        let is_worth_it = 2 <= count && greatest <= WORTH_SHARE * (spans - greatest);
        is_worth_it.then(|| &from[..count])
    })
}
