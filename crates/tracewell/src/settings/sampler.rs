//! Which traces are recorded.

use std::time::Duration;

use tracewell_tracer::{Remote, Sampler, Sampling};

use super::Environment;

/// Reads the sampler; `service` is whose a remote one is asked for.
pub(super) fn read(env: &mut Environment<'_>, service: &str) -> Sampling {
    if let Some(sampling) = otel(env, service) {
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
    Sampling { root: root.unwrap_or(Sampler::AlwaysOn), ..Sampling::default() }
}

fn otel(env: &mut Environment<'_>, service: &str) -> Option<Sampling> {
    let text = env.text("OTEL_TRACES_SAMPLER")?;
    let (parent_based, word) = match text.strip_prefix("parentbased_") {
        Some(word) => (true, word),
        None => (false, text.as_str()),
    };
    let root = match word {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::Ratio(env.share(&["OTEL_TRACES_SAMPLER_ARG"]).unwrap_or(1.0)),
        "jaeger_remote" => return remote(env, service, parent_based),
        _ => {
            env.warn(format!(
                "OTEL_TRACES_SAMPLER=`{text}` is no sampler of this SDK: every trace is recorded"
            ));
            return None;
        }
    };
    Some(Sampling { root, parent_based, ..Sampling::default() })
}

/// Reads `endpoint=..,pollingIntervalMs=..,initialSamplingRate=..`.
fn remote(env: &mut Environment<'_>, service: &str, parent_based: bool) -> Option<Sampling> {
    let argument = env.text("OTEL_TRACES_SAMPLER_ARG").unwrap_or_default();
    let said = |key: &str| {
        let pair = argument.split(',').filter_map(|pair| pair.split_once('='));
        pair.map(|(known, value)| (known.trim(), value.trim())).find(|(known, _)| *known == key)
    };
    let mut address = said("endpoint").map_or("http://localhost:5778", |(_, value)| value).to_owned();
    if let Some(host) = address.strip_suffix(":14250") {
        env.warn(format!("OTEL_TRACES_SAMPLER_ARG: the sampler is asked over HTTP, at {host}:5778"));
        address = format!("{host}:5778");
    }
    let Some(remote) = Remote::new(&address, service) else {
        env.warn(format!("OTEL_TRACES_SAMPLER_ARG: `{address}` is no address of a sampler"));
        return None;
    };
    let every = said("pollingIntervalMs").and_then(|(_, value)| value.parse().ok());
    let remote = remote.every(every.map_or(Duration::from_secs(60), Duration::from_millis));
    let first = said("initialSamplingRate").and_then(|(_, value)| value.parse().ok()).unwrap_or(0.001);
    let root = Sampler::Ratio(first);
    Some(Sampling { root, parent_based, remote: Some(remote), ..Sampling::default() })
}
