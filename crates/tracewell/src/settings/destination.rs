//! Where spans go, and how.

use tracewell_tracer::export::{Compression, Endpoint, EndpointError};

use super::{Environment, Protocol, pairs};

const HTTP_PORT: u16 = 4318;
#[cfg(feature = "grpc")]
const GRPC_PORT: u16 = 4317;
const HTTP_PATH: &str = "/v1/traces";

/// Where spans go, and how.
pub(super) struct Destination {
    pub(super) endpoint: Result<Endpoint, EndpointError>,
    pub(super) protocol: Protocol,
    pub(super) headers: Vec<(String, String)>,
    pub(super) compression: Compression,
}

pub(super) fn read(env: &mut Environment<'_>) -> Destination {
    provider(env);
    let told = protocol(env);
    let (endpoint, protocol) = match env.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        // This one is taken as it stands.
        Some(url) => exact(&url, told),
        None => base(&base_url(env), told),
    };
    Destination {
        endpoint,
        protocol,
        headers: pairs(env, &["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]),
        compression: compression(env),
    }
}

/// Reads a base URL: HTTP adds its path, gRPC needs none. No protocol told: port 4317 is gRPC.
pub(super) fn base(url: &str, told: Option<Protocol>) -> (Result<Endpoint, EndpointError>, Protocol) {
    let (endpoint, protocol) = exact(url, told);
    let endpoint = endpoint.map(|endpoint| match protocol {
        Protocol::HttpProtobuf => endpoint.join(HTTP_PATH),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => endpoint,
    });
    (endpoint, protocol)
}

fn exact(url: &str, told: Option<Protocol>) -> (Result<Endpoint, EndpointError>, Protocol) {
    #[cfg(feature = "grpc")]
    {
        let default_port = if told == Some(Protocol::Grpc) { GRPC_PORT } else { HTTP_PORT };
        let url = if url.is_empty() { format!("http://localhost:{default_port}") } else { url.to_owned() };
        let endpoint = Endpoint::parse(&url, default_port);
        let known = endpoint.as_ref().is_ok_and(|endpoint| endpoint.port == GRPC_PORT);
        let guessed = if known { Protocol::Grpc } else { Protocol::HttpProtobuf };
        (endpoint, told.unwrap_or(guessed))
    }
    #[cfg(not(feature = "grpc"))]
    {
        let url = if url.is_empty() { "http://localhost:4318" } else { url };
        (Endpoint::parse(url, HTTP_PORT), told.unwrap_or(Protocol::HttpProtobuf))
    }
}

/// Returns the base URL that the environment names; empty if none.
fn base_url(env: &mut Environment<'_>) -> String {
    if let Some((_, url)) = env.first(&["OTEL_EXPORTER_OTLP_ENDPOINT", "TRACING_ENDPOINT"]) {
        return url;
    }
    // Whoever listens to Jaeger's own protocols has listened to OTLP beside them for years.
    if let Some(url) = env.text("JAEGER_ENDPOINT") {
        let host = Endpoint::parse(&url, HTTP_PORT).map(|endpoint| endpoint.host);
        return match host {
            Ok(host) => jaeger(env, "JAEGER_ENDPOINT", &host),
            Err(error) => {
                env.warn(format!("JAEGER_ENDPOINT: {error}: ignored"));
                String::new()
            }
        };
    }
    match env.text("JAEGER_AGENT_HOST") {
        Some(host) => jaeger(env, "JAEGER_AGENT_HOST", &host),
        None => String::new(),
    }
}

fn jaeger(env: &mut Environment<'_>, name: &str, host: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let url = format!("http://{host}:{HTTP_PORT}");
    env.warn(format!("{name} speaks of Jaeger's own protocol: spans go to the same host as OTLP, {url}"));
    url
}

fn provider(env: &mut Environment<'_>) {
    for name in ["TRACING_PROVIDER", "OTEL_TRACES_EXPORTER"] {
        match env.text(name).as_deref() {
            None | Some("otlp" | "none") => {}
            Some(other) => {
                let warning = format!("{name}=`{other}`: this SDK speaks OTLP, which the same servers take");
                env.warn(warning);
            }
        }
    }
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
