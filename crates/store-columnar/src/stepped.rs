//! The engine without its threads: each step when a test says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use span::{Tenant, Trace, TraceId, UnixNanos};
use store::{
    Capabilities, Operation, Search, StoreError, TraceCursor, TracePrefix, TraceReader, TraceWriter, Write,
};

use crate::config::{Config, Limits, Now, Retention};
use crate::disk::{Disk, FaultyDisk};
use crate::hold::Hold;
use crate::stats::Recovery;
use crate::steps::commit::{commit, in_turn};
use crate::steps::freeze::{Frozen, freeze, seal_all};
use crate::steps::recover::recover;
use crate::wal::body::prepare;

/// An open store, stepped by hand.
pub(crate) struct Stepped {
    pub(crate) hold: Hold,
    pub(crate) recovery: Recovery,
    /// Whether each write is frozen at once.
    freezes: bool,
}

/// A clock that stands until it is set.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Now {
        let time = self.0.clone();
        Arc::new(move || UnixNanos(time.load(Ordering::Relaxed)))
    }
}

/// Where tests on a simulated disk keep their data.
pub(crate) fn root() -> PathBuf {
    PathBuf::from("/data")
}

/// A config for tests: small log files, everything kept.
pub(crate) fn config(directory: &Path, clock: &Clock) -> Config {
    Config {
        directory: directory.to_owned(),
        process_id: 7,
        now: clock.now(),
        retention: Retention { age: None, bytes: None },
        limits: Limits { wal_file_bytes: 12 << 10, ..Limits::default() },
    }
}

impl Stepped {
    pub(crate) fn open(disk: &FaultyDisk) -> Result<Self, StoreError> {
        Self::open_with(Arc::new(disk.clone()), config(&root(), &Clock::default()))
    }

    pub(crate) fn open_with(disk: Arc<dyn Disk>, config: Config) -> Result<Self, StoreError> {
        let (hold, recovery) = recover(disk, config)?;
        Ok(Self { hold, recovery, freezes: false })
    }

    /// Freezes each write at once.
    pub(crate) fn freezing(self) -> Self {
        Self { freezes: true, ..self }
    }

    /// Seals and freezes everything.
    pub(crate) fn freeze(&self) -> Result<(), StoreError> {
        seal_all(&self.hold)?;
        while freeze(&self.hold)? == Frozen::Head {}
        Ok(())
    }
}

impl TraceWriter for Stepped {
    fn write(&self, group: &[Write]) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for write in group {
            prepare(write, &mut entries)?;
        }
        commit(&self.hold, &entries, &in_turn)?;
        if self.freezes { self.freeze() } else { Ok(()) }
    }
}

impl TraceReader for Stepped {
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
}
