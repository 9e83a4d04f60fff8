//! What an engine is told when it is opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use span::{DurationNanos, Tenant, UnixNanos};

/// Tells the time. The engine has no clock of its own.
pub type Now = Arc<dyn Fn() -> UnixNanos + Send + Sync>;

/// Where and how spans are kept.
#[derive(Clone)]
pub struct Config {
    /// The data directory.
    pub directory: PathBuf,
    /// Who we are, for the sentence that another process is told when it wants the directory.
    pub process_id: u32,
    /// The time.
    pub now: Now,
    /// What is forgotten when.
    pub retention: Retention,
    /// Whose segments are never forgotten.
    pub spared: fn(&Tenant) -> bool,
    /// Sizes that only tests and measurements change.
    pub limits: Limits,
}

/// When a tenant's segments are forgotten. Whatever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// After this time since its last span arrived. `None` keeps for ever.
    pub age: Option<DurationNanos>,
    /// The oldest first, while the tenant's segments take more than this. `None` keeps everything.
    pub bytes: Option<u64>,
}

/// How much is held where. The defaults are measured to be good together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A head with this many spans is frozen: enough for its columns to compress well.
    pub freeze_spans: usize,
    /// A head that takes this much memory is frozen.
    pub freeze_bytes: usize,
    /// A head this old is frozen, so that a restart has little to replay.
    pub freeze_age: DurationNanos,
    /// A head with fewer spans than this may grow older: a segment costs an open file, and a start that
    /// replays so few takes no time.
    pub small_head_spans: usize,
    /// A small head this old is frozen all the same, and at [`Self::freeze_age`] where the log has grown
    /// beyond four files: an old head keeps all that came after it in the log.
    pub small_head_age: DurationNanos,
    /// All heads together. Beyond it writers wait until a head is frozen.
    pub heads_bytes_max: usize,
    /// The length of a log file.
    pub wal_file_bytes: u64,
    /// Threads that work for readers beside their own; unless told one less than there are cores.
    pub helpers: Option<usize>,
    /// What the spans of one trace may take while a query puts it together; a larger one is an error. A query has
    /// one such trace, and two more for each helper.
    pub trace_bytes_max: usize,
    /// Texts of segments that stay in memory once they were read.
    pub pages_bytes_max: usize,
    /// Decoded columns of segments that stay in memory for the next who asks.
    pub columns_bytes_max: usize,
    /// What one compaction may take together.
    pub compaction: CompactionLimits,
}

/// How much is joined into one segment, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionLimits {
    /// Spans of a joined segment.
    pub spans_max: u64,
    /// Bytes of it; also at most an eighth of a tenant's byte limit.
    pub bytes_max: u64,
    /// How many segments are joined at once: each is an open file and an index in memory.
    pub segments_max: usize,
    /// What the tables of the segments take on the disk, dictionaries apart: a merge has in memory about
    /// twenty times as much.
    pub tables_bytes_max: u64,
    /// An hour is compacted once it is over by so much, because what was sent in it may still arrive.
    pub settle_age: DurationNanos,
    /// An hour that is not over is compacted, too, while it has more segments than this.
    pub crowd: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            freeze_spans: 384 << 10,
            freeze_bytes: 64 << 20,
            freeze_age: DurationNanos::from(Duration::from_secs(60)),
            small_head_spans: 32 << 10,
            small_head_age: DurationNanos::from(Duration::from_secs(3_600)),
            heads_bytes_max: 256 << 20,
            wal_file_bytes: 64 << 20,
            helpers: None,
            trace_bytes_max: 256 << 20,
            pages_bytes_max: 32 << 20,
            columns_bytes_max: 32 << 20,
            compaction: CompactionLimits {
                spans_max: 8 << 20,
                bytes_max: 512 << 20,
                segments_max: 32,
                tables_bytes_max: 12 << 20,
                settle_age: DurationNanos::from(Duration::from_secs(120)),
                crowd: 64,
            },
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("directory", &self.directory)
            .field("process_id", &self.process_id)
            .field("retention", &self.retention)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
