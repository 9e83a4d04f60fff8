//! Compaction step by step: over crashes, full disks, readers and retention.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use span::{Tenant, Trace, TraceId};
use store::conformance::{Sketch, one, write};
use store::{Predicate, Search, SpanFilter, TraceReader as _, TraceWriter as _, Write};

use super::*;
use crate::config::{Config, Retention};
use crate::disk::{Fault, FaultyDisk, Outage};
use crate::stepped::{Freezing, SteppedStore};
use crate::trial::{Clock, config, root};

const HOUR: u64 = 3_600_000_000_000;
const LATER: UnixNanos = UnixNanos(100 * HOUR);

fn open_with(disk: &FaultyDisk, config: Config) -> Result<SteppedStore, StoreError> {
    SteppedStore::open_on(Arc::new(disk.clone()), config, Freezing::EachWrite)
}

fn open(disk: &FaultyDisk) -> SteppedStore {
    open_with(disk, config(&root(), &Clock::default())).unwrap()
}

/// A span of a trace that arrives in an hour.
fn arriving(hour: u64, trace: u64, id: u64) -> Write {
    let sketch = Sketch { id, parent: id / 2, ..one("cart", "GET", trace, 10 * trace + id) };
    Write { received: UnixNanos(hour * HOUR + id), ..write(&sketch) }
}

fn compact_all(engine: &SteppedStore) -> u64 {
    let mut steps = 0;
    while engine.compact_one(LATER).unwrap() {
        steps += 1;
    }
    steps
}

fn listed(engine: &SteppedStore, search: Search) -> Vec<Trace> {
    let mut cursor = engine.search(search).unwrap();
    std::iter::from_fn(|| cursor.next().unwrap()).collect()
}

/// Traces newest first, each with its spans.
fn told(engine: &SteppedStore) -> Vec<(u64, Vec<u64>)> {
    let traces = listed(engine, Search::all(Tenant::default()));
    let spans = |trace: &Trace| trace.spans().map(|span| span.span_id().to_u64()).collect();
    traces.iter().map(|trace| (trace.id().low(), spans(trace))).collect()
}

fn segment_files(disk: &FaultyDisk) -> Vec<PathBuf> {
    let folder = root().join("segments/default");
    disk.files().into_iter().filter(|path| path.parent() == Some(&folder)).collect()
}

/// Returns how many bytes the files take whose names end so.
fn used(disk: &FaultyDisk, ending: &str) -> u64 {
    let files = disk.files().into_iter().filter(|path| path.to_string_lossy().ends_with(ending));
    files.map(|path| disk.bytes_of(&path).unwrap().len() as u64).sum()
}

#[test]
fn an_hour_becomes_one_segment_and_another_hour_stays_apart() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    for id in 1..=6 {
        engine.write(&[arriving(5, 1 + id % 2, id)]).unwrap();
    }
    engine.write(&[arriving(5, 2, 1)]).unwrap();
    engine.write(&[arriving(6, 1, 7)]).unwrap();
    let before = told(&engine);
    assert!(!engine.compact_one(UnixNanos(5 * HOUR + HOUR / 2)).unwrap(), "the hour is not over");
    assert_eq!(compact_all(&engine), 1);
    let stats = engine.stats();
    assert_eq!((stats.segments, stats.segments_spans, stats.spans_collapsed), (2, 7, 1));
    assert_eq!((stats.compactions, stats.segments_compacted), (1, 7));
    assert_eq!((told(&engine), segment_files(&disk).len()), (before.clone(), 2));
    disk.restart(Outage::PowerCut { seed: 1 });
    assert_eq!(told(&open(&disk)), before);
}

#[test]
fn a_trace_that_grows_for_hours_is_whole_in_every_answer() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    for hour in 0..5 {
        for id in 1..=4 {
            engine.write(&[arriving(hour, 1, 4 * hour + id)]).unwrap();
            engine.write(&[arriving(hour, 2 + hour, 100 + id)]).unwrap();
        }
        // Each hour on its own: what is late stays in its hour, and is joined when it is read.
        assert_eq!(compact_all(&engine), 1);
    }
    assert_eq!(engine.stats().segments, 5);
    let whole = engine.trace(&Tenant::default(), TraceId::from_halves(0, 1)).unwrap().unwrap();
    let ids: Vec<u64> = whole.spans().map(|span| span.span_id().to_u64()).collect();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
    let all = told(&engine);
    assert_eq!(all.len(), 6);
    assert_eq!(all.iter().find(|(trace, _)| *trace == 1).unwrap().1, ids);
    // Found by a span of its latest hour alone, it still stands at its earliest start, and is whole.
    let search = Search { start_min: UnixNanos(10 + 18), ..Search::all(Tenant::default()) };
    let found = listed(&engine, search);
    let last = found.last().unwrap();
    assert_eq!((last.id().low(), last.batch().len(), last.start()), (1, 20, UnixNanos(11)));
}

/// Writes, and joins twice; says how many writes were acknowledged.
fn life(disk: &FaultyDisk, acked: &mut u64) -> Result<(), StoreError> {
    let engine = open_with(disk, config(&root(), &Clock::default()))?;
    for id in 1..=5 {
        engine.write(&[arriving(id / 4, 1 + id % 2, id)])?;
        *acked = id;
    }
    while engine.compact_one(LATER)? {}
    engine.write(&[arriving(2, 1, 6)])?;
    *acked = 6;
    Ok(())
}

#[test]
fn a_crash_at_any_call_leaves_inputs_or_output_and_never_both() {
    let whole = FaultyDisk::new();
    life(&whole, &mut 0).unwrap();
    for call in 1..=whole.calls() {
        for seed in 0..6 {
            let (disk, mut acked) = (FaultyDisk::new(), 0);
            disk.plan(Fault::OutageAt(call));
            let _ = life(&disk, &mut acked);
            disk.restart(if seed == 0 { Outage::Kill } else { Outage::PowerCut { seed } });
            let engine = open(&disk);
            let spans: usize = told(&engine).iter().map(|(_, spans)| spans.len()).sum();
            assert!(acked <= spans as u64, "call {call} seed {seed}: {spans} of {acked}");
            let stats = engine.stats();
            let in_heads = engine.recovery().spans_replayed;
            assert_eq!(stats.segments_spans + in_heads, spans as u64, "call {call} seed {seed}");
            assert!(engine.recovery().segments_set_aside.is_empty(), "call {call} seed {seed}");
            assert_eq!(segment_files(&disk).len() as u64, stats.segments, "call {call} seed {seed}");
            compact_all(&engine);
            let after: usize = told(&engine).iter().map(|(_, spans)| spans.len()).sum();
            assert_eq!(after, spans, "call {call} seed {seed}");
        }
    }
}

#[test]
fn a_damaged_list_is_made_anew_from_what_was_joined() {
    let make = || {
        let disk = FaultyDisk::new();
        life(&disk, &mut 0).unwrap();
        disk.restart(Outage::Kill);
        disk
    };
    let length = make().bytes_of(&root().join("manifest")).unwrap().len() as u64;
    // A prime, so that every part of an edit is hit somewhere.
    for at in (0..length).step_by(13) {
        for crash in [None, Some(1), Some(4), Some(8), Some(11), Some(14)] {
            let disk = make();
            disk.flip(&root().join("manifest"), at, 0x04);
            if let Some(call) = crash {
                disk.plan(Fault::OutageAt(disk.calls() + call));
                let _ = open_with(&disk, config(&root(), &Clock::default()));
                disk.restart(Outage::PowerCut { seed: at });
            }
            let engine = open(&disk);
            let spans: usize = told(&engine).iter().map(|(_, spans)| spans.len()).sum();
            assert_eq!((spans, engine.stats().segments_spans), (6, 6), "byte {at} crash {crash:?}");
        }
    }
}

#[test]
fn readers_keep_what_they_began_with() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    (1..=5).for_each(|id| engine.write(&[arriving(1, id, id)]).unwrap());
    let mut reader = engine.search(Search::all(Tenant::default())).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().id().low(), 5);
    assert_eq!(compact_all(&engine), 1);
    let rest: Vec<u64> = std::iter::from_fn(|| reader.next().unwrap()).map(|t| t.id().low()).collect();
    assert_eq!((rest, segment_files(&disk).len()), (vec![4, 3, 2, 1], 1));
}

#[test]
fn writers_and_readers_go_on_while_segments_are_joined() {
    let engine = open(&FaultyDisk::new());
    let (acked, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 1..=120 {
                // Three hours, and traces that are in all of them.
                engine.write(&[arriving(id / 40, 1 + id % 7, id)]).unwrap();
                acked.store(id, Ordering::SeqCst);
            }
            done.store(true, Ordering::SeqCst);
        });
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                engine.compact_one(LATER).unwrap();
                engine.retain(LATER).unwrap();
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let least = acked.load(Ordering::SeqCst);
                let mut seen: Vec<u64> = told(&engine).into_iter().flat_map(|(_, spans)| spans).collect();
                seen.sort_unstable();
                assert!(least <= seen.len() as u64, "{least} {seen:?}");
                assert!(seen.iter().copied().eq(1..=seen.len() as u64), "each once: {seen:?}");
            }
        });
    });
    compact_all(&engine);
    let stats = engine.stats();
    assert_eq!((stats.segments_spans, stats.reads_damaged, stats.removals_failed), (120, 0, 0));
    assert!(stats.segments < 40 && 0 < stats.compactions, "{stats:?}");
}

#[test]
fn a_full_disk_makes_it_step_back_and_nothing_is_left_behind() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    (1..=5).for_each(|id| engine.write(&[arriving(1, id, id)]).unwrap());
    let before = (told(&engine), segment_files(&disk));
    let mut refused = 0;
    for room in (0..6_000).step_by(150) {
        disk.limit(used(&disk, "") + room);
        if engine.compact_one(LATER).is_ok() {
            break;
        }
        refused += 1;
        assert_eq!((told(&engine), segment_files(&disk)), before, "{room}");
        assert!(!engine.stats().poisoned, "{room}");
    }
    assert!(0 < refused && engine.stats().compactions == 1, "{refused}");
    assert_eq!(told(&engine), before.0);
}

#[test]
fn a_segment_that_cannot_be_read_stops_nobody_else() {
    let disk = FaultyDisk::new();
    let engine = open(&disk);
    (1..=6).for_each(|id| engine.write(&[arriving(1, id, id)]).unwrap());
    // The first block of the first group.
    disk.flip(&segment_files(&disk)[2], 30, 0x10);
    compact_all(&engine);
    assert_eq!(engine.stats().segments, 3, "two before it, itself, three behind it");
    let ids: Vec<u64> = told(&engine).into_iter().map(|(trace, _)| trace).collect();
    assert_eq!(ids, [6, 5, 4, 2, 1]);
}

#[test]
fn usage_passes_the_limit_by_one_segment_at_most() {
    let disk = FaultyDisk::new();
    let mut config = config(&root(), &Clock::default());
    let padded = |hour: u64, id: u64| {
        let padding: Vec<u8> = (0..4_000).map(|at| ((at * id * 7_919) >> 5) as u8).collect();
        let attributes = [("padding", span::ValueRef::Bytes(&padding))];
        let sketch = Sketch { id, attributes: &attributes, ..one("cart", "GET", id, id) };
        Write { received: UnixNanos(hour * HOUR + id), ..write(&sketch) }
    };
    let limit = 160_000;
    config.retention = Retention { age: None, bytes: Some(limit) };
    let engine = open_with(&disk, config).unwrap();
    let (mut compactions, mut greatest) = (0, 0);
    for id in 1..150 {
        engine.write(&[padded(id / 10, id)]).unwrap();
        greatest = greatest.max(used(&disk, ".seg"));
        engine.retain(UnixNanos(id / 10 * HOUR)).unwrap();
        let segments = used(&disk, ".seg");
        assert!(segments <= limit);
        // What is written on the way has no more room than that, either; the list may grow.
        disk.limit(used(&disk, "") - segments + limit + 500);
        compactions += u64::from(engine.compact_one(UnixNanos(id / 10 * HOUR)).unwrap());
        disk.unlimit();
        greatest = greatest.max(used(&disk, ".seg"));
    }
    assert!(5 < compactions && limit / 2 < greatest, "{compactions} {greatest}");
    assert!(greatest <= limit + 6_000, "one more freeze: {greatest}");
    let found = Search {
        filter: SpanFilter { all: vec![Predicate::Service("cart".to_owned())] },
        ..Search::all(Tenant::default())
    };
    assert!(10 < listed(&engine, found).len());
}

#[test]
fn a_trace_beyond_the_memory_of_a_query_is_a_clear_error() {
    let mut config = config(&root(), &Clock::default());
    config.limits.trace_bytes_max = 20_000;
    let engine = open_with(&FaultyDisk::new(), config).unwrap();
    (1..=200).for_each(|id| engine.write(&[arriving(1, 1 + u64::from(id == 1), id)]).unwrap());
    for _ in 0..2 {
        let id = TraceId::from_halves(0, 1);
        let error = engine.trace(&Tenant::default(), id).unwrap_err();
        assert_eq!(error.to_string(), "the answer needs more than 20000 bytes; narrow the search");
        let mut cursor = engine.search(Search::all(Tenant::default())).unwrap();
        assert_eq!(cursor.next().unwrap().unwrap().id().low(), 2, "a smaller one is found before");
        assert!(matches!(cursor.next(), Err(StoreError::TooLarge { bytes_max: 20_000 })));
        compact_all(&engine);
    }
}

#[test]
fn what_trickles_in_does_not_have_the_rest_written_again() {
    let engine = open(&FaultyDisk::new());
    (1..=30).for_each(|id| engine.write(&[arriving(1, id, id)]).unwrap());
    assert_eq!(compact_all(&engine), 1);
    engine.write(&[arriving(1, 40, 40)]).unwrap();
    assert_eq!((compact_all(&engine), engine.stats().segments), (0, 2));
    (41..=50).for_each(|id| engine.write(&[arriving(1, id, id)]).unwrap());
    assert_eq!(compact_all(&engine), 1);
    assert_eq!((engine.stats().segments, engine.stats().segments_spans), (1, 41));
}
