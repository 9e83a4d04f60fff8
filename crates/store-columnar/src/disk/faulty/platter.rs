//! What a simulated disk holds: what everybody reads, and what a power cut would leave.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::StoreError;

use crate::disk::failed;

/// What a disk does when its turn comes. Calls are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// From the given call on everything fails: the process will be gone.
    OutageAt(u64),
    /// The first sync at or after the given call fails, and what it should have kept is lost.
    SyncFailsAt(u64),
    /// The first sync at or after the given call takes this long by the disk's clock, and succeeds.
    SyncSlowAt {
        /// The call.
        at: u64,
        /// How long it takes, in nanoseconds.
        takes_ns: u64,
    },
    /// The first write at or after the given call fails, half done.
    WriteFailsAt(u64),
    /// The first read at or after the given call fails.
    ReadFailsAt(u64),
    /// The first read at or after the given call ends before its time, as if the file did.
    ReadShortAt(u64),
    /// The first read at or after the given call gives bytes of which one bit is another; the disk has the right one.
    ReadFlipsAt(u64),
    /// The first creation, renaming or removal at or after the given call fails, and nothing happened.
    NameFailsAt(u64),
}

impl Fault {
    /// Returns the call from which on it is due.
    const fn call(self) -> u64 {
        match self {
            Self::OutageAt(at)
            | Self::SyncFailsAt(at)
            | Self::SyncSlowAt { at, .. }
            | Self::WriteFailsAt(at)
            | Self::ReadFailsAt(at)
            | Self::ReadShortAt(at)
            | Self::ReadFlipsAt(at)
            | Self::NameFailsAt(at) => at,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) calls: u64,
    pub(super) syncs: u64,
    pub(super) faults: Vec<Fault>,
    /// How often something failed on purpose.
    pub(super) struck: u64,
    /// Set by an outage until the restart.
    pub(super) out: bool,
    /// Counts restarts; handles of an earlier life are dead.
    pub(super) life: u64,
    pub(super) bytes_max: Option<u64>,
    /// Moved on by slow syncs.
    pub(super) clock: Option<Arc<AtomicU64>>,
    pub(super) inodes: Vec<Inode>,
    /// Names as everybody sees them, and as a power cut would leave them.
    pub(super) names: BTreeMap<PathBuf, usize>,
    pub(super) names_durable: BTreeMap<PathBuf, usize>,
    /// What happened to names and is not durable, in order.
    pub(super) pending: Vec<Pending>,
    pub(super) folders: BTreeMap<PathBuf, ()>,
    pub(super) locked: BTreeMap<PathBuf, ()>,
}

#[derive(Debug, Default)]
pub(super) struct Inode {
    pub(super) cached: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// Writes since the last sync, in order.
    pub(super) dirty: Vec<Dirty>,
}

#[derive(Debug)]
pub(super) enum Dirty {
    Bytes { at: u64, bytes: Vec<u8> },
    Length(usize),
}

/// One change of names: what goes and what comes.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) from: Option<PathBuf>,
    pub(super) to: Option<(PathBuf, usize)>,
}

impl State {
    /// Counts a call, and fails it in an outage.
    pub(super) fn call(&mut self, path: &Path, action: &'static str) -> Result<(), StoreError> {
        self.calls += 1;
        let calls = self.calls;
        self.out |= self.faults.iter().any(|fault| matches!(fault, Fault::OutageAt(at) if *at <= calls));
        self.struck += u64::from(self.out);
        match self.out {
            true => Err(failed(path, action, io::Error::other("the disk is out"))),
            false => Ok(()),
        }
    }

    /// Tells whether a planned fault of this kind is due, and takes it from the plan.
    pub(super) fn strikes(&mut self, kind: impl Fn(&Fault) -> bool) -> bool {
        let calls = self.calls;
        let found = self.faults.iter().position(|fault| kind(fault) && fault.call() <= calls);
        self.struck += u64::from(found.is_some());
        found.map(|index| self.faults.remove(index)).is_some()
    }

    /// Lets a sync take its time; tells whether it fails in the end.
    pub(super) fn sync_fails(&mut self) -> bool {
        let mut slow = 0;
        let calls = self.calls;
        self.faults.retain(|fault| match fault {
            Fault::SyncSlowAt { at, takes_ns } if *at <= calls => {
                slow += takes_ns;
                false
            }
            _ => true,
        });
        if let Some(clock) = self.clock.as_ref().filter(|_| 0 < slow) {
            clock.fetch_add(slow, Ordering::Relaxed);
        }
        self.strikes(|fault| matches!(fault, Fault::SyncFailsAt(_)))
    }

    /// Fails a change of names, if that is planned.
    pub(super) fn check_name(&mut self, path: &Path, action: &'static str) -> Result<(), StoreError> {
        match self.strikes(|fault| matches!(fault, Fault::NameFailsAt(_))) {
            true => Err(failed(path, action, broken())),
            false => Ok(()),
        }
    }

    pub(super) fn room_for(&mut self, path: &Path, grows: u64) -> Result<(), StoreError> {
        let Some(bytes_max) = self.bytes_max else { return Ok(()) };
        let held: u64 = self.names.values().map(|inode| self.inodes[*inode].cached.len() as u64).sum();
        match 0 < grows && bytes_max < held + grows {
            true => {
                self.struck += 1;
                Err(failed(path, "writing", io::ErrorKind::StorageFull.into()))
            }
            false => Ok(()),
        }
    }

    pub(super) fn new_inode(&mut self) -> usize {
        self.inodes.push(Inode::default());
        self.inodes.len() - 1
    }

    /// Lets a path stand for an inode, or for nothing.
    pub(super) fn name(&mut self, path: &Path, inode: Option<usize>) {
        let change = match inode {
            Some(inode) => {
                self.names.insert(path.to_owned(), inode);
                Pending { from: None, to: Some((path.to_owned(), inode)) }
            }
            None => {
                self.names.remove(path);
                Pending { from: Some(path.to_owned()), to: None }
            }
        };
        self.pending.push(change);
    }

    pub(super) fn settle(&mut self, change: Pending) {
        if let Some(from) = &change.from {
            self.names_durable.remove(from);
        }
        if let Some((to, inode)) = change.to {
            self.names_durable.insert(to, inode);
        }
    }

    /// Goes to what survives a power cut.
    pub(super) fn forget(&mut self, dice: &mut Dice) {
        let mut kept: BTreeMap<PathBuf, bool> = BTreeMap::new();
        for change in std::mem::take(&mut self.pending) {
            // A journal keeps a beginning of what happened to each folder.
            let goes_on = kept.entry(change.folder().to_owned()).or_insert(true);
            *goes_on = *goes_on && dice.below(2) == 0;
            if *goes_on {
                self.settle(change);
            }
        }
        self.names = self.names_durable.clone();
        for inode in &mut self.inodes {
            for write in std::mem::take(&mut inode.dirty) {
                write.survive(&mut inode.durable, dice);
            }
            inode.cached = inode.durable.clone();
        }
    }
}

impl Inode {
    pub(super) fn apply(&mut self, write: Dirty) {
        write.apply_to(&mut self.cached);
        self.dirty.push(write);
    }
}

impl Dirty {
    pub(super) fn apply_to(&self, file: &mut Vec<u8>) {
        match self {
            Self::Length(bytes) => file.resize(*bytes, 0),
            Self::Bytes { at, bytes } => {
                let (at, end) = (*at as usize, *at as usize + bytes.len());
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[at..end].copy_from_slice(bytes);
            }
        }
    }

    /// Applies what a power cut leaves of it: everything, nothing, a beginning, or some of its pages.
    pub(super) fn survive(self, file: &mut Vec<u8>, dice: &mut Dice) {
        let Self::Bytes { at, bytes } = &self else {
            if dice.below(2) == 0 {
                self.apply_to(file);
            }
            return;
        };
        match dice.below(4) {
            0 => self.apply_to(file),
            1 => {}
            2 => {
                let half = bytes[..dice.below(bytes.len() as u64 + 1) as usize].to_vec();
                Self::Bytes { at: *at, bytes: half }.apply_to(file);
            }
            _ => {
                for (page, chunk) in bytes.chunks(PAGE).enumerate() {
                    if dice.below(2) == 0 {
                        let at = at + (page * PAGE) as u64;
                        Self::Bytes { at, bytes: chunk.to_vec() }.apply_to(file);
                    }
                }
            }
        }
    }
}

impl Pending {
    pub(super) fn folder(&self) -> &Path {
        let path = self.to.as_ref().map(|(path, _)| path).or(self.from.as_ref());
        path.and_then(|path| path.parent()).expect("a change of names names a file in a folder")
    }
}

/// What a broken disk says.
pub(super) fn broken() -> io::Error {
    io::Error::other("input/output error (simulated)")
}

/// What a disk writes at once. Small, so that small tests tear, too.
const PAGE: usize = 512;

/// splitmix64: the same seed, the same disk.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
