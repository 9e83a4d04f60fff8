//! A merged segment is held against what went into its inputs.

use span::{SpanBatch, SpanId, Trace};
use store::conformance::{Sketch, one, write};

use super::*;
use crate::segment::group::Group;
use crate::segment::layout::{PARENT_ABSENT, PARENT_EARLIER, fixed};
use crate::segment::tests::{SMALL, frozen, open, read_back};
use crate::specimen::{Dice, check_part, retell, wild_batch};

fn merged(inputs: &[Vec<SpanBatch>], sizes: &Sizes) -> (Arc<Segment>, Merged) {
    let segments: Vec<_> = inputs.iter().map(|batches| open(frozen(batches, sizes)).unwrap()).collect();
    joined(&segments, sizes)
}

fn joined(segments: &[Arc<Segment>], sizes: &Sizes) -> (Arc<Segment>, Merged) {
    let mut bytes = Vec::new();
    let merged = merge(segments, sizes, &|| false, &mut bytes).unwrap();
    assert_eq!(merged.built.len, bytes.len() as u64);
    let segment = open(bytes).unwrap();
    assert_eq!(segment.bounds(), merged.built.bounds);
    (segment, merged)
}

/// Collapses repeats as reads do.
fn collapsed(batches: &[SpanBatch]) -> Vec<SpanBatch> {
    let spans = || batches.iter().flat_map(|batch| batch.spans());
    let ids: std::collections::BTreeSet<TraceId> = spans().map(|span| span.trace_id()).collect();
    ids.iter().map(|id| Trace::assemble(*id, spans()).unwrap().unwrap().batch().clone()).collect()
}

#[test]
fn every_field_of_every_input_comes_back_once() {
    for seed in 0..90 {
        let sizes = [&SMALL, &Sizes::USUAL, &SMALL][seed as usize % 3];
        let mut dice = Dice::new(seed);
        let count = 2 + dice.below(4);
        let mut inputs: Vec<Vec<SpanBatch>> =
            (0..count).map(|_| (0..1 + dice.below(3)).map(|_| wild_batch(&mut dice)).collect()).collect();
        // A sender's retry that came when the head was frozen, and one that came at once.
        let retried = inputs[0][0].clone();
        inputs[1].push(retried.clone());
        inputs[1].push(retried.clone());
        let all: Vec<SpanBatch> = inputs.iter().flatten().cloned().collect();
        let (segment, merged) = merged(&inputs, sizes);
        assert!(2 * retried.len() as u64 <= merged.repeats, "seed {seed}");
        let read = read_back(&segment, &all);
        assert_eq!(retell(&read), retell(&collapsed(&all)), "seed {seed}");
        let part: Arc<dyn crate::part::Part> = segment;
        check_part(&part, &all, &mut dice);
    }
}

#[test]
fn merging_again_changes_nothing() {
    for seed in 0..20 {
        let mut dice = Dice::new(seed);
        let inputs: Vec<Vec<SpanBatch>> = (0..5).map(|_| vec![wild_batch(&mut dice)]).collect();
        let all: Vec<SpanBatch> = inputs.iter().flatten().cloned().collect();
        let (left, _) = merged(&inputs[..3], &SMALL);
        let (right, _) = merged(&inputs[3..], &SMALL);
        let (twice, _) = joined(&[left, right], &SMALL);
        assert_eq!(retell(&read_back(&twice, &all)), retell(&collapsed(&all)), "seed {seed}");
    }
}

fn spans(trace: u64, ids: impl Iterator<Item = u64>, parent_of: impl Fn(u64) -> u64) -> Vec<SpanBatch> {
    let sketch = |id| Sketch { id, parent: parent_of(id), ..one("cart", "GET", trace, 1_000 + id) };
    ids.map(|id| write(&sketch(id)).batch).collect()
}

/// Returns the parents' codes of all rows.
fn parents(segment: &Segment) -> Vec<u64> {
    let groups = 0..segment.footer.groups.len();
    groups
        .flat_map(|group| {
            let group = Group::sparse(segment, group).unwrap();
            group.ints(fixed::PARENT, group.rows()).unwrap().all()
        })
        .collect()
}

#[test]
fn parents_of_other_fragments_are_found_and_pre_order_is_whole() {
    let halves = [
        spans(7, (1..40).filter(|id| id % 2 == 0), |id| id / 2),
        spans(7, (1..40).filter(|id| id % 2 == 1), |id| id / 2),
    ];
    let inputs: Vec<_> = halves.iter().map(|half| open(frozen(half, &Sizes::USUAL)).unwrap()).collect();
    assert!(inputs.iter().any(|input| parents(input).contains(&PARENT_ABSENT)));
    let (segment, _) = joined(&inputs, &Sizes::USUAL);
    let codes = parents(&segment);
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "the root has no parent");
    assert!(codes.iter().all(|code| *code == 0 || PARENT_EARLIER < *code), "{codes:?}");
    let group = Group::sparse(&segment, 0).unwrap();
    assert_eq!(group.ints(fixed::DESCENDANTS, 39).unwrap().all()[0], 38);
}

#[test]
fn a_trace_that_fits_no_chunk_comes_in_pieces_and_is_whole() {
    let sizes = Sizes { group_rows: 8, chunk_rows: 20, ..Sizes::USUAL };
    let retold = |first: u64| spans(7, first..first + 100, |id| id - 1);
    let mut inputs = vec![retold(1), retold(51), retold(101)];
    for (at, input) in inputs.iter_mut().enumerate() {
        input.extend(spans(8 + at as u64, 1..6, |id| id - 1));
        input.extend(spans(3, 10 * at as u64 + 1..10 * at as u64 + 4, |id| id - 1));
    }
    let all: Vec<SpanBatch> = inputs.iter().flatten().cloned().collect();
    let (segment, merged) = merged(&inputs, &sizes);
    assert_eq!((merged.repeats, merged.built.bounds.spans), (100, 224));
    assert_eq!(merged.built.bounds.traces, 5);
    assert!(segment.footer.groups.iter().filter(|group| group.continues).count() > 20);
    assert_eq!(retell(&read_back(&segment, &all)), retell(&collapsed(&all)));
    let big = TraceId::from_halves(0, 7);
    assert_eq!(segment.fragment_start(big).unwrap(), Some(UnixNanos(1_001)));
    let part: Arc<dyn crate::part::Part> = segment.clone();
    let found = part.matches(&store::Search::all(span::Tenant::default()));
    let found: Vec<u64> = found.map(|key| key.unwrap().id.low()).collect();
    assert_eq!(found, [3, 7, 8, 9, 10], "each is found once, at its earliest start");
    let mut told = span::BatchBuilder::new();
    segment.fragment(big, store::Detail::Whole, &mut told).unwrap();
    let told = told.finish();
    let parent = |id: u64| told.spans().find(|span| span.span_id() == SpanId::from_u64(id)).unwrap();
    assert!((2..=200).all(|id| parent(id).parent_span_id() == SpanId::from_u64(id - 1)));
}

#[test]
fn large_values_are_written_in_time() {
    let sizes = Sizes { chunk_bytes: 1 << 20, ..Sizes::USUAL };
    let fat = |id: u64| {
        let text = vec![id as u8; 200_000];
        let attributes = [("fat", span::ValueRef::Bytes(&text))];
        write(&Sketch { id, attributes: &attributes, ..one("cart", "GET", 1 + id % 2, 5 + id) }).batch
    };
    let inputs: Vec<Vec<SpanBatch>> = (0..3).map(|n| (8 * n + 1..8 * n + 9).map(fat).collect()).collect();
    let all: Vec<SpanBatch> = inputs.iter().flatten().cloned().collect();
    let (segment, _) = merged(&inputs, &sizes);
    assert!(segment.footer.groups.len() > 3);
    assert_eq!(retell(&read_back(&segment, &all)), retell(&all));
}

#[test]
fn a_broken_input_is_named_and_a_stopped_merge_ends() {
    let mut dice = Dice::new(3);
    let inputs: Vec<Vec<u8>> = (0..3).map(|_| frozen(&[wild_batch(&mut dice)], &SMALL)).collect();
    let segments = |broken: Option<usize>| -> Vec<Arc<Segment>> {
        let mut inputs = inputs.clone();
        if let Some(at) = broken {
            inputs[1][at] ^= 4;
        }
        inputs.into_iter().map(|bytes| open(bytes).unwrap()).collect()
    };
    let whole = segments(None);
    for group in &whole[1].footer.groups {
        let broken = segments(Some(group.offset as usize + 9));
        match merge(&broken, &SMALL, &|| false, &mut Vec::new()) {
            Err(MergeFailure::Input(1, StoreError::Damaged { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(merge(&whole, &SMALL, &|| true, &mut Vec::new()), Err(MergeFailure::Stopped)));
}

#[test]
fn a_rare_value_is_looked_for_in_few_groups_of_a_merged_segment() {
    let sizes = Sizes { group_rows: 4, ..Sizes::USUAL };
    let tagged = |id: u64| {
        let text = format!("value-{id}");
        let attributes = [("user.id", span::ValueRef::Str(text.as_bytes()))];
        write(&Sketch { id, attributes: &attributes, ..one("cart", "GET", id, 1_000 + id) }).batch
    };
    let inputs: Vec<Vec<SpanBatch>> =
        (0..4).map(|n| (200 * n + 1..200 * n + 201).map(tagged).collect()).collect();
    let (segment, _) = merged(&inputs, &sizes);
    let groups = segment.footer.groups.len();
    assert!(100 < groups, "{groups}");
    let part: Arc<dyn crate::part::Part> = segment.clone();
    for id in [1, 57, 400, 799] {
        let predicate = store::Predicate::Attribute {
            within: store::Within::Anywhere,
            key: "user.id".to_owned(),
            text: format!("value-{id}"),
        };
        let test = super::super::predicate::Test::of(&segment, &predicate).unwrap();
        let left = (0..groups).filter(|group| test.may_hold(*group)).count();
        assert!((1..=48).contains(&left), "{left} of {groups} groups are left");
        let search = store::Search {
            filter: store::SpanFilter { all: vec![predicate] },
            ..store::Search::all(span::Tenant::default())
        };
        let found: Vec<u64> = part.clone().matches(&search).map(|key| key.unwrap().id.low()).collect();
        assert_eq!(found, [id]);
    }
}
