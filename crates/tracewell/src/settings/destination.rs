//! Where spans go, and how.
//!
//! The exporter is the one that `OTEL_TRACES_EXPORTER` names; else OTLP if one of its endpoints is set;
//! else what `TRACING_PROVIDER` names; else Jaeger's if one of its own variables is set; else OTLP.

use tracewell_tracer::export::{Compression, Endpoint, EndpointError};

use super::{Environment, pairs};

const HTTP_PORT: u16 = 4318;
const GRPC_PORT: u16 = 4317;
const HTTP_PATH: &str = "/v1/traces";
const AGENT_PORT: u16 = 6831;
const JAEGER_PORT: u16 = 14268;
const JAEGER_PATH: &str = "/api/traces";
const ZIPKIN_PORT: u16 = 9411;
const ZIPKIN_PATH: &str = "/api/v2/spans";

/// Where spans go, and how.
pub(super) struct Destination {
    pub(super) endpoint: Result<Endpoint, EndpointError>,
    pub(super) protocol: Protocol,
    pub(super) headers: Vec<(String, String)>,
    pub(super) compression: Compression,
}

/// How spans travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// OTLP over gRPC.
    #[cfg(feature = "grpc")]
    Grpc,
    /// OTLP over HTTP/1.1, as protobuf.
    HttpProtobuf,
    /// Jaeger's thrift over UDP; of the endpoint only host and port count.
    JaegerUdp,
    /// Jaeger's thrift over HTTP.
    JaegerHttp,
    /// Zipkin's JSON over HTTP.
    Zipkin,
}

/// Whose protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider {
    Otlp,
    Jaeger,
    Zipkin,
}

type Place = (Result<Endpoint, EndpointError>, Protocol);

pub(super) fn read(env: &mut Environment<'_>) -> Destination {
    let provider = provider(env);
    let (endpoint, protocol) = match provider {
        Provider::Otlp => otlp(env),
        Provider::Jaeger => jaeger(env),
        Provider::Zipkin => zipkin(env),
    };
    let is_otlp = provider == Provider::Otlp;
    Destination {
        endpoint,
        protocol,
        headers: pairs(env, &["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]),
        compression: if is_otlp { compression(env) } else { Compression::None },
    }
}

/// Reads a base URL of OTLP: HTTP adds its path, gRPC needs none. No protocol told: port 4317 is gRPC.
pub(super) fn base(url: &str, told: Option<Protocol>) -> Place {
    let (endpoint, protocol) = exact(url, told);
    let endpoint = endpoint
        .map(|endpoint| if protocol == Protocol::HttpProtobuf { endpoint.join(HTTP_PATH) } else { endpoint });
    (endpoint, protocol)
}

fn exact(url: &str, told: Option<Protocol>) -> Place {
    #[cfg(feature = "grpc")]
    let grpc = Protocol::Grpc;
    #[cfg(not(feature = "grpc"))]
    let grpc = Protocol::HttpProtobuf;
    let default_port = if told == Some(grpc) && cfg!(feature = "grpc") { GRPC_PORT } else { HTTP_PORT };
    let url = if url.is_empty() { format!("http://localhost:{default_port}") } else { url.to_owned() };
    let endpoint = Endpoint::parse(&url, default_port);
    let known = endpoint.as_ref().is_ok_and(|endpoint| endpoint.port == GRPC_PORT);
    let guessed = if known { grpc } else { Protocol::HttpProtobuf };
    (endpoint, told.unwrap_or(guessed))
}

fn otlp(env: &mut Environment<'_>) -> Place {
    let told = protocol(env);
    match env.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        // This one is taken as it stands.
        Some(url) => exact(&url, told),
        None => {
            let url = env.first(&["OTEL_EXPORTER_OTLP_ENDPOINT", "TRACING_ENDPOINT"]);
            base(&url.map(|(_, url)| url).unwrap_or_default(), told)
        }
    }
}

/// Jaeger's variables: a collector's URL before an agent's host.
fn jaeger(env: &mut Environment<'_>) -> Place {
    let urls = ["OTEL_EXPORTER_JAEGER_ENDPOINT", "JAEGER_ENDPOINT", "TRACING_ENDPOINT"];
    let hosts = ["OTEL_EXPORTER_JAEGER_AGENT_HOST", "JAEGER_AGENT_HOST"];
    // OpenTelemetry's names come first, whichever protocol they speak of.
    let otel_host = env.text(hosts[0]);
    if let Some((name, url)) = env.first(&urls)
        && (name == urls[0] || otel_host.is_none())
    {
        return jaeger_url(env, name, &url);
    }
    let host = otel_host.or_else(|| env.text(hosts[1])).unwrap_or_else(|| "localhost".to_owned());
    let ports = ["OTEL_EXPORTER_JAEGER_AGENT_PORT", "JAEGER_AGENT_PORT"];
    let port = env.number(&ports).and_then(|port| u16::try_from(port).ok()).unwrap_or(AGENT_PORT);
    (Endpoint::parse(&format!("http://{}", bracketed(&host)), port), Protocol::JaegerUdp)
}

fn jaeger_url(env: &mut Environment<'_>, name: &str, url: &str) -> Place {
    let agent = url.strip_prefix("udp://").or_else(|| (!url.contains("://")).then_some(url));
    if let Some(agent) = agent {
        return (Endpoint::parse(&format!("http://{agent}"), AGENT_PORT), Protocol::JaegerUdp);
    }
    let endpoint = Endpoint::parse(url, JAEGER_PORT).map(|endpoint| at_path(endpoint, JAEGER_PATH));
    if let Ok(Endpoint { port: GRPC_PORT | HTTP_PORT, .. }) = endpoint {
        env.warn(format!("{name}=`{url}` is a port of OTLP: OTLP is what is sent there"));
        return base(url, None);
    }
    let credentials = [
        env.first(&["OTEL_EXPORTER_JAEGER_USER", "JAEGER_USERNAME", "JAEGER_USER"]),
        env.first(&["OTEL_EXPORTER_JAEGER_PASSWORD", "JAEGER_PASSWORD"]),
    ];
    let endpoint = endpoint.map(|mut endpoint| {
        if let [Some((_, user)), password] = credentials {
            endpoint.credentials = Some((user, password.map(|(_, text)| text).unwrap_or_default()));
        }
        endpoint
    });
    (endpoint, Protocol::JaegerHttp)
}

fn zipkin(env: &Environment<'_>) -> Place {
    let url = env.first(&["OTEL_EXPORTER_ZIPKIN_ENDPOINT", "TRACING_ENDPOINT"]);
    let url = url.map_or_else(|| format!("http://localhost:{ZIPKIN_PORT}"), |(_, url)| url);
    let endpoint = Endpoint::parse(&url, ZIPKIN_PORT).map(|endpoint| at_path(endpoint, ZIPKIN_PATH));
    (endpoint, Protocol::Zipkin)
}

/// A URL without a path means the usual one.
fn at_path(endpoint: Endpoint, path: &str) -> Endpoint {
    if endpoint.path == "/" { endpoint.join(path) } else { endpoint }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

fn provider(env: &mut Environment<'_>) -> Provider {
    if let Some(list) = env.text("OTEL_TRACES_EXPORTER") {
        let mut known = list.split(',').map(str::trim).filter_map(|name| match name {
            "otlp" | "none" => Some(Provider::Otlp),
            "jaeger" => Some(Provider::Jaeger),
            "zipkin" => Some(Provider::Zipkin),
            _ => None,
        });
        let first = known.next();
        if first.is_none() || list.contains(',') {
            let warning = format!(
                "OTEL_TRACES_EXPORTER=`{list}`: this SDK sends to one of otlp, jaeger and zipkin, the first that is named"
            );
            env.warn(warning);
        }
        if let Some(first) = first {
            return first;
        }
    }
    if env.first(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]).is_some() {
        return Provider::Otlp;
    }
    match env.text("TRACING_PROVIDER").map(|name| name.to_ascii_lowercase()).as_deref() {
        Some("otlp") => return Provider::Otlp,
        Some("jaeger") => return Provider::Jaeger,
        Some("zipkin") => return Provider::Zipkin,
        None => {}
        Some(other) => {
            let warning = format!("TRACING_PROVIDER=`{other}` is none of jaeger, zipkin and otlp: ignored");
            env.warn(warning);
        }
    }
    let jaeger = [
        "OTEL_EXPORTER_JAEGER_ENDPOINT",
        "OTEL_EXPORTER_JAEGER_AGENT_HOST",
        "JAEGER_ENDPOINT",
        "JAEGER_AGENT_HOST",
    ];
    let told = env.first(&["TRACING_ENDPOINT"]).is_some();
    if !told && env.first(&jaeger).is_some() {
        return Provider::Jaeger;
    }
    if !told && env.first(&["OTEL_EXPORTER_ZIPKIN_ENDPOINT"]).is_some() {
        return Provider::Zipkin;
    }
    Provider::Otlp
}

fn protocol(env: &mut Environment<'_>) -> Option<Protocol> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    let (name, text) = env.first(&names)?;
    match text.as_str() {
        #[cfg(feature = "grpc")]
        "grpc" => Some(Protocol::Grpc),
        "http/protobuf" => Some(Protocol::HttpProtobuf),
        "http/json" => {
            env.warn(format!("{name}=http/json: sent as http/protobuf, which the same servers take"));
            Some(Protocol::HttpProtobuf)
        }
        other => {
            let warning = format!("{name}=`{other}` is no protocol of this build: ignored");
            env.warn(warning);
            None
        }
    }
}

fn compression(env: &mut Environment<'_>) -> Compression {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
    let Some((name, text)) = env.first(&names) else { return Compression::None };
    Compression::named(&text).unwrap_or_else(|| {
        env.warn(format!("{name}=`{text}` is no compression of this build: sent uncompressed"));
        Compression::None
    })
}
