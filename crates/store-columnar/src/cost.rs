//! What the head and a segment cost on the shop's load, in CPU time of one thread and in bytes.
//!
//! `cargo test --release -p store-columnar --features measure cost -- --nocapture --test-threads 1`

#![expect(clippy::print_stdout, reason = "it is run for what it prints")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use shop::World;
use span::{BatchBuilder, DurationNanos, Tenant, TraceId, UnixNanos};
use store::{Detail, Predicate, Search, SpanFilter};

use crate::disk::{Disk as _, RealDisk};
use crate::part::Part;
use crate::rows::Rows;
use crate::segment::{PageCache, Segment};

const SPANS: usize = 400_000;

/// Measurements run when their file is named, as above: a run of all tests builds them and leaves them out.
pub(crate) fn is_asked() -> bool {
    std::env::args().skip(1).any(|word| word == "cost" || word == "sidecar")
}

/// Runs it and returns what it gave and the CPU nanoseconds it took.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let before = now();
    let value = run();
    (value, now() - before)
}

#[test]
fn cost_of_rows_and_segment() {
    if !is_asked() {
        return;
    }
    let (mut batches, mut spans) = (Vec::new(), 0);
    for batch in World::new(42).requests() {
        spans += batch.len();
        batches.push(batch);
        if SPANS <= spans {
            break;
        }
    }
    let rows = Rows::new();
    let ((), took) = timed(|| batches.iter().for_each(|batch| rows.push(batch, UnixNanos(1))));
    println!("intern            {:8.0} ns/span", took / spans as f64);
    println!("head              {:8.1} B/span", rows.bytes() as f64 / spans as f64);
    let snapshot = rows.snapshot();
    let (bytes, took) = timed(|| {
        let mut bytes = Vec::new();
        Segment::build(&snapshot, &mut bytes).unwrap();
        bytes
    });
    println!("build             {:8.0} ns/span", took / spans as f64);
    println!("segment           {:8.2} B/span", bytes.len() as f64 / spans as f64);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.seg");
    std::fs::write(&path, &bytes).unwrap();
    let (segment, took) =
        timed(|| Segment::open(RealDisk.open(&path).unwrap(), &PageCache::new(32 << 20)).unwrap());
    println!("open              {:8.0} us", took / 1e3);
    for (name, len) in segment.costs().unwrap() {
        let share = len as f64 / spans as f64;
        if 0.02 <= share {
            println!("  {name:32}{share:8.2} B/span");
        }
    }
    let ids: Vec<TraceId> = batches.iter().step_by(5).map(|batch| batch.span(0).trace_id()).collect();
    lookups("by id, head", &*snapshot, &ids);
    lookups("by id, segment, first", &*segment, &ids);
    lookups("by id, segment, warm", &*segment, &ids);
    let absent: Vec<TraceId> = (0..10_000).map(|n| TraceId::from_halves(n, n * 77)).collect();
    lookups("absent id, segment", &*segment, &absent);
    let parts: [(&str, Arc<dyn Part>); 2] = [("head", snapshot), ("segment", segment)];
    for (name, part) in parts {
        searches(name, &part);
    }
    assert!(bytes.len() <= 40 * spans, "a span takes at most 40 bytes on disk");
}

fn lookups(name: &str, part: &dyn Part, ids: &[TraceId]) {
    let mut all: Vec<f64> = Vec::new();
    for id in ids {
        let mut builder = BatchBuilder::new();
        all.push(
            timed(|| black_box(part.fragment(*id, Detail::Whole, &mut builder).expect("the part is whole")))
                .1
                / 1e3,
        );
    }
    all.sort_by(f64::total_cmp);
    println!("{name:24} p50 {:8.1} us  p99 {:8.1} us", all[all.len() / 2], all[all.len() * 99 / 100]);
}

fn searches(name: &str, part: &Arc<dyn Part>) {
    let service = |name: &str| Predicate::Service(name.to_owned());
    let slow = Predicate::DurationMin(DurationNanos(200_000_000));
    let status = |text| Predicate::tag("http.response.status_code", text);
    let questions: BTreeMap<&str, Vec<Predicate>> = BTreeMap::from([
        ("a service", vec![service("payment")]),
        ("service, 500, slow", vec![service("frontend"), status("500"), slow.clone()]),
        ("status 599", vec![status("599")]),
        ("absent value", vec![Predicate::tag("session.id", "nobody")]),
        ("absent key", vec![Predicate::tag("no.such.key", "x")]),
        (
            "only status 503, slowest",
            vec![status("503"), Predicate::DurationMin(DurationNanos(80_000_000_000))],
        ),
        ("slowest", vec![Predicate::DurationMin(DurationNanos(8_000_000_000))]),
        ("only 500", vec![status("500"), Predicate::DurationMin(DurationNanos(8_000_000_000))]),
        ("only service", vec![service("frontend"), Predicate::DurationMin(DurationNanos(8_000_000_000))]),
        ("failed, slow", vec![Predicate::tag("error", "true"), slow]),
    ]);
    for (question, all) in questions {
        let search = Search { filter: SpanFilter { all }, ..Search::all(Tenant::default()) };
        let run = || part.clone().matches(&search).take(20).map(Result::unwrap).count();
        let (found, first) = timed(run);
        let (_, warm) = timed(run);
        println!(
            "{name:8} newest 20 {question:20} found {found:3}  first {:9.1} us  warm {:9.1} us",
            first / 1e3,
            warm / 1e3
        );
    }
}

/// Returns the most memory that the process had since that was reset.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("the line is there");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("it is a number") << 10
}

fn merge_of(folder: &std::path::Path, inputs: usize, spans: u64) {
    let pages = PageCache::new(16 << 20);
    let path = |n: usize| folder.join(format!("{n}.seg"));
    let before: u64 = (0..inputs).map(|n| std::fs::metadata(path(n)).expect("the disk is sound").len()).sum();
    let segments: Vec<_> = (0..inputs)
        .map(|n| {
            Segment::open(RealDisk.open(&path(n)).expect("the disk is sound"), &pages)
                .expect("the disk is sound")
        })
        .collect();
    std::fs::write("/proc/self/clear_refs", "5").expect("the disk is sound");
    let mut out =
        std::io::BufWriter::new(std::fs::File::create(folder.join("out.seg")).expect("the disk is sound"));
    let (merged, took) = timed(|| Segment::merge(&segments, &|| false, &mut out).expect("the disk is sound"));
    println!("merge             {:8.0} ns/span", took / spans as f64);
    println!("inputs            {:8.2} B/span", before as f64 / spans as f64);
    println!("merged            {:8.2} B/span", merged.built.len as f64 / spans as f64);
    println!("tables            {:8.2} B/span", {
        drop(out);
        let segment =
            Segment::open(RealDisk.open(&folder.join("out.seg")).expect("the disk is sound"), &pages)
                .expect("the disk is sound");
        segment.tables_bytes() as f64 / spans as f64
    });
    println!("peak memory       {:8} MiB", peak_bytes() >> 20);
    assert!(peak_bytes() < 512 << 20, "a merge is bounded");
}

/// Asks one question of one segment for a while, for a profiler to look at.
#[test]
fn search_again_and_again() {
    if !is_asked() {
        return;
    }
    let rows = Rows::new();
    for batch in World::new(42).requests() {
        rows.push(&batch, UnixNanos(1));
        if SPANS <= rows.len() {
            break;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.seg");
    Segment::build(&rows.snapshot(), &mut std::fs::File::create(&path).unwrap()).unwrap();
    let part: Arc<dyn Part> =
        Segment::open(RealDisk.open(&path).unwrap(), &PageCache::new(32 << 20)).unwrap();
    let all = vec![
        Predicate::Service("frontend".to_owned()),
        Predicate::tag("http.response.status_code", "500"),
        Predicate::DurationMin(DurationNanos(200_000_000)),
    ];
    let search = Search { filter: SpanFilter { all }, ..Search::all(Tenant::default()) };
    let traces: Vec<_> = part.clone().matches(&Search::all(Tenant::default())).step_by(97).collect();
    let (_, took) = timed(|| {
        for key in traces.iter().cycle().take(4_000) {
            let mut builder = BatchBuilder::new();
            let id = key.as_ref().unwrap().id;
            black_box(part.fragment(id, Detail::Whole, &mut builder).unwrap());
        }
    });
    println!("a trace           {:8.0} us", took / 1e3 / 4e3);
    let rounds = 300;
    let (_, took) = timed(|| (0..rounds).map(|_| part.clone().matches(&search).count()).sum::<usize>());
    println!("whole segment     {:8.0} us", took / 1e3 / f64::from(rounds));
}

#[test]
fn merge_of_the_shop() {
    if !is_asked() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut spans, mut inputs, mut rows) = (0_u64, 0, Rows::new());
    for batch in World::new(42).requests() {
        rows.push(&batch, UnixNanos(1));
        if 384 << 10 <= rows.len() {
            spans += rows.len() as u64;
            let mut bytes = Vec::new();
            Segment::build(&rows.snapshot(), &mut bytes).unwrap();
            std::fs::write(folder.path().join(format!("{inputs}.seg")), bytes).unwrap();
            (inputs, rows) = (inputs + 1, Rows::new());
            if inputs == 10 {
                break;
            }
        }
    }
    drop(rows);
    merge_of(folder.path(), inputs, spans);
}

#[test]
fn merge_of_one_trace_of_two_million_spans() {
    if !is_asked() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (inputs, each) = (8, 256 << 10);
    for input in 0..inputs {
        let rows = Rows::new();
        for first in (0..each).step_by(1_024) {
            let mut builder = BatchBuilder::new();
            let resource = builder.resource(span::ResourceRow::default());
            let scope = builder.scope(span::ScopeRow::default());
            for at in first..first + 1_024 {
                let id = (input * each + at + 1) as u64;
                let mark = builder.mark();
                let unique = format!("message {id} of a trace that never ends");
                builder.push(b"message.id", span::ValueRef::Str(unique.as_bytes())).unwrap();
                builder.push(b"n", span::ValueRef::Int((id % 977) as i64)).unwrap();
                let name = builder.text(b"work").unwrap();
                builder.span(span::SpanRow {
                    trace_id: TraceId::from_halves(7, 7),
                    span_id: span::SpanId::from_u64(id.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                    parent_span_id: span::SpanId::from_u64((id / 3).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                    start: UnixNanos(1_000_000_000 + 1_000 * id),
                    end: UnixNanos(1_000_000_000 + 3_000 * id),
                    attributes: builder.since(mark),
                    name,
                    resource,
                    scope,
                    ..span::SpanRow::default()
                });
            }
            rows.push(&builder.finish(), UnixNanos(1));
        }
        let mut bytes = Vec::new();
        Segment::build(&rows.snapshot(), &mut bytes).unwrap();
        std::fs::write(folder.path().join(format!("{input}.seg")), bytes).unwrap();
    }
    merge_of(folder.path(), inputs, (inputs * each) as u64);
}
