//! Undoes a message's compression within the pool.
//!
//! How large a message will be is known only at its end, and what its header says is the sender's word. So
//! memory is taken for what spans usually compress to, and only if that does not suffice for the most that is
//! allowed; what was not needed is given back.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use span::Encoding;
use wire::{DecodeError, Inflater};

use crate::body::Limit;
use crate::message::Message;
use crate::pool::{Pool, Share};
use crate::refusal::Refusal;

/// Twice of what spans compress to at best, in practice.
const USUAL_RATIO: usize = 16;

/// The least that is tried with.
const FIRST_BYTES_MIN: usize = 64 << 10;

/// Decompressors at rest, with their memory. There are never more of them than messages were decompressed at once.
#[derive(Default)]
pub(crate) struct Inflaters(Mutex<Vec<Inflater>>);

impl std::fmt::Debug for Inflaters {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Inflaters")
    }
}

impl Inflaters {
    /// Returns the message as its decoder wants it, and its share of the pool: nothing where it was not compressed.
    pub(crate) fn inflate(
        &self,
        pool: &Pool,
        limit: Limit,
        message: &Message,
    ) -> Result<(Bytes, Share), Refusal> {
        let (body, encoding) = (&message.held.bytes, message.encoding);
        let mut share = pool.share();
        if encoding == Encoding::Identity {
            return if body.len() <= limit.bytes_max {
                Ok((body.clone(), share))
            } else {
                Err(limit.exceeded())
            };
        }
        let mut inflater = self.lock().pop().unwrap_or_default();
        let whole = inflate(&mut inflater, &mut share, limit, body, encoding);
        self.lock().push(inflater);
        whole.map(|whole| (whole, share))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Inflater>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn inflate(
    inflater: &mut Inflater,
    share: &mut Share,
    limit: Limit,
    body: &Bytes,
    encoding: Encoding,
) -> Result<Bytes, Refusal> {
    let usual_bytes = body.len().saturating_mul(USUAL_RATIO).max(FIRST_BYTES_MIN).min(limit.bytes_max);
    let mut taken = 0;
    for try_bytes in [usual_bytes, limit.bytes_max] {
        if try_bytes == taken {
            break;
        }
        if !share.grow(try_bytes - taken) {
            return Err(Refusal::Busy);
        }
        taken = try_bytes;
        match inflater.inflate(encoding, body, try_bytes) {
            Ok(whole) => {
                share.shrink_to(whole.len());
                return Ok(whole.into());
            }
            Err(DecodeError::TooLarge { .. }) => {}
            Err(error) => return Err(Refusal::Malformed(error)),
        }
    }
    Err(limit.exceeded())
}
