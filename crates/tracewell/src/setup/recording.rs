//! What code says about which spans are recorded, beyond one sampler.

use std::time::Duration;

use tracewell_tracer::{Load, SpanFilter};

use super::Setup;

impl Setup {
    /// Keeps traces with an error, or with an HTTP status of at least 500, although they were not
    /// sampled. Unsampled spans are recorded and wait in memory for their trace's end then.
    pub fn keep_errors(mut self, on: bool) -> Self {
        self.recording.keep_errors = Some(on);
        self
    }

    /// Says which HTTP status is an error for [`Self::keep_errors`]; 500, unless told.
    pub fn error_status(mut self, least: u16) -> Self {
        self.recording.error_status = Some(least);
        self
    }

    /// Keeps traces whose part in this service takes at least that long, although they were not sampled.
    pub fn keep_slower_than(mut self, limit: Duration) -> Self {
        self.recording.keep_slow = Some(Some(limit));
        self
    }

    /// Shrinks the share of traces while the process or the queue is too full.
    pub fn adapt_to_load(mut self, load: Load) -> Self {
        self.recording.load = Some(load);
        self
    }

    /// Says which share of traces is recorded in an emergency.
    pub fn emergency_ratio(mut self, share: f64) -> Self {
        self.recording.emergency_ratio = Some(share);
        self
    }

    /// Asks a Jaeger backend at that address (`http://host:5778`) for the sampler, once a minute.
    pub fn remote_sampler(mut self, address: &str) -> Self {
        self.recording.remote = Some(address.to_owned());
        self
    }

    /// Leaves the panic hook alone. By default panics are noted for the spans that they end and written to
    /// the log; the hook that was there is called all the same.
    pub fn without_panic_hook(mut self) -> Self {
        self.recording.no_panic_hook = true;
        self
    }

    /// Sends what is left when SIGTERM or SIGINT comes, for five seconds at most, and lets the signal end
    /// the process then. Not for services that handle these signals themselves: they drop the guard.
    #[cfg(feature = "signal")]
    pub fn flush_on_signal(mut self) -> Self {
        self.recording.heed_signals = true;
        self
    }

    /// Folds fast leaf spans into their parents.
    pub fn span_filter(mut self, filter: SpanFilter) -> Self {
        self.recording.filter = Some(filter);
        self
    }

    /// Copies these entries of the baggage onto each span that begins below them.
    pub fn baggage_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.recording.baggage_keys = Some(keys.into_iter().map(Into::into).collect());
        self
    }
}
