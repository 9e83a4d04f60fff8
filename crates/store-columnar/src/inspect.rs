//! Looks into a stopped data directory and changes nothing: what is damaged, and what costs what.
//!
//! The directory is locked meanwhile, so that nothing changes under the look, and no file is written but the
//! lock. A flaw says which spans it *may* cost: a broken block of one column costs its rows, a broken table
//! all rows of its segment, a broken entry of the log one request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use span::{Tenant, TraceId, UnixNanos};
use store::StoreError;
use wire::Inflater;

use crate::directory::Directory;
use crate::disk::{Disk, read_all};
use crate::manifest::{Listed, SegmentLine};
use crate::part::Part as _;
use crate::segment::{PageCache, Segment};
use crate::wal::body::decode;
use crate::wal::replay::{Purpose, replay};

/// How many bytes of texts are kept while segments are read through.
const TEXTS_BYTES_MAX: usize = 16 << 20;

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Segments that are listed.
    pub segments: u64,
    /// Their bytes.
    pub segments_bytes: u64,
    /// Spans that the list says are in them.
    pub segments_spans: u64,
    /// Entries of the log that are in no segment yet.
    pub log_entries: u64,
    /// Spans in them.
    pub log_spans: u64,
    /// What is damaged.
    pub damages: Vec<Damage>,
}

/// Something that cannot be read, and what it may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub what: String,
    /// Whose spans it may cost, where that is known.
    pub tenant: Option<Tenant>,
    /// How many spans it may cost, where that is known.
    pub spans: Option<u64>,
    /// Between which starts they lie, where that is known.
    pub starts: Option<(UnixNanos, UnixNanos)>,
    /// Between which times they arrived, where that is known.
    pub received: Option<(UnixNanos, UnixNanos)>,
    /// Of which traces they are, where that can still be read.
    pub traces: Vec<TraceId>,
}

/// What one column, or one table, takes in all segments of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Whose.
    pub tenant: Tenant,
    /// What: the name of a column, `span KEY` for an attribute, `table NAME` for a table.
    pub what: String,
    /// How many bytes.
    pub bytes: u64,
}

/// Reads every block of every segment, the list, and the log. `told` hears how many segments of how many
/// are done.
pub fn verify(
    disk: &dyn Disk,
    root: &Path,
    process_id: u32,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Inspection, StoreError> {
    let directory = take(disk, root, process_id)?;
    let mut found = Inspection::default();
    let path = root.join("manifest");
    let (listed, is_damaged) = read_list(disk, &path)?;
    if is_damaged {
        let what =
            "edits of the list cannot be read; the next start makes it anew from the segments".to_owned();
        found.damages.push(Damage { what, ..Damage::of(&path) });
    }
    let pages = PageCache::new(TEXTS_BYTES_MAX);
    let total = listed.tenants.values().map(|tenant| tenant.segments.len() as u64).sum();
    for (tenant, line, path) in segments(&listed, &directory) {
        found.segments += 1;
        found.segments_bytes += line.bytes;
        found.segments_spans += line.bounds.spans;
        look_into(disk, &path, &tenant, &line, &pages, &mut found.damages);
        told(found.segments, total);
    }
    look_into_log(disk, &directory.wal(), &listed, &mut found)?;
    Ok(found)
}

/// Returns what takes how many bytes in the segments, the largest first.
pub fn costs(disk: &dyn Disk, root: &Path, process_id: u32) -> Result<Vec<Cost>, StoreError> {
    let directory = take(disk, root, process_id)?;
    let (listed, _) = read_list(disk, &root.join("manifest"))?;
    let pages = PageCache::new(TEXTS_BYTES_MAX);
    let mut sums: BTreeMap<(Tenant, String), u64> = BTreeMap::new();
    for (tenant, line, path) in segments(&listed, &directory) {
        let mut rest = line.bytes;
        let segment = Segment::open(disk.open(&path)?, &pages)?;
        for (what, bytes) in segment.costs()? {
            rest = rest.saturating_sub(bytes);
            *sums.entry((tenant.clone(), what)).or_default() += bytes;
        }
        *sums.entry((tenant, "footers".to_owned())).or_default() += rest;
    }
    let mut costs: Vec<Cost> =
        sums.into_iter().map(|((tenant, what), bytes)| Cost { tenant, what, bytes }).collect();
    costs.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.what.cmp(&other.what)));
    Ok(costs)
}

impl Damage {
    fn of(path: &Path) -> Self {
        let (path, what) = (path.to_owned(), String::new());
        Self { path, what, tenant: None, spans: None, starts: None, received: None, traces: Vec::new() }
    }
}

/// Takes a directory that exists.
fn take(disk: &dyn Disk, root: &Path, process_id: u32) -> Result<Directory, StoreError> {
    if !disk.list(root)?.iter().any(|entry| entry.name == "FORMAT") {
        let why = "is no data directory: there is no FORMAT in it".to_owned();
        return Err(StoreError::Unusable { path: root.to_owned(), why });
    }
    Directory::take(disk, root, process_id)
}

fn read_list(disk: &dyn Disk, path: &Path) -> Result<(Listed, bool), StoreError> {
    let exists = disk.list(path.parent().expect("the manifest lies in a folder"))?;
    match exists.iter().any(|entry| entry.name == "manifest") {
        true => Ok(Listed::read(&read_all(&*disk.open(path)?)?)),
        false => Ok((Listed::default(), false)),
    }
}

fn segments(listed: &Listed, directory: &Directory) -> Vec<(Tenant, SegmentLine, PathBuf)> {
    let mut all = Vec::new();
    for (tenant, shelf) in &listed.tenants {
        let folder = directory.segments_of(tenant);
        for line in shelf.segments.values() {
            all.push((tenant.clone(), *line, folder.join(line.id.file_name())));
        }
    }
    all
}

fn look_into(
    disk: &dyn Disk,
    path: &Path,
    tenant: &Tenant,
    line: &SegmentLine,
    pages: &Arc<PageCache>,
    damages: &mut Vec<Damage>,
) {
    let bounds = line.bounds;
    let opened = disk.open(path).and_then(|file| Segment::open(file, pages));
    match opened {
        Ok(segment) if segment.bounds() == bounds => {
            for flaw in segment.verify() {
                damages.push(Damage {
                    what: flaw.what,
                    tenant: Some(tenant.clone()),
                    spans: Some(flaw.spans),
                    starts: Some(flaw.starts),
                    traces: flaw.traces,
                    ..Damage::of(path)
                });
            }
        }
        other => damages.push(Damage {
            what: match other {
                Ok(_) => "the segment is not the one that the list names".to_owned(),
                Err(error) => format!("the segment cannot be opened: {error}"),
            },
            tenant: Some(tenant.clone()),
            spans: Some(bounds.spans),
            starts: Some((bounds.start_min, bounds.start_max)),
            ..Damage::of(path)
        }),
    }
}

fn look_into_log(
    disk: &dyn Disk,
    folder: &Path,
    listed: &Listed,
    found: &mut Inspection,
) -> Result<(), StoreError> {
    let (mut entries, mut spans, mut damages) = (0, 0, Vec::new());
    let mut inflater = Inflater::default();
    let replayed = replay(disk, folder, listed.settled(), Purpose::Look, &mut |head, body: Bytes| {
        if head.sequence <= listed.frozen_to(&head.tenant) {
            return Ok(());
        }
        entries += 1;
        let (count, why) = match decode(&mut inflater, head.encoding, body) {
            Ok(decoded) => (decoded.batch.len() as u64, decoded.reason),
            Err(error) => (0, Some(error.to_string())),
        };
        spans += count;
        let expected = u64::from(head.spans);
        if count != expected {
            let why = why.unwrap_or_default();
            damages.push(Damage {
                what: format!("entry {} gives {count} of {expected} spans: {why}", head.sequence),
                tenant: Some(head.tenant),
                spans: Some(expected.saturating_sub(count)),
                ..Damage::of(folder)
            });
        }
        Ok(())
    })?;
    for loss in replayed.losses {
        let what = format!("{} requests cannot be read from byte {} on", loss.entries, loss.at);
        let (spans, tenant, received) = (loss.spans, loss.tenant, Some(loss.received));
        damages.push(Damage { what, spans, tenant, received, ..Damage::of(&loss.path) });
    }
    (found.log_entries, found.log_spans) = (entries, spans);
    found.damages.append(&mut damages);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use store::conformance::{self, one};
    use store::{TraceReader as _, TraceWriter as _};

    use super::*;
    use crate::disk::{FaultyDisk, Outage};
    use crate::stepped::{Freezing, SteppedStore};
    use crate::trial::{Clock, config, root};

    /// Two segments and a log.
    fn filled() -> FaultyDisk {
        let disk = FaultyDisk::new();
        let config = config(&root(), &Clock::default());
        let engine = SteppedStore::open_on(Arc::new(disk.clone()), config, Freezing::ByHand).unwrap();
        for id in 1..=9 {
            engine.write(&[conformance::write(&one("cart", "GET", id, 10 * id))]).unwrap();
            if id % 3 == 0 && id < 9 {
                engine.freeze_all().unwrap();
            }
        }
        drop(engine);
        disk.restart(Outage::Kill);
        disk
    }

    fn look(disk: &FaultyDisk) -> Inspection {
        verify(disk, &root(), 8, &mut |_, _| {}).unwrap()
    }

    #[test]
    fn a_sound_directory_is_sound_and_stays_as_it_is() {
        let disk = filled();
        let before: Vec<_> = disk.files().iter().map(|path| disk.bytes_of(path)).collect();
        let found = look(&disk);
        assert_eq!((found.segments, found.segments_spans), (2, 6));
        assert_eq!((found.log_entries, found.log_spans), (3, 3));
        assert!(found.damages.is_empty(), "{found:?}");
        let after: Vec<_> = disk.files().iter().map(|path| disk.bytes_of(path)).collect();
        let changed = before.iter().zip(&after).filter(|(one, other)| one != other).count();
        assert!(before.len() == after.len() && changed <= 1, "only the lock");
    }

    #[test]
    fn every_flipped_byte_of_a_segment_is_found_and_what_it_costs_was_said() {
        let whole = filled();
        let path =
            whole.files().into_iter().find(|path| path.extension().is_some_and(|it| it == "seg")).unwrap();
        let length = whole.bytes_of(&path).unwrap().len() as u64;
        for at in (0..length).step_by(7) {
            let disk = filled();
            disk.flip(&path, at, 0x20);
            let found = look(&disk);
            assert!(found.damages.iter().all(|damage| damage.path == path && damage.spans == Some(3)));
            assert!(!found.damages.is_empty(), "byte {at}");
            let config = config(&root(), &Clock::default());
            let engine = SteppedStore::open_on(Arc::new(disk), config, Freezing::ByHand).unwrap();
            let lost: BTreeSet<u64> = (1..=9)
                .filter(|id| {
                    !matches!(engine.trace(&Tenant::default(), TraceId::from_halves(0, *id)), Ok(Some(_)))
                })
                .collect();
            assert!(lost.is_subset(&(1..=3).collect()), "byte {at}: {lost:?}");
        }
    }

    #[test]
    fn costs_add_up_to_the_bytes_of_the_segments() {
        let disk = filled();
        let costs = costs(&disk, &root(), 8).unwrap();
        assert_eq!(costs.iter().map(|cost| cost.bytes).sum::<u64>(), look(&disk).segments_bytes);
        assert!(costs.is_sorted_by(|one, other| other.bytes <= one.bytes));
    }

    #[test]
    fn what_is_no_data_directory_is_not_made_one() {
        let disk = FaultyDisk::new();
        let refused = verify(&disk, Path::new("/nowhere"), 8, &mut |_, _| {}).unwrap_err();
        assert_eq!(refused.to_string(), "/nowhere: is no data directory: there is no FORMAT in it");
        assert!(disk.files().is_empty());
    }
}
