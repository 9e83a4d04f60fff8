//! The table of all settings: each with its key, its help and how its value is read.

use std::path::PathBuf;

use listen::Address;

use super::error::ConfigError;
use super::nearest::nearest;
use super::quantity::{bytes, duration};
use super::{Config, Given, Listener, Storage};

/// Something that an operator can decide.
pub(crate) struct Setting {
    /// Its place in the file.
    pub(crate) key: &'static str,
    /// What its value is called in the help.
    pub(crate) value: &'static str,
    /// What it decides.
    pub(crate) help: &'static str,
    /// Under which heading the help shows it.
    pub(crate) heading: &'static str,
    set: fn(&mut Config, &str) -> Result<(), String>,
}

/// Names that begin with `TRACEWELL_` and are no settings, but commands'.
const OTHER_VARIABLES: [&str; 2] = ["TRACEWELL_CONFIG", "TRACEWELL_SERVER"];

/// What the names hold that Kubernetes makes for services called `tracewell`, `tracewell-query` and so on.
const OF_SERVICES: [&str; 5] = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT", "_TCP", "_UDP"];

const LISTENERS: &str = "Listeners (an address, a port on the common host, or off)";
const STORAGE: &str = "Storage";
const SAMPLING: &str = "Sampling strategies that clients poll";
const RUNNING: &str = "Running";
const LIMITS: &str = "Limits";

/// Declares the setting that places a listener.
macro_rules! place {
    ($listener:ident, $key:literal, $help:literal) => {
        Setting {
            key: concat!("listen.", $key),
            value: "ADDR",
            help: $help,
            heading: LISTENERS,
            set: |config, value| {
                config.listeners[Listener::$listener as usize] = address(config, value)?;
                Ok(())
            },
        }
    };
}

/// Declares a plain setting.
macro_rules! plain {
    ($heading:ident, $key:literal, $value:literal, $help:literal, $set:expr) => {
        Setting { key: $key, value: $value, help: $help, heading: $heading, set: $set }
    };
}

/// All settings. The common host comes before the listeners that need it.
pub(crate) static SETTINGS: [Setting; 39] = [
    plain!(
        LISTENERS,
        "listen.host",
        "HOST",
        "Host of all listeners that name none; 0.0.0.0 opens every one to the network [default: localhost]",
        |config, value| {
            Address::on_host(value, 0).map_err(|_| NO_HOST.to_owned())?;
            config.host = value.to_owned();
            Ok(())
        }
    ),
    place!(OtlpGrpc, "otlp_grpc", "OTLP over gRPC [default: 4317]"),
    place!(OtlpHttp, "otlp_http", "OTLP over HTTP, protobuf and JSON [default: 4318]"),
    place!(JaegerCompact, "jaeger_compact", "Jaeger's thrift in datagrams, either encoding [default: 6831]"),
    place!(JaegerBinary, "jaeger_binary", "The same, where binary clients expect it [default: 6832]"),
    place!(
        ZipkinCompact,
        "zipkin_compact",
        "The same, where agents of old had Zipkin's thrift [default: 5775]"
    ),
    place!(JaegerHttp, "jaeger_http", "Jaeger's thrift over HTTP [default: 14268]"),
    place!(JaegerGrpc, "jaeger_grpc", "Jaeger over gRPC [default: 14250]"),
    place!(Zipkin, "zipkin", "Zipkin v1 and v2 [default: 9411]"),
    place!(SamplingHttp, "sampling_http", "Sampling strategies over HTTP [default: 5778]"),
    place!(SamplingGrpc, "sampling_grpc", "Sampling strategies over gRPC [default: 5779]"),
    place!(Query, "query", "The page, Jaeger's JSON APIs, and ours [default: 16686]"),
    place!(QueryGrpc, "query_grpc", "Jaeger's query APIs over gRPC [default: 16685]"),
    place!(Health, "health", "GET /status [default: 13133]"),
    place!(Admin, "admin", "Health and metrics where Jaeger 1 had them [default: 14269]"),
    place!(Metrics, "metrics", "Metrics of this process for Prometheus [default: 8888]"),
    plain!(
        LISTENERS,
        "listen.hosts",
        "NAMES",
        "Names beside localhost under which listeners on the loopback may be asked, separated by commas",
        |config, value| {
            config.hosts = list(value);
            Ok(())
        }
    ),
    plain!(
        LISTENERS,
        "listen.origins",
        "ORIGINS",
        "Websites whose pages may send spans, such as https://shop.example or https://*.shop.example",
        |config, value| {
            config.origins = list(value);
            Ok(())
        }
    ),
    plain!(
        STORAGE,
        "storage",
        "ENGINE",
        "columnar keeps spans in the data directory, memory loses them at exit [default: columnar]",
        |config, value| {
            config.storage = match value {
                "columnar" => Storage::Columnar,
                "memory" => Storage::Memory,
                _ => return Err("no engine: write columnar or memory".to_owned()),
            };
            Ok(())
        }
    ),
    plain!(
        STORAGE,
        "data_dir",
        "DIR",
        "Where spans are kept [default: ./tracewell-data]",
        |config, value| {
            if value.is_empty() {
                return Err("no directory".to_owned());
            }
            config.data_dir = PathBuf::from(value);
            Ok(())
        }
    ),
    plain!(
        STORAGE,
        "retention",
        "TIME",
        "How long spans are kept after their arrival; 0 is for ever [default: 7d]",
        |config, value| {
            config.retention = duration(value)?;
            Ok(())
        }
    ),
    plain!(
        STORAGE,
        "retention_bytes",
        "SIZE",
        "How much is kept on disk, the oldest goes first; 0 is without limit [default: 20GiB]",
        |config, value| {
            config.retention_bytes = bytes(value)?;
            Ok(())
        }
    ),
    plain!(
        STORAGE,
        "memory_bytes",
        "SIZE",
        "How much --storage memory keeps; the oldest goes first [default: 1GiB]",
        |config, value| {
            config.memory_bytes = size(value)?;
            Ok(())
        }
    ),
    plain!(
        SAMPLING,
        "sampling.file",
        "FILE",
        "Jaeger's strategies file; it is read again when it changes",
        |config, value| {
            config.sampling_file = Some(PathBuf::from(value));
            Ok(())
        }
    ),
    plain!(
        SAMPLING,
        "sampling.reload",
        "TIME",
        "How often the strategies file is looked at; 0 is never [default: 1s]",
        |config, value| {
            config.sampling_reload = duration(value)?;
            Ok(())
        }
    ),
    plain!(
        SAMPLING,
        "sampling.probability",
        "SHARE",
        "The share of traces for services that the file does not name [default: 1]",
        |config, value| {
            let share: f64 = value.parse().map_err(|_| NO_SHARE.to_owned())?;
            if !(0.0..=1.0).contains(&share) {
                return Err(NO_SHARE.to_owned());
            }
            config.sampling_probability = share;
            Ok(())
        }
    ),
    plain!(
        RUNNING,
        "log",
        "FILTER",
        "What is logged: info, debug, or by room as in receive=debug [default: info]",
        |config, value| {
            crate::log::check(value)?;
            config.log = value.to_owned();
            Ok(())
        }
    ),
    plain!(
        RUNNING,
        "drain_time",
        "TIME",
        "How long requests may take to finish after SIGTERM [default: 20s]",
        |config, value| {
            config.drain_time = duration(value)?;
            Ok(())
        }
    ),
    plain!(
        RUNNING,
        "clock_skew_max",
        "TIME",
        "By how much spans may be moved when a trace is read, where clocks disagree [default: 0s, off]",
        |config, value| {
            config.clock_skew_max = duration(value)?;
            Ok(())
        }
    ),
    plain!(
        RUNNING,
        "query.base_path",
        "PATH",
        "Where the page and its APIs stand behind a proxy that passes paths on; they stand at / as well [default: /]",
        |config, value| {
            config.base_path = value.parse().map_err(|error: api::NoBasePath| error.to_string())?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.request_bytes",
        "SIZE",
        "An HTTP body as it comes [default: 20MiB]",
        |config, value| {
            config.limits.request_bytes = size(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.decompressed_bytes",
        "SIZE",
        "A message once decompressed, at most 64MiB [default: 64MiB]",
        |config, value| {
            let bytes = size(value)?;
            if DECOMPRESSED_BYTES_MAX < bytes {
                return Err("more than 64MiB, which no message may have".to_owned());
            }
            config.limits.decompressed_bytes = bytes;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.message_bytes",
        "SIZE",
        "A gRPC message as it comes [default: 16MiB]",
        |config, value| {
            config.limits.message_bytes = size(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.in_flight_bytes",
        "SIZE",
        "All requests that are being read or decoded [default: 128MiB]",
        |config, value| {
            config.limits.in_flight_bytes = size(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.intake_bytes",
        "SIZE",
        "All batches that wait for the disk; past it senders are told to come later [default: 256MiB]",
        |config, value| {
            config.limits.intake_bytes = size(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.intake_spans",
        "COUNT",
        "The same in spans [default: 1000000]",
        |config, value| {
            config.limits.intake_spans = count(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.answer_bytes",
        "SIZE",
        "All answers that are being made or sent [default: 256MiB]",
        |config, value| {
            config.limits.answer_bytes = size(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.query_time",
        "TIME",
        "How long one query may work [default: 30s]",
        |config, value| {
            config.limits.query_time = duration(value)?;
            Ok(())
        }
    ),
    plain!(
        LIMITS,
        "limits.connections",
        "COUNT",
        "Open connections of all listeners [default: half of the descriptors, at most 10000]",
        |config, value| {
            config.limits.connections = Some(count(value)?);
            Ok(())
        }
    ),
];

const DECOMPRESSED_BYTES_MAX: usize = 64 << 20;
const NO_HOST: &str = "no host: write an IP address, localhost, or 0.0.0.0 for all";
const NO_SHARE: &str = "no share: write a number from 0 to 1";

impl Setting {
    /// Reads the value into the configuration.
    pub(super) fn apply(&self, config: &mut Config, value: &str) -> Result<(), String> {
        (self.set)(config, value)
    }

    /// Returns its flag, without the dashes.
    pub(crate) fn flag(&self) -> String {
        match self.key {
            "listen.host" => "listen".to_owned(),
            key if Listener::of_key(key).is_some() => key["listen.".len()..].replace('_', "-"),
            key => key.replace(['.', '_'], "-"),
        }
    }

    /// Returns its environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("TRACEWELL_{}", self.flag().replace('-', "_").to_ascii_uppercase())
    }

    /// Returns the setting in this place of the file.
    pub(super) fn of_key(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

/// Returns the flag of a key, as it is typed.
pub(super) fn flag_of(key: &str) -> String {
    Setting::of_key(key).map_or_else(|| key.to_owned(), |setting| format!("--{}", setting.flag()))
}

/// Returns the setting of a flag.
#[cfg(test)]
pub(super) fn of_flag(flag: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.flag() == flag)
}

/// Tells whether Kubernetes makes a variable of this name for a service.
pub(super) fn is_made_for_services(name: &str) -> bool {
    OF_SERVICES.iter().any(|part| name.contains(part))
}

/// Reads `TRACEWELL_*`.
pub(super) fn of_environment(
    environment: &[(String, String)],
    errors: &mut Vec<ConfigError>,
) -> impl Iterator<Item = Given> {
    let mut given = Vec::new();
    let mut ours: Vec<&(String, String)> =
        environment.iter().filter(|(name, _)| name.starts_with("TRACEWELL_")).collect();
    ours.sort();
    for (name, value) in ours {
        let other = OTHER_VARIABLES.contains(&name.as_str()) || is_made_for_services(name);
        match SETTINGS.iter().find(|setting| setting.variable() == *name) {
            Some(setting) => given.push(Given { key: setting.key, value: value.clone(), from: name.clone() }),
            None if other => {}
            None => {
                let all: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
                let nearest = nearest(name, all.iter().map(String::as_str)).to_owned();
                errors.push(ConfigError::Unknown { from: name.clone(), nearest });
            }
        }
    }
    given.into_iter()
}

/// Reads a listener's place. A port alone is on the common host.
fn address(config: &Config, value: &str) -> Result<Option<Address>, String> {
    if matches!(value, "off" | "false") {
        return Ok(None);
    }
    let read = match value.parse::<u16>() {
        Ok(port) => Address::on_host(&config.host, port),
        Err(_) => value.parse(),
    };
    read.map(Some).map_err(|_| "no address: write IP:PORT, localhost:PORT, :PORT, PORT or off".to_owned())
}

fn size(value: &str) -> Result<usize, String> {
    let size = bytes(value)?;
    usize::try_from(size).ok().filter(|size| 0 < *size).ok_or_else(|| "no size that can be used".to_owned())
}

fn count(value: &str) -> Result<usize, String> {
    value
        .parse()
        .ok()
        .filter(|count| 0 < *count)
        .ok_or_else(|| "no count: write a number of at least 1".to_owned())
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
