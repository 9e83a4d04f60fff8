//! Why an engine could not keep or find spans.

use std::io;
use std::path::PathBuf;

use span::BatchFull;

/// What went wrong, by who can mend it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused or broke.
    #[error("{}: {action}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What was being done to it.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full: nothing new can be kept until there is room.
    #[error("{}: no space left; free some, or lower the retention", path.display())]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// An earlier write may not have reached the disk, so nothing more is acknowledged.
    #[error("the store takes no writes since {why}; restart it when the disk is sound")]
    Poisoned {
        /// The first failure.
        why: String,
    },
    /// Stored bytes are not what was written.
    #[error("{}: {what} at byte {at}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// Where.
        at: u64,
    },
    /// The directory is not one this version can use.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The directory or file.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The reader asked to stop: its client left or its time is up.
    #[error("the query was stopped")]
    Stopped,
    /// One answer would need more memory than it may take.
    #[error("the answer needs more than {bytes_max} bytes; narrow the search")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// A trace is larger than a batch can hold.
    #[error(transparent)]
    BatchFull(#[from] BatchFull),
}
