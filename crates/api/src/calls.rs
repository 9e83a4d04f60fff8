//! Who calls whom, counted when it is asked.

use insight::{Dependencies, Tree};
use span::{Tenant, UnixNanos};
use store::{Detail, Search, Stop, StoreError, TraceReader};

use crate::ApiError;
use crate::limits::CHUNK_BYTES;

/// The most memory that one fold may take: a million of edges. Services are named by senders, and a
/// hostile one names a new service in each span.
const FOLD_BYTES_MAX: usize = 32 << 20;

/// Folds all traces whose first start and last end lie within the window.
pub(crate) fn calls_between(
    reader: &dyn TraceReader,
    tenant: &Tenant,
    start: UnixNanos,
    end: UnixNanos,
    stop: &Stop,
) -> Result<Dependencies, ApiError> {
    let mut search = Search::all(tenant.clone());
    (search.start_min, search.start_max) = (start, end);
    (search.detail, search.stop) = (Detail::Skeleton, stop.clone());
    let mut cursor = reader.search(search)?;
    let mut dependencies = Dependencies::new();
    while let Some(trace) = cursor.next()? {
        stop.check()?;
        if start <= trace.start() && trace.end() <= end {
            dependencies.add(&trace, &Tree::of(&trace));
        }
        if FOLD_BYTES_MAX < dependencies.bytes() + CHUNK_BYTES {
            return Err(StoreError::TooLarge { bytes_max: FOLD_BYTES_MAX }.into());
        }
    }
    Ok(dependencies)
}
