//! The embedded engine: WAL, head, columnar segments.

#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the rooms are laid before the engine that lives in them")]

mod column;
mod config;
#[cfg(all(test, feature = "measure"))]
mod cost;
mod cursor;
mod directory;
mod disk;
mod engine;
mod hold;
mod manifest;
mod needle;
mod part;
mod reading;
mod rows;
mod segment;
#[cfg(test)]
mod specimen;
mod stats;
#[cfg(test)]
mod stepped;
mod steps;
mod threads;
mod value_kind;
mod view;
mod wal;

pub use config::{Config, Limits, Now, Retention};
pub use disk::{Disk, DiskEntry, DiskEntryKind, DiskFile, DiskLock, ReadAt, RealDisk};
#[cfg(any(test, feature = "faults"))]
pub use disk::{Fault, FaultyDisk, Outage};
pub use engine::ColumnarStore;
pub use stats::{Recovery, SetAside, Stats, UndecodableEntry};
pub use wal::replay::WalLoss;
