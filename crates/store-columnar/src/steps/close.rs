//! Ends a store so that the next start has nothing to replay.

use store::StoreError;

use crate::hold::Hold;
use crate::stats::add;

use super::freeze::{Frozen, freeze, seal_all};

/// Freezes all heads, empties the log, and refuses writes from then on. A store that is poisoned is left
/// as it is: its log knows best.
pub(crate) fn close(hold: &Hold) -> Result<(), StoreError> {
    hold.close_door();
    seal_all(hold)?;
    while freeze(hold)? == Frozen::Head {}
    let mut ingest = hold.ingest()?;
    let is_empty = ingest.heads.is_empty() && ingest.sealed.is_empty();
    if is_empty {
        let cleared = ingest.wal.clear();
        add(&hold.counters.removals_failed, u64::from(cleared.is_err()));
    }
    hold.measure(&ingest);
    Ok(())
}
