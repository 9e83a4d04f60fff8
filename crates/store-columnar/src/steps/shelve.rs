//! Finds the segments after a start: what is listed, what should be, and what cannot be read.
//!
//! * A listed segment that is broken is *set aside*: renamed, taken off the list, reported. It will not
//!   be looked at again, so it cannot stop a start twice.
//! * A whole segment that is not listed and holds entries beyond the list was finished just before a
//!   crash: it is *adopted*, and the log need not be replayed for it.
//! * Any other file is what a crash left of a write or a removal, and is removed. Where the
//!   manifest lost edits, nothing is removed that might have been listed by one of them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use span::Tenant;
use store::StoreError;

use crate::directory::Directory;
use crate::disk::{Disk, DiskEntryKind};
use crate::manifest::{Edit, ListedTenant, Manifest, SegmentId, SegmentLine, Soundness};
use crate::part::Part;
use crate::segment::{PageCache, Segment};
use crate::stats::{Recovery, SetAside};
use crate::view::Shelved;

/// The segments of all tenants, by age.
pub(super) type Shelves = Vec<(Tenant, Vec<Arc<Shelved>>)>;

/// Opens the segments and mends the list; what was found is added to `recovery`.
pub(super) fn shelve(
    disk: &dyn Disk,
    directory: &Directory,
    manifest: &mut Manifest,
    soundness: Soundness,
    pages: &Arc<PageCache>,
    recovery: &mut Recovery,
) -> Result<Shelves, StoreError> {
    let mut tenants: BTreeSet<Tenant> = manifest.listed().tenants.keys().cloned().collect();
    for entry in disk.list(&directory.segments())? {
        let tenant = Tenant::new(&entry.name).ok().filter(|_| entry.kind == DiskEntryKind::Folder);
        tenants.extend(tenant);
    }
    let (mut shelves, mut edits, mut needless) = (Vec::new(), Vec::new(), Vec::new());
    for tenant in tenants {
        let folder = directory.segments_of(&tenant);
        let listed = manifest.listed().tenants.get(&tenant).cloned().unwrap_or_default();
        let edit = Edit::of(tenant.clone());
        let (found, needless) = (Vec::new(), &mut needless);
        let mut shelf = Shelf { disk, folder, pages, listed, edit, found, needless, recovery };
        shelf.open_listed()?;
        shelf.take_others(soundness)?;
        let Shelf { edit, mut found, .. } = shelf;
        if edit != Edit::of(tenant.clone()) {
            edits.push(edit);
        }
        found.sort_by_key(|shelved| shelved.line.id);
        recovery.segments += found.len() as u64;
        recovery.segments_spans += found.iter().map(|shelved| shelved.line.bounds.spans).sum::<u64>();
        shelves.push((tenant, found));
    }
    // Nothing is removed before the list says durably that it may be.
    manifest.mend(&edits, soundness)?;
    for path in needless {
        recovery.files_removed += 1;
        disk.remove(&path)?;
    }
    Ok(shelves)
}

/// One tenant's segments on their way.
struct Shelf<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
    pages: &'a Arc<PageCache>,
    listed: ListedTenant,
    /// What must be changed in the list.
    edit: Edit,
    found: Vec<Arc<Shelved>>,
    /// Files that are to be removed.
    needless: &'a mut Vec<PathBuf>,
    recovery: &'a mut Recovery,
}

impl Shelf<'_> {
    fn open_listed(&mut self) -> Result<(), StoreError> {
        let lines: Vec<SegmentLine> = self.listed.segments.values().copied().collect();
        for line in lines {
            let path = self.folder.join(line.id.file_name());
            match open(self.disk, &path, self.pages) {
                Ok((segment, _)) => self.found.push(Arc::new(Shelved::new(line, segment))),
                Err(error) if is_lasting(&error) => {
                    self.set_aside(&path, line.bounds.spans, &error)?;
                    self.edit.removes.push(line.id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Adopts or removes what is in the folder and not on the list.
    fn take_others(&mut self, soundness: Soundness) -> Result<(), StoreError> {
        let mut entries = self.disk.list(&self.folder)?;
        entries.retain(|entry| entry.kind == DiskEntryKind::File);
        // What was merged from others comes before them.
        let order = |id: SegmentId| (id.first, Reverse(id.last), Reverse(id.level));
        entries.sort_by_cached_key(|entry| SegmentId::from_file_name(&entry.name).map(order));
        for entry in entries {
            let path = self.folder.join(&entry.name);
            match SegmentId::from_file_name(&entry.name) {
                Some(id) if self.listed.segments.contains_key(&id) => {}
                Some(id) if self.is_wanted(id, soundness) => self.adopt(id, &path)?,
                Some(_) => self.needless.push(path),
                None if entry.name.ends_with(".tmp") => self.needless.push(path),
                None => {}
            }
        }
        Ok(())
    }

    /// Tells whether a segment that is not listed should be: it holds entries beyond the list, or the list
    /// lost edits and no segment that was merged from it is there.
    fn is_wanted(&self, id: SegmentId, soundness: Soundness) -> bool {
        let merged = self.found.iter().any(|shelved| shelved.line.id.contains(id));
        !merged && (self.listed.frozen_to < id.first || soundness == Soundness::Damaged)
    }

    fn adopt(&mut self, id: SegmentId, path: &Path) -> Result<(), StoreError> {
        match open(self.disk, path, self.pages) {
            Ok((segment, bytes)) => {
                // Its name may not be durable: the crash may have come before the folder's sync.
                self.disk.sync_dir(&self.folder)?;
                let line = SegmentLine { id, bytes, bounds: segment.bounds() };
                self.listed.frozen_to = self.listed.frozen_to.max(id.last);
                self.edit.adds.push(line);
                // It replaces what it was merged from, which a lost edit had taken off the list.
                for shelved in self.found.extract_if(.., |shelved| id.contains(shelved.line.id)) {
                    self.edit.removes.push(shelved.line.id);
                    self.needless.push(self.folder.join(shelved.line.id.file_name()));
                }
                self.found.push(Arc::new(Shelved::new(line, segment)));
                self.recovery.segments_adopted += 1;
                Ok(())
            }
            // Unfinished after all: the log still has what it should hold.
            Err(error) if is_lasting(&error) => self.set_aside(path, 0, &error),
            Err(error) => Err(error),
        }
    }

    fn set_aside(&mut self, path: &Path, spans: u64, why: &StoreError) -> Result<(), StoreError> {
        let aside = path.with_extension("damaged");
        let path = match self.disk.rename(path, &aside) {
            Ok(()) => aside,
            Err(_) => path.to_owned(),
        };
        self.recovery.segments_set_aside.push(SetAside { path, spans, why: why.to_string() });
        Ok(())
    }
}

fn open(disk: &dyn Disk, path: &Path, pages: &Arc<PageCache>) -> Result<(Arc<Segment>, u64), StoreError> {
    let file = disk.open(path)?;
    let bytes = file.bytes()?;
    Ok((Segment::open(file, pages)?, bytes))
}

/// Tells whether a segment will be as broken at the next start: it is damaged, cut, or gone. Too many
/// open files or a disk that is not there are no reason to give up spans.
fn is_lasting(error: &StoreError) -> bool {
    match error {
        StoreError::Damaged { .. } => true,
        StoreError::Disk { source, .. } => {
            matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}
