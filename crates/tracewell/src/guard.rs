//! What `init` returns, and what the SDK says of itself.

use std::time::Duration;

use tracewell_tracer::{Status, Tracer};

/// Keeps tracing on; lives in `main`. When it is dropped, what has ended is sent, for five seconds at
/// most.
#[derive(Debug)]
#[must_use = "tracing ends when this is dropped: `let _tracing = tracewell::init();`"]
pub struct Guard {
    pub(crate) tracer: Option<tracewell_tracer::Guard>,
    pub(crate) resolved: String,
    pub(crate) warnings: Vec<String>,
}

impl Guard {
    /// Returns the tracer; none if tracing is off.
    pub fn tracer(&self) -> Option<&Tracer> {
        self.tracer.as_ref().map(tracewell_tracer::Guard::tracer)
    }

    /// Returns what was resolved, as it was printed.
    pub fn resolved(&self) -> &str {
        &self.resolved
    }

    /// Returns what was not followed, and why.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Sends everything that has ended, and waits until it was tried or `timeout` has passed. Returns
    /// whether it was in time.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.tracer.as_ref().is_none_or(|tracer| tracer.flush(timeout))
    }

    /// Ends tracing; what has ended is sent, for `timeout` at most. Returns whether it was in time.
    pub fn shutdown(mut self, timeout: Duration) -> bool {
        self.tracer.take().is_none_or(|tracer| tracer.shutdown(timeout))
    }
}

/// Returns what became of the spans: sent, refused, dropped, waiting. None if tracing is off.
pub fn status() -> Option<Status> {
    Tracer::global().map(Tracer::status)
}
