//! The data directory: whose it is, what version it is, and where everything lies.
//!
//! ```text
//! LOCK                 the process id of its only user
//! FORMAT               one line: tracewell 1
//! manifest             the list of segments
//! wal/                 the log
//! segments/<tenant>/   segments, and segments that are being written (.tmp) or were set aside (.damaged)
//! ```
//!
//! A directory of another program, of a newer version, or of a running process is refused with a
//! sentence that says what to do; nothing in it is touched.

use std::io;
use std::path::{Path, PathBuf};

use span::Tenant;
use store::StoreError;

use crate::disk::{Disk, DiskLock, read_all};

/// The version this program writes, and the only one it reads.
const FORMAT: u32 = 1;
const FORMAT_WORD: &str = "tracewell ";
/// What may lie in a directory that has no `FORMAT` yet: a lock from a start that got no further, the
/// files of our other rooms, and what file systems put into their roots.
const HARMLESS: [&str; 5] = ["LOCK", "FORMAT.tmp", "state.db", "state.db-wal", "lost+found"];

/// A data directory that belongs to this process as long as it is held.
pub(crate) struct Directory {
    root: PathBuf,
    _lock: Box<dyn DiskLock>,
}

impl Directory {
    /// Takes the directory, making it if need be.
    pub(crate) fn take(disk: &dyn Disk, root: &Path, process_id: u32) -> Result<Self, StoreError> {
        disk.create_dir(root)?;
        let names: Vec<String> = disk.list(root)?.into_iter().map(|entry| entry.name).collect();
        let is_ours = names.iter().any(|name| name == "FORMAT");
        let foreign = names.iter().find(|name| !HARMLESS.contains(&name.as_str()));
        if let (false, Some(name)) = (is_ours, foreign) {
            let why =
                format!("holds {name:?} and no FORMAT, so it is not a data directory; name an empty one");
            return Err(unusable(root, why));
        }
        let lock = take_lock(disk, root, process_id)?;
        match is_ours {
            true => check_format(disk, root)?,
            false => {
                write_format(disk, root)?;
                sync_parent(disk, root)?;
            }
        }
        let directory = Self { root: root.to_owned(), _lock: lock };
        disk.create_dir(&directory.wal())?;
        disk.create_dir(&directory.segments())?;
        disk.sync_dir(root)?;
        Ok(directory)
    }

    /// Returns the directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder of the log.
    pub(crate) fn wal(&self) -> PathBuf {
        self.root.join("wal")
    }

    /// Returns the folder of the tenants' folders.
    pub(crate) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    /// Returns the folder of a tenant's segments.
    pub(crate) fn segments_of(&self, tenant: &Tenant) -> PathBuf {
        self.segments().join(tenant.as_str())
    }
}

fn take_lock(disk: &dyn Disk, root: &Path, process_id: u32) -> Result<Box<dyn DiskLock>, StoreError> {
    let path = root.join("LOCK");
    let Some(lock) = disk.lock(&path)? else {
        let holder = disk.open(&path).and_then(|file| read_all(&*file)).unwrap_or_default();
        let holder = String::from_utf8_lossy(&holder);
        let who = match holder.trim().parse::<u32>() {
            Ok(process_id) => format!("process {process_id}"),
            Err(_) => "another process".to_owned(),
        };
        return Err(unusable(root, format!("is in use by {who}; stop it, or name another directory")));
    };
    // Ten digits and a line's end, so that a shorter number leaves nothing of a longer one.
    lock.file().write_at(0, format!("{process_id:<10}\n").as_bytes())?;
    Ok(lock)
}

fn check_format(disk: &dyn Disk, root: &Path) -> Result<(), StoreError> {
    let path = root.join("FORMAT");
    let text = read_all(&*disk.open(&path)?)?;
    let text = String::from_utf8_lossy(&text);
    let version = text.strip_prefix(FORMAT_WORD).and_then(|rest| rest.trim().parse::<u32>().ok());
    let why = match version {
        Some(FORMAT) => return Ok(()),
        Some(other) if FORMAT < other => format!(
            "was written by a newer version (format {other}, this one reads {FORMAT}); start that version"
        ),
        Some(other) => format!("has format {other}, which this version no longer reads"),
        None => "does not say the format of this directory; restore it, or name another directory".to_owned(),
    };
    Err(unusable(if version.is_some() { root } else { &path }, why))
}

fn write_format(disk: &dyn Disk, root: &Path) -> Result<(), StoreError> {
    let aside = root.join("FORMAT.tmp");
    let file = disk.create(&aside)?;
    file.write_at(0, format!("{FORMAT_WORD}{FORMAT}\n").as_bytes())?;
    file.sync_data()?;
    disk.rename(&aside, &root.join("FORMAT"))?;
    disk.sync_dir(root)
}

/// Makes the new directory's own name durable. A parent that may not be read is its owner's care.
fn sync_parent(disk: &dyn Disk, root: &Path) -> Result<(), StoreError> {
    let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty());
    match disk.sync_dir(parent.unwrap_or_else(|| Path::new("."))) {
        Err(StoreError::Disk { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

fn unusable(path: &Path, why: String) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{FaultyDisk, Outage, RealDisk};

    fn refusal(disk: &dyn Disk, root: &Path) -> String {
        Directory::take(disk, root, 8).err().expect("it is refused").to_string()
    }

    #[test]
    fn a_directory_in_use_names_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/data");
        let taken = Directory::take(&RealDisk, &root, 4242).unwrap();
        let told =
            format!("{}: is in use by process 4242; stop it, or name another directory", root.display());
        assert_eq!(refusal(&RealDisk, &root), told);
        drop(taken);
        Directory::take(&RealDisk, &root, 7).unwrap();
        assert_eq!(std::fs::read_to_string(root.join("FORMAT")).unwrap(), "tracewell 1\n");
    }

    #[test]
    fn other_versions_and_other_programs_are_refused_untouched() {
        let disk = FaultyDisk::new();
        let root = Path::new("/data");
        disk.put(&root.join("FORMAT"), b"tracewell 2\n");
        assert_eq!(
            refusal(&disk, root),
            "/data: was written by a newer version (format 2, this one reads 1); start that version"
        );
        let other = Path::new("/home");
        disk.put(&other.join("letters.txt"), b"dear");
        assert_eq!(
            refusal(&disk, other),
            "/home: holds \"letters.txt\" and no FORMAT, so it is not a data directory; name an empty one"
        );
        assert_eq!(disk.bytes_of(&other.join("LOCK")), None);
        disk.put(&Path::new("/odd").join("FORMAT"), b"\xff");
        assert!(refusal(&disk, Path::new("/odd")).starts_with("/odd/FORMAT: does not say the format"));
    }

    #[test]
    fn a_start_that_is_cut_short_anywhere_can_be_repeated() {
        let root = Path::new("/data");
        for call in 1..20 {
            let disk = FaultyDisk::new();
            disk.plan(crate::disk::Fault::OutageAt(call));
            let _ = Directory::take(&disk, root, 7);
            disk.restart(Outage::PowerCut { seed: call });
            Directory::take(&disk, root, 8).unwrap();
        }
    }
}
