//! What the engine asks of a disk.
//!
//! Everything that touches a file goes through [`Disk`], so that the same engine runs over a directory
//! ([`RealDisk`]) and over a simulated disk that forgets, tears, flips and refuses ([`FaultyDisk`]).
//! What is durable, when:
//!
//! * bytes of a file: after [`DiskFile::sync_data`], which also keeps the file's length;
//! * the name of a file (created, renamed, removed): after [`Disk::sync_dir`] of its folder.
//!
//! Paths are the caller's own; a disk has no root. Errors say the file and what was being done to it.
//! Deliberately absent: deciding anything. A sync that failed is reported, and poisons the engine above.

#[cfg(any(test, feature = "faults"))]
mod faulty;
mod real;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::StoreError;

#[cfg(any(test, feature = "faults"))]
pub use faulty::{Fault, FaultyDisk, Outage};
pub use real::RealDisk;

/// Files and folders. Shared by all threads of an engine.
pub trait Disk: Send + Sync {
    /// Makes a folder and its parents; one that exists stays as it is.
    fn create_dir(&self, path: &Path) -> Result<(), StoreError>;

    /// Makes an empty file to be written and read. One that exists is emptied.
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError>;

    /// Opens a file to be written and read. It can be read as long as it is held, whoever removes it.
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError>;

    /// Gives a file another name in the same folder, replacing what bears it.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> Result<(), StoreError>;

    /// Lists a folder, by name. A folder that does not exist has no entries.
    fn list(&self, path: &Path) -> Result<Vec<DiskEntry>, StoreError>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> Result<(), StoreError>;

    /// Takes a file for this process alone, making it if need be. `None` where another process has it.
    /// It is free again when the guard is dropped or the process ends in whatever way.
    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, StoreError>;
}

/// A file that is taken for this process alone.
pub trait DiskLock: Send + Sync {
    /// Returns the file itself.
    fn file(&self) -> &dyn DiskFile;
}

/// Random access to the bytes of a file.
pub trait ReadAt: Send + Sync {
    /// Returns the file's path, for errors.
    fn path(&self) -> &Path;

    /// Returns how many bytes there are.
    fn bytes(&self) -> Result<u64, StoreError>;

    /// Fills all of `into` with the bytes from `at` on; fails where the file ends before.
    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), StoreError>;
}

/// A file that is open for writing, too.
pub trait DiskFile: ReadAt {
    /// Writes all of `bytes` from `at` on. Nothing of it is durable yet.
    fn write_at(&self, at: u64, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes the file's bytes and its length durable.
    fn sync_data(&self) -> Result<(), StoreError>;

    /// Makes the file at least `bytes` long, with zeros at its end, and takes the room for it, so that
    /// writes within can neither fill the disk nor change the file's length.
    fn preallocate(&self, bytes: u64) -> Result<(), StoreError>;
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskEntry {
    /// The name.
    pub name: String,
    /// What bears it.
    pub kind: DiskEntryKind,
    /// A file's length; 0 for others.
    pub bytes: u64,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskEntryKind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// Anything else: a socket, a link, a device.
    Other,
}

/// Returns all bytes of a file. For small files.
pub(crate) fn read_all(file: &dyn ReadAt) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; file.bytes()? as usize];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Says what failed. A full disk has its own error, because its operator has another remedy.
fn failed(path: &Path, action: &'static str, source: io::Error) -> StoreError {
    let path = PathBuf::from(path);
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
        _ => StoreError::Disk { path, action, source },
    }
}
