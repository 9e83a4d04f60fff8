//! The embedded engine: WAL, head, columnar segments.

#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the rooms are laid before the engine that lives in them")]

mod column;
mod disk;
mod needle;
mod part;
mod rows;
mod segment;
#[cfg(test)]
mod specimen;
mod value_kind;

pub use disk::{Disk, DiskEntry, DiskEntryKind, DiskFile, DiskLock, ReadAt, RealDisk};
#[cfg(any(test, feature = "faults"))]
pub use disk::{Fault, FaultyDisk, Outage};
