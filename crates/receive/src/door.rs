//! What all receivers share, and the one way from a message to a reply.
//!
//! A message has been read whole ([`Held`]). It is decompressed and decoded within its budget, off the reactor unless
//! it is small; its good spans are offered to the intake, and the reply waits for the receipt. The memory of the
//! message is given back to the pool when the intake, which has its own bound, took over.

use std::sync::Arc;

use bytes::Bytes;
use pipeline::{Intake, Receipt, Refused};
use span::{Encoding, Source, SourceFormat, SpanBatch, Tenant, UnixNanos};
use tokio::sync::Semaphore;
use tracing::Instrument;
use wire::{DecodeError, Decoded};

use crate::body::Limit;
use crate::inflate::Inflaters;
use crate::message::Message;
use crate::pool::{Pool, Share};
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::stats::Stats;

/// A message that has no more once decompressed is decoded where it was read: that takes less than handing it over
/// and waiting for it, and never more than a fraction of a millisecond.
const INLINE_BYTES_MAX: usize = 32 << 10;

/// The budgets of the receivers.
#[derive(Clone, Debug)]
pub struct Config {
    /// An HTTP body as it comes.
    pub request_bytes_max: usize,
    /// A message once decompressed, whatever it came by.
    pub decompressed_bytes_max: usize,
    /// A gRPC message as it comes.
    pub message_bytes_max: usize,
    /// All requests that are being read or decoded, together.
    pub in_flight_bytes_max: usize,
    /// How many large messages are decoded at once; leave a core to everybody else.
    pub decoders: usize,
}

impl Config {
    /// Returns the usual budgets for a machine with so many cores.
    pub fn of(cores: usize) -> Self {
        Self {
            request_bytes_max: 20 << 20,
            decompressed_bytes_max: 64 << 20,
            message_bytes_max: 16 << 20,
            in_flight_bytes_max: 128 << 20,
            decoders: cores.saturating_sub(1).max(1),
        }
    }

    pub(crate) fn request_limit(&self) -> Limit {
        Limit { bytes_max: self.request_bytes_max, setting: "limits.request_bytes" }
    }

    pub(crate) fn decompressed_limit(&self) -> Limit {
        Limit { bytes_max: self.decompressed_bytes_max, setting: "limits.decompressed_bytes" }
    }

    pub(crate) fn message_limit(&self) -> Limit {
        Limit { bytes_max: self.message_bytes_max, setting: "limits.message_bytes" }
    }
}

/// Where every receiver hands in what it got.
#[derive(Debug)]
pub struct Door {
    intake: Arc<Intake>,
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) stats: Stats,
    now: fn() -> UnixNanos,
    inflaters: Inflaters,
    /// One permit for each large message that is being decoded.
    decoders: Semaphore,
}

/// A message's decoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder<F = fn(Bytes) -> Result<Decoded, DecodeError>> {
    pub(crate) decode: F,
    /// What a log can keep of the message instead of encoding its spans again.
    pub(crate) format: Option<SourceFormat>,
}

/// What became of a message that was taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Spans that are stored.
    pub(crate) stored: usize,
    /// Spans that were bad, while the others are stored.
    pub(crate) rejected: u64,
    /// Why the first of them was.
    pub(crate) reason: Option<String>,
}

impl Door {
    /// Makes the door to an intake. The time of arrival is asked from `now`.
    pub fn new(intake: Arc<Intake>, config: Config, now: fn() -> UnixNanos) -> Arc<Self> {
        let (pool, decoders) = (Pool::new(config.in_flight_bytes_max), Semaphore::new(config.decoders));
        Arc::new(Self {
            intake,
            config,
            pool,
            stats: Stats::default(),
            now,
            inflaters: Inflaters::default(),
            decoders,
        })
    }

    /// Returns what was counted so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Returns the bytes of all requests that are being read or decoded now.
    pub fn in_flight_bytes(&self) -> usize {
        self.pool.bytes_held()
    }

    /// Decodes a message, has its spans stored, and says how it went. Refusals are counted here.
    pub(crate) async fn take(
        self: &Arc<Self>,
        protocol: Protocol,
        message: Result<Message, Refusal>,
        decoder: Decoder<impl FnOnce(Bytes) -> Result<Decoded, DecodeError> + Send + 'static>,
    ) -> Result<Taken, Refusal> {
        let stats = self.stats.of(protocol);
        stats.messages.count();
        let mut spans = 0;
        let taken = match message {
            Ok(message) => {
                let bytes = message.held.bytes.len() as u64;
                stats.bytes.add(bytes);
                let (receiver, transport) = (protocol.receiver(), protocol.transport());
                let span = tracing::debug_span!("receive", receiver, transport, bytes);
                self.store(message, decoder, &mut spans).instrument(span).await
            }
            Err(refusal) => Err(refusal),
        };
        match &taken {
            Ok(taken) => {
                stats.spans_stored.add(spans as u64);
                stats.spans_rejected.add(taken.rejected);
            }
            Err(refusal) => self.stats.refuse(protocol, refusal, spans, (self.now)()),
        }
        taken
    }

    async fn store(
        self: &Arc<Self>,
        message: Message,
        decoder: Decoder<impl FnOnce(Bytes) -> Result<Decoded, DecodeError> + Send + 'static>,
        spans: &mut usize,
    ) -> Result<Taken, Refusal> {
        let (decoded, shares) = match self.inflate_small(&message) {
            Some(inflated) => decode(message, inflated, decoder)?,
            None => {
                let _permit = self.decoders.acquire().await.expect("the decoders' semaphore is never closed");
                let door = Arc::clone(self);
                let work = move || {
                    let inflated = door.inflate(&message)?;
                    decode(message, inflated, decoder)
                };
                // A panic there is our bug and this message's loss, nobody else's.
                tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::Broke)??
            }
        };
        *spans = decoded.batch.len();
        let taken = Taken { stored: *spans, rejected: decoded.rejected, reason: decoded.reason };
        if decoded.batch.is_empty() {
            return Ok(taken);
        }
        let receipt = self.offer(decoded.batch)?;
        drop(shares);
        match receipt.await {
            Ok(Ok(())) => Ok(taken),
            Ok(Err(not_stored)) => Err(Refusal::NotStored(not_stored)),
            Err(_) => Err(Refusal::Broke),
        }
    }

    /// Brings a batch to the intake without waiting for anything.
    pub(crate) fn offer(&self, batch: SpanBatch) -> Result<Receipt, Refusal> {
        self.intake.offer(Tenant::default(), (self.now)(), batch).map_err(|refused| match refused {
            Refused::Closed(_) => Refusal::Closed,
            Refused::Full { .. } => Refusal::Full(refused.to_string()),
        })
    }

    /// Undoes the compression of a message, within the budget.
    pub(crate) fn inflate(&self, message: &Message) -> Result<(Bytes, Share), Refusal> {
        self.inflaters.inflate(&self.pool, self.config.decompressed_limit(), message)
    }

    /// The same for a message that is small enough to be decoded here and now; `None` for all others.
    fn inflate_small(&self, message: &Message) -> Option<(Bytes, Share)> {
        let bytes_max = INLINE_BYTES_MAX.min(self.config.decompressed_bytes_max);
        let wire_bytes_max = match message.encoding {
            Encoding::Identity => bytes_max,
            // What is larger will hardly fit, and finding that out is not free.
            _ => bytes_max / 8,
        };
        if wire_bytes_max < message.held.bytes.len() {
            return None;
        }
        // Whatever is wrong with it is said on the other way.
        self.inflaters.inflate(&self.pool, Limit { bytes_max, setting: "" }, message).ok()
    }

    pub(crate) fn now(&self) -> UnixNanos {
        (self.now)()
    }
}

/// Decodes what was inflated. The shares of the pool are to be kept until the intake has taken over.
fn decode(
    message: Message,
    (body, share): (Bytes, Share),
    decoder: Decoder<impl FnOnce(Bytes) -> Result<Decoded, DecodeError>>,
) -> Result<(Decoded, [Share; 2]), Refusal> {
    let Message { held, encoding } = message;
    let mut decoded = (decoder.decode)(body).map_err(Refusal::Malformed)?;
    // A batch that lacks a span is not what the message says.
    if let Some(format) = decoder.format
        && decoded.rejected == 0
    {
        decoded.batch.remember_source(Source { format, encoding, body: held.bytes });
    }
    Ok((decoded, [held.share, share]))
}
