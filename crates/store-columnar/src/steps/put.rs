//! Puts a segment's file in its place: written aside, synced, renamed, synced.
//!
//! Until it is renamed there is no segment, and what was begun is removed. Until it is listed nobody
//! reads it.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use span::Tenant;
use store::StoreError;

use crate::disk::DiskFile;
use crate::hold::Hold;
use crate::manifest::{SegmentId, SegmentLine};
use crate::segment::Segment;
use crate::segment::build::Built;
use crate::view::Shelved;

/// How much is written to a segment's file at once.
const WRITE_BYTES: usize = 1 << 20;

/// Why there is no new file.
pub(super) enum PutFailure<E> {
    /// The disk refused or broke.
    Store(StoreError),
    /// Whoever should fill it failed.
    Fill(E),
}

impl<E> From<StoreError> for PutFailure<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Writes a segment's bytes.
pub(super) type Fill<'a, E> = &'a mut dyn FnMut(&mut dyn Write) -> Result<Built, E>;

/// Writes a segment under its name and opens it. It is durable, and not yet listed.
pub(super) fn put_segment<E>(
    hold: &Hold,
    tenant: &Tenant,
    id: SegmentId,
    fill: Fill<'_, E>,
) -> Result<Shelved, PutFailure<E>> {
    let folder = hold.directory.segments_of(tenant);
    let path = folder.join(id.file_name());
    let aside = path.with_extension("tmp");
    hold.disk.create_dir(&folder)?;
    hold.synced(hold.disk.sync_dir(&hold.directory.segments()))?;
    let built = match write_aside(hold, &aside, fill) {
        Ok(built) => built,
        Err(error) => {
            // What was begun only takes room; where it cannot be removed, the next start does it.
            let _ = hold.disk.remove(&aside);
            return Err(error);
        }
    };
    hold.disk.rename(&aside, &path)?;
    hold.synced(hold.disk.sync_dir(&folder))?;
    let part = Segment::open(hold.disk.open(&path)?, &hold.pages)?;
    let line = SegmentLine { id, bytes: built.len, bounds: built.bounds };
    Ok(Shelved::new(line, part))
}

fn write_aside<E>(hold: &Hold, aside: &Path, fill: Fill<'_, E>) -> Result<Built, PutFailure<E>> {
    let mut out = FileWriter { file: hold.disk.create(aside)?, at: 0, buffer: Vec::new(), failure: None };
    let filled = fill(&mut out);
    if filled.is_ok() {
        let _ = out.flush();
    }
    if let Some(error) = out.failure.take() {
        return Err(error.into());
    }
    let built = filled.map_err(PutFailure::Fill)?;
    match out.file.sync_data() {
        // Room for a file may be missing only when it is synced. What it is made of is still there.
        Err(full @ StoreError::DiskFull { .. }) => Err(full.into()),
        synced => Ok(hold.synced(synced).map(|()| built)?),
    }
}

/// Writes a file from front to back, in large pieces.
struct FileWriter {
    file: Arc<dyn DiskFile>,
    at: u64,
    buffer: Vec<u8>,
    /// What the disk said, because an `io::Error` could not carry it.
    failure: Option<StoreError>,
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if WRITE_BYTES <= self.buffer.len() {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Err(error) = self.file.write_at(self.at, &self.buffer) {
            self.failure = Some(error);
            return Err(io::Error::other("the disk refused"));
        }
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
