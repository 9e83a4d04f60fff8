//! What batches hold: made from a parcel's number alone, so that a step means the same in every plan.

use bytes::Bytes;
use shop::World;
use span::{
    BatchBuilder, BatchFull, Encoding, ResourceRow, ScopeRow, Source, SourceFormat, SpanBatch, SpanId,
    SpanRow, TraceId, UnixNanos, ValueRef,
};
use store_columnar::{Dice, wild_batch_of};

use crate::plan::{Content, Parcel};

/// Where plain spans begin.
const EPOCH: u64 = 1_700_000_000_000_000_000;
/// The trace that has the pieces.
const BIG_TRACE: u64 = 1_000_000;
const BIG_SPANS: u64 = 1_700;

/// Makes the batch of a parcel.
pub(crate) fn batch_of(parcel: &Parcel) -> SpanBatch {
    let mut dice = Dice::new(parcel.number.wrapping_mul(77).wrapping_add(13));
    let batch = match parcel.content {
        Content::Small => small(&mut dice, parcel.number),
        Content::Wild => Ok(wild(&mut dice, parcel.number)),
        Content::Shop => shop(parcel.number),
        Content::Big => big(&mut dice, parcel.number),
    };
    let mut batch = batch.expect("the batches of plans are far smaller than a batch may be");
    if dice.one_in(3) {
        let encoding = dice.pick(&Encoding::ALL);
        let body = Bytes::from(wire::compress(encoding, &wire::otlp::encode_proto(&batch)));
        batch.remember_source(Source { format: SourceFormat::OtlpProto, encoding, body });
    }
    batch
}

/// Returns an id that no other span of the plan has.
fn span_id(number: u64, index: u64) -> SpanId {
    SpanId::from_u64(number << 16 | (index + 1))
}

fn small(dice: &mut Dice, number: u64) -> Result<SpanBatch, BatchFull> {
    let mut builder = BatchBuilder::new();
    let mark = builder.mark();
    builder.push(b"service.name", ValueRef::Str(dice.pick(&[&b"cart"[..], b"auth", b"x"])))?;
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let scope = builder.scope(ScopeRow::default());
    for index in 0..1 + dice.below(4) {
        let mark = builder.mark();
        builder.push(b"number", ValueRef::Int(number as i64))?;
        builder.push(b"padding", ValueRef::Bytes(&vec![b'x'; dice.below(900) as usize]))?;
        let attributes = builder.since(mark);
        let start = EPOCH + dice.below(5_000);
        let row = SpanRow {
            trace_id: TraceId::from_halves(0, 1 + dice.below(40)),
            span_id: span_id(number, index),
            start: UnixNanos(start),
            end: UnixNanos(start + dice.below(2_000)),
            name: builder.text(dice.pick(&[&b"GET"[..], b"PUT", b"true"]))?,
            resource,
            scope,
            attributes,
            ..SpanRow::default()
        };
        builder.span(row);
    }
    Ok(builder.finish())
}

fn wild(dice: &mut Dice, number: u64) -> SpanBatch {
    let mut index = 0;
    wild_batch_of(dice, &mut |dice| {
        index += 1;
        (TraceId::from_halves(dice.below(2), 1 + dice.below(50)), span_id(number, index))
    })
}

fn shop(number: u64) -> Result<SpanBatch, BatchFull> {
    let mut builder = BatchBuilder::new();
    for batch in World::new(number).traces(3).requests() {
        builder.append(batch.spans())?;
    }
    Ok(builder.finish())
}

fn big(dice: &mut Dice, number: u64) -> Result<SpanBatch, BatchFull> {
    let mut builder = BatchBuilder::new();
    let resource = builder.resource(ResourceRow::default());
    let scope = builder.scope(ScopeRow::default());
    for index in 0..BIG_SPANS {
        let parent = if index == 0 { SpanId::NONE } else { span_id(number, dice.below(index)) };
        let start = EPOCH + 1_000 * index + dice.below(500);
        let row = SpanRow {
            trace_id: TraceId::from_halves(0, BIG_TRACE),
            span_id: span_id(number, index),
            parent_span_id: parent,
            start: UnixNanos(start),
            end: UnixNanos(start + dice.below(1_000_000)),
            name: builder.text(b"piece")?,
            resource,
            scope,
            ..SpanRow::default()
        };
        builder.span(row);
    }
    Ok(builder.finish())
}
