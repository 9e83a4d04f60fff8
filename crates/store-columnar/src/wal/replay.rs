//! Reads the log after a start, and says what it cost where it is broken.
//!
//! For each file, oldest first: entries are taken in order. Where there is none, the rest of the file is
//! searched for the salt; an entry behind the hole proves that the hole was no tail. A hole counts as
//! *lost* when a later group or file was begun after it was settled, else it is a torn tail and the
//! file ends before it. What was read is synced before anybody sees it, because a process may die
//! between its write and its sync, and what a reader saw must not vanish with the power. The last group
//! is written once more before that: where its first sync failed, the system holds its pages for clean,
//! and no sync alone would ever bring them to the disk.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use span::{Tenant, UnixNanos};
use store::StoreError;

use crate::disk::{Disk, DiskEntryKind, DiskFile, read_all};

use super::entry::{self, EntryHead, Found};
use super::log_head::{HEAD_BYTES, LogHead};
use super::{WalPlace, log_name};

/// Entries that were acknowledged and cannot be read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalLoss {
    /// The file.
    pub path: PathBuf,
    /// Where it is broken.
    pub at: u64,
    /// How many entries are gone: requests, that is.
    pub entries: u64,
    /// How many spans they held, where their heads can still be read.
    pub spans: Option<u64>,
    /// Whose they are, where their heads can still be read.
    pub tenant: Option<Tenant>,
    /// Between which times they arrived, by what was written before and behind.
    pub received: (UnixNanos, UnixNanos),
}

/// Whether a replay makes what it reads durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The engine goes on from here.
    Start,
    /// Somebody looks; nothing is changed.
    Look,
}

/// What a replay found.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Where the log goes on.
    pub(crate) place: WalPlace,
    /// What is gone.
    pub(crate) losses: Vec<WalLoss>,
    /// Files that ended in a group that was never acknowledged.
    pub(crate) torn_tails: u64,
}

/// Takes each sound entry of the log in `folder`, in order. `settled` is the greatest number that any
/// segment holds.
pub(crate) fn replay(
    disk: &dyn Disk,
    folder: &Path,
    settled: u64,
    purpose: Purpose,
    take: &mut dyn FnMut(EntryHead, Bytes) -> Result<(), StoreError>,
) -> Result<Replayed, StoreError> {
    let mut replayed = Replayed::default();
    let files = find_files(disk, folder, &mut replayed.place)?;
    if purpose == Purpose::Start {
        disk.sync_dir(folder)?;
    }
    let mut heads = Vec::new();
    for (path, number) in files {
        match head_of(disk, &path, number)? {
            Some(head) => heads.push((path, head)),
            None => replayed.place.spares.push(path),
        }
    }
    let mut expected = heads.first().map_or(settled + 1, |(_, head)| head.first);
    for index in 0..heads.len() {
        let (path, head) = &heads[index];
        let below = heads.get(index + 1).map(|(_, next)| next.first);
        let log = Log { path, head, below };
        let file = disk.open(path)?;
        let bytes = Bytes::from(read_all(&*file)?);
        if purpose == Purpose::Start {
            if below.is_none() {
                log.rewrite_last_group(&*file, &bytes, head.first)?;
            }
            file.sync_data()?;
        }
        if expected < head.first {
            // The former file lost its end.
            let (before, began) = heads[..index].last().map_or((path, head), |(path, head)| (path, head));
            replayed.losses.push(WalLoss {
                path: before.clone(),
                at: 0,
                entries: head.first - expected,
                spans: None,
                tenant: None,
                received: (began.created.min(head.created), began.created.max(head.created)),
            });
        }
        expected = log.read(&bytes, head.first, &mut replayed, take)?;
        replayed.place.full.push((path.clone(), expected.saturating_sub(1)));
    }
    replayed.place.sequence_next = expected.max(settled + 1);
    Ok(replayed)
}

/// One file on its way.
struct Log<'a> {
    path: &'a Path,
    head: &'a LogHead,
    /// The first number of the next file: entries from there on are void here.
    below: Option<u64>,
}

impl Log<'_> {
    /// Takes the file's entries from number `expected` on, and returns the number behind the last.
    fn read(
        &self,
        bytes: &Bytes,
        expected: u64,
        replayed: &mut Replayed,
        take: &mut dyn FnMut(EntryHead, Bytes) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let walk = self.walk(bytes, expected);
        // All numbers below were settled before the last group that can be read was written.
        let settled = walk.group_first.max(self.below.unwrap_or(0));
        let mut behind = expected;
        for step in walk.steps {
            match step {
                Step::Sound { head, body } => {
                    behind = head.sequence + 1;
                    take(head, body)?;
                }
                Step::Hole { first, count, at, of, received } => {
                    let lost = settled.saturating_sub(first).min(count);
                    if 0 < lost {
                        replayed.losses.push(self.loss(at, lost, of, received));
                    }
                    behind = first + lost;
                    if lost < count {
                        // A group that was never acknowledged: the log ends here.
                        replayed.torn_tails += 1;
                        return Ok(behind);
                    }
                }
            }
        }
        Ok(behind)
    }

    /// Writes the last group, and the head that it needs, where they stand.
    fn rewrite_last_group(
        &self,
        file: &dyn DiskFile,
        bytes: &Bytes,
        expected: u64,
    ) -> Result<(), StoreError> {
        let walk = self.walk(bytes, expected);
        let Some(group) = bytes.get(walk.group_at..walk.end).filter(|group| !group.is_empty()) else {
            return Ok(());
        };
        file.write_at(0, &bytes[..HEAD_BYTES as usize])?;
        file.write_at(walk.group_at as u64, group)
    }

    /// Goes through the file once, over every hole.
    fn walk(&self, bytes: &Bytes, mut expected: u64) -> Walk {
        let mut walk = Walk::default();
        let mut at = HEAD_BYTES as usize;
        let mut before = self.head.created;
        let salt = self.head.salt;
        loop {
            let hole_at = at;
            let found = match entry::read(bytes, at, salt) {
                Found::Nothing => match self.search(bytes, at, expected) {
                    Some(next) => entry::read(bytes, next, salt),
                    None => break,
                },
                found => found,
            };
            let (head, body, next) = match found {
                Found::Sound { head, body, next } => (head, Some(body), next),
                Found::BrokenBody { head, next } => (head, None, next),
                Found::Nothing => break,
            };
            if head.sequence < expected || self.below.is_some_and(|below| below <= head.sequence) {
                break;
            }
            let (first, count) = (expected, head.sequence - expected);
            if 0 < count {
                // A clock may have been set back meanwhile.
                let received = (before.min(head.received), before.max(head.received));
                walk.steps.push(Step::Hole { first, count, at: hole_at, of: None, received });
            }
            before = head.received;
            if walk.group_first < head.group_first {
                (walk.group_first, walk.group_at) = (head.group_first, hole_at);
            }
            expected = head.sequence + 1;
            at = next;
            walk.end = next.min(bytes.len());
            walk.steps.push(match body {
                Some(body) => Step::Sound { head, body },
                None => {
                    let received = (head.received, head.received);
                    let of = Some((u64::from(head.spans), head.tenant));
                    Step::Hole { first: head.sequence, count: 1, at: hole_at, of, received }
                }
            });
        }
        walk
    }

    /// Returns where the next sound head with a number of at least `expected` is.
    fn search(&self, bytes: &[u8], from: usize, expected: u64) -> Option<usize> {
        let salt = self.head.salt.to_le_bytes();
        let finder = memchr::memmem::Finder::new(&salt);
        // The salt stands 8 bytes behind the beginning of a head.
        let mut at = from.checked_add(8)?;
        while let Some(found) = finder.find(bytes.get(at..)?) {
            let head_at = at + found - 8;
            let sound = EntryHead::read(bytes, head_at, self.head.salt);
            if head_at.is_multiple_of(8) && sound.is_some_and(|(head, _)| expected <= head.sequence) {
                return Some(head_at);
            }
            at += found + 1;
        }
        None
    }

    fn loss(
        &self,
        at: usize,
        entries: u64,
        of: Option<(u64, Tenant)>,
        received: (UnixNanos, UnixNanos),
    ) -> WalLoss {
        let (spans, tenant) = of.unzip();
        WalLoss { path: self.path.to_owned(), at: at as u64, entries, spans, tenant, received }
    }
}

/// What one pass over a file found.
#[derive(Default)]
struct Walk {
    steps: Vec<Step>,
    /// The greatest first number of a group.
    group_first: u64,
    /// Where that group begins, and where the last entry ends.
    group_at: usize,
    end: usize,
}

enum Step {
    Sound {
        head: EntryHead,
        body: Bytes,
    },
    /// Numbers whose entries cannot be read.
    Hole {
        first: u64,
        count: u64,
        at: usize,
        /// How many spans and whose, where that can still be read.
        of: Option<(u64, Tenant)>,
        /// Between which times they arrived.
        received: (UnixNanos, UnixNanos),
    },
}

/// Lists the log's files by number; spares go to `place`.
fn find_files(
    disk: &dyn Disk,
    folder: &Path,
    place: &mut WalPlace,
) -> Result<Vec<(PathBuf, u64)>, StoreError> {
    let mut files = Vec::new();
    for entry in disk.list(folder)?.into_iter().filter(|entry| entry.kind == DiskEntryKind::File) {
        let path = folder.join(&entry.name);
        let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
        if let Some(number) = entry.name.strip_prefix("spare-").and_then(number) {
            place.spares.push(path);
            place.number_next = place.number_next.max(number + 1);
        } else if let Some(number) = entry.name.strip_suffix(".log").and_then(number)
            && entry.name == log_name(number)
        {
            files.push((path, number));
            place.number_next = place.number_next.max(number + 1);
        }
    }
    Ok(files)
}

/// Reads a file's head. A file whose head is broken is known by its first entry; one that has neither
/// was never begun.
fn head_of(disk: &dyn Disk, path: &Path, number: u64) -> Result<Option<LogHead>, StoreError> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; file.bytes()?.min(2 * HEAD_BYTES) as usize];
    file.read_at(0, &mut bytes)?;
    if let Some(head) = LogHead::read_from(&bytes) {
        return Ok(Some(head).filter(|head| head.number == number));
    }
    let at = HEAD_BYTES as usize;
    let found =
        entry::salt_at(&bytes, at).and_then(|salt| Some((salt, EntryHead::read(&bytes, at, salt)?.0)));
    Ok(found.map(|(salt, first)| LogHead { salt, number, first: first.sequence, created: first.received }))
}
