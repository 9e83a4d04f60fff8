//! What code says about which spans are recorded, beyond one sampler.

use std::time::Duration;

use tracewell_tracer::{Keep, Load, Remote, Sampling, SpanFilter, Tracer, TracerBuilder};

use crate::exceptions::Signal;
use crate::last_words;

/// What code says; what it leaves open stays as the environment has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) keep_errors: Option<bool>,
    pub(crate) error_status: Option<u16>,
    pub(crate) keep_slow: Option<Option<Duration>>,
    pub(crate) load: Option<Load>,
    pub(crate) emergency_ratio: Option<f64>,
    pub(crate) remote: Option<String>,
    pub(crate) filter: Option<SpanFilter>,
    pub(crate) baggage_keys: Option<Vec<String>>,
    pub(crate) no_panic_hook: bool,
    #[cfg(feature = "signal")]
    pub(crate) heed_signals: bool,
}

/// What the environment says of spans besides sampling.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) filter: Option<SpanFilter>,
    pub(crate) baggage_keys: Vec<String>,
    pub(crate) exceptions: Signal,
    pub(crate) no_panic_hook: bool,
    #[cfg(feature = "signal")]
    pub(crate) heed_signals: bool,
}

impl Recording {
    /// Puts what code says over what the environment says; returns what is wrong with it.
    pub(crate) fn overrule(
        self,
        sampling: &mut Sampling,
        extras: &mut Extras,
        service: &str,
    ) -> Option<String> {
        let Keep { errors, status, slow, bytes_max } = sampling.keep;
        sampling.keep = Keep {
            errors: self.keep_errors.unwrap_or(errors),
            status: self.error_status.unwrap_or(status),
            slow: self.keep_slow.unwrap_or(slow),
            bytes_max,
        };
        sampling.load = self.load.or(sampling.load);
        sampling.emergency_ratio = self.emergency_ratio.unwrap_or(sampling.emergency_ratio);
        extras.filter = self.filter.or_else(|| extras.filter.take());
        if let Some(keys) = self.baggage_keys {
            extras.baggage_keys = keys;
        }
        extras.no_panic_hook = self.no_panic_hook;
        #[cfg(feature = "signal")]
        {
            extras.heed_signals = self.heed_signals;
        }
        let address = self.remote?;
        sampling.remote = Remote::new(&address, service);
        let wrong = sampling.remote.is_none();
        wrong.then(|| format!("`{address}` is no address of a sampler: ignored"))
    }
}

impl Extras {
    /// Heeds what may end the process; returns what could not be.
    pub(crate) fn heed(&self, tracer: &Tracer, log: bool) -> Option<String> {
        if !self.no_panic_hook {
            last_words::heed_panics(tracer.clone(), log);
        }
        #[cfg(feature = "signal")]
        if self.heed_signals
            && let Err(error) = last_words::heed_signals(tracer.clone())
        {
            return Some(format!("signals cannot be heeded: {error}"));
        }
        None
    }

    pub(crate) fn put(&self, mut builder: TracerBuilder) -> TracerBuilder {
        if let Some(filter) = &self.filter {
            builder = builder.span_filter(filter.clone());
        }
        builder = builder.exceptions(self.exceptions.exceptions());
        builder.baggage_keys(self.baggage_keys.iter().map(String::as_str))
    }
}
