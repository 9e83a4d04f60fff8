//! The log of what was acknowledged and is in no segment yet.
//!
//! ```text
//! wal/0000000000000007.log   the seventh file
//! ┌──────────────┬───────┬───────┬───────┬──────────────────────┐
//! │ head  4 KiB  │ entry │ entry │ entry │ zeros, or a past life │  preallocated
//! └──────────────┴───────┴───────┴───────┴──────────────────────┘
//! ```
//!
//! Entries are numbered through all files without a gap. A group of entries is written at once and made
//! durable by one sync; each entry names the first number of its group, so a reader knows what was
//! settled when it was written: a broken entry below that was lost, a broken entry above it
//! never counted. That is how a torn tail and a flipped bit are told apart.
//!
//! A file that is no longer needed is kept as a spare and used again, because overwriting is cheaper
//! to sync than growing. Its old entries cannot come back: each file has a *salt* that all of its
//! entries repeat, and which no sender can guess.
//!
//! A file is never appended to by another process than the one that began it, nor after a write that
//! failed: the next file says with which number it begins, and what the former holds from there on is void.

pub(crate) mod body;
pub(crate) mod entry;
pub(crate) mod log_head;
pub(crate) mod replay;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use span::UnixNanos;
use store::StoreError;

use crate::disk::{Disk, DiskFile};

use self::entry::Entry;
use self::log_head::{HEAD_BYTES, LogHead};

/// How many files wait to be used again. One: the next is freed while it is filled.
const SPARES_MAX: usize = 1;

/// Bodies of this size go to the file without a copy.
const BODY_COPIED_MAX: usize = 256 << 10;

/// The log's writing end. One thread at a time has it.
pub(crate) struct Wal {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// How large a file is made, unless one entry needs more.
    file_bytes: u64,
    /// The file that grows. `None` until the first entry, and after a write that failed.
    open: Option<OpenLog>,
    /// Files that are complete, oldest first: path and the number of their last entry.
    full: Vec<(PathBuf, u64)>,
    spares: Vec<PathBuf>,
    number_next: u64,
    sequence_next: u64,
    salt: u64,
    /// The group on its way to the file; empty between groups, kept for its memory.
    buffer: Vec<u8>,
}

struct OpenLog {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    head: LogHead,
    /// Where the next entry goes.
    at: u64,
    /// How long the file was made.
    bytes: u64,
}

/// Where a log goes on: found by replay.
#[derive(Clone, Debug, Default)]
pub(crate) struct WalPlace {
    /// The files that were found, oldest first, with the number of their last entry.
    pub(crate) full: Vec<(PathBuf, u64)>,
    /// Files without a life.
    pub(crate) spares: Vec<PathBuf>,
    /// The number of the next file.
    pub(crate) number_next: u64,
    /// The number of the next entry.
    pub(crate) sequence_next: u64,
}

/// Why a group is not in the log.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// Nothing happened: the group was refused.
    Refused(StoreError),
    /// A sync failed: what is durable is no longer known.
    Unsound(StoreError),
}

/// A group that was written and is not durable yet.
pub(crate) struct Appended {
    /// The file to be synced.
    pub(crate) file: Arc<dyn DiskFile>,
    /// The number of the group's first entry.
    pub(crate) first: u64,
    /// How many bytes went to the file.
    pub(crate) bytes: u64,
}

impl Wal {
    /// Goes on behind `place`.
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: &Path, file_bytes: u64, place: WalPlace) -> Self {
        Self {
            disk,
            folder: folder.to_owned(),
            file_bytes,
            open: None,
            full: place.full,
            spares: place.spares,
            number_next: place.number_next,
            sequence_next: place.sequence_next,
            salt: place.number_next,
            buffer: Vec::new(),
        }
    }

    /// Writes a group. The caller syncs the file, and only then is any of it durable.
    pub(crate) fn append<'a>(
        &mut self,
        group: impl Iterator<Item = &'a Entry> + Clone,
        now: UnixNanos,
    ) -> Result<Appended, AppendError> {
        let bytes: u64 = group.clone().map(Entry::bytes).sum();
        if self.open.as_ref().is_none_or(|open| open.bytes - open.at < bytes) {
            self.roll(bytes, now)?;
        }
        let open = self.open.as_mut().expect("there is a file now");
        let first = self.sequence_next;
        let written = write_group(open, &mut self.buffer, group.clone(), first);
        self.buffer.clear();
        if let Err(error) = written {
            // What is behind the last group is void now; the next file says so.
            self.shut();
            return Err(AppendError::Refused(error));
        }
        open.at += bytes;
        self.sequence_next += group.count() as u64;
        Ok(Appended { file: open.file.clone(), first, bytes })
    }

    /// Lets go of the files whose entries all have numbers below `sequence`.
    pub(crate) fn release_below(&mut self, sequence: u64) -> Result<(), StoreError> {
        while let Some((path, last)) = self.full.first() {
            if sequence <= *last {
                break;
            }
            let path = path.clone();
            match self.spares.len() < SPARES_MAX {
                true => {
                    let spare = self.folder.join(format!("spare-{:016x}", self.number_next));
                    self.number_next += 1;
                    self.disk.rename(&path, &spare)?;
                    self.spares.push(spare);
                }
                false => self.disk.remove(&path)?,
            }
            self.full.remove(0);
        }
        Ok(())
    }

    /// Removes every file. All entries must be in segments.
    pub(crate) fn clear(&mut self) -> Result<(), StoreError> {
        self.shut();
        for path in self.spares.drain(..) {
            self.disk.remove(&path)?;
        }
        for (path, _) in std::mem::take(&mut self.full) {
            self.disk.remove(&path)?;
        }
        Ok(())
    }

    /// Returns the number that the next entry gets.
    pub(crate) const fn sequence_next(&self) -> u64 {
        self.sequence_next
    }

    /// Returns how many bytes the files take, spares included.
    pub(crate) fn bytes(&self) -> u64 {
        let others = self.full.len() + self.spares.len();
        self.open.as_ref().map_or(0, |open| open.bytes) + others as u64 * self.file_bytes
    }

    /// Ends the file that grows.
    fn shut(&mut self) {
        if let Some(open) = self.open.take() {
            // Where nothing was written the file ends before its own first number.
            let last = self.sequence_next.saturating_sub(1);
            self.full.push((open.path, last));
        }
    }

    /// Begins the next file, with room for `bytes` of entries.
    fn roll(&mut self, bytes: u64, now: UnixNanos) -> Result<(), AppendError> {
        let number = self.number_next;
        let path = self.folder.join(log_name(number));
        let length = self.file_bytes.max(HEAD_BYTES + bytes);
        let file = self.begin_file(&path, length).map_err(AppendError::Refused)?;
        self.salt = log_head::salt(self.salt, number, now);
        let head = LogHead { salt: self.salt, number, first: self.sequence_next, created: now };
        let written = head.write_to(&*file);
        if let Err(error) = written {
            let _ = self.disk.remove(&path);
            return Err(AppendError::Refused(error));
        }
        self.disk.sync_dir(&self.folder).map_err(AppendError::Unsound)?;
        self.number_next += 1;
        self.shut();
        self.open = Some(OpenLog { file, path, head, at: HEAD_BYTES, bytes: length });
        Ok(())
    }

    /// Makes a file of this length: a spare, or a new one.
    fn begin_file(&mut self, path: &Path, length: u64) -> Result<Arc<dyn DiskFile>, StoreError> {
        if let Some(spare) = self.spares.pop() {
            self.disk.rename(&spare, path)?;
            let file = self.disk.open(path)?;
            file.preallocate(length)?;
            return Ok(file);
        }
        let file = self.disk.create(path)?;
        if let Err(error) = file.preallocate(length) {
            // The disk is full. Its room goes back; failing that, replay finds a file without a life.
            let _ = self.disk.remove(path);
            return Err(error);
        }
        Ok(file)
    }
}

/// Returns the name of a log file.
pub(crate) fn log_name(number: u64) -> String {
    format!("{number:016x}.log")
}

fn write_group<'a>(
    open: &OpenLog,
    buffer: &mut Vec<u8>,
    group: impl Iterator<Item = &'a Entry>,
    first: u64,
) -> Result<(), StoreError> {
    let mut at = open.at;
    let mut flush = |buffer: &mut Vec<u8>, bytes: Option<&[u8]>| {
        for bytes in [Some(buffer.as_slice()), bytes].into_iter().flatten() {
            open.file.write_at(at, bytes)?;
            at += bytes.len() as u64;
        }
        buffer.clear();
        Ok::<(), StoreError>(())
    };
    for (entry, sequence) in group.zip(first..) {
        entry.put_head(open.head.salt, sequence, first, buffer);
        if BODY_COPIED_MAX < entry.body.len() {
            flush(buffer, Some(&entry.body))?;
        } else {
            buffer.extend_from_slice(&entry.body);
        }
        buffer.resize(buffer.len() + entry.padding(), 0);
    }
    flush(buffer, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Fault, FaultyDisk, Outage};
    use crate::wal::replay::{Purpose, Replayed, replay};
    use bytes::Bytes;
    use span::{Encoding, Tenant};

    const FILE: u64 = 16 << 10;

    fn folder() -> PathBuf {
        PathBuf::from("/data/wal")
    }

    fn disk() -> FaultyDisk {
        let disk = FaultyDisk::new();
        disk.create_dir(&folder()).unwrap();
        disk
    }

    fn entry(text: &str) -> Entry {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let body_crc = crc32c::crc32c(&body);
        let (tenant, received) = (Tenant::default(), UnixNanos(7));
        Entry { tenant, received, spans: 2, encoding: Encoding::Identity, body, body_crc }
    }

    fn wal(disk: &FaultyDisk, place: WalPlace) -> Wal {
        Wal::new(Arc::new(disk.clone()), &folder(), FILE, place)
    }

    fn log(wal: &mut Wal, group: &[&str]) {
        let group: Vec<Entry> = group.iter().map(|text| entry(text)).collect();
        wal.append(group.iter(), UnixNanos(3)).unwrap().file.sync_data().unwrap();
    }

    fn read(disk: &FaultyDisk) -> (Vec<String>, Replayed) {
        let mut bodies = Vec::new();
        let replayed = replay(disk, &folder(), 0, Purpose::Start, &mut |_, body| {
            bodies.push(String::from_utf8(body.to_vec()).unwrap());
            Ok(())
        });
        (bodies, replayed.unwrap())
    }

    fn start() -> WalPlace {
        WalPlace { number_next: 1, sequence_next: 1, ..WalPlace::default() }
    }

    /// A log of two files: three groups in the first, one in the second.
    fn small_log() -> FaultyDisk {
        let disk = disk();
        let mut first = wal(&disk, start());
        log(&mut first, &["one", "two"]);
        log(&mut first, &["three"]);
        log(&mut first, &["four", "five"]);
        let (_, replayed) = read(&disk);
        log(&mut wal(&disk, replayed.place), &["six"]);
        disk
    }

    #[test]
    fn entries_come_back_in_order_through_all_files() {
        let disk = small_log();
        let (bodies, replayed) = read(&disk);
        assert_eq!(bodies, ["one", "two", "three", "four", "five", "six"]);
        assert_eq!((replayed.losses.len(), replayed.torn_tails), (0, 0));
        assert_eq!((replayed.place.sequence_next, replayed.place.number_next), (7, 3));
    }

    #[test]
    fn a_flipped_byte_costs_at_most_its_own_entry_and_is_reported() {
        let whole = ["one", "two", "three", "four", "five", "six"];
        let (first, used) = (folder().join(log_name(1)), HEAD_BYTES + 5 * 80);
        for at in 0..used + 16 {
            let disk = small_log();
            disk.flip(&first, at, 1 << (at % 8));
            let (bodies, replayed) = read(&disk);
            let lost: u64 = replayed.losses.iter().map(|loss| loss.entries).sum();
            assert_eq!(bodies.len() as u64 + lost, 6, "byte {at}: {bodies:?} {replayed:?}");
            assert!(lost <= 1, "byte {at}: {replayed:?}");
            for loss in &replayed.losses {
                assert!(loss.received.0 <= loss.received.1, "byte {at}: {loss:?}");
                assert_eq!(loss.tenant.is_some(), loss.spans.is_some(), "byte {at}: {loss:?}");
            }
            assert!(bodies.iter().all(|body| whole.contains(&body.as_str())), "byte {at}");
            assert_eq!(replayed.place.sequence_next, 7, "byte {at}");
        }
    }

    #[test]
    fn a_flipped_byte_in_the_last_group_is_a_torn_tail_and_no_more() {
        let last = folder().join(log_name(2));
        for at in HEAD_BYTES..HEAD_BYTES + 67 {
            let disk = small_log();
            disk.flip(&last, at, 0x40);
            let (bodies, replayed) = read(&disk);
            assert_eq!(bodies, ["one", "two", "three", "four", "five"], "byte {at}");
            assert!(replayed.losses.is_empty(), "byte {at}");
            assert_eq!(replayed.place.sequence_next, 6);
        }
    }

    #[test]
    fn a_log_cut_anywhere_keeps_what_is_before() {
        for bytes in (0..HEAD_BYTES).step_by(61).chain(HEAD_BYTES..HEAD_BYTES + 400) {
            let disk = small_log();
            disk.cut(&folder().join(log_name(1)), bytes);
            let (bodies, replayed) = read(&disk);
            let lost: u64 = replayed.losses.iter().map(|loss| loss.entries).sum();
            // Without a head the file is unknown, and so is how many entries it had.
            assert!(bodies.len() as u64 + lost == 6 || bytes < 48, "{bytes}: {bodies:?} {replayed:?}");
            assert_eq!(bodies.last().unwrap(), "six", "{bytes}");
        }
    }

    #[test]
    fn after_a_power_cut_what_was_synced_is_there() {
        for seed in 0..300 {
            let disk = disk();
            let mut wal = wal(&disk, start());
            log(&mut wal, &["one", "two"]);
            log(&mut wal, &["three"]);
            let open: Vec<Entry> = (0..40).map(|_| entry("never acknowledged")).collect();
            wal.append(open.iter(), UnixNanos(3)).unwrap();
            disk.restart(Outage::PowerCut { seed });
            let (bodies, replayed) = read(&disk);
            assert_eq!(&bodies[..3], ["one", "two", "three"], "seed {seed}");
            assert!(replayed.losses.is_empty(), "seed {seed}: {replayed:?}");
            // The next life is not confused by what it left void.
            log(&mut self::wal(&disk, replayed.place), &["next"]);
            let (again, replayed) = read(&disk);
            assert_eq!(again[..again.len() - 1], bodies, "seed {seed}");
            assert_eq!((again.last().unwrap().as_str(), replayed.losses.len()), ("next", 0), "seed {seed}");
        }
    }

    #[test]
    fn released_files_are_used_again_and_their_entries_stay_dead() {
        let disk = disk();
        let mut wal = wal(&disk, start());
        let large = "x".repeat(9 << 10);
        for _ in 0..8 {
            log(&mut wal, &[&large]);
            wal.release_below(wal.sequence_next()).unwrap();
        }
        assert_eq!(disk.files().len(), 2);
        log(&mut wal, &["small"]);
        disk.restart(Outage::Kill);
        let (bodies, replayed) = read(&disk);
        assert_eq!(bodies, [large.as_str(), "small"]);
        assert!(replayed.losses.is_empty());
        assert_eq!(replayed.place.sequence_next, 10);
    }

    #[test]
    fn a_body_that_poses_as_an_entry_stays_a_body() {
        let disk = disk();
        let mut wal = wal(&disk, start());
        let mut fake = Vec::new();
        entry("forged").put_head(1, 2, 2, &mut fake);
        fake.extend_from_slice(b"forged\0\0");
        let body = Bytes::from(fake);
        let posing = Entry { body_crc: crc32c::crc32c(&body), body, ..entry("") };
        wal.append([posing].iter(), UnixNanos(3)).unwrap().file.sync_data().unwrap();
        log(&mut wal, &["last"]);
        disk.flip(&folder().join(log_name(1)), HEAD_BYTES + 20, 1);
        let (bodies, replayed) = read(&disk);
        assert_eq!((bodies, replayed.losses.len()), (vec!["last".to_owned()], 1));
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_and_the_next_goes_on() {
        let disk = disk();
        let mut wal = wal(&disk, start());
        log(&mut wal, &["one"]);
        disk.plan(Fault::WriteFailsAt(0));
        let failed = wal.append([entry("two"), entry("three")].iter(), UnixNanos(3));
        assert!(matches!(failed, Err(AppendError::Refused(StoreError::Disk { .. }))));
        log(&mut wal, &["four"]);
        let (bodies, replayed) = read(&disk);
        assert_eq!(bodies, ["one", "four"]);
        assert!(replayed.losses.is_empty());
    }

    #[test]
    fn a_full_disk_refuses_before_anything_is_written() {
        let disk = disk();
        disk.limit(FILE + 100);
        let mut wal = wal(&disk, start());
        log(&mut wal, &["one"]);
        let large = entry(&"x".repeat(FILE as usize));
        let failed = wal.append([large].iter(), UnixNanos(3));
        assert!(matches!(failed, Err(AppendError::Refused(StoreError::DiskFull { .. }))));
        log(&mut wal, &["two"]);
        assert_eq!(read(&disk).0, ["one", "two"]);
    }
}
