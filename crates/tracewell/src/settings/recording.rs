//! What is recorded beyond the sampler: what is kept although unsampled, load, baggage, folding.

use std::time::Duration;

use tracewell_tracer::{Keep, Load, Sampling, SpanFilter};

use super::{Environment, millis};
use crate::exceptions::Signal;
use crate::recording::Extras;

/// Adds what the environment says to the sampler that it chose.
pub(super) fn sampling(env: &mut Environment<'_>, sampling: &mut Sampling) {
    let usual = Keep::default();
    let bytes = env.number(&["TRACEWELL_KEEP_MEMORY_MIB"]);
    sampling.keep = Keep {
        errors: truth(env, "TRACEWELL_KEEP_ERRORS"),
        status: number(env, "TRACEWELL_KEEP_ERROR_STATUS").unwrap_or(usual.status),
        slow: millis(env, &["TRACEWELL_KEEP_SLOWER_THAN_MILLIS"]),
        bytes_max: bytes
            .and_then(|mib| usize::try_from(mib.saturating_mul(1024 * 1024)).ok())
            .unwrap_or(usual.bytes_max),
    };
    if truth(env, "TRACEWELL_ADAPT_TO_LOAD") {
        sampling.load = Some(Load::default());
    }
    if let Some(share) = env.share(&["TRACE_EMERGENCY_SAMPLING_RATE"]) {
        sampling.emergency_ratio = share;
    }
}

/// Reads what else is done with spans.
pub(super) fn extras(env: &mut Environment<'_>) -> Extras {
    let keys = env.text("TRACEWELL_BAGGAGE_KEYS").unwrap_or_default();
    let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned);
    let limit = env.number(&["TRACEWELL_FOLD_FASTER_THAN_MICROS"]).map(Duration::from_micros);
    let signal = env.text("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN");
    Extras {
        filter: limit.map(SpanFilter::faster_than),
        baggage_keys: keys.collect(),
        exceptions: signal.map(|signal| Signal::parse(&signal)).unwrap_or_default(),
        ..Extras::default()
    }
}

fn truth(env: &Environment<'_>, name: &str) -> bool {
    env.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn number(env: &mut Environment<'_>, name: &'static str) -> Option<u16> {
    env.number(&[name]).and_then(|number| u16::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn recording_follows_its_variables() {
        let variables = [
            ("TRACEWELL_KEEP_ERRORS", "true"),
            ("TRACEWELL_KEEP_ERROR_STATUS", "400"),
            ("TRACEWELL_KEEP_SLOWER_THAN_MILLIS", "250"),
            ("TRACEWELL_ADAPT_TO_LOAD", "True"),
            ("TRACE_EMERGENCY_SAMPLING_RATE", "0.05"),
            ("TRACEWELL_BAGGAGE_KEYS", "tenant, user.id,"),
            ("TRACEWELL_FOLD_FASTER_THAN_MICROS", "500"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup"),
            ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
            (
                "OTEL_TRACES_SAMPLER_ARG",
                "endpoint=http://agent:5778,pollingIntervalMs=5000,initialSamplingRate=0.25",
            ),
        ];
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::read(&find);
        assert_eq!(settings.warnings, Vec::<String>::new());
        let sampling = settings.sampling;
        let slow = Some(Duration::from_millis(250));
        assert_eq!(sampling.keep, Keep { errors: true, status: 400, slow, ..Keep::default() });
        assert_eq!((sampling.load, sampling.emergency_ratio), (Some(Load::default()), 0.05));
        assert_eq!(settings.extras.baggage_keys, ["tenant", "user.id"]);
        assert_eq!(settings.extras.exceptions, Signal::Both);
        assert_eq!(settings.extras.filter, Some(SpanFilter::faster_than(Duration::from_micros(500))));
        assert_eq!(format!("{:?}", sampling.root), "ratio 0.25");
        assert!(format!("{:?}", sampling.remote).contains("agent"), "{:?}", sampling.remote);
    }
}
