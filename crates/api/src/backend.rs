//! What the APIs are given: where spans are, what time it is, what a question may cost.

use std::fmt;
use std::sync::Arc;

use span::{Tenant, UnixNanos};
use store::{TraceReader, TraceWriter};

use crate::{Limits, Stats};

/// The things that every API answers from. Cheap to clone.
#[derive(Clone)]
pub struct Backend {
    /// Finds spans.
    pub reader: Arc<dyn TraceReader>,
    /// Keeps what `/api/archive` pins; `None` says that archiving is not configured.
    pub archive: Option<Arc<dyn TraceWriter>>,
    /// Tells the time.
    pub now: Arc<dyn Fn() -> UnixNanos + Send + Sync>,
    /// What a question may cost.
    pub limits: Limits,
    /// What is counted.
    pub stats: Arc<Stats>,
}

/// What follows a tenant's name in the name of its archive.
///
/// An archived trace is a copy under a tenant of its own, written through the same engine as everything
/// else, so it is exactly as durable; retention of arrivals leaves tenants of this name alone. Reads by
/// id fall back to it, listings and searches do not see it.
pub const ARCHIVE_SUFFIX: &str = ".archive";

impl Backend {
    /// Returns the tenant that holds what `tenant` archived; `None` where its name would be too long.
    pub(crate) fn archive_of(tenant: &Tenant) -> Option<Tenant> {
        Tenant::new(&format!("{tenant}{ARCHIVE_SUFFIX}")).ok()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("limits", &self.limits).finish_non_exhaustive()
    }
}
