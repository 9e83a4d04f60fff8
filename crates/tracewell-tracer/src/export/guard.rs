//! How a tracer begins, and the guard that ends it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Export;
use super::worker::Worker;
use crate::encode::attribute;
use crate::engine::{Engine, Manner, Queue};
use crate::exceptions::Exceptions;
use crate::fold::SpanFilter;
use crate::fork;
use crate::limits::Limits;
use crate::random::Random;
use crate::sampling::Sampling;
use crate::status::Status;
use crate::tracer::Tracer;
use crate::value::Value;

/// How long the last flush may take when the guard is dropped.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// Describes a tracer; [`start`](Self::start) makes it.
#[derive(Debug, Default)]
pub struct TracerBuilder {
    resource: Vec<u8>,
    manner: Manner,
    limits: Limits,
    queue: Queue,
    #[cfg(feature = "redact")]
    redactor: Option<tracewell_redact::Redactor>,
}

impl TracerBuilder {
    /// Adds an attribute of the resource, that is, of the service.
    #[must_use]
    pub fn resource<'v>(mut self, key: &str, value: impl Into<Value<'v>>) -> Self {
        attribute(&mut self.resource, 0x0a, key, value.into(), usize::MAX);
        self
    }

    /// Says which traces are recorded; all, unless told.
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.manner.sampling = sampling;
        self
    }

    /// Folds fast leaf spans into their parents; none, unless told.
    #[must_use]
    pub fn span_filter(mut self, filter: SpanFilter) -> Self {
        self.manner.filter = Some(filter);
        self
    }

    /// Copies the entries of the baggage with these keys onto each span that begins below them, as
    /// attributes of the same name; none, unless told, because baggage comes from outside.
    #[must_use]
    pub fn baggage_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.manner.baggage_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Says where errors and panics are told; on their spans, unless told.
    #[must_use]
    pub fn exceptions(mut self, exceptions: Exceptions) -> Self {
        self.manner.exceptions = exceptions;
        self
    }

    /// Says how much one span may hold.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says how much may wait, and how often it is sent.
    #[must_use]
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    /// Takes secrets out of what is sent, on the exporter's thread.
    #[cfg(feature = "redact")]
    #[must_use]
    pub fn redaction(mut self, redactor: tracewell_redact::Redactor) -> Self {
        self.redactor = Some(redactor);
        self
    }

    /// Starts the exporter's thread. The tracer records until the guard is dropped.
    pub fn start(self, exporter: impl Export + 'static) -> io::Result<Guard> {
        self.start_boxed(Box::new(exporter))
    }

    /// Like [`start`](Self::start), for an exporter that was chosen at run time.
    pub fn start_boxed(self, exporter: Box<dyn Export>) -> io::Result<Guard> {
        let engine = Arc::new(Engine::new(self.manner, self.limits, &self.queue));
        let worker = Worker {
            engine: Arc::clone(&engine),
            exporter,
            resource: self.resource,
            queue: self.queue,
            #[cfg(feature = "redact")]
            redaction: self.redactor.map(super::redaction::Redaction::new),
            random: Random::seeded(),
        };
        let thread = std::thread::Builder::new().name("tracewell".to_owned()).spawn(move || worker.run())?;
        Ok(Guard { tracer: Tracer::of(engine), thread: Some(thread) })
    }
}

/// Keeps a tracer at work. When it is dropped, what has ended is sent, for five seconds at most, and
/// the tracer records no more.
#[must_use = "spans are recorded until the guard is dropped"]
pub struct Guard {
    tracer: Tracer,
    /// Lives in the process that started it; a forked child has no such thread to wait for.
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Guard {
    /// Returns the tracer.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Sends everything that has ended, and waits until it was tried or `timeout` has passed. Returns
    /// whether it was in time.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.tracer.flush(timeout)
    }

    /// Returns what the tracer counted.
    pub fn status(&self) -> Status {
        self.tracer.status()
    }

    /// Ends the tracer; what has ended is sent, for `timeout` at most. Returns whether it was in time.
    pub fn shutdown(mut self, timeout: Duration) -> bool {
        self.end(timeout)
    }

    fn end(&mut self, timeout: Duration) -> bool {
        let Some(thread) = self.thread.take() else { return true };
        let engine = &self.tracer.engine;
        engine.close();
        if fork::is_child_of(engine.depot.home()) {
            return false;
        }
        engine.depot.close();
        let in_time = engine.depot.flush(timeout);
        if in_time {
            // It confirmed its last flush, so it is about to return; it never panics past its exporter.
            let _ = thread.join();
        }
        in_time
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end(LAST_FLUSH);
    }
}
