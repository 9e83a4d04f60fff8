//! The engine as others see it.

use std::fmt;
use std::sync::Arc;

use span::{Tenant, Trace, TraceId};
use store::{
    AttributeName, Capabilities, Measure, Measured, Operation, Search, StoreError, TraceCursor, TracePrefix,
    TraceReader, TraceWriter, Write,
};

use crate::config::Config;
use crate::disk::{Disk, RealDisk};
use crate::hold::Hold;
use crate::stats::{Recovery, Stats};
use crate::steps::close::close;
use crate::steps::recover::recover;
use crate::threads::Threads;
use crate::wal::body::prepare;

/// Keeps spans in one directory: durable when acknowledged, visible at once.
///
/// Dropped, it ends its threads and leaves the rest to the log, as a crash does; [`ColumnarStore::close`]
/// leaves nothing to replay.
pub struct ColumnarStore {
    hold: Arc<Hold>,
    threads: Threads,
    recovery: Recovery,
}

impl ColumnarStore {
    /// Opens the data directory of `config`, making it if need be.
    pub fn open(config: Config) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(RealDisk), config)
    }

    /// Opens a data directory on another disk.
    pub fn open_on(disk: Arc<dyn Disk>, config: Config) -> Result<Self, StoreError> {
        let (hold, recovery) = recover(disk, config)?;
        let hold = Arc::new(hold);
        let threads = Threads::start(hold.clone())?;
        Ok(Self { hold, threads, recovery })
    }

    /// Returns what the start found and mended.
    pub const fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Returns what was counted since the start.
    pub fn stats(&self) -> Stats {
        self.hold.stats()
    }

    /// Freezes everything and empties the log. Writes are refused from now on, reads go on.
    pub fn close(&self) -> Result<(), StoreError> {
        self.threads.stop();
        close(&self.hold)
    }
}

impl TraceWriter for ColumnarStore {
    fn write(&self, group: &[Write]) -> Result<(), StoreError> {
        let mut entries = Vec::with_capacity(group.len());
        for write in group {
            prepare(write, &mut entries)?;
        }
        if entries.is_empty() {
            return self.hold.check_sound();
        }
        self.threads.write(entries)
    }
}

impl TraceReader for ColumnarStore {
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
        TraceReader::measure(&*self.hold, measure)
    }

    fn attribute_names(&self, search: &Search) -> Result<Vec<AttributeName>, StoreError> {
        self.hold.attribute_names(search)
    }
}

impl Drop for ColumnarStore {
    fn drop(&mut self) {
        self.threads.stop();
    }
}

impl fmt::Debug for ColumnarStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnarStore").field("config", &self.hold.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
