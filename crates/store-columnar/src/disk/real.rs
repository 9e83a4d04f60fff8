//! The disk of the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;
use store::StoreError;

use super::{Disk, DiskEntry, DiskEntryKind, DiskFile, DiskLock, ReadAt, failed};

/// Files and folders of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path) -> Result<(), StoreError> {
        fs::create_dir_all(path).map_err(|error| failed(path, "making the folder", error))
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
        let file = options.map_err(|error| failed(path, "creating", error))?;
        Ok(Arc::new(RealFile { path: path.to_owned(), file }))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = opened.map_err(|error| failed(path, "opening", error))?;
        Ok(Arc::new(RealFile { path: path.to_owned(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        fs::rename(from, to).map_err(|error| failed(from, "renaming", error))
    }

    fn remove(&self, path: &Path) -> Result<(), StoreError> {
        fs::remove_file(path).map_err(|error| failed(path, "removing", error))
    }

    fn list(&self, path: &Path) -> Result<Vec<DiskEntry>, StoreError> {
        let listed = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.and_then(|entries| entries.map(|entry| entry_of(&entry?)).collect()),
        };
        let mut entries: Vec<DiskEntry> = listed.map_err(|error| failed(path, "listing", error))?;
        entries.sort_unstable_by(|one, two| one.name.cmp(&two.name));
        Ok(entries)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StoreError> {
        let synced = File::open(path).and_then(|folder| folder.sync_all());
        synced.map_err(|error| failed(path, "syncing the folder", error))
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, StoreError> {
        // Not truncated: until the lock is ours, what the file says belongs to its holder.
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|error| failed(path, "opening", error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(RealLock(RealFile { path: path.to_owned(), file })))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(path, "locking", error)),
        }
    }
}

#[derive(Debug)]
struct RealFile {
    path: PathBuf,
    file: File,
}

impl ReadAt for RealFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        let known = self.file.metadata().map(|metadata| metadata.len());
        known.map_err(|error| failed(&self.path, "measuring", error))
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), StoreError> {
        self.file.read_exact_at(into, at).map_err(|error| failed(&self.path, "reading", error))
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all_at(bytes, at).map_err(|error| failed(&self.path, "writing", error))
    }

    fn sync_data(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| failed(&self.path, "syncing", error))
    }

    fn preallocate(&self, bytes: u64) -> Result<(), StoreError> {
        let refused = match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => return Ok(()),
            Err(refused) => io::Error::from(refused),
        };
        if refused.kind() != io::ErrorKind::Unsupported {
            return Err(failed(&self.path, "reserving room", refused));
        }
        // This file system cannot reserve, so a write may find it full; it then fails like any other.
        if self.bytes()? < bytes {
            self.file.set_len(bytes).map_err(|error| failed(&self.path, "growing", error))?;
        }
        Ok(())
    }
}

struct RealLock(RealFile);

impl DiskLock for RealLock {
    fn file(&self) -> &dyn DiskFile {
        &self.0
    }
}

fn entry_of(entry: &fs::DirEntry) -> io::Result<DiskEntry> {
    let metadata = entry.metadata()?;
    let (kind, bytes) = match metadata.file_type() {
        kind if kind.is_file() => (DiskEntryKind::File, metadata.len()),
        kind if kind.is_dir() => (DiskEntryKind::Folder, 0),
        _ => (DiskEntryKind::Other, 0),
    };
    Ok(DiskEntry { name: entry.file_name().to_string_lossy().into_owned(), kind, bytes })
}
