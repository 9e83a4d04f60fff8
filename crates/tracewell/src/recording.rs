//! What code says about which spans are recorded, beyond one sampler.

use std::time::Duration;

use tracewell_tracer::{Keep, Load, Remote, Sampling, SpanFilter, TracerBuilder};

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
}

/// What the environment says of spans besides sampling.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) filter: Option<SpanFilter>,
    pub(crate) baggage_keys: Vec<String>,
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
        let address = self.remote?;
        sampling.remote = Remote::new(&address, service);
        let wrong = sampling.remote.is_none();
        wrong.then(|| format!("`{address}` is no address of a sampler: ignored"))
    }
}

impl Extras {
    pub(crate) fn put(&self, mut builder: TracerBuilder) -> TracerBuilder {
        if let Some(filter) = &self.filter {
            builder = builder.span_filter(filter.clone());
        }
        builder.baggage_keys(self.baggage_keys.iter().map(String::as_str))
    }
}
