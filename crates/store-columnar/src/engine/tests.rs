//! The engine with its threads.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use span::{TraceKey, UnixNanos};
use store::conformance::{self, one};

use super::*;
use crate::config::Limits;
use crate::disk::{Fault, FaultyDisk, Outage};
use crate::trial::{Clock, config, root};

fn open(disk: &FaultyDisk) -> ColumnarStore {
    ColumnarStore::open_on(Arc::new(disk.clone()), config(&root(), &Clock::default())).unwrap()
}

fn write(engine: &dyn TraceWriter, id: u64) -> Result<(), StoreError> {
    engine.write(&[conformance::write(&one("cart", "GET", id, 10 * id))])
}

fn listed(engine: &dyn TraceReader) -> Vec<u64> {
    let mut cursor = engine.search(Search::all(Tenant::default())).unwrap();
    let mut ids = Vec::new();
    let mut last: Option<TraceKey> = None;
    while let Some(trace) = cursor.next().unwrap() {
        assert!(last.is_none_or(|last| last < trace.key()), "the listing is in order");
        last = Some(trace.key());
        ids.push(trace.id().low());
    }
    ids
}

fn log_files(disk: &FaultyDisk) -> usize {
    disk.files().iter().filter(|path| path.parent() == Some(Path::new("/data/wal"))).count()
}

#[test]
fn conforms_on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicU64::new(0);
    conformance::run(|| {
        let name = count.fetch_add(1, Ordering::Relaxed).to_string();
        ColumnarStore::open(config(&folder.path().join(name), &Clock::default())).unwrap()
    });
}

#[test]
fn conforms_on_a_simulated_disk() {
    conformance::run(|| open(&FaultyDisk::new()));
}

#[test]
fn every_number_of_helpers_gives_the_same_listing() {
    for helpers in [0, 1, 3] {
        let disk = FaultyDisk::new();
        let mut config = config(&root(), &Clock::default());
        config.limits.helpers = Some(helpers);
        config.limits.freeze_spans = 7;
        let engine = ColumnarStore::open_on(Arc::new(disk.clone()), config).unwrap();
        (1..=60).for_each(|id| write(&engine, 1 + id * 7 % 60).unwrap());
        assert_eq!(listed(&engine), (1..=60).rev().collect::<Vec<_>>());
        let mut dropped = engine.search(Search::all(Tenant::default())).unwrap();
        assert_eq!(dropped.next().unwrap().unwrap().id().low(), 60);
        drop(dropped);
        let stop = store::Stop::default();
        let search = Search { stop: stop.clone(), ..Search::all(Tenant::default()) };
        let mut stopped = engine.search(search).unwrap();
        assert!(stopped.next().unwrap().is_some());
        stop.raise();
        assert!(matches!(stopped.next(), Err(StoreError::Stopped)));
        engine.close().unwrap();
        assert_eq!(listed(&engine).len(), 60, "without threads readers do it all");
    }
}

#[test]
fn a_clean_stop_leaves_nothing_to_replay() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    (1..=20).for_each(|id| write(&engine, id).unwrap());
    engine.close().unwrap();
    assert_eq!(log_files(&disk), 0);
    assert!(write(&engine, 21).unwrap_err().to_string().contains("it was closed"));
    assert_eq!(listed(&engine).len(), 20);
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk);
    assert_eq!((engine.recovery().entries_replayed, engine.recovery().segments), (0, 1));
    write(&engine, 21).unwrap();
    assert_eq!(listed(&engine), (1..=21).rev().collect::<Vec<_>>());
}

#[test]
fn a_dropped_engine_is_found_again_in_its_log() {
    let disk = FaultyDisk::new();
    for round in 0..5 {
        let engine = open(&disk);
        assert_eq!(engine.recovery().spans_replayed, round);
        write(&engine, round + 1).unwrap();
        assert_eq!(listed(&engine).len() as u64, round + 1);
    }
}

#[test]
fn a_failed_sync_refuses_every_later_write_and_shows_nothing_of_it() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    write(&engine, 1).unwrap();
    disk.plan(Fault::SyncFailsAt(0));
    let told = write(&engine, 2).unwrap_err().to_string();
    assert!(told.contains("takes no writes since") && told.contains("syncing"), "{told}");
    assert!(matches!(write(&engine, 3), Err(StoreError::Poisoned { .. })));
    assert_eq!(listed(&engine), [1]);
    assert!(engine.stats().poisoned);
    assert!(engine.close().is_err());
    drop(engine);
    disk.restart(Outage::PowerCut { seed: 3 });
    let engine = open(&disk);
    assert_eq!(listed(&engine), [1]);
    write(&engine, 4).unwrap();
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    write(&engine, 1).unwrap();
    disk.limit(0);
    let mut id = 1;
    let refused = loop {
        id += 1;
        if let Err(error) = write(&engine, id) {
            break error;
        }
    };
    assert!(matches!(refused, StoreError::DiskFull { .. }), "{refused}");
    assert_eq!(listed(&engine).len() as u64, id - 1);
    assert_eq!((engine.stats().writes_refused, engine.stats().poisoned), (1, false));
    disk.unlimit();
    write(&engine, id).unwrap();
    assert_eq!(listed(&engine).len() as u64, id);
}

#[test]
fn readers_see_every_trace_once_while_heads_are_frozen() {
    let mut config = config(&root(), &Clock::default());
    config.limits = Limits { freeze_spans: 16, wal_file_bytes: 64 << 10, ..config.limits };
    let engine = ColumnarStore::open_on(Arc::new(FaultyDisk::new()), config).unwrap();
    let (acked, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let least = acked.load(Ordering::Acquire);
                    let mut ids = listed(&engine);
                    ids.sort_unstable();
                    let count = ids.len() as u64;
                    assert!(least <= count);
                    assert_eq!(ids, (1..=count).collect::<Vec<_>>(), "no gap and none twice");
                }
            });
        }
        for id in 1..=600 {
            write(&engine, id).unwrap();
            acked.store(id, Ordering::Release);
        }
        done.store(true, Ordering::Release);
    });
    engine.close().unwrap();
    assert!(30 <= engine.stats().heads_frozen, "{:?}", engine.stats());
    assert_eq!(listed(&engine).len(), 600);
}

#[test]
fn callers_from_many_threads_are_each_answered() {
    let engine = open(&FaultyDisk::new());
    thread::scope(|scope| {
        for first in 0..8_u64 {
            let engine = &engine;
            scope.spawn(move || {
                for id in 0..50 {
                    let id = 1 + first * 50 + id;
                    write(engine, id).unwrap();
                    let id = TraceId::from_halves(0, id);
                    assert!(engine.trace(&Tenant::default(), id).unwrap().is_some(), "acked is visible");
                }
            });
        }
    });
    assert_eq!(listed(&engine).len(), 400);
    let stats = engine.stats();
    assert_eq!((stats.batches_written, stats.spans_written), (400, 400));
    assert!(stats.groups_written <= 400);
}

#[test]
fn writers_wait_for_freezing_and_hear_why_it_fails() {
    let disk = FaultyDisk::new();
    let mut config = config(&root(), &Clock::default());
    config.limits = Limits { heads_bytes_max: 1, wal_file_bytes: 1 << 20, ..config.limits };
    let engine = ColumnarStore::open_on(Arc::new(disk.clone()), config).unwrap();
    (1..=5).for_each(|id| write(&engine, id).unwrap());
    assert_eq!(listed(&engine), [5, 4, 3, 2, 1]);
    // A segment no longer fits; the log does. Whether a writer before had to wait is the scheduler's
    // choice; the one that is refused had to.
    disk.limit(0);
    let refused = (6..9).find_map(|id| write(&engine, id).err()).expect("a writer is told");
    assert!(matches!(refused, StoreError::DiskFull { .. }), "{refused}");
    assert!(0 < engine.stats().writes_held_back);
    disk.unlimit();
    while write(&engine, 9).is_err() {}
    assert!(listed(&engine).contains(&9));
}

#[test]
fn old_heads_are_frozen_by_the_clock_alone() {
    let clock = Clock::default();
    let engine = ColumnarStore::open_on(Arc::new(FaultyDisk::new()), config(&root(), &clock)).unwrap();
    write(&engine, 1).unwrap();
    clock.set(3_601_000_000_000);
    while engine.stats().segments == 0 {
        thread::yield_now();
    }
    assert_eq!(listed(&engine), [1]);
    assert_eq!(engine.stats().heads_bytes, 0);
}

#[test]
fn a_second_engine_on_the_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &Clock::default());
    let engine = ColumnarStore::open(config.clone()).unwrap();
    let refused = ColumnarStore::open(config.clone()).unwrap_err();
    assert!(refused.to_string().contains("is in use by process 7"), "{refused}");
    drop(engine);
    ColumnarStore::open(config).unwrap();
    assert_eq!(UnixNanos::MIN, UnixNanos(0));
}
