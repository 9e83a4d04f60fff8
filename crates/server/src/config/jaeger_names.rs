//! Jaeger's own flags and environment variables: what they mean here, or that they mean nothing.
//!
//! Jaeger 1 derives a variable from each flag (upper case, `_` for `.` and `-`); one table serves both.
//! A name without a meaning here is named once at start, so nothing is ignored in silence.

use super::error::ConfigError;
use super::setting::is_made_for_services;
use super::{Given, quantity};

/// What one of Jaeger's names means here.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// An address for this setting. `:port` is the port on the common host, because Jaeger's default
    /// for all its listeners at once is `--listen` here.
    Address(&'static str),
    /// `false` switches these listeners off.
    Enabled(&'static [&'static str]),
    /// The value as it is.
    Same(&'static str),
    /// A host for all listeners that name none.
    Host,
    /// Jaeger's storage types.
    Storage,
    /// Nothing here; the text says why or what to use.
    Nothing(&'static str),
}

use Meaning::{Address, Enabled, Host, Nothing, Same, Storage};

const QUEUE: &str = "what waits is bounded in bytes: limits.intake_bytes";
const CORS: &str = "allowed websites are listen.origins";
const TLS: &str = "no listener speaks TLS; put a proxy before it";
const ALIVE: &str = "connections have limits of their own";
const TENANTS: &str = "there is one tenant";

/// Jaeger's flags with memory storage, of versions 1 and 2, and variables that never were flags.
static NAMES: [(&str, Meaning); 65] = [
    ("admin.http.host-port", Address("listen.admin")),
    ("collector.grpc-server.host-port", Address("listen.jaeger_grpc")),
    ("collector.grpc-server.max-message-size", Same("limits.message_bytes")),
    ("collector.grpc-server.max-connection-age", Nothing(ALIVE)),
    ("collector.grpc-server.max-connection-age-grace", Nothing(ALIVE)),
    ("collector.http-server.host-port", Address("listen.jaeger_http")),
    ("collector.http-server.read-header-timeout", Nothing(ALIVE)),
    ("collector.http-server.read-timeout", Nothing(ALIVE)),
    ("collector.http-server.idle-timeout", Nothing(ALIVE)),
    ("collector.num-workers", Nothing(QUEUE)),
    ("collector.queue-size", Nothing(QUEUE)),
    ("collector.queue-size-memory", Nothing(QUEUE)),
    ("collector.tags", Nothing("spans are kept as they were sent")),
    ("collector.enable-span-size-metrics", Nothing("received bytes are always counted")),
    ("collector.otlp.enabled", Enabled(&["listen.otlp_grpc", "listen.otlp_http"])),
    ("collector.otlp.grpc.host-port", Address("listen.otlp_grpc")),
    ("collector.otlp.grpc.max-message-size", Same("limits.message_bytes")),
    ("collector.otlp.grpc.max-connection-age", Nothing(ALIVE)),
    ("collector.otlp.grpc.max-connection-age-grace", Nothing(ALIVE)),
    ("collector.otlp.http.host-port", Address("listen.otlp_http")),
    ("collector.otlp.http.read-header-timeout", Nothing(ALIVE)),
    ("collector.otlp.http.read-timeout", Nothing(ALIVE)),
    ("collector.otlp.http.idle-timeout", Nothing(ALIVE)),
    ("collector.otlp.http.cors.allowed-headers", Nothing(CORS)),
    ("collector.otlp.http.cors.allowed-origins", Same("listen.origins")),
    ("collector.zipkin.host-port", Address("listen.zipkin")),
    ("collector.zipkin.http-port", Address("listen.zipkin")),
    ("collector.zipkin.keep-alive", Nothing(ALIVE)),
    ("collector.zipkin.cors.allowed-headers", Nothing(CORS)),
    ("collector.zipkin.cors.allowed-origins", Nothing(CORS)),
    ("processor.jaeger-compact.server-host-port", Address("listen.jaeger_compact")),
    ("processor.jaeger-binary.server-host-port", Address("listen.jaeger_binary")),
    ("processor.zipkin-compact.server-host-port", Address("listen.zipkin_compact")),
    ("http-server.host-port", Address("listen.sampling_http")),
    ("query.http-server.host-port", Address("listen.query")),
    ("query.grpc-server.host-port", Address("listen.query_grpc")),
    ("query.base-path", Same("query.base_path")),
    ("query.bearer-token-propagation", Nothing("the engine is inside this process")),
    ("query.additional-headers", Nothing("a proxy may add headers")),
    ("query.enable-tracing", Nothing("this process sends no spans of its own")),
    ("query.log-static-assets-access", Nothing("reads are counted, not logged")),
    ("query.max-clock-skew-adjustment", Same("clock_skew_max")),
    ("query.static-files", Nothing("the page is inside the binary")),
    ("query.ui-config", Nothing("the page has no configuration")),
    ("sampling.strategies-file", Same("sampling.file")),
    ("sampling.strategies-reload-interval", Same("sampling.reload")),
    ("sampling.default-sampling-probability", Same("sampling.probability")),
    ("downsampling.ratio", Nothing("every span that is acknowledged is kept")),
    ("downsampling.hashsalt", Nothing("every span that is acknowledged is kept")),
    ("memory.max-traces", Nothing("memory is bounded in bytes: memory_bytes")),
    ("multi-tenancy.enabled", Nothing(TENANTS)),
    ("multi-tenancy.header", Nothing(TENANTS)),
    ("multi-tenancy.tenants", Nothing(TENANTS)),
    (
        "metrics-backend",
        Nothing("metrics are always there for Prometheus, on the listeners admin and metrics"),
    ),
    ("metrics-http-route", Nothing("metrics are at /metrics")),
    ("jaeger-listen-host", Host),
    ("prometheus-server-url", Nothing("no metrics storage is asked")),
    ("log-level", Same("log")),
    ("log-encoding", Nothing("logs are lines of text")),
    ("span-storage-type", Storage),
    ("span-storage.type", Storage),
    ("dependency-storage-type", Nothing("calls between services are computed from stored spans")),
    ("sampling-config-type", Nothing("strategies come from sampling.file")),
    ("sampling-storage-type", Nothing("strategies come from sampling.file")),
    ("metrics-storage-type", Nothing("no metrics storage is asked")),
];

/// Flags of Jaeger 2 that stand before its own configuration.
const VERSION_TWO: [(&str, &str); 2] = [
    ("set", "it changes a Jaeger configuration; give our flag instead"),
    ("feature-gates", "there are none"),
];

/// What Jaeger's clients read behind `JAEGER_`: whoever traces this process with one may set it.
const CLIENTS: [&str; 22] = [
    "SERVICE_NAME",
    "AGENT_HOST",
    "AGENT_PORT",
    "ENDPOINT",
    "AUTH_TOKEN",
    "USER",
    "USERNAME",
    "PASSWORD",
    "PROPAGATION",
    "REPORTER_LOG_SPANS",
    "REPORTER_MAX_QUEUE_SIZE",
    "REPORTER_FLUSH_INTERVAL",
    "REPORTER_ATTEMPT_RECONNECTING_DISABLED",
    "REPORTER_ATTEMPT_RECONNECT_INTERVAL",
    "SAMPLER_TYPE",
    "SAMPLER_PARAM",
    "SAMPLER_MANAGER_HOST_PORT",
    "SAMPLING_ENDPOINT",
    "SAMPLER_MAX_OPERATIONS",
    "SAMPLER_REFRESH_INTERVAL",
    "TAGS",
    "TRACEID_128BIT",
];

/// Flags that need no value behind them.
const SWITCHES: [&str; 7] = [
    "collector.enable-span-size-metrics",
    "collector.otlp.enabled",
    "collector.zipkin.keep-alive",
    "query.bearer-token-propagation",
    "query.enable-tracing",
    "query.log-static-assets-access",
    "multi-tenancy.enabled",
];

/// Takes Jaeger's flags out of a command line, because there are too many of them for a help page.
/// Returns what is left and what was taken.
pub(crate) fn take_jaeger_flags(arguments: Vec<String>) -> (Vec<String>, Vec<(String, String)>) {
    let (mut rest, mut taken) = (Vec::new(), Vec::new());
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            rest.push(argument);
            rest.extend(arguments);
            break;
        }
        let flag = argument.strip_prefix("--").unwrap_or_default();
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        if !is_flag(name) {
            rest.push(argument);
            continue;
        }
        let is_switch = SWITCHES.contains(&name) || name.ends_with(".tls.enabled");
        let value = match value {
            Some(value) => value,
            None if is_switch => "true".to_owned(),
            None => arguments.next_if(|next| !next.starts_with("--")).unwrap_or_default(),
        };
        taken.push((name.to_owned(), value));
    }
    (rest, taken)
}

fn is_flag(name: &str) -> bool {
    let known =
        NAMES.iter().any(|(known, _)| *known == name) || VERSION_TWO.iter().any(|(known, _)| *known == name);
    known || name.contains(".tls.")
}

/// Reads Jaeger's flags.
pub(super) fn of_flags(
    flags: &[(String, String)],
    errors: &mut Vec<ConfigError>,
    notices: &mut Vec<String>,
) -> Vec<Given> {
    let mut given = Vec::new();
    for (name, value) in flags {
        let from = format!("--{name}");
        let meaning = NAMES.iter().find(|(known, _)| known == name).map(|(_, meaning)| *meaning);
        let two = VERSION_TWO.iter().find(|(known, _)| known == name).map(|(_, why)| Nothing(why));
        let meaning = meaning.or(two).unwrap_or(Nothing(TLS));
        given.extend(read(meaning, from, value, errors, notices));
    }
    given
}

/// Reads Jaeger's variables.
pub(super) fn of_environment(
    environment: &[(String, String)],
    errors: &mut Vec<ConfigError>,
    notices: &mut Vec<String>,
) -> Vec<Given> {
    let mut given = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (flag, meaning) in &NAMES {
        let variable = flag.replace(['.', '-'], "_").to_ascii_uppercase();
        let found = environment.iter().find(|(name, value)| *name == variable && !value.is_empty());
        let Some((name, value)) = found else { continue };
        // Two flags may make the same variable.
        if !seen.contains(&name.as_str()) {
            seen.push(name);
            given.extend(read(*meaning, name.clone(), value, errors, notices));
        }
    }
    let is_tls = |name: &str| {
        let ours = ["COLLECTOR_", "QUERY_", "ADMIN_"].iter().any(|prefix| name.starts_with(prefix));
        ours && name.contains("_TLS_")
    };
    let mut tls: Vec<&str> =
        environment.iter().map(|(name, _)| name.as_str()).filter(|name| is_tls(name)).collect();
    tls.sort_unstable();
    notices.extend(tls.into_iter().map(|name| ignored(name, TLS)));
    let mut unknown: Vec<&str> = environment
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("JAEGER_") && !seen.contains(name) && !is_others(name))
        .collect();
    unknown.sort_unstable();
    notices.extend(unknown.into_iter().map(|name| ignored(name, "nothing here bears that name")));
    given
}

/// Tells whether a name is one that Jaeger's clients read, or that Kubernetes makes for a service.
fn is_others(name: &str) -> bool {
    let of_client = CLIENTS.iter().any(|known| name.strip_prefix("JAEGER_") == Some(known));
    of_client || is_made_for_services(name)
}

fn read(
    meaning: Meaning,
    from: String,
    value: &str,
    errors: &mut Vec<ConfigError>,
    notices: &mut Vec<String>,
) -> Vec<Given> {
    let value = value.trim();
    let one = |key, value: &str| vec![Given { key, value: value.to_owned(), from: from.clone() }];
    match meaning {
        // Jaeger takes a flag without a value as its default.
        _ if value.is_empty() => Vec::new(),
        Address(key) => one(key, value.strip_prefix(':').unwrap_or(value)),
        Enabled(keys) => match value.parse() {
            Ok(true) => Vec::new(),
            Ok(false) => keys.iter().flat_map(|key| one(key, "off")).collect(),
            Err(_) => {
                let why = "neither true nor false".to_owned();
                errors.push(ConfigError::Value { from, value: value.to_owned(), why });
                Vec::new()
            }
        },
        Host => one("listen.host", value),
        // Jaeger writes "0s" for its own default where zero would mean nothing to us.
        Same("sampling.reload") if quantity::duration(value).is_ok_and(|time| time.is_zero()) => Vec::new(),
        Same(key) => one(key, value),
        Storage => match value {
            "memory" => one("storage", "memory"),
            "badger" => one("storage", "columnar"),
            other => {
                notices.push(ignored(
                    &from,
                    &format!("{other} is not an engine of this build; spans go to the embedded one"),
                ));
                Vec::new()
            }
        },
        Nothing(why) => {
            notices.push(ignored(&from, why));
            Vec::new()
        }
    }
}

fn ignored(name: &str, why: &str) -> String {
    format!("{name} is Jaeger's and is ignored: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Listener, Sources, Storage};

    fn own(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn jaegers_flags_are_taken_and_ours_are_left() {
        let line = own(&[
            "tracewell",
            "--collector.zipkin.host-port=:9411",
            "--otlp-grpc",
            "off",
            "--collector.queue-size",
            "2000",
            "--query.enable-tracing",
            "--log-level=debug",
            "--",
            "--memory.max-traces",
        ]);
        let (rest, taken) = take_jaeger_flags(line);
        assert_eq!(rest, own(&["tracewell", "--otlp-grpc", "off", "--", "--memory.max-traces"]));
        let taken: Vec<String> = taken.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "collector.zipkin.host-port=:9411",
            "collector.queue-size=2000",
            "query.enable-tracing=true",
            "log-level=debug",
        ];
        assert_eq!(taken, expected);
    }

    #[test]
    fn every_name_is_accepted_as_flag_and_as_variable() {
        for (name, meaning) in &NAMES {
            let value = match meaning {
                Address(_) => ":7777",
                Enabled(_) => "false",
                Same("log") => "debug",
                Same("listen.origins") => "https://a.example",
                Same("sampling.reload" | "clock_skew_max") => "5s",
                Same("sampling.probability") => "0.5",
                Same("query.base_path") => "/jaeger",
                Same(_) => "4096",
                Storage => "memory",
                Host => "0.0.0.0",
                Nothing(_) => "anything",
            };
            let flags =
                Sources { jaeger_flags: vec![((*name).to_owned(), value.to_owned())], ..Sources::default() };
            let variable = name.replace(['.', '-'], "_").to_ascii_uppercase();
            let variables = Sources { environment: vec![(variable, value.to_owned())], ..Sources::default() };
            for sources in [flags, variables] {
                let (_, notices) = Config::of(&sources).unwrap_or_else(|errors| panic!("{name}: {errors}"));
                let is_nothing = matches!(meaning, Nothing(_));
                assert_eq!(notices.len(), usize::from(is_nothing), "{name}: {notices:?}");
            }
        }
    }

    #[test]
    fn what_all_in_one_users_write_means_the_same() {
        let environment = [
            ("COLLECTOR_ZIPKIN_HOST_PORT", ":19411"),
            ("SPAN_STORAGE_TYPE", "memory"),
            ("COLLECTOR_OTLP_ENABLED", "false"),
            ("QUERY_MAX_CLOCK_SKEW_ADJUSTMENT", "2s"),
            ("MEMORY_MAX_TRACES", "50000"),
            ("COLLECTOR_GRPC_TLS_ENABLED", "true"),
            ("QUERY_BASE_PATH", "/jaeger"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let (config, notices) = Config::of(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!(config.address(Listener::Zipkin), Some(listen::Address::Loopback(19_411)));
        assert_eq!(config.address(Listener::OtlpHttp), None);
        assert_eq!((config.storage, config.clock_skew_max.as_secs()), (Storage::Memory, 2));
        assert_eq!(config.base_path.as_str(), "/jaeger");
        let expected = [
            "MEMORY_MAX_TRACES is Jaeger's and is ignored: memory is bounded in bytes: memory_bytes",
            "COLLECTOR_GRPC_TLS_ENABLED is Jaeger's and is ignored: no listener speaks TLS; put a proxy before it",
        ];
        assert_eq!(notices, expected);
    }

    #[test]
    fn what_is_jaegers_and_unknown_is_named_and_what_is_its_clients_is_not() {
        let environment = [
            ("JAEGER_LISTEN_HOST", "0.0.0.0"),
            ("JAEGER_NOVELTY", "1"),
            ("JAEGER_AGENT_HOST", "jaeger"),
            ("JAEGER_QUERY_SERVICE_HOST", "10.0.0.1"),
            ("JAEGER_COLLECTOR_PORT_4317_TCP", "tcp://10.0.0.1:4317"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let (config, notices) = Config::of(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!(config.address(Listener::OtlpGrpc), Some(listen::Address::Every(4317)));
        assert_eq!(notices, ["JAEGER_NOVELTY is Jaeger's and is ignored: nothing here bears that name"]);
    }

    #[test]
    fn a_variable_that_two_flags_make_is_named_once() {
        let environment = vec![("SPAN_STORAGE_TYPE".to_owned(), "cassandra".to_owned())];
        let (_, notices) = Config::of(&Sources { environment, ..Sources::default() }).unwrap();
        let expected = "SPAN_STORAGE_TYPE is Jaeger's and is ignored: cassandra is not an engine of this build; \
                        spans go to the embedded one";
        assert_eq!(notices, [expected]);
    }
}
