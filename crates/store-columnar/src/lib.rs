//! The embedded engine: WAL, head, columnar segments.

#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the rooms are laid before the engine that lives in them")]

mod column;
mod directory;
mod disk;
mod manifest;
mod needle;
mod part;
mod rows;
mod segment;
#[cfg(test)]
mod specimen;
mod value_kind;
mod wal;

pub use disk::{Disk, DiskEntry, DiskEntryKind, DiskFile, DiskLock, ReadAt, RealDisk};
#[cfg(any(test, feature = "faults"))]
pub use disk::{Fault, FaultyDisk, Outage};
pub use wal::replay::WalLoss;
