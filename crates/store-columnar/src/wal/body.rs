//! Batches as bodies of log entries, and back.
//!
//! A batch that still equals the request it came in gives that request's bytes, compressed as they are:
//! the cheapest thing there is. Any other batch is encoded as OTLP.

use bytes::Bytes;
use span::{BATCH_BYTES_MAX, BatchBuilder, BatchFull, Encoding, SourceFormat, SpanBatch};
use store::{StoreError, Write};
use wire::{DecodeError, Decoded, Inflater};

use super::entry::Entry;

/// A batch with its entry.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// What goes into the log.
    pub(crate) entry: Entry,
    /// What goes into the head.
    pub(crate) batch: SpanBatch,
}

/// Makes the entries for a batch: one, unless its encoding is larger than a batch can be read back
/// from; none for a batch without spans.
pub(crate) fn prepare(write: &Write, into: &mut Vec<Prepared>) -> Result<(), StoreError> {
    if write.batch.is_empty() {
        return Ok(());
    }
    let source = write.batch.source().filter(|source| source.format == SourceFormat::OtlpProto);
    let (encoding, body) = match source {
        Some(source) => (source.encoding, source.body.clone()),
        None => (Encoding::Identity, Bytes::from(wire::otlp::encode_proto(&write.batch))),
    };
    if encoding == Encoding::Identity && BATCH_BYTES_MAX < body.len() {
        for half in halves(&write.batch)? {
            prepare(&Write { batch: half, ..write.clone() }, into)?;
        }
        return Ok(());
    }
    let entry = Entry {
        tenant: write.tenant.clone(),
        received: write.received,
        spans: write.batch.len() as u32,
        encoding,
        body_crc: crc32c::crc32c(&body),
        body,
    };
    into.push(Prepared { entry, batch: write.batch.clone() });
    Ok(())
}

/// Reads the spans of a body.
pub(crate) fn decode(
    inflater: &mut Inflater,
    encoding: Encoding,
    body: Bytes,
) -> Result<Decoded, DecodeError> {
    let body = match encoding {
        Encoding::Identity => body,
        encoding => Bytes::from(inflater.inflate(encoding, &body, BATCH_BYTES_MAX)?),
    };
    wire::otlp::decode_proto(body)
}

fn halves(batch: &SpanBatch) -> Result<[SpanBatch; 2], StoreError> {
    let middle = batch.len() / 2;
    if middle == 0 {
        return Err(StoreError::BatchFull(BatchFull));
    }
    let copy = |rows: std::ops::Range<usize>| {
        let mut builder = BatchBuilder::new();
        builder.append(rows.map(|row| batch.span(row)))?;
        Ok::<SpanBatch, StoreError>(builder.finish())
    };
    Ok([copy(0..middle)?, copy(middle..batch.len())?])
}
