//! Opens a data directory, whatever happened to it.
//!
//! 1. Take the directory. 2. Read the manifest. 3. Open the segments it lists; only their footers are
//!    read. 4. Replay the log into heads, leaving out what segments hold: each entry has a number, each
//!    tenant knows up to which number its spans are frozen. Heads that fill up are frozen on
//!    the way, so a long log needs no more memory than a short one.
//!
//! What is shown afterwards is durable: files are synced before they are believed.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use store::StoreError;
use wire::Inflater;

use crate::config::Config;
use crate::directory::Directory;
use crate::disk::Disk;
use crate::hold::Hold;
use crate::manifest::{Manifest, Soundness};
use crate::segment::PageCache;
use crate::stats::{Recovery, UndecodableEntry};
use crate::wal::body::{Prepared, decode};
use crate::wal::entry::{Entry, EntryHead};
use crate::wal::replay::{Purpose, replay};
use crate::wal::{Wal, WalPlace};

use super::commit::{intern, publish};
use super::freeze::{Frozen, freeze};
use super::shelve::shelve;

/// Opens a store and says what was found and mended.
pub(crate) fn recover(disk: Arc<dyn Disk>, config: Config) -> Result<(Hold, Recovery), StoreError> {
    let directory = Directory::take(&*disk, &config.directory, config.process_id)?;
    let (mut manifest, soundness) = Manifest::open(disk.clone(), directory.root())?;
    let mut recovery = Recovery { manifest_damaged: soundness == Soundness::Damaged, ..Recovery::default() };
    let pages = PageCache::with_columns(config.limits.pages_bytes_max, config.limits.columns_bytes_max);
    let shelves = shelve(&*disk, &directory, &mut manifest, soundness, &pages, &mut recovery)?;
    let listed = manifest.listed().clone();
    let (folder, file_bytes) = (directory.wal(), config.limits.wal_file_bytes);
    let wal = Wal::new(disk.clone(), &folder, file_bytes, WalPlace::default());
    let hold = Hold::new(disk.clone(), directory, config, manifest, pages, wal);
    for (tenant, found) in shelves {
        hold.views.change(&tenant, |view| view.segments = Arc::new(found));
    }
    let mut replayer = Replayer { hold: &hold, inflater: Inflater::default(), recovery: &mut recovery };
    let replayed = replay(&*disk, &folder, listed.settled(), Purpose::Start, &mut |head, body| {
        if head.sequence <= listed.frozen_to(&head.tenant) {
            return Ok(());
        }
        replayer.take(head, body)
    })?;
    recovery.wal_losses = replayed.losses;
    recovery.torn_tails = replayed.torn_tails;
    go_on(&hold, &folder, replayed.place)?;
    Ok((hold, recovery))
}

/// Lets the log go on where its replay ended, and lets go of files that segments have made needless.
fn go_on(hold: &Hold, folder: &Path, place: WalPlace) -> Result<(), StoreError> {
    let mut ingest = hold.ingest()?;
    ingest.wal = Wal::new(hold.disk.clone(), folder, hold.config.limits.wal_file_bytes, place);
    let needed_from = ingest.needed_from();
    ingest.wal.release_below(needed_from)?;
    hold.measure(&ingest);
    Ok(())
}

struct Replayer<'a> {
    hold: &'a Hold,
    inflater: Inflater,
    recovery: &'a mut Recovery,
}

impl Replayer<'_> {
    fn take(&mut self, head: EntryHead, body: Bytes) -> Result<(), StoreError> {
        let expected = u64::from(head.spans);
        let (batch, why) = match decode(&mut self.inflater, head.encoding, body.clone()) {
            Ok(decoded) => (decoded.batch, decoded.reason),
            Err(error) => (span::SpanBatch::default(), Some(error.to_string())),
        };
        let spans_found = batch.len() as u64;
        if spans_found != expected {
            let sequence = head.sequence;
            let entry = UndecodableEntry { sequence, spans_expected: expected, spans_found, why };
            self.recovery.entries_undecodable.push(entry);
        }
        self.recovery.entries_replayed += 1;
        self.recovery.spans_replayed += spans_found;
        let EntryHead { tenant, received, spans, encoding, sequence, .. } = head;
        let entry = Entry { tenant, received, spans, encoding, body, body_crc: 0 };
        let prepared = Prepared { entry, batch };
        let now = (self.hold.config.now)();
        let mut ingest = self.hold.ingest()?;
        intern(&mut ingest.heads, &prepared, sequence, now);
        publish(self.hold, &mut ingest, std::slice::from_ref(&prepared));
        drop(ingest);
        while freeze(self.hold)? == Frozen::Head {}
        Ok(())
    }
}
