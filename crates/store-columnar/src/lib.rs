//! The embedded engine: WAL, head, columnar segments.

#![forbid(unsafe_code)]

mod ahead;
mod column;
mod config;
#[cfg(all(test, feature = "measure"))]
mod cost;
mod crew;
mod cursor;
mod directory;
mod disk;
mod engine;
mod hold;
pub mod inspect;
mod manifest;
mod measuring;
mod needle;
mod part;
mod reading;
mod rows;
mod segment;
#[cfg(all(test, feature = "measure"))]
mod sidecar_cost;
#[cfg(any(test, feature = "faults"))]
mod specimen;
mod stats;
#[cfg(any(test, feature = "faults"))]
mod stepped;
mod steps;
mod threads;
#[cfg(test)]
mod trial;
mod value_kind;
mod view;
mod wal;

pub use config::{CompactionLimits, Config, Limits, Now, Retention};
pub use disk::{Disk, DiskEntry, DiskEntryKind, DiskFile, DiskLock, ReadAt, RealDisk};
#[cfg(any(test, feature = "faults"))]
pub use disk::{Fault, FaultyDisk, Outage};
pub use engine::ColumnarStore;
#[cfg(any(test, feature = "faults"))]
pub use specimen::{Dice, wild_batch_of, wild_search};
pub use stats::{Recovery, SetAside, Stats, UndecodableEntry};
#[cfg(any(test, feature = "faults"))]
pub use stepped::{Freezing, SteppedStore};
pub use wal::replay::WalLoss;
