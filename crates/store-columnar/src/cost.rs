//! What the head and a segment cost on the shop's load, in CPU time of one thread and in bytes.
//!
//! `cargo test --release -p store-columnar --features measure cost -- --nocapture`

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
use crate::segment::Segment;

const SPANS: usize = 400_000;

/// Runs it and returns what it gave and the CPU nanoseconds it took.
fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
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
    let (segment, took) = timed(|| Segment::open(RealDisk.open(&path).unwrap()).unwrap());
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
