//! The load: what the shop's pods export, encoded on a thread of its own, a few requests ahead.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use shop::World;
use span::{DurationNanos, Encoding, TraceId, UnixNanos};
use tokio::sync::mpsc;
use wire::{compress, otlp};

/// One export request, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The encoded and compressed body.
    pub(crate) body: Bytes,
    /// How many spans it holds.
    pub(crate) spans: usize,
}

/// What is known about the load once it is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Spans in all requests.
    pub(crate) spans: u64,
    /// Attributes of all spans, without resources.
    pub(crate) attributes: u64,
    /// Bytes of all bodies before compression.
    pub(crate) bytes_raw: u64,
    /// Bytes of every 16th body at zstd level 3, and its spans.
    pub(crate) bytes_zstd: u64,
    pub(crate) spans_zstd: u64,
    /// Some of the ids.
    pub(crate) known: BTreeSet<TraceId>,
    /// The earliest and the latest start of a span.
    pub(crate) window: Option<(UnixNanos, UnixNanos)>,
}

impl Facts {
    /// Returns the load's own measures, as every result prints them beside itself.
    pub(crate) fn note(&self) -> String {
        let spans = self.spans.max(1) as f64;
        format!(
            "{} spans, {:.0} B and {:.2} attributes a span, {:.1} B at zstd-3",
            self.spans,
            self.bytes_raw as f64 / spans,
            self.attributes as f64 / spans,
            self.bytes_zstd as f64 / self.spans_zstd.max(1) as f64,
        )
    }
}

/// Begins to make at least `spans` spans that end about `now`; facts are whole when the receiver is
/// closed.
pub(crate) fn begin(
    seed: u64,
    spans: u64,
    encoding: Encoding,
    now: UnixNanos,
) -> (mpsc::Receiver<Request>, Arc<Mutex<Facts>>) {
    let (sender, receiver) = mpsc::channel(16);
    let facts = Arc::new(Mutex::new(Facts::default()));
    let shared = Arc::clone(&facts);
    let seconds = spans as f64 / (shop::SPANS_PER_TRACE * shop::TRACES_PER_SECOND);
    let start = now.minus(DurationNanos((seconds * 1e9) as u64));
    std::thread::spawn(move || {
        let mut made = Facts::default();
        for (number, batch) in World::new(seed).starting(start).requests().enumerate() {
            let raw = otlp::encode_proto(&batch);
            note(&mut made, &batch, &raw, number);
            let body = if encoding == Encoding::Identity { raw } else { compress(encoding, &raw) };
            let request = Request { body: Bytes::from(body), spans: batch.len() };
            *shared.lock().expect("nobody panics while counting") = made.clone_counts();
            // The sender is gone only when the measurement has failed and says so itself.
            if sender.blocking_send(request).is_err() || spans <= made.spans {
                break;
            }
        }
        *shared.lock().expect("nobody panics while counting") = made;
    });
    (receiver, facts)
}

fn note(facts: &mut Facts, batch: &span::SpanBatch, raw: &[u8], number: usize) {
    facts.spans += batch.len() as u64;
    facts.bytes_raw += raw.len() as u64;
    facts.attributes += batch.span_rows().iter().map(|row| u64::from(row.attributes.count)).sum::<u64>();
    let starts = || batch.spans().map(|span| span.start());
    if let (Some(first), Some(last)) = (starts().min(), starts().max()) {
        let (earliest, latest) = facts.window.unwrap_or((first, last));
        facts.window = Some((earliest.min(first), latest.max(last)));
    }
    if number.is_multiple_of(16) {
        facts.bytes_zstd += compress(Encoding::Zstd, raw).len() as u64;
        facts.spans_zstd += batch.len() as u64;
    }
    if facts.known.len() < 5_000 {
        facts.known.extend(batch.spans().step_by(97).map(|span| span.trace_id()));
    }
}

impl Facts {
    /// Returns the counts without the ids, cheap enough for every request.
    fn clone_counts(&self) -> Self {
        Self { known: BTreeSet::new(), ..*self }
    }
}
