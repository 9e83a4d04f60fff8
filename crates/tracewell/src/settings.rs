//! What the environment says: `OTEL_*` first, then the names of older kits, then the defaults.
//!
//! Empty means unset; booleans are true only as `true`, in any case; a value that makes no sense is a
//! warning and counts as unset, as OpenTelemetry's specification wants. Every variable that this
//! version does not follow is a warning too, because a setting that is silently ignored is found out
//! from the bill.

mod destination;
mod ignored;
mod limits;
mod recording;
#[cfg(feature = "redact")]
mod redaction;
mod sampler;

use std::time::Duration;

use tracewell_context::Propagator;
use tracewell_tracer::export::{Compression, Endpoint, EndpointError};
use tracewell_tracer::subscriber::Directives;
use tracewell_tracer::{Limits, Queue, Sampling};

use crate::recording::Extras;

use crate::exceptions::Signal;
use crate::log::{JsonLog, Secrets};

pub(crate) use destination::Protocol;

/// Everything that was resolved.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Why tracing is off, if it is.
    pub(crate) off: Option<String>,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) endpoint: Result<Endpoint, EndpointError>,
    pub(crate) protocol: Protocol,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) compression: Compression,
    pub(crate) sampling: Sampling,
    pub(crate) extras: Extras,
    pub(crate) limits: Limits,
    pub(crate) queue: Queue,
    pub(crate) propagator: Propagator,
    pub(crate) directives: Directives,
    pub(crate) log: LogFormat,
    /// Paths that are neither traced nor logged, if they are told.
    pub(crate) excluded: Option<Vec<String>>,
    /// What is taken out of what is sent and logged; none if nothing is.
    #[cfg(feature = "redact")]
    pub(crate) redaction: Option<tracewell_redact::Rules>,
    pub(crate) warnings: Vec<String>,
}

/// Where events go besides their spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// To standard output, a line of JSON each.
    Json,
    /// Nowhere.
    Off,
}

/// The environment, asked by name.
pub(crate) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) warnings: Vec<String>,
}

impl Environment<'_> {
    /// Returns a variable that is set to something.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns the first of several that is set, with its name.
    pub(crate) fn first(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        names.iter().find_map(|name| Some((*name, self.text(name)?)))
    }

    /// Returns the first of several that is a number.
    pub(crate) fn number(&mut self, names: &[&'static str]) -> Option<u64> {
        for name in names {
            let Some(text) = self.text(name) else { continue };
            match text.parse() {
                Ok(number) => return Some(number),
                Err(_) => self.warn(format!("{name}=`{text}` is no whole number: ignored")),
            }
        }
        None
    }

    /// Returns the first of several that is a share of 0 to 1.
    pub(crate) fn share(&mut self, names: &[&'static str]) -> Option<f64> {
        for name in names {
            let Some(text) = self.text(name) else { continue };
            match text.parse() {
                Ok(share) if (0.0..=1.0).contains(&share) => return Some(share),
                _ => self.warn(format!("{name}=`{text}` is no number of 0 to 1: ignored")),
            }
        }
        None
    }

    pub(crate) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut environment = Environment { lookup, warnings: Vec::new() };
        let env = &mut environment;
        let destination = destination::read(env);
        let resource = resource(env);
        let service = resource.iter().find(|(key, _)| key == "service.name");
        let mut sampling = sampler::read(env, service.map_or("", |(_, name)| name));
        recording::sampling(env, &mut sampling);
        let mut settings = Self {
            off: off(env),
            resource,
            endpoint: destination.endpoint,
            protocol: destination.protocol,
            headers: destination.headers,
            compression: destination.compression,
            sampling,
            extras: recording::extras(env),
            limits: limits::read(env),
            queue: limits::queue(env),
            propagator: propagator(env),
            directives: directives(env),
            log: log(env),
            excluded: env.text("TRACEWELL_EXCLUDED_URLS").map(|list| {
                list.split(',').map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()).collect()
            }),
            #[cfg(feature = "redact")]
            redaction: redaction::read(env),
            warnings: Vec::new(),
        };
        ignored::warn(env);
        settings.warnings = environment.warnings;
        settings
    }

    /// Sends to another place, as `OTEL_EXPORTER_OTLP_ENDPOINT` would say it.
    pub(crate) fn point_at(&mut self, url: &str) {
        (self.endpoint, self.protocol) = destination::base(url, None);
    }

    /// Says in one line what was resolved.
    pub(crate) fn describe(&self, exporter: &str) -> String {
        let resource =
            |key: &str| self.resource.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        let mut line = format!("service {}", resource("service.name").map_or("unknown", String::as_str));
        for (key, word) in [("service.version", "version"), ("deployment.environment.name", "in")] {
            if let Some(value) = resource(key) {
                line.push_str(&format!(" {word} {value}"));
            }
        }
        let formats: Vec<String> =
            self.propagator.formats().map(|format| format!("{format:?}").to_ascii_lowercase()).collect();
        let parent = if self.sampling.parent_based { " (children follow)" } else { "" };
        let Queue { bytes_max, delay, .. } = self.queue;
        line.push_str(&format!(
            ", {exporter}, secrets {}, errors {}, sampling {:?}{parent}, context {}, every {} ms, at most {} MiB waiting",
            self.secrets(),
            if self.extras.exceptions == Signal::Nowhere { "not tracked" } else { "tracked" },
            self.sampling.root,
            formats.join("+"),
            delay.as_millis(),
            bytes_max / (1024 * 1024),
        ));
        line
    }
}

impl Settings {
    /// Returns who writes the log; none if nobody does.
    pub(crate) fn json_log(&self) -> Option<JsonLog> {
        (self.log == LogFormat::Json).then(|| JsonLog::new(self.secrets_of_lines()))
    }

    /// Returns what is taken out of lines of the log.
    pub(crate) fn secrets_of_lines(&self) -> Secrets {
        Secrets {
            #[cfg(feature = "redact")]
            redactor: self.redactor(),
        }
    }

    /// Makes the rules ready. Rules from code that make no sense fall back to the usual ones: what a
    /// service wants least is to send its secrets because of a typing error.
    #[cfg(feature = "redact")]
    pub(crate) fn redactor(&self) -> Option<tracewell_redact::Redactor> {
        let rules = self.redaction.as_ref()?;
        Some(tracewell_redact::Redactor::new(rules).unwrap_or_else(|_| tracewell_redact::Redactor::secrets()))
    }

    /// Says what becomes of secrets.
    fn secrets(&self) -> &'static str {
        #[cfg(feature = "redact")]
        if self.redaction.is_some() {
            return "redacted";
        }
        "as they are"
    }
}

fn off(env: &Environment<'_>) -> Option<String> {
    let is = |name: &str, word: &str| env.text(name).is_some_and(|text| text.eq_ignore_ascii_case(word));
    match () {
        () if is("OTEL_SDK_DISABLED", "true") => Some("OTEL_SDK_DISABLED".to_owned()),
        () if is("TRACING_ENABLED", "false") => Some("TRACING_ENABLED".to_owned()),
        () if is("OTEL_TRACES_EXPORTER", "none") => Some("OTEL_TRACES_EXPORTER".to_owned()),
        () => None,
    }
}

fn resource(env: &mut Environment<'_>) -> Vec<(String, String)> {
    let mut resource = Vec::new();
    for (key, value) in pairs(env, &["OTEL_RESOURCE_ATTRIBUTES"]) {
        resource.retain(|(known, _)| *known != key);
        resource.push((key, value));
    }
    let names = [
        ("service.version", "SERVICE_VERSION"),
        ("deployment.environment.name", "ENVIRONMENT"),
        ("service.name", "SERVICE_NAME"),
    ];
    for (key, name) in names {
        if let Some(value) = env.text(name)
            && resource.iter().all(|(known, _)| known != key)
        {
            resource.push((key.to_owned(), value));
        }
    }
    if let Some(name) = env.text("OTEL_SERVICE_NAME") {
        resource.retain(|(known, _)| known != "service.name");
        resource.push(("service.name".to_owned(), name));
    }
    if resource.iter().all(|(key, _)| key != "service.name") {
        let executable = std::env::current_exe().ok();
        let stem = executable.as_ref().and_then(|path| path.file_stem());
        let name = stem.map_or_else(|| "rust".into(), |stem| stem.to_string_lossy());
        resource.push(("service.name".to_owned(), format!("unknown_service:{name}")));
    }
    resource
}

fn propagator(env: &mut Environment<'_>) -> Propagator {
    let Some(names) = env.text("OTEL_PROPAGATORS") else { return Propagator::default() };
    let (propagator, unknown) = Propagator::from_names(&names);
    for name in unknown {
        env.warn(format!("OTEL_PROPAGATORS names `{name}`, which is unknown: ignored"));
    }
    propagator
}

fn directives(env: &mut Environment<'_>) -> Directives {
    for name in ["TRACEWELL_LOG", "RUST_LOG", "OTEL_LOG_LEVEL"] {
        let Some(text) = env.text(name) else { continue };
        match Directives::parse(&text) {
            Ok(directives) => return directives,
            Err(error) => env.warn(format!("{name}: {error}")),
        }
    }
    Directives::default()
}

fn log(env: &mut Environment<'_>) -> LogFormat {
    match env.text("TRACEWELL_LOG_FORMAT").as_deref() {
        None | Some("json") => LogFormat::Json,
        Some("off") => LogFormat::Off,
        Some(other) => {
            let warning = format!("TRACEWELL_LOG_FORMAT=`{other}` is neither json nor off: json it is");
            env.warn(warning);
            LogFormat::Json
        }
    }
}

/// Reads `key=value,key=value` with percent-encoded values, as headers and attributes are written.
fn pairs(env: &mut Environment<'_>, names: &[&'static str]) -> Vec<(String, String)> {
    let Some((name, text)) = env.first(names) else { return Vec::new() };
    let mut pairs = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                pairs.push((key.trim().to_owned(), percent_decoded(value.trim())));
            }
            _ => env.warn(format!("{name} has a part without key and value: ignored")),
        }
    }
    pairs
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = hex.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Milliseconds of a variable.
fn millis(env: &mut Environment<'_>, names: &[&'static str]) -> Option<Duration> {
    env.number(names).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Settings {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(&find)
    }

    fn check(variables: &[(&str, &str)], exporter: &str, service: &str, sampler: &str) {
        let settings = read(variables);
        let endpoint = settings.endpoint.as_ref().unwrap();
        let found = format!("{:?} {}{}", settings.protocol, endpoint.authority(), endpoint.path);
        assert_eq!(found, exporter, "{variables:?}");
        if !service.is_empty() {
            let line = settings.describe("x");
            assert!(line.starts_with(&format!("service {service}")), "{line}");
        }
        if !sampler.is_empty() {
            assert_eq!(format!("{:?}", settings.sampling.root), sampler, "{variables:?}");
        }
    }

    const HTTP: &str = "HttpProtobuf localhost:4318/v1/traces";

    #[test]
    fn every_name_means_what_its_kit_means() {
        check(&[], HTTP, "unknown_service:", "always_on");
        check(&[("OTEL_SERVICE_NAME", "a"), ("SERVICE_NAME", "b")], HTTP, "a", "");
        check(&[("SERVICE_NAME", "b"), ("SERVICE_VERSION", "1")], HTTP, "b version 1", "");
        let attributes = "service.name=c,deployment.environment.name=my%20test";
        check(&[("OTEL_RESOURCE_ATTRIBUTES", attributes)], HTTP, "c in my test", "");
        check(&[("OTEL_SERVICE_NAME", " ")], HTTP, "unknown_service:", "");
        check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1/x/")], "HttpProtobuf h:1/x/v1/traces", "", "");
        check(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:1/x")], "HttpProtobuf h:1/x", "", "");
        check(&[("TRACING_ENDPOINT", "http://h:4318")], "HttpProtobuf h:4318/v1/traces", "", "");
        check(&[("OTEL_TRACES_SAMPLER", "always_off")], HTTP, "", "always_off");
        check(
            &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")],
            HTTP,
            "",
            "ratio 0.5",
        );
        check(&[("SAMPLING_STRATEGY", "probabilistic"), ("SAMPLING_RATE", "0.1")], HTTP, "", "ratio 0.1");
        check(&[("TRACE_SAMPLING_RATE", "0.2")], HTTP, "", "ratio 0.2");
        check(&[("TRACING_SAMPLE_RATE", "0.3")], HTTP, "", "ratio 0.3");
        check(&[("TRACE_SAMPLING_RATE", "7")], HTTP, "", "always_on");
    }

    #[test]
    fn providers_and_their_places_are_chosen_by_every_name() {
        let goes = |variables: &[(&str, &str)], to: &str| check(variables, to, "", "");
        let provider = |name| ("TRACING_PROVIDER", name);
        let exporter = |name| ("OTEL_TRACES_EXPORTER", name);
        let place = |url| ("TRACING_ENDPOINT", url);
        goes(&[("JAEGER_ENDPOINT", "http://j:14268/api/traces")], "JaegerHttp j:14268/api/traces");
        goes(&[("JAEGER_ENDPOINT", "http://j")], "JaegerHttp j:14268/api/traces");
        goes(&[("JAEGER_ENDPOINT", "http://j:4318")], "HttpProtobuf j:4318/v1/traces");
        goes(&[("JAEGER_AGENT_HOST", "j")], "JaegerUdp j:6831/");
        goes(&[("JAEGER_AGENT_HOST", "::1"), ("JAEGER_AGENT_PORT", "7")], "JaegerUdp [::1]:7/");
        goes(&[("JAEGER_ENDPOINT", "http://c"), ("JAEGER_AGENT_HOST", "j")], "JaegerHttp c:14268/api/traces");
        let otel_first = [("JAEGER_ENDPOINT", "http://c"), ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "j")];
        goes(&otel_first, "JaegerUdp j:6831/");
        goes(&[provider("jaeger")], "JaegerUdp localhost:6831/");
        goes(&[provider("Jaeger"), place("http://j:14268")], "JaegerHttp j:14268/api/traces");
        goes(&[provider("jaeger"), place("j:9")], "JaegerUdp j:9/");
        goes(&[provider("jaeger"), place("udp://j")], "JaegerUdp j:6831/");
        goes(&[provider("zipkin")], "Zipkin localhost:9411/api/v2/spans");
        goes(&[provider("zipkin"), place("http://z:1/in")], "Zipkin z:1/in");
        goes(&[provider("otlp"), ("JAEGER_AGENT_HOST", "j")], HTTP);
        goes(&[provider("zipkin"), exporter("otlp")], HTTP);
        goes(&[exporter("zipkin"), ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://z/a")], "Zipkin z:9411/a");
        goes(&[exporter("jaeger"), ("OTEL_EXPORTER_JAEGER_AGENT_PORT", "5")], "JaegerUdp localhost:5/");
        goes(&[exporter("console,zipkin")], "Zipkin localhost:9411/api/v2/spans");
        let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1");
        goes(&[provider("jaeger"), otlp, ("JAEGER_AGENT_HOST", "j")], "HttpProtobuf h:1/v1/traces");
        let known = [("JAEGER_ENDPOINT", "http://j"), ("JAEGER_USERNAME", "ada"), ("JAEGER_PASSWORD", "pw")];
        let credentials = read(&known).endpoint.unwrap().credentials;
        assert_eq!(credentials, Some(("ada".to_owned(), "pw".to_owned())));
        assert_eq!(read(&known).warnings, Vec::<String>::new());
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn port_or_protocol_chooses_grpc() {
        check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317")], "Grpc h:4317/", "", "");
        check(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "Grpc localhost:4317/", "", "");
        let both = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"),
        ];
        check(&both, "HttpProtobuf h:4317/v1/traces", "", "");
    }

    #[test]
    fn off_is_off_by_any_of_its_names() {
        for (name, value) in
            [("OTEL_SDK_DISABLED", "TRUE"), ("TRACING_ENABLED", "false"), ("OTEL_TRACES_EXPORTER", "none")]
        {
            assert_eq!(read(&[(name, value)]).off.as_deref(), Some(name));
        }
        assert_eq!(read(&[("OTEL_SDK_DISABLED", "1")]).off, None);
    }

    #[test]
    fn what_is_not_followed_is_a_warning_and_all_else_is_none() {
        assert_eq!(read(&[]).warnings, Vec::<String>::new());
        let warned = |name: &str, value: &str| {
            let warnings = read(&[(name, value)]).warnings;
            assert!(warnings.iter().any(|warning| warning.contains(name)), "{name}: {warnings:?}");
        };
        warned("OTEL_BSP_SCHEDULE_DELAY", "soon");
        warned("OTEL_TRACES_SAMPLER", "xray");
        warned("OTEL_TRACES_SAMPLER", "sometimes");
        warned("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
        warned("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli");
        warned("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem");
        warned("OTEL_CONFIG_FILE", "/otel.yaml");
        warned("OTEL_PROPAGATORS", "pigeon");
        warned("OTEL_BSP_MAX_QUEUE_SIZE", "4096");
        warned("TRACING_PROVIDER", "xray");
        warned("OTEL_TRACES_EXPORTER", "console");
        warned("RUST_LOG", "[span{x}]=info");
        warned("CORRELATION_REDIS_URL", "redis://x");
    }

    #[cfg(feature = "redact")]
    #[test]
    fn redaction_is_on_unless_told() {
        use tracewell_redact::{Mode, Rule};
        let rules = read(&[]).redaction.unwrap();
        assert_eq!(rules.modes.of(Rule::Key), Mode::Mask);
        assert!(read(&[("TRACEWELL_REDACT", "off")]).redaction.is_none());
        let told = [
            ("TRACEWELL_REDACT", "hmac"),
            ("TRACEWELL_REDACT_HMAC_KEY", "0123456789abcdef"),
            ("TRACEWELL_REDACT_DENY", "internal note, *salary*"),
            ("TRACEWELL_REDACT_ALLOW", "csrf token"),
        ];
        let rules = read(&told).redaction.unwrap();
        assert_eq!((rules.modes.of(Rule::Card), rules.allow.len()), (Mode::Hmac, 1));
        assert!(rules.deny.iter().any(|key| key == "*salary*"));
        for (name, value) in [("TRACEWELL_REDACT", "hmac"), ("TRACEWELL_REDACT", "md5")] {
            let settings = read(&[(name, value)]);
            assert!(settings.warnings[0].contains(name), "{:?}", settings.warnings);
            assert_eq!(settings.redaction.unwrap().modes.of(Rule::Key), Mode::Mask);
        }
    }

    #[test]
    fn numbers_reach_the_engine() {
        let settings = read(&[
            ("OTEL_BSP_SCHEDULE_DELAY", "250"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
            ("MEMORY_LIMIT_MIB", "8"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "5"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "77"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x, a=b"),
        ]);
        assert_eq!(settings.queue.delay, Duration::from_millis(250));
        assert_eq!(settings.queue.batch_spans, 100);
        assert_eq!(settings.queue.timeout, Duration::from_secs(3));
        assert_eq!(settings.queue.bytes_max, 8 * 1024 * 1024);
        assert_eq!((settings.limits.attributes, settings.limits.value_chars), (5, 77));
        assert_eq!(settings.headers[0], ("authorization".to_owned(), "Bearer x".to_owned()));
        assert_eq!(settings.headers.len(), 2);
    }
}
