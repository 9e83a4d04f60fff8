//! `init`: the environment and what code says, turned into a tracer and a subscriber.

mod recording;

use std::env;

use tracewell_tracer::export::http::OtlpHttp;
use tracewell_tracer::export::jaeger::{JaegerHttp, JaegerUdp};
use tracewell_tracer::export::zipkin::ZipkinHttp;
use tracewell_tracer::export::{Endpoint, EndpointError};
use tracewell_tracer::{Export, Sampler, TraceSubscriber, Tracer, TracerBuilder};

use crate::carriers;
use crate::exceptions::Signal;
use crate::guard::Guard;
use crate::log;
use crate::paths;
use crate::recording::Recording;
use crate::settings::{LogFormat, Protocol, Settings};

/// Starts tracing as the environment says. Keep what it returns until `main` ends.
///
/// It never fails and never panics: what it cannot follow is a warning on standard error, and a service
/// that cannot be traced runs untraced.
pub fn init() -> Guard {
    Setup::default().init()
}

/// Begins to say in code what the environment may leave open; what is said in code counts first.
///
/// ```no_run
/// let _tracing = tracewell::service("shop").version("1.2.3").environment("production").init();
/// ```
pub fn service(name: &str) -> Setup {
    Setup { name: Some(name.to_owned()), ..Setup::default() }
}

/// What code says about tracing.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is traced until `init`"]
pub struct Setup {
    name: Option<String>,
    version: Option<String>,
    environment: Option<String>,
    endpoint: Option<String>,
    sampler: Option<Sampler>,
    attributes: Vec<(String, String)>,
    recording: Recording,
    #[cfg(feature = "redact")]
    redaction: Option<Option<tracewell_redact::Rules>>,
    error_tracking: Option<bool>,
    profiling: bool,
    quiet: bool,
    disabled: bool,
}

impl Setup {
    /// Turns tracing off; lines of requests are written all
    /// the same. The environment may turn off what code leaves on.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.disabled = !enabled;
        self
    }

    /// Names the version of the service.
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// Names where it is deployed, as `production`.
    pub fn environment(mut self, environment: &str) -> Self {
        self.environment = Some(environment.to_owned());
        self
    }

    /// Says where spans go: a base URL, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it. Port 4317 is gRPC.
    pub fn endpoint(mut self, url: &str) -> Self {
        self.endpoint = Some(url.to_owned());
        self
    }

    /// Says which new traces are recorded.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = Some(sampler);
        self
    }

    /// Adds an attribute of the service.
    pub fn attribute(mut self, key: &str, value: &str) -> Self {
        self.attributes.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Says which secrets are taken out of what is sent and logged, and what becomes of them.
    ///
    /// ```no_run
    /// use tracewell::redact::{Mode, Rule, Rules};
    ///
    /// let mut rules = Rules::secrets();
    /// rules.deny.push("internal note".into());
    /// rules.allow.push("csrf token".into());
    /// rules.modes.set(Rule::Card, Mode::Drop);
    /// let _tracing = tracewell::service("shop").redaction(rules).init();
    /// ```
    #[cfg(feature = "redact")]
    pub fn redaction(mut self, rules: tracewell_redact::Rules) -> Self {
        self.redaction = Some(Some(rules));
        self
    }

    /// Sends and logs secrets as they are.
    #[cfg(feature = "redact")]
    pub fn without_redaction(mut self) -> Self {
        self.redaction = Some(None);
        self
    }

    /// Says whether errors and panics are recorded as exceptions, with type, message and causes, which is
    /// what a server groups them by; they are, unless told. Without it, spans fail all the same, and the
    /// panic hook stays as it is.
    pub fn error_tracking(mut self, on: bool) -> Self {
        self.error_tracking = Some(on);
        self
    }

    /// Asks for profiles. This version has no profiler, which is a warning at the start.
    pub fn profiling(mut self, on: bool) -> Self {
        self.profiling = on;
        self
    }

    /// Prints neither the line with what was resolved nor the warnings; the guard has both.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Starts tracing; [`init`] says how.
    pub fn init(self) -> Guard {
        self.begin(subscribe)
    }

    /// Starts tracing as [`init`](Self::init) does, and leaves `tracing` to a stack of layers of your own.
    /// Put the layer into it; there is none where tracing is off.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// let (traces, _tracing) = tracewell::service("shop").layer();
    /// tracing_subscriber::registry().with(traces).with(tracing_subscriber::fmt::layer()).init();
    /// ```
    #[cfg(feature = "layer")]
    pub fn layer(self) -> (Option<tracewell_tracer::subscriber::TraceLayer>, Guard) {
        let guard = self.begin(|_, _| {});
        let layer = |tracer: &Tracer| tracewell_tracer::subscriber::TraceLayer::new(tracer.clone());
        (guard.tracer().map(layer), guard)
    }

    fn begin(self, subscribe: impl FnOnce(&Tracer, &mut Settings)) -> Guard {
        let mut settings = Settings::read(&|name| env::var(name).ok());
        let quiet = self.quiet;
        self.overrule(&mut settings);
        let guard = start(settings, subscribe);
        if !quiet {
            for line in guard.warnings.iter().chain([&guard.resolved]) {
                eprintln!("tracewell: {line}");
            }
        }
        guard
    }

    fn overrule(self, settings: &mut Settings) {
        let mut set = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                settings.resource.retain(|(known, _)| known != key);
                settings.resource.push((key.to_owned(), value));
            }
        };
        set("service.name", self.name);
        set("service.version", self.version);
        set("deployment.environment.name", self.environment);
        for (key, value) in self.attributes {
            set(&key, Some(value));
        }
        if self.disabled {
            settings.off = Some("by code".to_owned());
        }
        if let Some(sampler) = self.sampler {
            settings.sampling.root = sampler;
            settings.sampling.remote = None;
        }
        let service = settings.resource.iter().find(|(key, _)| key == "service.name");
        let service = service.map_or_else(String::new, |(_, name)| name.clone());
        let wrong = self.recording.overrule(&mut settings.sampling, &mut settings.extras, &service);
        settings.warnings.extend(wrong);
        if self.error_tracking == Some(false) {
            settings.extras.exceptions = Signal::Nowhere;
            settings.extras.no_panic_hook = true;
        }
        if self.profiling {
            settings
                .warnings
                .push("profiling(true): this version has no profiler: nothing is profiled".to_owned());
        }
        #[cfg(feature = "redact")]
        if let Some(redaction) = self.redaction {
            settings.redaction = redaction;
        }
        if let Some(url) = self.endpoint {
            settings.point_at(&url);
        }
    }
}

fn start(mut settings: Settings, subscribe: impl FnOnce(&Tracer, &mut Settings)) -> Guard {
    carriers::decide(settings.propagator);
    paths::decide(settings.excluded.take());
    log::guard(settings.secrets_of_lines());
    let off = |resolved: String, warnings| Guard { tracer: None, resolved, warnings };
    if let Some(why) = &settings.off {
        // Lines of requests are written all the same.
        log::decide(settings.json_log().map(|log| (log, settings.directives.clone())));
        return off(format!("off ({why})"), settings.warnings);
    }
    let exporter = match exporter(&settings) {
        Ok(exporter) => exporter,
        Err(error) => {
            settings.warnings.push(error.to_string());
            return off("off (no usable endpoint)".to_owned(), settings.warnings);
        }
    };
    #[cfg(feature = "redact")]
    if let Some(Err(error)) = settings.redaction.as_ref().map(tracewell_redact::Redactor::new) {
        settings.warnings.push(format!("{error}: secrets are masked by the usual rules"));
    }
    let resolved = settings.describe(&exporter.describe());
    let mut builder = TracerBuilder::default()
        .sampling(settings.sampling.clone())
        .limits(settings.limits)
        .queue(settings.queue)
        .resource("telemetry.sdk.name", "tracewell")
        .resource("telemetry.sdk.language", "rust")
        .resource("telemetry.sdk.version", env!("CARGO_PKG_VERSION"))
        .resource("process.pid", std::process::id());
    builder = settings.extras.put(builder);
    #[cfg(feature = "redact")]
    if let Some(redactor) = settings.redactor() {
        builder = builder.redaction(redactor);
    }
    for (key, value) in &settings.resource {
        builder = builder.resource(key, value);
    }
    let tracer = match builder.start_boxed(exporter) {
        Ok(tracer) => tracer,
        Err(error) => {
            settings.warnings.push(format!("the exporter's thread cannot start: {error}"));
            return off("off (no thread)".to_owned(), settings.warnings);
        }
    };
    if !tracer.tracer().install() {
        settings.warnings.push("a tracer is installed already; it stays the one of `span`".to_owned());
    }
    let wrong = settings.extras.heed(tracer.tracer(), settings.log == LogFormat::Json);
    settings.warnings.extend(wrong);
    #[cfg(feature = "otel-api-0_33")]
    tracewell_tracer::otel_api::install(tracer.tracer(), *carriers::propagator());
    subscribe(tracer.tracer(), &mut settings);
    Guard { tracer: Some(tracer), resolved, warnings: settings.warnings }
}

/// Makes the tracer the one that `tracing` speaks to.
fn subscribe(tracer: &Tracer, settings: &mut Settings) {
    let mut subscriber = TraceSubscriber::new(tracer.clone()).directives(settings.directives.clone());
    if let Some(log) = settings.json_log() {
        subscriber = subscriber.event_sink(log);
    }
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        log::decide(settings.json_log().map(|log| (log, settings.directives.clone())));
    } else {
        settings.warnings.push(
            "`tracing` has a subscriber already: its spans are not recorded; start with `Setup::layer` there"
                .to_owned(),
        );
    }
}

fn exporter(settings: &Settings) -> Result<Box<dyn Export>, EndpointError> {
    let endpoint: &Endpoint = settings.endpoint.as_ref().map_err(Clone::clone)?;
    match settings.protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => {
            let exporter = tracewell_tracer::export::grpc::OtlpGrpc::new(
                endpoint.clone(),
                &settings.headers,
                settings.compression,
            )?;
            Ok(Box::new(exporter))
        }
        Protocol::HttpProtobuf => {
            let exporter = OtlpHttp::new(endpoint.clone(), &settings.headers, settings.compression)?;
            Ok(Box::new(exporter))
        }
        Protocol::JaegerUdp => Ok(Box::new(JaegerUdp::new(&endpoint.host, endpoint.port))),
        Protocol::JaegerHttp => Ok(Box::new(JaegerHttp::new(endpoint.clone(), &[])?)),
        Protocol::Zipkin => Ok(Box::new(ZipkinHttp::new(endpoint.clone(), &[])?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overruled(setup: Setup) -> Settings {
        let mut settings = Settings::read(&|_| None);
        setup.overrule(&mut settings);
        settings
    }

    #[test]
    fn what_code_switches_is_switched_or_said_to_be_missing() {
        let usual = overruled(service("shop"));
        assert!(usual.describe("x").contains("errors tracked"), "{}", usual.describe("x"));
        assert_eq!(usual.warnings, Vec::<String>::new());
        let off = overruled(service("shop").error_tracking(false).profiling(false));
        assert!(off.describe("x").contains("errors not tracked"), "{}", off.describe("x"));
        assert!(off.extras.no_panic_hook && !off.extras.exceptions.exceptions().on_spans);
        assert_eq!(off.warnings, Vec::<String>::new());
        let profiled = overruled(service("shop").error_tracking(true).profiling(true));
        assert!(profiled.describe("x").contains("errors tracked"));
        assert!(profiled.warnings[0].contains("no profiler"), "{:?}", profiled.warnings);
    }
}
