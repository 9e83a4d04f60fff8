//! The engine without its threads: each step when its caller says so.
//!
//! For simulations, which give it a disk that fails and a clock of their own and call its steps in
//! seeded order. The steps are the ones that the engine's threads call.

use std::fmt;
use std::sync::Arc;

use span::{Tenant, Trace, TraceId, UnixNanos};
use store::{
    AttributeName, Capabilities, Measure, Measured, Operation, Search, StoreError, TraceCursor, TracePrefix,
    TraceReader, TraceWriter, Write,
};

use crate::config::Config;
use crate::disk::{Disk, DiskFile};
use crate::hold::Hold;
use crate::stats::{Recovery, Stats};
use crate::steps::close::close;
use crate::steps::commit::commit;
use crate::steps::compact::{Compacted, compact};
use crate::steps::freeze::{Frozen, freeze, seal_all, seal_due};
use crate::steps::recover::recover;
use crate::steps::retain::retain;
use crate::wal::body::prepare;

/// An open store that does nothing by itself. Dropped, it leaves everything to the log, as a crash does.
pub struct SteppedStore {
    pub(crate) hold: Hold,
    recovery: Recovery,
    freezing: Freezing,
}

/// When a [`SteppedStore`] freezes what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezing {
    /// When it is told to.
    ByHand,
    /// Each write at once.
    EachWrite,
}

impl SteppedStore {
    /// Opens a data directory.
    pub fn open_on(disk: Arc<dyn Disk>, config: Config, freezing: Freezing) -> Result<Self, StoreError> {
        let (hold, recovery) = recover(disk, config)?;
        Ok(Self { hold, recovery, freezing })
    }

    /// Returns what the start found and mended.
    pub const fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Returns what was counted since the start.
    pub fn stats(&self) -> Stats {
        self.hold.stats()
    }

    /// Returns how many spans are stored for a tenant. A retried one counts each time.
    pub fn stored(&self, tenant: &Tenant) -> u64 {
        let parts = self.hold.views.of(tenant).map_or_else(Vec::new, |view| view.parts());
        parts.iter().map(|part| part.bounds().spans).sum()
    }

    /// Seals the heads that are old by `now`.
    pub fn seal_due(&self, now: UnixNanos) -> Result<(), StoreError> {
        seal_due(&self.hold, now)
    }

    /// Seals every head.
    pub fn seal_all(&self) -> Result<(), StoreError> {
        seal_all(&self.hold)
    }

    /// Freezes the oldest sealed head; tells whether there was one.
    pub fn freeze_one(&self) -> Result<bool, StoreError> {
        Ok(freeze(&self.hold)? == Frozen::Head)
    }

    /// Seals and freezes everything.
    pub fn freeze_all(&self) -> Result<(), StoreError> {
        seal_all(&self.hold)?;
        while self.freeze_one()? {}
        Ok(())
    }

    /// Joins one run of segments whose hour is over by `now`; tells whether to call it again, because there
    /// was one or there may be more.
    pub fn compact_one(&self, now: UnixNanos) -> Result<bool, StoreError> {
        Ok(compact(&self.hold, now, &|| false)? == Compacted::Run)
    }

    /// Forgets what the config no longer keeps at `now`; returns how many segments that were.
    pub fn retain(&self, now: UnixNanos) -> Result<u64, StoreError> {
        retain(&self.hold, now)
    }

    /// Stops cleanly.
    pub fn close(&self) -> Result<(), StoreError> {
        close(&self.hold)
    }
}

impl TraceWriter for SteppedStore {
    fn write(&self, group: &[Write]) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for write in group {
            prepare(write, &mut entries)?;
        }
        commit(&self.hold, &entries, &in_turn)?;
        match self.freezing {
            Freezing::ByHand => Ok(()),
            Freezing::EachWrite => self.freeze_all(),
        }
    }
}

impl TraceReader for SteppedStore {
    fn capabilities(&self) -> Capabilities {
        self.hold.capabilities()
    }

    fn trace(&self, tenant: &Tenant, id: TraceId) -> Result<Option<Trace>, StoreError> {
        self.hold.trace(tenant, id)
    }

    fn ids_with_prefix(
        &self,
        tenant: &Tenant,
        prefix: TracePrefix,
        limit: usize,
    ) -> Result<Vec<TraceId>, StoreError> {
        self.hold.ids_with_prefix(tenant, prefix, limit)
    }

    fn search(&self, search: Search) -> Result<Box<dyn TraceCursor>, StoreError> {
        self.hold.search(search)
    }

    fn services(&self, tenant: &Tenant) -> Result<Vec<String>, StoreError> {
        self.hold.services(tenant)
    }

    fn operations(&self, tenant: &Tenant, service: &str) -> Result<Vec<Operation>, StoreError> {
        self.hold.operations(tenant, service)
    }

    fn measure(&self, measure: &Measure) -> Result<Measured, StoreError> {
        TraceReader::measure(&self.hold, measure)
    }

    fn attribute_names(&self, search: &Search) -> Result<Vec<AttributeName>, StoreError> {
        self.hold.attribute_names(search)
    }
}

impl fmt::Debug for SteppedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteppedStore").field("config", &self.hold.config).finish_non_exhaustive()
    }
}

/// Works first and syncs then.
fn in_turn(file: Arc<dyn DiskFile>, work: &mut dyn FnMut()) -> Result<(), StoreError> {
    work();
    file.sync_data()
}
