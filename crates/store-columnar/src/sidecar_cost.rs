//! What a narrow copy of each span in (service, start) order would cost and save, on the shop's load.
//!
//! The question was whether searches for the newest spans of a service should read such a sidecar (service,
//! name, start, duration, status, row) or the segment itself with its zone maps. The figures are in
//! `docs/format.md`.
//!
//! `cargo test --release -p store-columnar --features measure sidecar -- --nocapture`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shop::World;
use span::{DurationNanos, Tenant, UnixNanos};
use store::{Predicate, Search, SpanFilter};

use crate::column::Extent;
use crate::column::block::{Packer, Unpacker};
use crate::column::bytes::zigzag;
use crate::column::ints::{Ints, Nature, put_ints};
use crate::cost::{is_asked, timed};
use crate::disk::{Disk as _, RealDisk};
use crate::part::Part;
use crate::rows::Rows;
use crate::rows::read::service;
use crate::segment::{PageCache, Segment};

const SPANS: usize = 2_000_000;
const GROUP: usize = 4_096;

/// The columns of a group of the sidecar, each with where it begins.
struct SideGroup {
    columns: [(usize, Extent); 5],
}

#[test]
fn sidecar_against_zone_maps() {
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
    let built = Segment::build(&rows.snapshot(), &mut std::fs::File::create(&path).unwrap()).unwrap();
    println!("segment                  {:8.2} B/span", built.len as f64 / SPANS as f64);
    let pages = PageCache::new(32 << 20);
    let part: Arc<dyn Part> = Segment::open(RealDisk.open(&path).unwrap(), &pages).unwrap();

    let snapshot = rows.snapshot();
    let (table, _) = snapshot.table();
    let mut services: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (row, line) in table.spans.iter().enumerate() {
        services.entry(service(&table, line.resource)).or_default().push(row as u32);
    }
    let (mut bytes, mut packer) = (Vec::new(), Packer::new());
    let mut groups: BTreeMap<&str, Vec<SideGroup>> = BTreeMap::new();
    for (service, mut rows) in services {
        rows.sort_unstable_by_key(|row| (table.spans[*row as usize].start, *row));
        for rows in rows.chunks(GROUP) {
            let lines = || rows.iter().map(|row| &table.spans[*row as usize]);
            let mut last = lines().next().map_or(0, |line| line.start.0);
            let gaps =
                lines().map(|line| line.start.0 - std::mem::replace(&mut last, line.start.0)).collect();
            let mut last = 0_i64;
            let places = rows.iter().map(|row| {
                let gap = i64::from(*row) - std::mem::replace(&mut last, i64::from(*row));
                zigzag(gap)
            });
            let all: [(Vec<u64>, Nature); 5] = [
                (gaps, Nature::Size),
                (lines().map(|line| u64::from(line.name)).collect(), Nature::Unsigned),
                (lines().map(|line| line.end.since(line.start).0).collect(), Nature::Duration),
                (lines().map(|line| line.status_code as u64).collect(), Nature::Unsigned),
                (places.collect(), Nature::Size),
            ];
            let columns = all.map(|(numbers, nature)| {
                let at = bytes.len();
                (at, put_ints(&mut packer, &numbers, nature, &mut bytes))
            });
            groups.entry(service).or_default().push(SideGroup { columns });
        }
    }
    println!("sidecar                  {:8.2} B/span", bytes.len() as f64 / SPANS as f64);
    let read = |(at, extent): &(usize, Extent), unpacker: &mut Unpacker| {
        let middle = at + extent.lens[0] as usize;
        let blocks = [&bytes[*at..middle], &bytes[middle..middle + extent.lens[1] as usize]];
        Ints::take(extent, blocks, unpacker).unwrap().all()
    };
    let slow = 200_000_000;
    for name in ["frontend", "payment"] {
        // Decoding alone: who has a row must still find its trace and look at its other columns.
        let (found, took) = timed(|| {
            let (mut found, mut unpacker) = (BTreeSet::new(), Unpacker::new());
            for group in groups[name].iter().rev() {
                let durations = read(&group.columns[2], &mut unpacker);
                let places = read(&group.columns[4], &mut unpacker);
                let mut row = 0_i64;
                for (place, duration) in places.iter().zip(durations) {
                    row += crate::column::bytes::unzigzag(*place);
                    if slow <= duration {
                        found.insert(table.spans[row as usize].trace);
                    }
                }
                if 20 <= found.len() {
                    break;
                }
            }
            found.len()
        });
        println!("{name:10} over 200 ms, sidecar    found {found:3} {:9.0} us", took / 1e3);
        let status = Predicate::tag("http.response.status_code", "500");
        let slow = Predicate::DurationMin(DurationNanos(slow));
        let of = Predicate::Service(name.to_owned());
        let questions =
            [("over 200 ms", vec![of.clone(), slow.clone()]), ("500, over 200 ms", vec![of, slow, status])];
        for (question, all) in questions {
            let search = Search { filter: SpanFilter { all }, ..Search::all(Tenant::default()) };
            let run = || part.clone().matches(&search).take(20).count();
            run();
            let (found, took) = timed(run);
            println!("{name:10} {question}, zone maps  found {found:3} {:9.0} us", took / 1e3);
        }
    }
}
