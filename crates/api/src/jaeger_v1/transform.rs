//! `POST /api/transform`: OTLP JSON in, Jaeger's JSON out; nothing is stored.
//!
//! The UI sends files here that somebody drops on it. Spans come out as they came in: in their order,
//! repeated ones repeatedly, nothing adjusted.

use std::collections::{HashMap, VecDeque};

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use span::{BatchBuilder, SpanBatch, TraceId};
use store::StoreError;

use super::envelope::Missing;
use super::trace_json::Spans;
use super::trace_list::{Reading, Source, TraceList};
use super::{Call, JSON, settle};
use crate::answer::reply;
use crate::{ApiError, Desk, Share};

/// Returns the traces in the body.
pub(super) async fn transform(State(desk): State<Desk>, call: Call, body: Body) -> Response<Body> {
    let answered = try_transform(&desk, call, body).await;
    settle(&desk, answered)
}

async fn try_transform(desk: &Desk, call: Call, body: Body) -> Result<Response<Body>, ApiError> {
    let (body, mut share) = read(desk, body).await?;
    reply(desk, JSON, move |_, _| {
        let decoded = decode(body)?;
        let missing = (decoded.rejected != 0).then(|| Missing {
            message: format!("{} spans left out: {}", decoded.rejected, decoded.reason.unwrap_or_default()),
            id: None,
        });
        // The batch, and at most a copy of it.
        share.hold(2 * decoded.batch.bytes())?;
        let traces = by_trace(decoded.batch)?;
        Ok(TraceList::new(Source::Here(traces), Reading::Raw, call.layout).mention(missing).holding(share))
    })
    .await
}

/// Reads the body, which counts as part of the answer from its first byte.
async fn read(desk: &Desk, mut body: Body) -> Result<(Bytes, Share), ApiError> {
    let bytes_max = desk.backend().limits.body_bytes_max;
    let mut share = desk.share();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::Malformed("the body breaks off".to_owned()))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes_max - read.len() < data.len() {
            return Err(ApiError::BodyTooLong { bytes_max });
        }
        share.hold(read.len() + data.len())?;
        read.extend_from_slice(&data);
    }
    Ok((Bytes::from(read), share))
}

fn decode(body: Bytes) -> Result<wire::Decoded, ApiError> {
    wire::otlp::decode_json(body).map_err(|error| ApiError::Malformed(error.to_string()))
}

/// Splits a batch by trace, in the order in which the traces first appear.
fn by_trace(batch: SpanBatch) -> Result<VecDeque<Spans>, ApiError> {
    let mut rows: HashMap<TraceId, Vec<usize>> = HashMap::new();
    let mut order: Vec<TraceId> = Vec::new();
    for (row, span) in batch.spans().enumerate() {
        let of_trace = rows.entry(span.trace_id()).or_default();
        if of_trace.is_empty() {
            order.push(span.trace_id());
        }
        of_trace.push(row);
    }
    if let [only] = order[..] {
        return Ok([Spans::Sent(only, batch)].into());
    }
    let split = order.into_iter().map(|id| {
        let mut builder = BatchBuilder::new();
        builder.append(rows[&id].iter().map(|row| batch.span(*row))).map_err(StoreError::from)?;
        Ok(Spans::Sent(id, builder.finish()))
    });
    split.collect()
}
