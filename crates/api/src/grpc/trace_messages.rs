//! Traces, found or named, as messages of either API.

use std::time::Duration;

use bytes::Bytes;
use span::{BatchBuilder, SpanBatch, SpanRef, Trace};
use store::{StoreError, TraceCursor};
use wire::jaeger::model::{JaegerSpan, Processes, TagOrder};
use wire::jaeger::proto_chunk;
use wire::{otlp, valid_text};

use crate::adjust::{adjusted, adjusted_for_otlp};
use crate::encoded::Encoded;
use crate::{Answer, ApiError, Share, Told};

/// Clients of api_v2 are written for messages of ten spans.
const SPANS_OF_V2: usize = 10;

/// A trace of more than this is cut into several messages of api_v3, because gRPC clients take 4 MiB
/// unless told otherwise. Memory of a batch is more than its encoding.
const BYTES_OF_V3: usize = 2 << 20;

/// In whose messages traces are told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    V2,
    V3,
}

/// Where traces come from.
pub(super) enum Source {
    /// A search, and how many of its traces are still wanted.
    Search(Box<dyn TraceCursor>, usize),
    /// One trace, or none.
    Named(Option<Box<Trace>>),
}

/// Traces as messages, one trace for each part.
pub(super) struct TraceMessages {
    pub(super) source: Source,
    pub(super) version: Version,
    /// By how much clocks may be corrected; `None` tells traces as they are stored.
    pub(super) adjust: Option<Duration>,
}

impl Answer for TraceMessages {
    type Part = Vec<Encoded>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<Encoded>>, ApiError> {
        let trace = match &mut self.source {
            Source::Search(_, 0) => None,
            Source::Search(cursor, left) => {
                *left -= 1;
                cursor.next()?
            }
            Source::Named(trace) => trace.take().map(|trace| *trace),
        };
        let Some(trace) = trace else { return Ok(Told::Last(Vec::new())) };
        // Rows and text together outweigh both encodings.
        share.hold(2 * trace.batch().bytes())?;
        Ok(Told::Part(match (self.version, self.adjust) {
            (Version::V2, None) => in_tens(&trace, TagOrder::AsSent),
            (Version::V2, Some(skew_max)) => {
                in_tens(&adjusted(trace, skew_max).map_err(StoreError::from)?, TagOrder::ByKey)
            }
            (Version::V3, None) => in_otlp(&trace)?,
            (Version::V3, Some(skew_max)) => {
                in_otlp(&adjusted_for_otlp(&trace, skew_max).map_err(StoreError::from)?)?
            }
        }))
    }
}

fn in_tens(trace: &Trace, order: TagOrder) -> Vec<Encoded> {
    let mut processes = Processes::new(order);
    let spans: Vec<SpanRef<'_>> = trace.spans().collect();
    let places: Vec<usize> = spans.iter().map(|span| processes.place(span.resource())).collect();
    let processes: Vec<_> = processes.iter().collect();
    let chunk = |(spans, places): (&[SpanRef<'_>], &[usize])| {
        let shown: Vec<_> = spans.iter().map(|span| JaegerSpan::of(*span, order)).collect();
        let whole = shown.iter().zip(places).map(|(span, place)| (span, processes[*place]));
        Encoded(Bytes::from(proto_chunk(whole)))
    };
    spans.chunks(SPANS_OF_V2).zip(places.chunks(SPANS_OF_V2)).map(chunk).collect()
}

/// Encodes a trace. Texts become valid first: protobuf's strings must be, and strict clients refuse the
/// whole message.
fn in_otlp(trace: &Trace) -> Result<Vec<Encoded>, ApiError> {
    let pieces = trace.batch().bytes().div_ceil(BYTES_OF_V3).max(1);
    if pieces == 1 {
        return Ok(vec![encoded(trace.batch())]);
    }
    let spans: Vec<SpanRef<'_>> = trace.spans().collect();
    let messages = spans.chunks(spans.len().div_ceil(pieces)).map(|spans| {
        let mut piece = BatchBuilder::new();
        piece.append(spans.iter().copied()).map_err(StoreError::from)?;
        Ok(encoded(&piece.finish()))
    });
    messages.collect()
}

fn encoded(batch: &SpanBatch) -> Encoded {
    Encoded(Bytes::from(otlp::encode_proto(&valid_text(batch))))
}
