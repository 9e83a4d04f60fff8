//! A disk in memory that fails like a real one.
//!
//! It keeps, for each file, the bytes that everybody reads (the page cache) and the bytes that would
//! survive a power cut; likewise two sets of names per folder. [`FaultyDisk::power_cut`] goes
//! from the first to the second: of the writes that were not synced each is kept, torn at some byte, or
//! forgotten, and of a folder's unsynced names a beginning is kept, all by a seed.
//! [`FaultyDisk::kill`] ends the process alone: the page cache stays.
//!
//! Every call has a number. A [`Fault`] strikes at one of them; after an outage every call fails until
//! the disk is started again, and handles from before stay dead for ever.
//! After a sync that failed the bytes are still read, but no later sync makes them durable: that is
//! what Linux does, and why a failed sync must not be tried again.

mod platter;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard};

use store::StoreError;

use self::platter::{Dice, Dirty, Inode, Pending, State, broken};
use super::{Disk, DiskEntry, DiskEntryKind, DiskFile, DiskLock, ReadAt, failed};

pub use self::platter::Fault;

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk(Arc<Mutex<State>>);

/// How a disk went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The process ended; the system goes on.
    Kill,
    /// The machine ended. What was not synced falls by the seed.
    PowerCut {
        /// Decides what is kept, torn and forgotten.
        seed: u64,
    },
}

impl FaultyDisk {
    /// Makes an empty disk without a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a fault wait for its turn.
    pub fn plan(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Forgets all faults that wait.
    pub fn unplan(&self) {
        self.state().faults.clear();
    }

    /// Lets slow syncs move this clock on.
    pub fn take_time_from(&self, clock: Arc<AtomicU64>) {
        self.state().clock = Some(clock);
    }

    /// Lets the disk hold at most this many bytes.
    pub fn limit(&self, bytes_max: u64) {
        self.state().bytes_max = Some(bytes_max);
    }

    /// Takes the limit away.
    pub fn unlimit(&self) {
        self.state().bytes_max = None;
    }

    /// Returns how many bytes the files take.
    pub fn bytes(&self) -> u64 {
        let state = self.state();
        state.names.values().map(|inode| state.inodes[*inode].cached.len() as u64).sum()
    }

    /// Returns how often a fault struck or the disk was full.
    pub fn strikes(&self) -> u64 {
        self.state().struck
    }

    /// Tells whether an outage goes on.
    pub fn is_out(&self) -> bool {
        self.state().out
    }

    /// Returns how many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Returns how many syncs of files and folders succeeded.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Ends what runs on the disk and starts the disk again, without any planned fault. Locks are
    /// free, and whoever still holds a file from before gets errors.
    pub fn restart(&self, outage: Outage) {
        let mut state = self.state();
        state.faults.clear();
        state.out = false;
        state.life += 1;
        state.locked.clear();
        if let Outage::PowerCut { seed } = outage {
            state.forget(&mut Dice(seed));
        }
    }

    /// Flips bits of one byte of a file, in the page cache and beneath.
    pub fn flip(&self, path: &Path, at: u64, mask: u8) {
        let mut state = self.state();
        let inode = *state.names.get(path).expect("the file to be damaged exists");
        let inode = &mut state.inodes[inode];
        for bytes in [&mut inode.cached, &mut inode.durable] {
            if let Some(byte) = bytes.get_mut(at as usize) {
                *byte ^= mask;
            }
        }
    }

    /// Cuts a file to a length, in the page cache and beneath.
    pub fn cut(&self, path: &Path, bytes: u64) {
        let mut state = self.state();
        let inode = *state.names.get(path).expect("the file to be damaged exists");
        let inode = &mut state.inodes[inode];
        inode.cached.truncate(bytes as usize);
        inode.durable.truncate(bytes as usize);
    }

    /// Returns a file's bytes as they are read.
    pub fn bytes_of(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = *state.names.get(path)?;
        Some(state.inodes[inode].cached.clone())
    }

    /// Puts a file with these bytes on the disk, durably.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let inode = state.new_inode();
        state.inodes[inode] = Inode { cached: bytes.to_vec(), durable: bytes.to_vec(), dirty: Vec::new() };
        state.names.insert(path.to_owned(), inode);
        state.names_durable.insert(path.to_owned(), inode);
        for parent in path.ancestors().skip(1) {
            state.folders.insert(parent.to_owned(), ());
        }
    }

    /// Returns the paths of all files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds the disk")
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> Result<(), StoreError> {
        let mut state = self.state();
        state.call(path, "making the folder")?;
        // Folders are durable at once: what the engine keeps in one is synced by that folder's names.
        path.ancestors().for_each(|folder| {
            state.folders.insert(folder.to_owned(), ());
        });
        Ok(())
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError> {
        let mut state = self.state();
        state.call(path, "creating")?;
        state.check_name(path, "creating")?;
        let inode = match state.names.get(path) {
            Some(&inode) => {
                let write = Dirty::Length(0);
                state.inodes[inode].apply(write);
                inode
            }
            None => {
                if !path.parent().is_some_and(|parent| state.folders.contains_key(parent)) {
                    return Err(failed(path, "creating", io::ErrorKind::NotFound.into()));
                }
                let inode = state.new_inode();
                state.name(path, Some(inode));
                inode
            }
        };
        Ok(self.handle(&state, path, inode))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError> {
        let mut state = self.state();
        state.call(path, "opening")?;
        match state.names.get(path) {
            Some(&inode) => Ok(self.handle(&state, path, inode)),
            None => Err(failed(path, "opening", io::ErrorKind::NotFound.into())),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let mut state = self.state();
        state.call(from, "renaming")?;
        state.check_name(from, "renaming")?;
        let Some(inode) = state.names.get(from).copied() else {
            return Err(failed(from, "renaming", io::ErrorKind::NotFound.into()));
        };
        assert_eq!(from.parent(), to.parent(), "the engine renames within a folder");
        state.names.remove(from);
        state.names.insert(to.to_owned(), inode);
        let (from, to) = (Some(from.to_owned()), Some((to.to_owned(), inode)));
        state.pending.push(Pending { from, to });
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let mut state = self.state();
        state.call(path, "removing")?;
        state.check_name(path, "removing")?;
        if !state.names.contains_key(path) {
            return Err(failed(path, "removing", io::ErrorKind::NotFound.into()));
        }
        state.name(path, None);
        Ok(())
    }

    fn list(&self, path: &Path) -> Result<Vec<DiskEntry>, StoreError> {
        let mut state = self.state();
        state.call(path, "listing")?;
        let within = |entry: &Path| entry.parent() == Some(path);
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let files = state.names.iter().filter(|(file, _)| within(file)).filter_map(|(file, inode)| {
            let bytes = state.inodes[*inode].cached.len() as u64;
            Some(DiskEntry { name: name(file)?, kind: DiskEntryKind::File, bytes })
        });
        let folders = state.folders.keys().filter(|folder| within(folder)).filter_map(|folder| {
            Some(DiskEntry { name: name(folder)?, kind: DiskEntryKind::Folder, bytes: 0 })
        });
        let mut entries: Vec<DiskEntry> = files.chain(folders).collect();
        entries.sort_unstable_by(|one, two| one.name.cmp(&two.name));
        Ok(entries)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StoreError> {
        let mut state = self.state();
        state.call(path, "syncing the folder")?;
        if state.sync_fails() {
            return Err(failed(path, "syncing the folder", broken()));
        }
        let pending = std::mem::take(&mut state.pending);
        for change in pending {
            match change.folder() == path {
                true => state.settle(change),
                false => state.pending.push(change),
            }
        }
        state.syncs += 1;
        Ok(())
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, StoreError> {
        let file = match self.open(path) {
            Ok(file) => file,
            Err(_) => self.create(path)?,
        };
        let mut state = self.state();
        if state.locked.insert(path.to_owned(), ()).is_some() {
            return Ok(None);
        }
        let life = state.life;
        Ok(Some(Box::new(FaultyLock { disk: self.clone(), life, path: path.to_owned(), file })))
    }
}

impl FaultyDisk {
    fn handle(&self, state: &State, path: &Path, inode: usize) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { disk: self.clone(), life: state.life, path: path.to_owned(), inode })
    }
}

struct FaultyLock {
    disk: FaultyDisk,
    life: u64,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl DiskLock for FaultyLock {
    fn file(&self) -> &dyn DiskFile {
        &*self.file
    }
}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locked.remove(&self.path);
        }
    }
}

/// A file that is held. A removed one lives on, as its inode does.
struct FaultyFile {
    disk: FaultyDisk,
    life: u64,
    path: PathBuf,
    inode: usize,
}

impl FaultyFile {
    fn begin(&self, action: &'static str) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(failed(&self.path, action, io::Error::other("held since before the restart")));
        }
        state.call(&self.path, action)?;
        Ok(state)
    }
}

impl ReadAt for FaultyFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        Ok(self.begin("measuring")?.inodes[self.inode].cached.len() as u64)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let mut state = self.begin("reading")?;
        if state.strikes(|fault| matches!(fault, Fault::ReadFailsAt(_))) {
            return Err(failed(&self.path, "reading", broken()));
        }
        if state.strikes(|fault| matches!(fault, Fault::ReadShortAt(_))) {
            return Err(failed(&self.path, "reading", io::ErrorKind::UnexpectedEof.into()));
        }
        let cached = &state.inodes[self.inode].cached;
        let from = usize::try_from(at).ok().and_then(|at| cached.get(at..)).and_then(|b| b.get(..into.len()));
        let Some(from) = from else {
            return Err(failed(&self.path, "reading", io::ErrorKind::UnexpectedEof.into()));
        };
        into.copy_from_slice(from);
        if !into.is_empty() && state.strikes(|fault| matches!(fault, Fault::ReadFlipsAt(_))) {
            let bit = state.calls.wrapping_mul(0x9e37_79b9) as usize;
            into[bit / 8 % into.len()] ^= 1 << (bit % 8);
        }
        Ok(())
    }
}

impl DiskFile for FaultyFile {
    fn write_at(&self, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.begin("writing")?;
        let grows = (at + bytes.len() as u64).saturating_sub(state.inodes[self.inode].cached.len() as u64);
        state.room_for(&self.path, grows)?;
        if state.strikes(|fault| matches!(fault, Fault::WriteFailsAt(_))) {
            let half = bytes[..bytes.len() / 2].to_vec();
            state.inodes[self.inode].apply(Dirty::Bytes { at, bytes: half });
            return Err(failed(&self.path, "writing", broken()));
        }
        state.inodes[self.inode].apply(Dirty::Bytes { at, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync_data(&self) -> Result<(), StoreError> {
        let mut state = self.begin("syncing")?;
        let fails = state.sync_fails();
        let inode = &mut state.inodes[self.inode];
        let dirty = std::mem::take(&mut inode.dirty);
        if fails {
            // The pages count as clean from now on, yet they never reached the disk.
            return Err(failed(&self.path, "syncing", broken()));
        }
        dirty.iter().for_each(|write| write.apply_to(&mut inode.durable));
        state.syncs += 1;
        Ok(())
    }

    fn preallocate(&self, bytes: u64) -> Result<(), StoreError> {
        let mut state = self.begin("reserving room")?;
        let length = state.inodes[self.inode].cached.len() as u64;
        if length < bytes {
            state.room_for(&self.path, bytes - length)?;
            state.inodes[self.inode].apply(Dirty::Length(bytes as usize));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (FaultyDisk, PathBuf) {
        let disk = FaultyDisk::new();
        let folder = PathBuf::from("/data");
        disk.create_dir(&folder).unwrap();
        (disk, folder)
    }

    #[test]
    fn what_was_synced_survives_every_power_cut() {
        for seed in 0..100 {
            let (disk, folder) = folder();
            let file = disk.create(&folder.join("new")).unwrap();
            file.write_at(0, b"kept").unwrap();
            file.sync_data().unwrap();
            disk.rename(&folder.join("new"), &folder.join("named")).unwrap();
            disk.sync_dir(&folder).unwrap();
            file.write_at(4, b"open").unwrap();
            disk.restart(Outage::PowerCut { seed });
            let bytes = disk.bytes_of(&folder.join("named")).unwrap();
            assert!(bytes.starts_with(b"kept"), "seed {seed}");
            assert!(file.write_at(0, b"late").is_err());
        }
    }

    #[test]
    fn what_was_not_synced_falls_by_some_seed() {
        let (mut names, mut tails) = (Vec::new(), Vec::new());
        for seed in 0..100 {
            let (disk, folder) = folder();
            let file = disk.create(&folder.join("a")).unwrap();
            disk.sync_dir(&folder).unwrap();
            file.write_at(0, b"open").unwrap();
            disk.create(&folder.join("b")).unwrap();
            disk.restart(Outage::PowerCut { seed });
            names.push(disk.files().len());
            tails.push(disk.bytes_of(&folder.join("a")).unwrap().len());
        }
        assert!(names.contains(&1) && names.contains(&2));
        assert!(tails.contains(&0) && tails.contains(&4) && tails.iter().any(|bytes| (1..4).contains(bytes)));
    }

    #[test]
    fn a_kill_keeps_the_page_cache() {
        let (disk, folder) = folder();
        disk.create(&folder.join("a")).unwrap().write_at(0, b"cached").unwrap();
        disk.restart(Outage::Kill);
        assert_eq!(disk.bytes_of(&folder.join("a")).unwrap(), b"cached");
    }

    #[test]
    fn a_failed_sync_loses_what_it_should_have_kept() {
        let (disk, folder) = folder();
        let file = disk.create(&folder.join("a")).unwrap();
        disk.sync_dir(&folder).unwrap();
        file.write_at(0, b"gone").unwrap();
        disk.plan(Fault::SyncFailsAt(0));
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        disk.restart(Outage::PowerCut { seed: 0 });
        assert_eq!(disk.bytes_of(&folder.join("a")).unwrap(), b"");
    }

    #[test]
    fn a_full_disk_says_so() {
        let (disk, folder) = folder();
        disk.limit(10);
        let file = disk.create(&folder.join("a")).unwrap();
        assert!(matches!(file.preallocate(11), Err(StoreError::DiskFull { .. })));
        file.preallocate(10).unwrap();
        file.write_at(5, b"five!").unwrap();
        assert!(matches!(file.write_at(6, b"five!"), Err(StoreError::DiskFull { .. })));
    }

    #[test]
    fn a_lock_ends_with_its_guard_or_its_process() {
        let (disk, folder) = folder();
        let path = folder.join("LOCK");
        let held = disk.lock(&path).unwrap().unwrap();
        assert!(disk.lock(&path).unwrap().is_none());
        disk.restart(Outage::Kill);
        let again = disk.lock(&path).unwrap().unwrap();
        drop(held);
        assert!(disk.lock(&path).unwrap().is_none());
        drop(again);
        assert!(disk.lock(&path).unwrap().is_some());
    }
}
