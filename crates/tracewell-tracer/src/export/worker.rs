//! The exporter's thread.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::request::{Bounds, each_request};
use super::{Accepted, Export, ExportError, Request};
use crate::clock;
use crate::depot::{Depot, Woken};
use crate::engine::{Engine, Queue};
use crate::local;
use crate::random::Random;

/// The first pause after a failure; each later one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How often the chores are done while a request waits.
const CHORES_EVERY: Duration = Duration::from_secs(1);

/// What the exporter's thread has in hand.
pub(super) struct Worker {
    pub(super) engine: Arc<Engine>,
    pub(super) exporter: Box<dyn Export>,
    pub(super) resource: Vec<u8>,
    pub(super) queue: Queue,
    #[cfg(feature = "redact")]
    pub(super) redaction: Option<super::redaction::Redaction>,
    pub(super) random: Random,
}

impl Worker {
    /// Sends until the depot is closed.
    pub(super) fn run(mut self) {
        // The exporter's own calls are never traced.
        local::suppress(true);
        let engine = Arc::clone(&self.engine);
        let mut body = Vec::new();
        engine.do_chores();
        loop {
            let woken = engine.depot.wait(engine.pace.delay());
            engine.clock.anchor();
            engine.do_chores();
            self.send_all(woken, &mut body);
            if let Some(flush) = woken.flush {
                engine.depot.flushed(flush);
            }
            if woken.closed {
                // Nobody will answer whoever flushes later.
                engine.depot.flushed(u64::MAX);
                return;
            }
        }
    }

    /// Sends all that is sealed, about one request's worth at a time.
    fn send_all(&mut self, woken: Woken, body: &mut Vec<u8>) {
        let engine = Arc::clone(&self.engine);
        let resource = std::mem::take(&mut self.resource);
        loop {
            let bounds = Bounds { spans: engine.pace.batch_spans(), bytes: self.queue.batch_bytes };
            let mut parcels = Vec::new();
            let (mut bytes, mut spans) = (0, 0);
            while bytes < bounds.bytes && spans < bounds.spans {
                let Some(parcel) = engine.depot.take() else { break };
                bytes += parcel.bytes.len();
                spans += parcel.spans as usize;
                parcels.push(parcel);
            }
            if parcels.is_empty() {
                break;
            }
            let scope = |scope| engine.scope(scope);
            each_request(&parcels, &resource, &scope, bounds, body, &mut |body, spans| {
                self.judge_and_send(body, spans, woken);
            });
            for parcel in parcels {
                engine.depot.give_back(parcel);
            }
        }
        self.resource = resource;
    }

    fn judge_and_send(&mut self, body: &[u8], spans: u32, woken: Woken) {
        match self.redacted(body) {
            Ok(Some(other)) => self.send(&other, spans, woken),
            Ok(None) => self.send(body, spans, woken),
            Err(error) => {
                self.trouble(error.to_string());
                self.engine.counters.failed.fetch_add(u64::from(spans), Ordering::Relaxed);
            }
        }
    }

    /// Returns the request without its secrets; none if there are none. A redactor that panics loses
    /// what it could not judge: nothing is sent unjudged.
    #[cfg(feature = "redact")]
    fn redacted(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ExportError> {
        let Some(redaction) = self.redaction.as_mut() else { return Ok(None) };
        let judge = std::panic::AssertUnwindSafe(|| redaction.request(body));
        let judged = std::panic::catch_unwind(judge);
        self.engine.counters.redacted.store(redaction.found, Ordering::Relaxed);
        judged.map_err(|_| ExportError::protocol("the redactor panicked"))
    }

    #[cfg(not(feature = "redact"))]
    fn redacted(&self, _: &[u8]) -> Result<Option<Vec<u8>>, ExportError> {
        Ok(None)
    }

    /// Sends one request, until it arrives or is given up.
    fn send(&mut self, body: &[u8], spans: u32, mut woken: Woken) {
        let engine = Arc::clone(&self.engine);
        let counters = &engine.counters;
        let give_up = clock::instant() + self.queue.retry_for.min(clock::LONGEST);
        let mut pause = PAUSE_FIRST;
        loop {
            let request =
                Request { body, spans, deadline: clock::instant() + self.queue.timeout.min(clock::LONGEST) };
            counters.requests.fetch_add(1, Ordering::Relaxed);
            let error = match self.attempt(request) {
                Ok(accepted) => {
                    let rejected = accepted.rejected.min(u64::from(spans));
                    counters.exported.fetch_add(u64::from(spans) - rejected, Ordering::Relaxed);
                    counters.rejected.fetch_add(rejected, Ordering::Relaxed);
                    self.trouble(accepted.message);
                    return;
                }
                Err(error) => error,
            };
            self.trouble(error.to_string());
            if !error.is_temporary() || woken.closed || Depot::left(give_up).is_zero() {
                counters.failed.fetch_add(u64::from(spans), Ordering::Relaxed);
                return;
            }
            if let Some(flush) = woken.flush {
                // Whoever flushes hears that it was tried; the request stays in hand.
                engine.depot.flushed(flush);
            }
            counters.retries.fetch_add(1, Ordering::Relaxed);
            let asked = if let ExportError::Busy { retry_after, .. } = &error { *retry_after } else { None };
            let wait = asked.unwrap_or_else(|| jittered(pause, &mut self.random)).min(PAUSE_MAX);
            woken = self.pause(wait, woken);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits, and does the chores meanwhile; a new flush or the end cut it short.
    fn pause(&self, wait: Duration, before: Woken) -> Woken {
        let until = clock::instant() + wait;
        loop {
            let woken = self.engine.depot.pause(Depot::left(until).min(CHORES_EVERY), before.flush);
            self.engine.do_chores();
            let asked_anew = woken.flush.is_some_and(|flush| Some(flush) != before.flush);
            if woken.closed || asked_anew || Depot::left(until).is_zero() {
                return woken;
            }
        }
    }

    /// An exporter that panics fails its request, not the thread.
    fn attempt(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let exporter = std::panic::AssertUnwindSafe(|| self.exporter.export(request));
        std::panic::catch_unwind(exporter)
            .unwrap_or_else(|_| Err(ExportError::protocol("the exporter panicked")))
    }

    fn trouble(&self, what: String) {
        *self.engine.counters.trouble.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

/// Returns half to all of a pause, so that services that failed together do not come back together.
fn jittered(pause: Duration, random: &mut Random) -> Duration {
    let half = pause / 2;
    half + half.mul_f64((random.next() >> 11) as f64 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_half_to_all_of_what_they_may_be() {
        let mut random = Random::seeded();
        for _ in 0..1_000 {
            let pause = jittered(PAUSE_MAX, &mut random);
            assert!(PAUSE_MAX / 2 <= pause && pause <= PAUSE_MAX);
        }
    }
}
