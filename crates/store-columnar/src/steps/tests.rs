//! Steps in seeded order over a disk that goes away: what was acknowledged is there, nothing is twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use span::{DurationNanos, Tenant, Trace, TraceId, UnixNanos, ValueRef};
use store::conformance::{self, Sketch, one};
use store::{MemoryStore, Search, StoreError, TraceReader, TraceWriter, Write};

use crate::disk::{Fault, FaultyDisk, Outage};
use crate::specimen::Dice;
use crate::stepped::{Freezing, SteppedStore};
use crate::trial::{Clock, config, root};

fn open(disk: &FaultyDisk) -> Result<SteppedStore, StoreError> {
    let config = config(&root(), &Clock::default());
    SteppedStore::open_on(Arc::new(disk.clone()), config, Freezing::ByHand)
}

/// Opens a store in which each write becomes a segment.
fn freezing(disk: &FaultyDisk) -> SteppedStore {
    let config = config(&root(), &Clock::default());
    SteppedStore::open_on(Arc::new(disk.clone()), config, Freezing::EachWrite).unwrap()
}

fn write(id: u64) -> Write {
    conformance::write(&one("cart", "GET", id, 10 * id))
}

const HOUR: u64 = 3_600_000_000_000;

fn tenant(number: u64) -> Tenant {
    Tenant::new(["default", "other", "third"][number as usize]).unwrap()
}

/// All traces that a search lists, newest first.
fn listed(engine: &dyn TraceReader, tenant: &Tenant) -> Vec<Trace> {
    let mut cursor = engine.search(Search::all(tenant.clone())).unwrap();
    std::iter::from_fn(|| cursor.next().unwrap()).collect()
}

fn ids(engine: &dyn TraceReader) -> Vec<u64> {
    listed(engine, &Tenant::default()).iter().map(|trace| trace.id().low()).collect()
}

/// Spans as they are stored: a retried or doubled one counts each time.
fn stored(engine: &SteppedStore, tenant: &Tenant) -> u64 {
    engine.stored(tenant)
}

/// One seeded life after another on one disk, with a model of what must be there.
struct Run {
    seed: u64,
    dice: Dice,
    disk: FaultyDisk,
    /// Acknowledged writes, and those whose fate a crash left open.
    acked: BTreeMap<u64, Write>,
    open: BTreeMap<u64, Write>,
    /// Writes that retention may forget or has forgotten.
    fading: BTreeMap<u64, Write>,
    next: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let [acked, open, fading] = [const { BTreeMap::new() }; 3];
        Self { seed, dice: Dice::new(seed), disk: FaultyDisk::new(), acked, open, fading, next: 1 }
    }

    /// A write of one to three spans, of any of 40 traces, each span with a number of its own.
    fn dream(&mut self) -> (u64, Write) {
        let number = self.next;
        self.next += 1;
        let trace = 1 + self.dice.below(40);
        let padding = vec![b'x'; self.dice.below(900) as usize];
        let attributes = [("number", ValueRef::Int(number as i64)), ("padding", ValueRef::Bytes(&padding))];
        let start = self.dice.below(5_000);
        let sketch = Sketch { id: number, attributes: &attributes, ..one("cart", "GET", trace, start) };
        let mut write = conformance::write(&sketch);
        write.tenant = tenant(self.dice.below(3));
        write.received = UnixNanos(self.dice.below(3) * HOUR);
        (number, write)
    }

    /// Lives until the disk goes away, or for some steps.
    fn live(&mut self) {
        self.plan(60);
        let Ok(engine) = self.open() else { return };
        self.disk.unplan();
        self.check(&engine);
        self.plan(160);
        for _ in 0..self.dice.below(40) {
            let outcome = match self.dice.below(13) {
                11 | 12 => engine.compact_one(UnixNanos(9 * HOUR)).map(|_| ()),
                10 => self.retain(&engine),
                0 => engine.seal_all(),
                1 | 2 => engine.freeze_one().map(|_| ()),
                3 => engine.freeze_all(),
                _ => self.write(&engine),
            };
            if outcome.is_err() {
                return;
            }
        }
    }

    /// Opens the store with a retention of two hours.
    fn open(&self) -> Result<SteppedStore, StoreError> {
        let mut config = config(&root(), &Clock::default());
        config.retention.age = Some(DurationNanos(2 * HOUR));
        SteppedStore::open_on(Arc::new(self.disk.clone()), config, Freezing::ByHand)
    }

    /// Forgets what arrived in the first hour, as far as it is frozen.
    fn retain(&mut self, engine: &SteppedStore) -> Result<(), StoreError> {
        let is_old = |write: &Write| write.received.0 < HOUR;
        self.fading.extend(self.acked.extract_if(.., |_, write| is_old(write)));
        engine.retain(UnixNanos(3 * HOUR)).map(|_| ())
    }

    /// Lets the disk go away soon, mostly.
    fn plan(&mut self, calls_max: u64) {
        if self.dice.below(4) != 0 {
            self.disk.plan(Fault::OutageAt(self.disk.calls() + 1 + self.dice.below(calls_max)));
        }
    }

    fn write(&mut self, engine: &SteppedStore) -> Result<(), StoreError> {
        let count = 1 + self.dice.below(4);
        let group: Vec<(u64, Write)> = (0..count).map(|_| self.dream()).collect();
        let writes: Vec<Write> = group.iter().map(|(_, write)| write.clone()).collect();
        let outcome = engine.write(&writes);
        match outcome {
            Ok(()) => self.acked.extend(group),
            Err(_) => self.open.extend(group),
        }
        outcome
    }

    fn crash(&mut self) {
        let seed = self.dice.below(u64::MAX);
        let outage = if self.dice.below(3) == 0 { Outage::Kill } else { Outage::PowerCut { seed } };
        self.disk.restart(outage);
    }

    /// Compares what a start finds with the model.
    fn check(&mut self, engine: &SteppedStore) {
        let seed = self.seed;
        let found: BTreeSet<u64> = (0..3)
            .flat_map(|number| listed(engine, &tenant(number)))
            .flat_map(|trace| trace.spans().map(|span| span.span_id().to_u64()).collect::<Vec<_>>())
            .collect();
        for number in self.acked.keys() {
            assert!(found.contains(number), "seed {seed}: write {number} was acknowledged and is gone");
        }
        // What a crash left open is settled by the first start that shows it, or does not.
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.open).into_iter().partition(|(number, _)| found.contains(number));
        self.acked.extend(kept);
        for number in gone.keys() {
            assert!(!found.contains(number), "seed {seed}");
        }
        self.fading.retain(|number, _| found.contains(number));
        let known: BTreeMap<&u64, &Write> = self.acked.iter().chain(&self.fading).collect();
        assert_eq!(found.len(), known.len(), "seed {seed}: nothing else is there");
        let recovery = engine.recovery();
        assert_eq!(engine.stats().reads_damaged, 0, "seed {seed}");
        assert!(recovery.wal_losses.is_empty(), "seed {seed}: {recovery:?}");
        assert!(recovery.segments_set_aside.is_empty(), "seed {seed}: {recovery:?}");
        assert!(recovery.entries_undecodable.is_empty(), "seed {seed}: {recovery:?}");
        let model = MemoryStore::new(usize::MAX);
        let writes: Vec<Write> = known.values().map(|write| (*write).clone()).collect();
        model.write(&writes).unwrap();
        for number in 0..3 {
            let tenant = tenant(number);
            let count = known.values().filter(|write| write.tenant == tenant).count() as u64;
            assert_eq!(stored(engine, &tenant), count, "seed {seed}: none is stored twice");
            let (here, there) = (listed(engine, &tenant), listed(&model, &tenant));
            assert_eq!(here.len(), there.len(), "seed {seed}");
            for (here, there) in here.iter().zip(&there) {
                assert_eq!(here.key(), there.key(), "seed {seed}: the listing is in the model's order");
                let spans = |trace: &Trace| trace.spans().map(|span| span.span_id()).collect::<Vec<_>>();
                assert_eq!(spans(here), spans(there), "seed {seed}");
            }
        }
    }
}

#[test]
fn acked_spans_survive_crashes_at_any_call() {
    for seed in 0..220 {
        let mut run = Run::new(seed);
        for _ in 0..5 {
            run.live();
            run.crash();
        }
        let engine = run.open().unwrap();
        run.check(&engine);
    }
}

#[test]
fn every_single_call_may_be_the_last() {
    let life = |disk: &FaultyDisk, acked: &mut u64| -> Result<(), StoreError> {
        let engine = open(disk)?;
        for id in 1..=3 {
            engine.write(&[write(id)])?;
            *acked = id;
        }
        engine.freeze_all()?;
        engine.write(&[write(4)])?;
        *acked = 4;
        engine.close()
    };
    let whole = FaultyDisk::new();
    life(&whole, &mut 0).unwrap();
    for call in 1..=whole.calls() {
        for seed in 0..6 {
            let (disk, mut acked) = (FaultyDisk::new(), 0);
            disk.plan(Fault::OutageAt(call));
            let _ = life(&disk, &mut acked);
            disk.restart(if seed == 0 { Outage::Kill } else { Outage::PowerCut { seed } });
            let engine = open(&disk).unwrap();
            let found = ids(&engine);
            assert!(found.len() as u64 >= acked, "call {call} seed {seed}: {found:?}");
            assert_eq!(stored(&engine, &Tenant::default()), found.len() as u64, "call {call} seed {seed}");
        }
    }
}

/// After a failed sync the system holds the pages for clean: they are read, and no later sync makes them
/// durable. What a start shows must outlive the power nevertheless.
#[test]
fn what_a_start_shows_after_a_failed_sync_outlives_a_power_cut() {
    for seed in 0..20 {
        let disk = FaultyDisk::new();
        let engine = open(&disk).unwrap();
        engine.write(&[write(1)]).unwrap();
        disk.plan(Fault::SyncFailsAt(0));
        assert!(engine.write(&[write(2)]).is_err());
        disk.restart(Outage::Kill);
        let shown = ids(&open(&disk).unwrap());
        assert_eq!(shown, [2, 1], "the log is read from the page cache");
        disk.restart(Outage::PowerCut { seed });
        assert_eq!(ids(&open(&disk).unwrap()), shown, "seed {seed}");
    }
}

#[test]
fn conforms_when_each_write_is_frozen() {
    conformance::run(|| freezing(&FaultyDisk::new()));
}

#[test]
fn conforms_step_by_step() {
    conformance::run(|| open(&FaultyDisk::new()).unwrap());
}

#[test]
fn a_reader_sees_every_trace_once_at_each_step_of_a_freeze() {
    let engine = open(&FaultyDisk::new()).unwrap();
    (1..=5).for_each(|id| engine.write(&[write(id)]).unwrap());
    let mut before = engine.search(Search::all(Tenant::default())).unwrap();
    assert_eq!(before.next().unwrap().unwrap().id().low(), 5);
    engine.seal_all().unwrap();
    assert_eq!(ids(&engine), [5, 4, 3, 2, 1]);
    engine.write(&[write(6)]).unwrap();
    assert_eq!(ids(&engine), [6, 5, 4, 3, 2, 1]);
    assert!(engine.freeze_one().unwrap());
    assert_eq!(ids(&engine), [6, 5, 4, 3, 2, 1]);
    let rest: Vec<u64> =
        std::iter::from_fn(|| before.next().unwrap()).map(|trace| trace.id().low()).collect();
    assert_eq!(rest, [4, 3, 2, 1], "an older reader keeps its state");
}

#[test]
fn a_segment_that_was_finished_before_a_crash_is_adopted() {
    let disk = FaultyDisk::new();
    let engine = open(&disk).unwrap();
    (1..=3).for_each(|id| engine.write(&[write(id)]).unwrap());
    let listed_before = disk.bytes_of(&root().join("manifest")).unwrap().len() as u64;
    engine.freeze_all().unwrap();
    disk.restart(Outage::Kill);
    disk.cut(&root().join("manifest"), listed_before);
    let engine = open(&disk).unwrap();
    assert_eq!((engine.recovery().segments_adopted, engine.recovery().entries_replayed), (1, 0));
    assert_eq!((ids(&engine), stored(&engine, &Tenant::default())), (vec![3, 2, 1], 3));
}

fn segment_files(disk: &FaultyDisk) -> Vec<PathBuf> {
    let folder = root().join("segments/default");
    disk.files().into_iter().filter(|path| path.parent() == Some(&folder)).collect()
}

#[test]
fn a_broken_segment_is_set_aside_once_and_the_rest_is_read() {
    let disk = FaultyDisk::new();
    let engine = freezing(&disk);
    (1..=3).for_each(|id| engine.write(&[write(id)]).unwrap());
    disk.restart(Outage::Kill);
    disk.cut(&segment_files(&disk)[1], 7);
    let engine = open(&disk).unwrap();
    assert_eq!(ids(&engine), [3, 1]);
    let aside = &engine.recovery().segments_set_aside;
    assert_eq!((aside.len(), aside[0].spans), (1, 1));
    assert!(aside[0].path.extension().is_some_and(|extension| extension == "damaged"));
    disk.restart(Outage::Kill);
    let engine = open(&disk).unwrap();
    assert_eq!((engine.recovery().segments_set_aside.len(), ids(&engine)), (0, vec![3, 1]));
}

#[test]
fn a_damaged_manifest_is_made_anew_from_the_segments() {
    let whole = FaultyDisk::new();
    let engine = freezing(&whole);
    (1..=4).for_each(|id| engine.write(&[write(id)]).unwrap());
    let length = whole.bytes_of(&root().join("manifest")).unwrap().len() as u64;
    for at in 0..length {
        let disk = FaultyDisk::new();
        let engine = freezing(&disk);
        (1..=4).for_each(|id| engine.write(&[write(id)]).unwrap());
        disk.restart(Outage::Kill);
        disk.flip(&root().join("manifest"), at, 0x04);
        let engine = open(&disk).unwrap();
        assert_eq!(ids(&engine), [4, 3, 2, 1], "byte {at}");
        assert_eq!(stored(&engine, &Tenant::default()), 4, "byte {at}");
        engine.write(&[write(5)]).unwrap();
        disk.restart(Outage::Kill);
        assert_eq!(ids(&open(&disk).unwrap()), [5, 4, 3, 2, 1], "byte {at}");
    }
}

#[test]
fn retention_forgets_by_arrival_and_by_bytes_and_lets_readers_finish() {
    let (disk, clock) = (FaultyDisk::new(), Clock::default());
    let mut config = config(&root(), &clock);
    config.retention.age = Some(DurationNanos(1_000));
    let engine = SteppedStore::open_on(Arc::new(disk.clone()), config.clone(), Freezing::EachWrite).unwrap();
    for (id, received) in [(1, 100), (2, 500), (3, 900)] {
        engine.write(&[Write { received: UnixNanos(received), ..write(id) }]).unwrap();
    }
    let mut reader = engine.search(Search::all(Tenant::default())).unwrap();
    assert_eq!(engine.retain(UnixNanos(1_100)).unwrap(), 0);
    assert_eq!(engine.retain(UnixNanos(1_600)).unwrap(), 2);
    assert_eq!((ids(&engine), segment_files(&disk).len()), (vec![3], 1));
    let read: Vec<u64> =
        std::iter::from_fn(|| reader.next().unwrap()).map(|trace| trace.id().low()).collect();
    assert_eq!(read, [3, 2, 1]);
    let bytes = engine.stats().segments_bytes;
    drop(engine);
    config.retention = crate::config::Retention { age: None, bytes: Some(2 * bytes + bytes / 2) };
    disk.restart(Outage::Kill);
    let engine = SteppedStore::open_on(Arc::new(disk.clone()), config, Freezing::EachWrite).unwrap();
    (4..=6).for_each(|id| engine.write(&[Write { received: UnixNanos(1_000 * id), ..write(id) }]).unwrap());
    assert_eq!(engine.retain(UnixNanos(0)).unwrap(), 2);
    assert_eq!(ids(&engine), [6, 5]);
    let stats = engine.stats();
    assert_eq!((stats.segments_expired_by_bytes, stats.spans_expired), (2, 2));
    // Forgotten numbers stay forgotten, though no segment has them.
    disk.restart(Outage::PowerCut { seed: 1 });
    assert_eq!(ids(&open(&disk).unwrap()), [6, 5]);
}

#[test]
fn small_heads_grow_older_than_large_ones() {
    let (disk, clock) = (FaultyDisk::new(), Clock::default());
    let mut config = config(&root(), &clock);
    config.limits.small_head_spans = 2;
    let limits = config.limits;
    let engine = SteppedStore::open_on(Arc::new(disk), config, Freezing::ByHand).unwrap();
    let frozen_at = |age: DurationNanos| {
        engine.seal_due(UnixNanos(0).plus(age)).unwrap();
        engine.freeze_one().unwrap()
    };
    engine.write(&[write(1)]).unwrap();
    assert!(!frozen_at(limits.freeze_age));
    engine.write(&[write(2)]).unwrap();
    assert!(frozen_at(limits.freeze_age), "two spans are a large head here");
    engine.write(&[write(3)]).unwrap();
    assert!(!frozen_at(limits.freeze_age));
    assert!(frozen_at(limits.small_head_age));
}

#[test]
fn a_body_that_gives_other_spans_now_is_reported_and_kept() {
    let disk = FaultyDisk::new();
    let engine = open(&disk).unwrap();
    let mut entries = Vec::new();
    crate::wal::body::prepare(&write(1), &mut entries).unwrap();
    entries[0].entry.spans = 3;
    super::commit::commit(&engine.hold, &entries, &|file, work| {
        work();
        file.sync_data()
    })
    .unwrap();
    entries[0].entry.body = b"\xff\xff".as_slice().into();
    entries[0].entry.body_crc = crc32c::crc32c(b"\xff\xff");
    super::commit::commit(&engine.hold, &entries, &|file, work| {
        work();
        file.sync_data()
    })
    .unwrap();
    disk.restart(Outage::Kill);
    let engine = open(&disk).unwrap();
    let told = &engine.recovery().entries_undecodable;
    assert_eq!((told[0].sequence, told[0].spans_expected, told[0].spans_found), (1, 3, 1));
    assert!(told[1].why.is_some());
    assert_eq!(ids(&engine), [1]);
}

#[test]
fn the_request_itself_goes_into_the_log_and_comes_back() {
    let disk = FaultyDisk::new();
    let engine = open(&disk).unwrap();
    let encoded = wire::otlp::encode_proto(&write(1).batch);
    for (id, encoding) in span::Encoding::ALL.into_iter().enumerate() {
        let body = bytes::Bytes::from(wire::compress(encoding, &encoded));
        let mut builder = span::BatchBuilder::new();
        builder.append(write(1).batch.spans()).unwrap();
        builder.source(span::Source { format: span::SourceFormat::OtlpProto, encoding, body: body.clone() });
        let tenant = Tenant::new(&format!("t{id}")).unwrap();
        let batch = builder.finish();
        engine.write(&[Write { tenant, received: UnixNanos(1), batch }]).unwrap();
        let logged = disk
            .files()
            .iter()
            .filter_map(|path| disk.bytes_of(path))
            .any(|file| memchr::memmem::find(&file, &body).is_some());
        assert!(logged, "{encoding:?}");
    }
    disk.restart(Outage::Kill);
    let engine = open(&disk).unwrap();
    for id in 0..span::Encoding::ALL.len() {
        let tenant = Tenant::new(&format!("t{id}")).unwrap();
        assert!(engine.trace(&tenant, TraceId::from_halves(0, 1)).unwrap().is_some(), "t{id}");
    }
}
