//! Which traces are recorded.

use tracewell_tracer::{Sampler, Sampling};

use super::Environment;

pub(super) fn read(env: &mut Environment<'_>) -> Sampling {
    if let Some(sampling) = otel(env) {
        return sampling;
    }
    let root = match env.text("SAMPLING_STRATEGY").as_deref() {
        Some("always_on") => Some(Sampler::AlwaysOn),
        Some("always_off") => Some(Sampler::AlwaysOff),
        None | Some("probabilistic") => None,
        Some(other) => {
            let warning = format!("SAMPLING_STRATEGY=`{other}` is unknown: ignored");
            env.warn(warning);
            None
        }
    };
    let rates = ["SAMPLING_RATE", "TRACE_SAMPLING_RATE", "TRACING_SAMPLE_RATE"];
    let root = root.or_else(|| env.share(&rates).map(Sampler::Ratio));
    Sampling { root: root.unwrap_or(Sampler::AlwaysOn), parent_based: true }
}

fn otel(env: &mut Environment<'_>) -> Option<Sampling> {
    let text = env.text("OTEL_TRACES_SAMPLER")?;
    let (parent_based, word) = match text.strip_prefix("parentbased_") {
        Some(word) => (true, word),
        None => (false, text.as_str()),
    };
    let root = match word {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::Ratio(env.share(&["OTEL_TRACES_SAMPLER_ARG"]).unwrap_or(1.0)),
        _ => {
            env.warn(format!(
                "OTEL_TRACES_SAMPLER=`{text}` is no sampler of this SDK: every trace is recorded"
            ));
            return None;
        }
    };
    Some(Sampling { root, parent_based })
}
