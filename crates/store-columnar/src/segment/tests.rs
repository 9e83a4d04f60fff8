//! Segments are held against what went in: every field, every search, every flipped byte.

use std::path::{Path, PathBuf};

use span::SpanBatch;

use super::*;
use crate::disk::ReadAt;
use crate::rows::Rows;
use crate::specimen::{Dice, check_part, retell, wild_batch, wild_search};

/// A file in memory.
pub(super) struct Bytes(PathBuf, Vec<u8>);

impl ReadAt for Bytes {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        Ok(self.1.len() as u64)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let start = usize::try_from(at).unwrap();
        match self.1.get(start..start + into.len()) {
            Some(bytes) => into.copy_from_slice(bytes),
            None => {
                let source = io::ErrorKind::UnexpectedEof.into();
                return Err(StoreError::Disk { path: self.0.clone(), action: "read", source });
            }
        }
        Ok(())
    }
}

/// Sizes at which a few spans are a large segment: several groups, traces in pieces, overflow, texts out
/// of line.
pub(super) const SMALL: Sizes = Sizes {
    group_rows: 4,
    columns_max: 40,
    shapes_max: 60,
    text_inline_max: 12,
    chunk_rows: 16,
    chunk_bytes: 16 << 10,
};

pub(super) fn frozen(batches: &[SpanBatch], sizes: &Sizes) -> Vec<u8> {
    let rows = Rows::new();
    batches.iter().for_each(|batch| rows.push(batch, UnixNanos(5)));
    let mut bytes = Vec::new();
    let built = build(&rows.snapshot(), sizes, &mut bytes).unwrap();
    assert_eq!((built.len, built.bounds), (bytes.len() as u64, rows.snapshot().bounds()));
    bytes
}

pub(super) fn open(bytes: Vec<u8>) -> Result<Arc<Segment>, StoreError> {
    Segment::open(Arc::new(Bytes(PathBuf::from("x.seg"), bytes)), &PageCache::new(1 << 20))
}

pub(super) fn read_back(segment: &Segment, batches: &[SpanBatch]) -> Vec<SpanBatch> {
    let ids: BTreeSet<TraceId> = batches.iter().flat_map(|b| b.spans()).map(|s| s.trace_id()).collect();
    let read = |id: &TraceId| {
        let mut builder = BatchBuilder::new();
        assert!(segment.fragment(*id, Detail::Whole, &mut builder).unwrap());
        builder.finish()
    };
    ids.iter().map(read).collect()
}

#[test]
fn every_field_comes_back() {
    for seed in 0..80 {
        let sizes = [&SMALL, &Sizes::USUAL][seed as usize % 2];
        let mut dice = Dice::new(seed);
        let batches: Vec<SpanBatch> = (0..1 + dice.below(4)).map(|_| wild_batch(&mut dice)).collect();
        let segment = open(frozen(&batches, sizes)).unwrap();
        assert_eq!(retell(&read_back(&segment, &batches)), retell(&batches), "seed {seed}");
    }
}

/// Returns what each span is as an export of its own, in bytes.
fn exports(batches: &[SpanBatch]) -> Vec<Vec<u8>> {
    let export = |span| {
        let mut alone = BatchBuilder::new();
        alone.append([span]).unwrap();
        wire::otlp::encode_proto(&alone.finish())
    };
    let mut exports: Vec<_> = batches.iter().flat_map(SpanBatch::spans).map(export).collect();
    exports.sort();
    exports
}

#[test]
fn bytes_of_otlp_come_back_from_a_segment_as_they_were_sent() {
    let mut spans = 0;
    for seed in 0..60 {
        let sizes = [&SMALL, &Sizes::USUAL][seed as usize % 2];
        let mut dice = Dice::new(seed);
        let sent: Vec<SpanBatch> = (0..1 + dice.below(4)).map(|_| wild_batch(&mut dice)).collect();
        let received = exports(&sent).into_iter().map(|bytes| {
            let decoded = wire::otlp::decode_proto(bytes.clone().into()).unwrap();
            (bytes, decoded)
        });
        // Spans without ids are refused at the door.
        let received = received.filter(|(_, decoded)| decoded.rejected == 0);
        let (bytes, taken): (Vec<_>, Vec<_>) =
            received.map(|(bytes, decoded)| (bytes, decoded.batch)).unzip();
        let segment = open(frozen(&taken, sizes)).unwrap();
        assert_eq!(exports(&read_back(&segment, &taken)), bytes, "seed {seed}");
        spans += taken.iter().map(|batch| batch.spans().count()).sum::<usize>();
    }
    assert!(1_000 < spans, "{spans} are too few to say anything");
}

#[test]
fn a_segment_answers_like_the_reference_engine() {
    for seed in 0..45 {
        let sizes = if seed % 3 == 0 { &Sizes::USUAL } else { &SMALL };
        let mut dice = Dice::new(seed);
        let batches: Vec<SpanBatch> = (0..1 + dice.below(4)).map(|_| wild_batch(&mut dice)).collect();
        let part: Arc<dyn Part> = open(frozen(&batches, sizes)).unwrap();
        check_part(&part, &batches, &mut dice);
    }
}

#[test]
fn helpers_change_no_answer() {
    let many: Arc<dyn Helpers> = Arc::new(crate::ahead::Many);
    for seed in 0..15 {
        let mut dice = Dice::new(seed);
        let batches: Vec<SpanBatch> = (0..6).map(|_| wild_batch(&mut dice)).collect();
        let part: Arc<dyn Part> = open(frozen(&batches, &SMALL)).unwrap();
        for _ in 0..20 {
            let search = wild_search(&mut dice);
            let alone: Vec<_> = part.clone().matches(&search).map(Result::unwrap).collect();
            let helped = part.clone().matches_with(&search, &many);
            assert!(helped.map(Result::unwrap).eq(alone), "seed {seed} {search:?}");
        }
        // One that is dropped early ends what was offered.
        let _ = part.clone().matches_with(&Search::all(span::Tenant::default()), &many).nth(3);
    }
}

#[test]
fn wild_segments_have_pieces_and_overflow() {
    let (mut pieces, mut overflowed) = (0, 0);
    for seed in 0..10 {
        let batches = [wild_batch(&mut Dice::new(seed)), wild_batch(&mut Dice::new(seed + 100))];
        let segment = open(frozen(&batches, &SMALL)).unwrap();
        pieces += segment.footer.groups.iter().filter(|group| group.continues).count();
        overflowed += segment.footer.overflowed;
    }
    assert!(0 < pieces && 0 < overflowed, "{pieces} {overflowed}");
}

/// A prime, so that every part of a block is hit somewhere.
const STEP: usize = 47;

#[test]
fn a_flipped_byte_is_a_typed_error_or_not_needed() {
    let mut dice = Dice::new(7);
    let batches = [wild_batch(&mut dice)];
    let bytes = frozen(&batches, &SMALL);
    let ids: BTreeSet<TraceId> = batches.iter().flat_map(|b| b.spans()).map(|s| s.trace_id()).collect();
    let whole: Vec<_> = {
        let segment = open(bytes.clone()).unwrap();
        ids.iter().map(|id| told(&segment, *id).unwrap()).collect()
    };
    let (mut refused, mut partly) = (0, 0);
    for at in (0..bytes.len()).step_by(STEP) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let damaged = |error: &StoreError| {
            matches!(error, StoreError::Damaged { .. } | StoreError::Unusable { .. })
                || matches!(error, StoreError::Disk { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof)
        };
        let segment = match open(bytes) {
            Ok(segment) => segment,
            Err(error) => {
                assert!(damaged(&error), "byte {at}: {error}");
                refused += 1;
                continue;
            }
        };
        let mut lost = 0;
        for (id, whole) in ids.iter().zip(&whole) {
            match told(&segment, *id) {
                Ok(told) => assert_eq!(told, *whole, "byte {at}"),
                Err(error) => {
                    assert!(damaged(&error), "byte {at}: {error}");
                    lost += 1;
                }
            }
        }
        partly += usize::from(lost < ids.len());
        let part: Arc<dyn Part> = segment;
        for _ in 0..3 {
            let found: Vec<_> = part.clone().matches(&wild_search(&mut dice)).collect();
            assert!(found.iter().filter_map(|found| found.as_ref().err()).all(damaged), "byte {at}");
        }
        let _ = part.services(&mut BTreeSet::new()).map_err(|error| assert!(damaged(&error)));
    }
    // Only head, footer and tail cost everything; most blocks cost some traces at most.
    assert!(
        8 * STEP * refused < bytes.len() && bytes.len() < 2 * STEP * partly,
        "{refused} {partly} of {}",
        bytes.len()
    );
}

fn told(segment: &Segment, id: TraceId) -> Result<Vec<String>, StoreError> {
    let mut builder = BatchBuilder::new();
    segment.fragment(id, Detail::Whole, &mut builder)?;
    Ok(retell(&[builder.finish()]))
}

#[test]
fn version_1_is_read_as_it_was_written() {
    let segment = open(include_bytes!("../../fixtures/segment-1.seg").to_vec()).unwrap();
    let all = TracePrefix::new("000000").unwrap();
    let ids = segment.ids_with_prefix(all, usize::MAX).unwrap();
    let mut lines: Vec<String> = ids.iter().flat_map(|id| told(&segment, *id).unwrap()).collect();
    lines.sort();
    assert_eq!(lines.concat(), include_str!("../../fixtures/segment-1.txt"));
}
