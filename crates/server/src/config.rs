//! What the operator decided, from five places, checked as a whole.
//!
//! A setting has one name in three spellings: `--otlp-grpc`, `TRACEWELL_OTLP_GRPC`, and in YAML
//! `listen.otlp_grpc`. Of several places the first counts: flag, `TRACEWELL_*`, Jaeger's own flags and
//! variables, the file, the default. Every error of every place is found before any is reported.
//!
//! Nothing here reads the environment or a file: [`Sources`] holds what was there.

mod error;
mod file;
mod jaeger_file;
mod jaeger_names;
mod listener;
mod nearest;
mod node;
mod quantity;
mod setting;

use std::path::PathBuf;
use std::time::Duration;

use api::BasePath;
use listen::Address;

pub(crate) use error::{ConfigError, ConfigErrors};
pub(crate) use jaeger_names::take_jaeger_flags;
pub(crate) use listener::Listener;
pub(crate) use quantity::{duration, show_bytes, show_duration};
pub(crate) use setting::{SETTINGS, Setting};

/// What means nothing to an engine without a disk.
const DISK_KEYS: [&str; 3] = ["data_dir", "retention", "retention_bytes"];

/// Everything that an operator can decide, decided.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The host of all listeners that name none.
    pub(crate) host: String,
    /// Where each listener listens; `None` is off.
    pub(crate) listeners: [Option<Address>; Listener::ALL.len()],
    /// Names beside `localhost` under which a loopback listener may be asked.
    pub(crate) hosts: Vec<String>,
    /// Websites whose pages may call.
    pub(crate) origins: Vec<String>,
    pub(crate) storage: Storage,
    pub(crate) data_dir: PathBuf,
    pub(crate) retention: Duration,
    pub(crate) retention_bytes: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) sampling_file: Option<PathBuf>,
    pub(crate) sampling_reload: Duration,
    pub(crate) sampling_probability: f64,
    pub(crate) clock_skew_max: Duration,
    pub(crate) base_path: BasePath,
    pub(crate) log: String,
    pub(crate) drain_time: Duration,
    pub(crate) limits: Limits,
}

/// The embedded engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// One directory on disk.
    Columnar,
    /// Nothing outlives the process.
    Memory,
}

/// The budgets of everything that comes in and goes out.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) request_bytes: usize,
    pub(crate) decompressed_bytes: usize,
    pub(crate) message_bytes: usize,
    pub(crate) in_flight_bytes: usize,
    pub(crate) intake_bytes: usize,
    pub(crate) intake_spans: usize,
    pub(crate) answer_bytes: usize,
    pub(crate) query_time: Duration,
    /// `None` leaves it to the descriptors that the process may open.
    pub(crate) connections: Option<usize>,
}

/// What was found in each place, in no particular order inside one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// Our flags: setting key and value.
    pub(crate) flags: Vec<(&'static str, String)>,
    /// Jaeger's flags, without the dashes.
    pub(crate) jaeger_flags: Vec<(String, String)>,
    /// The whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Name and text of the file.
    pub(crate) file: Option<(String, String)>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
struct Given {
    key: &'static str,
    value: String,
    from: String,
}

impl Default for Config {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            host: "localhost".to_owned(),
            listeners: Listener::ALL.map(|listener| Some(Address::Loopback(listener.port()))),
            hosts: Vec::new(),
            origins: Vec::new(),
            storage: Storage::Columnar,
            data_dir: PathBuf::from("tracewell-data"),
            retention: Duration::from_secs(7 * 24 * 3_600),
            retention_bytes: 20 << 30,
            memory_bytes: 1 << 30,
            sampling_file: None,
            sampling_reload: Duration::from_secs(1),
            sampling_probability: 1.0,
            clock_skew_max: Duration::ZERO,
            base_path: BasePath::default(),
            log: "info".to_owned(),
            drain_time: Duration::from_secs(20),
            limits: Limits {
                request_bytes: 20 * MIB,
                decompressed_bytes: 64 * MIB,
                message_bytes: 16 * MIB,
                in_flight_bytes: 128 * MIB,
                intake_bytes: 256 * MIB,
                intake_spans: 1_000_000,
                answer_bytes: 256 * MIB,
                query_time: Duration::from_secs(30),
                connections: None,
            },
        }
    }
}

impl Config {
    /// Puts all places together. Returns the notices that the operator should see at start, too.
    pub(crate) fn of(sources: &Sources) -> Result<(Self, Vec<String>), ConfigErrors> {
        let mut errors = Vec::new();
        let mut notices = Vec::new();
        let mut given: Vec<Given> = sources
            .flags
            .iter()
            .map(|(key, value)| Given { key, value: value.clone(), from: setting::flag_of(key) })
            .collect();
        given.extend(setting::of_environment(&sources.environment, &mut errors));
        given.extend(jaeger_names::of_flags(&sources.jaeger_flags, &mut errors, &mut notices));
        given.extend(jaeger_names::of_environment(&sources.environment, &mut errors, &mut notices));
        if let Some((name, text)) = &sources.file {
            given.extend(file::read(name, text, &mut errors));
        }
        let mut config = Self::default();
        for setting in &SETTINGS {
            // The places were collected in their order, so the first one found counts.
            let Some(first) = given.iter().find(|given| given.key == setting.key) else {
                if let Some(listener) = Listener::of_key(setting.key) {
                    config.listeners[listener as usize] =
                        Address::on_host(&config.host, listener.port()).ok();
                }
                continue;
            };
            if let Err(why) = setting.apply(&mut config, &first.value) {
                let Given { value, from, .. } = first.clone();
                errors.push(ConfigError::Value { from, value, why });
            }
        }
        errors.extend(config.same_ports());
        let unused = |given: &&Given| config.storage == Storage::Memory && DISK_KEYS.contains(&given.key);
        let said =
            |given: &Given| format!("{} is for --storage columnar; memory has memory_bytes", given.from);
        notices.extend(given.iter().filter(unused).map(said));
        if errors.is_empty() { Ok((config, notices)) } else { Err(ConfigErrors(errors)) }
    }

    /// Finds listeners that would take each other's port.
    fn same_ports(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for (at, listener) in Listener::ALL.into_iter().enumerate() {
            let Some(address) = self.address(listener).filter(|address| address.port() != 0) else {
                continue;
            };
            let clash = Listener::ALL[..at].iter().find(|other| {
                other.is_datagrams() == listener.is_datagrams()
                    && self.address(**other).is_some_and(|other| other.overlaps(address))
            });
            errors.extend(clash.map(|other| ConfigError::SamePort {
                flag: format!("--{}", other.name()),
                other: format!("--{}", listener.name()),
                port: address.port(),
            }));
        }
        errors
    }

    /// Returns where a listener listens; `None` is off.
    pub(crate) fn address(&self, listener: Listener) -> Option<Address> {
        self.listeners[listener as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Sources {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Sources {
            flags: flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            environment: environment.iter().map(own).collect(),
            file: (!file.is_empty()).then(|| ("tracewell.yaml".to_owned(), file.to_owned())),
            jaeger_flags: Vec::new(),
        }
    }

    fn errors(sources: &Sources) -> Vec<String> {
        Config::of(sources).unwrap_err().0.iter().map(ConfigError::to_string).collect()
    }

    #[test]
    fn first_place_counts() {
        let key = "listen.otlp_grpc";
        let file = "listen:\n  otlp_grpc: 127.0.0.1:1\n";
        let jaeger = ("COLLECTOR_OTLP_GRPC_HOST_PORT", "127.0.0.1:2");
        let ours = ("TRACEWELL_OTLP_GRPC", "127.0.0.1:3");
        let port =
            |sources: Sources| Config::of(&sources).unwrap().0.address(Listener::OtlpGrpc).unwrap().port();
        assert_eq!(port(sources(&[(key, "127.0.0.1:4")], &[jaeger, ours], file)), 4);
        assert_eq!(port(sources(&[], &[jaeger, ours], file)), 3);
        assert_eq!(port(sources(&[], &[jaeger], file)), 2);
        assert_eq!(port(sources(&[], &[], file)), 1);
        assert_eq!(port(sources(&[], &[], "")), 4317);
    }

    #[test]
    fn without_a_word_everything_is_on_and_on_the_loopback() {
        let (config, notices) = Config::of(&Sources::default()).unwrap();
        for listener in Listener::ALL {
            assert_eq!(config.address(listener), Some(Address::Loopback(listener.port())));
        }
        assert_eq!((config.storage, config.data_dir.to_str()), (Storage::Columnar, Some("tracewell-data")));
        assert_eq!((config.retention.as_secs(), config.retention_bytes), (7 * 24 * 3_600, 20 << 30));
        assert!(notices.is_empty());
    }

    #[test]
    fn host_moves_every_listener_that_names_none() {
        let (config, _) =
            Config::of(&sources(&[("listen.host", "0.0.0.0"), ("listen.zipkin", "localhost:1")], &[], ""))
                .unwrap();
        for listener in Listener::ALL {
            let expected = match listener {
                Listener::Zipkin => Address::Loopback(1),
                other => Address::Every(other.port()),
            };
            assert_eq!(config.address(listener), Some(expected));
        }
    }

    #[test]
    fn all_errors_come_at_once() {
        let file = "listen:\n  otlp_grcp: off\nretention: soon\nretentoin_bytes: 3\n";
        let found = errors(&sources(
            &[("storage", "paper")],
            &[("TRACEWELL_QUREY", "off"), ("TRACEWELL_DRAIN_TIME", "-1s")],
            file,
        ));
        let expected = [
            "TRACEWELL_QUREY: there is no such setting; did you mean TRACEWELL_QUERY?",
            "tracewell.yaml:2: listen.otlp_grcp: there is no such setting; did you mean listen.otlp_grpc?",
            "tracewell.yaml:4: retentoin_bytes: there is no such setting; did you mean retention_bytes?",
            "--storage: \"paper\" is no engine: write columnar or memory",
            "tracewell.yaml:3: retention: \"soon\" is no duration: write 90s, 12h or 7d",
            "TRACEWELL_DRAIN_TIME: \"-1s\" is no duration: write 90s, 12h or 7d",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn broken_yaml_is_named_with_its_place() {
        let found = errors(&sources(&[], &[], "listen: [1\nlog: x"));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("tracewell.yaml: line 2 column "), "{found:?}");
        assert!(!found[0].contains('\n'), "{found:?}");
    }

    #[test]
    fn variables_that_kubernetes_makes_for_services_are_not_ours() {
        let made = [
            ("TRACEWELL_SERVICE_HOST", "10.0.0.1"),
            ("TRACEWELL_PORT", "tcp://10.0.0.1:16686"),
            ("TRACEWELL_PORT_4317_TCP_ADDR", "10.0.0.1"),
            ("TRACEWELL_QUERY_SERVICE_HOST", "10.0.0.2"),
            ("TRACEWELL_QUERY_SERVICE_PORT_HTTP", "16686"),
            ("TRACEWELL_AGENT_PORT_6831_UDP", "udp://10.0.0.3:6831"),
        ];
        let (_, notices) = Config::of(&sources(&[], &made, "")).unwrap();
        assert!(notices.is_empty());
    }

    #[test]
    fn two_listeners_on_one_port_are_a_mistake() {
        let flags = [("listen.zipkin", "0.0.0.0:16686"), ("listen.otlp_http", "10.0.0.1:4317")];
        // A datagram and a connection have ports of their own.
        let found = errors(&sources(&flags, &[("TRACEWELL_QUERY_GRPC", "6831")], ""));
        let expected =
            ["--zipkin and --query are both at port 16686; give one of them another, or switch it off"];
        assert_eq!(found, expected);
    }

    #[test]
    fn every_setting_has_three_spellings() {
        for setting in &SETTINGS {
            assert_eq!(setting::of_flag(&setting.flag()).map(|found| found.key), Some(setting.key));
            let (key, mut errors) = (setting.key, Vec::new());
            let variable = (setting.variable(), "x".to_owned());
            let found: Vec<_> = setting::of_environment(&[variable], &mut errors).collect();
            assert_eq!((found.len(), found[0].key, errors.len()), (1, key, 0));
        }
    }

    #[test]
    fn every_setting_is_documented_in_its_three_spellings() {
        let page = include_str!("../../../docs/configuration.md");
        for setting in &SETTINGS {
            let (key, flag, variable) = (setting.key, setting.flag(), setting.variable());
            let row = format!("| `{key}` | `--{flag} {}` | `{variable}` | {} |", setting.value, setting.help);
            assert!(page.contains(&row), "the page lacks {row}");
        }
        let (_, rest) = page.split_once("```yaml\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let (config, notices) = Config::of(&sources(&[], &[], example)).unwrap();
        assert_eq!(config.address(Listener::OtlpGrpc), Some(Address::Every(4317)));
        assert_eq!((config.address(Listener::Zipkin), notices.len()), (None, 0));
    }

    #[test]
    fn file_may_say_everything() {
        let file = "
listen:
  host: 10.0.0.1
  otlp_grpc: off
  query: 8080
  hosts: [shop.example, traces.example]
storage: memory
retention: 36h
retention_bytes: 5GB
limits:
  request_bytes: 1MiB
  query_time: 1m30s
sampling:
  probability: 0.5
log: receive=debug
";
        let (config, notices) = Config::of(&sources(&[], &[], file)).unwrap();
        assert_eq!(config.address(Listener::OtlpGrpc), None);
        assert_eq!(config.address(Listener::Query), Some(Address::One("10.0.0.1:8080".parse().unwrap())));
        assert_eq!(config.hosts, ["shop.example", "traces.example"]);
        assert_eq!((config.storage, config.retention_bytes), (Storage::Memory, 5_000_000_000));
        assert_eq!((config.limits.request_bytes, config.limits.query_time.as_secs()), (1 << 20, 90));
        assert_eq!((config.sampling_probability, config.log.as_str()), (0.5, "receive=debug"));
        assert_eq!(
            notices,
            [
                "tracewell.yaml:8: retention is for --storage columnar; memory has memory_bytes",
                "tracewell.yaml:9: retention_bytes is for --storage columnar; memory has memory_bytes"
            ]
        );
    }
}
