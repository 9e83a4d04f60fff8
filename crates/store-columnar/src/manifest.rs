//! The list of segments, and up to which number of the log each tenant's spans are in them.
//!
//! ```text
//! manifest   [ magic "TWMANIF1" ][ frame ][ frame ] ..
//! frame      magic "TWR1", length of the edit u32, CRC32C of the edit u32, edit, zeros up to 8 bytes
//! ```
//!
//! An [`Edit`] is appended and synced, and then it holds: what it adds and removes happens at once. When
//! far more is written than holds, a new file with one edit per tenant takes the old one's place.
//!
//! After a crash the last frame may be torn: then it never held. A frame that is broken before a
//! sound one was lost; the manifest says that it is damaged, and recovery asks the segments themselves.

mod edit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use span::Tenant;
use store::StoreError;

use crate::disk::{Disk, DiskFile, read_all};

pub(crate) use edit::{Edit, SegmentId, SegmentLine};

const MAGIC: &[u8; 8] = b"TWMANIF1";
const FRAME_MAGIC: &[u8; 4] = b"TWR1";
const FRAME_HEAD: usize = 12;
/// Below this a manifest is never rewritten.
const REWRITE_BYTES_MIN: u64 = 256 << 10;
/// A manifest is rewritten once this many times more edits were written than hold.
const REWRITE_RATIO: u64 = 4;

/// The manifest, open for edits. One thread at a time has it.
pub(crate) struct Manifest {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where the next frame goes.
    at: u64,
    listed: Listed,
}

/// What holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// By tenant.
    pub(crate) tenants: BTreeMap<Tenant, ListedTenant>,
}

/// What holds for one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListedTenant {
    /// All entries of the log up to this number are in segments, or were.
    pub(crate) frozen_to: u64,
    /// The segments, by age.
    pub(crate) segments: BTreeMap<SegmentId, SegmentLine>,
}

/// In which state the manifest was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Soundness {
    /// As it was left.
    Whole,
    /// The last edit was not finished.
    Torn,
    /// Edits that held cannot be read.
    Damaged,
}

impl Manifest {
    /// Opens the manifest in `folder`, or makes an empty one. It is durable as read when this returns, and
    /// whole unless it is damaged: then [`Manifest::mend`] makes it so.
    pub(crate) fn open(disk: Arc<dyn Disk>, folder: &Path) -> Result<(Self, Soundness), StoreError> {
        let path = folder.join("manifest");
        let exists = disk.list(folder)?.iter().any(|entry| entry.name == "manifest");
        if !exists {
            let listed = Listed::default();
            let (file, at) = write_whole(&*disk, &path, &listed)?;
            return Ok((Self { disk, path, file, at, listed }, Soundness::Whole));
        }
        let file = disk.open(&path)?;
        let bytes = read_all(&*file)?;
        let (listed, at, soundness) = read_frames(&bytes);
        let mut manifest = Self { disk, path, file, at, listed };
        match soundness {
            Soundness::Whole => {
                // Where an earlier sync failed, the system holds the pages for clean: only written again do
                // they reach the disk.
                manifest.file.write_at(0, &bytes)?;
                manifest.file.sync_data()?;
            }
            Soundness::Torn => manifest.rewrite()?,
            // Until the segments were asked what the list lost, the damaged file stays in its place:
            // a start that is cut short before must find it damaged again.
            Soundness::Damaged => manifest.set_aside()?,
        }
        manifest.disk.sync_dir(folder)?;
        Ok((manifest, soundness))
    }

    /// Returns what holds.
    pub(crate) const fn listed(&self) -> &Listed {
        &self.listed
    }

    /// Makes what a start found out hold: a whole list gets the edits, a damaged one is written anew.
    pub(crate) fn mend(&mut self, edits: &[Edit], soundness: Soundness) -> Result<(), StoreError> {
        if soundness == Soundness::Damaged {
            edits.iter().for_each(|edit| self.listed.apply(edit));
            return self.rewrite();
        }
        if edits.is_empty() {
            return Ok(());
        }
        edits.iter().try_for_each(|edit| self.append(edit))?;
        self.sync()
    }

    /// Writes an edit, without a sync.
    pub(crate) fn append(&mut self, edit: &Edit) -> Result<(), StoreError> {
        let frame = frame_of(edit);
        self.file.write_at(self.at, &frame)?;
        self.at += frame.len() as u64;
        self.listed.apply(edit);
        Ok(())
    }

    /// Makes all edits durable. When it fails, what holds is no longer known.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data()
    }

    /// Rewrites the file when most of it no longer holds. Until the new one is in place the old one holds.
    pub(crate) fn tidy_up(&mut self) -> Result<(), StoreError> {
        if self.at < REWRITE_BYTES_MIN {
            return Ok(());
        }
        let needed: usize = self.listed.edits().iter().map(|edit| frame_of(edit).len()).sum();
        match (needed as u64).saturating_mul(REWRITE_RATIO) < self.at {
            true => self.rewrite(),
            false => Ok(()),
        }
    }

    fn rewrite(&mut self) -> Result<(), StoreError> {
        let (file, at) = write_whole(&*self.disk, &self.path, &self.listed)?;
        (self.file, self.at) = (file, at);
        Ok(())
    }

    /// Keeps a copy of a damaged manifest beside it, for who wants to look.
    fn set_aside(&self) -> Result<(), StoreError> {
        let copy = self.disk.create(&self.path.with_extension("damaged"))?;
        copy.write_at(0, &read_all(&*self.file)?)?;
        copy.sync_data()
    }
}

impl Listed {
    /// Reads what a manifest's bytes say, and changes nothing. Tells whether edits that held are lost.
    pub(crate) fn read(bytes: &[u8]) -> (Self, bool) {
        let (listed, _, soundness) = read_frames(bytes);
        (listed, soundness == Soundness::Damaged)
    }

    /// Returns up to which number a tenant's spans are in segments.
    pub(crate) fn frozen_to(&self, tenant: &Tenant) -> u64 {
        self.tenants.get(tenant).map_or(0, |listed| listed.frozen_to)
    }

    /// Returns the greatest number in any segment.
    pub(crate) fn settled(&self) -> u64 {
        self.tenants.values().map(|listed| listed.frozen_to).max().unwrap_or(0)
    }

    fn apply(&mut self, edit: &Edit) {
        let listed = self.tenants.entry(edit.tenant.clone()).or_default();
        for id in &edit.removes {
            listed.segments.remove(id);
        }
        for line in &edit.adds {
            listed.frozen_to = listed.frozen_to.max(line.id.last);
            listed.segments.insert(line.id, *line);
        }
        listed.frozen_to = listed.frozen_to.max(edit.frozen_to);
    }

    /// Returns one edit per tenant that makes this out of nothing.
    fn edits(&self) -> Vec<Edit> {
        let edit = |(tenant, listed): (&Tenant, &ListedTenant)| Edit {
            tenant: tenant.clone(),
            frozen_to: listed.frozen_to,
            adds: listed.segments.values().copied().collect(),
            removes: Vec::new(),
        };
        self.tenants.iter().map(edit).collect()
    }
}

/// Puts a manifest of these edits in place: written aside, synced, renamed, synced.
fn write_whole(
    disk: &dyn Disk,
    path: &Path,
    listed: &Listed,
) -> Result<(Arc<dyn DiskFile>, u64), StoreError> {
    let mut bytes = MAGIC.to_vec();
    listed.edits().iter().for_each(|edit| bytes.extend(frame_of(edit)));
    let aside = path.with_extension("tmp");
    let file = disk.create(&aside)?;
    file.write_at(0, &bytes)?;
    file.sync_data()?;
    disk.rename(&aside, path)?;
    disk.sync_dir(path.parent().expect("the manifest lies in a folder"))?;
    Ok((file, bytes.len() as u64))
}

fn frame_of(edit: &Edit) -> Vec<u8> {
    let mut frame = FRAME_MAGIC.to_vec();
    frame.resize(FRAME_HEAD, 0);
    edit.put(&mut frame);
    let length = (frame.len() - FRAME_HEAD) as u32;
    let crc = crc32c::crc32c(&frame[FRAME_HEAD..]);
    frame[4..8].copy_from_slice(&length.to_le_bytes());
    frame[8..12].copy_from_slice(&crc.to_le_bytes());
    frame.resize(frame.len().next_multiple_of(8), 0);
    frame
}

/// Reads all frames; returns what holds and where the sound beginning ends.
fn read_frames(bytes: &[u8]) -> (Listed, u64, Soundness) {
    let mut listed = Listed::default();
    let mut soundness = if bytes.starts_with(MAGIC) { Soundness::Whole } else { Soundness::Damaged };
    let mut at = MAGIC.len();
    while at < bytes.len() {
        if let Some((edit, next)) = frame_at(bytes, at) {
            listed.apply(&edit);
            at = next;
            continue;
        }
        let behind = (at + 1..bytes.len()).find(|at| frame_at(bytes, *at).is_some());
        let Some(behind) = behind else {
            if soundness == Soundness::Whole {
                soundness = Soundness::Torn;
            }
            break;
        };
        soundness = Soundness::Damaged;
        at = behind;
    }
    (listed, at as u64, soundness)
}

fn frame_at(bytes: &[u8], at: usize) -> Option<(Edit, usize)> {
    let head = bytes.get(at..at.checked_add(FRAME_HEAD)?)?;
    if head[..4] != *FRAME_MAGIC {
        return None;
    }
    let length = u32::from_le_bytes(head[4..8].try_into().expect("four bytes")) as usize;
    let crc = u32::from_le_bytes(head[8..12].try_into().expect("four bytes"));
    let edit_at = at + FRAME_HEAD;
    let edit = bytes.get(edit_at..edit_at.checked_add(length)?)?;
    if crc32c::crc32c(edit) != crc {
        return None;
    }
    Some((Edit::read(edit)?, (edit_at + length).next_multiple_of(8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{FaultyDisk, Outage};

    fn line(first: u64, last: u64) -> SegmentLine {
        SegmentLine { id: SegmentId { first, last, level: 0 }, bytes: 100, ..SegmentLine::default() }
    }

    fn add(first: u64, last: u64) -> Edit {
        Edit { adds: vec![line(first, last)], ..Edit::of(Tenant::default()) }
    }

    fn folder() -> (FaultyDisk, PathBuf) {
        let disk = FaultyDisk::new();
        let folder = PathBuf::from("/data");
        disk.create_dir(&folder).unwrap();
        (disk, folder)
    }

    fn open(disk: &FaultyDisk, folder: &Path) -> (Manifest, Soundness) {
        Manifest::open(Arc::new(disk.clone()), folder).unwrap()
    }

    fn segments(manifest: &Manifest) -> Vec<u64> {
        let tenant = manifest.listed().tenants.get(&Tenant::default());
        tenant.into_iter().flat_map(|listed| listed.segments.keys()).map(|id| id.first).collect()
    }

    #[test]
    fn synced_edits_hold_after_every_power_cut() {
        for seed in 0..100 {
            let (disk, folder) = folder();
            let (mut manifest, _) = open(&disk, &folder);
            manifest.append(&add(1, 4)).unwrap();
            manifest.append(&add(5, 9)).unwrap();
            manifest.sync().unwrap();
            let removes = vec![SegmentId { first: 1, last: 4, level: 0 }];
            manifest.append(&Edit { removes, ..Edit::of(Tenant::default()) }).unwrap();
            disk.restart(Outage::PowerCut { seed });
            let (manifest, soundness) = open(&disk, &folder);
            assert!(segments(&manifest) == [1, 5] || segments(&manifest) == [5], "seed {seed}");
            assert_eq!(manifest.listed().frozen_to(&Tenant::default()), 9);
            assert_ne!(soundness, Soundness::Damaged, "seed {seed}");
        }
    }

    #[test]
    fn a_flipped_byte_is_noticed_wherever_it_is() {
        let (disk, folder) = folder();
        let (mut manifest, _) = open(&disk, &folder);
        for first in [1, 5, 9] {
            manifest.append(&add(first, first + 3)).unwrap();
        }
        let path = folder.join("manifest");
        let whole = disk.bytes_of(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let (listed, _, soundness) = read_frames(&bytes);
            let padding = listed.tenants.values().map(|listed| listed.segments.len()).sum::<usize>() == 3;
            assert!(padding || soundness != Soundness::Whole, "byte {at}");
        }
    }

    #[test]
    fn what_no_longer_holds_is_rewritten_away() {
        let (disk, folder) = folder();
        let (mut manifest, _) = open(&disk, &folder);
        for first in 1..20_000 {
            let removes = vec![SegmentId { first: first - 1, last: first - 1, level: 0 }];
            manifest.append(&Edit { removes, ..add(first, first) }).unwrap();
            manifest.tidy_up().unwrap();
        }
        manifest.sync().unwrap();
        assert!(disk.bytes_of(&folder.join("manifest")).unwrap().len() < 2 * REWRITE_BYTES_MIN as usize);
        disk.restart(Outage::Kill);
        let (manifest, soundness) = open(&disk, &folder);
        assert_eq!((segments(&manifest), soundness), (vec![19_999], Soundness::Whole));
    }
}
