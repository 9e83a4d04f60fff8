//! The doors of the process, each with its name and its port by custom.

/// A listener. The order is the one in which they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listener {
    OtlpGrpc,
    OtlpHttp,
    JaegerCompact,
    JaegerBinary,
    ZipkinCompact,
    JaegerHttp,
    JaegerGrpc,
    Zipkin,
    SamplingHttp,
    SamplingGrpc,
    Query,
    QueryGrpc,
    Health,
    Admin,
    Metrics,
}

impl Listener {
    /// All listeners.
    pub(crate) const ALL: [Self; 15] = [
        Self::OtlpGrpc,
        Self::OtlpHttp,
        Self::JaegerCompact,
        Self::JaegerBinary,
        Self::ZipkinCompact,
        Self::JaegerHttp,
        Self::JaegerGrpc,
        Self::Zipkin,
        Self::SamplingHttp,
        Self::SamplingGrpc,
        Self::Query,
        Self::QueryGrpc,
        Self::Health,
        Self::Admin,
        Self::Metrics,
    ];

    /// Returns its name; the flag is the same behind two dashes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OtlpGrpc => "otlp-grpc",
            Self::OtlpHttp => "otlp-http",
            Self::JaegerCompact => "jaeger-compact",
            Self::JaegerBinary => "jaeger-binary",
            Self::ZipkinCompact => "zipkin-compact",
            Self::JaegerHttp => "jaeger-http",
            Self::JaegerGrpc => "jaeger-grpc",
            Self::Zipkin => "zipkin",
            Self::SamplingHttp => "sampling-http",
            Self::SamplingGrpc => "sampling-grpc",
            Self::Query => "query",
            Self::QueryGrpc => "query-grpc",
            Self::Health => "health",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }

    /// Returns the port that clients expect.
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::OtlpGrpc => 4317,
            Self::OtlpHttp => 4318,
            Self::JaegerCompact => 6831,
            Self::JaegerBinary => 6832,
            Self::ZipkinCompact => 5775,
            Self::JaegerHttp => 14268,
            Self::JaegerGrpc => 14250,
            Self::Zipkin => 9411,
            Self::SamplingHttp => 5778,
            Self::SamplingGrpc => 5779,
            Self::Query => 16686,
            Self::QueryGrpc => 16685,
            Self::Health => 13133,
            Self::Admin => 14269,
            Self::Metrics => 8888,
        }
    }

    /// Returns what comes in there, in a few words.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::OtlpGrpc => "OTLP over gRPC",
            Self::OtlpHttp => "OTLP over HTTP, /v1/traces",
            Self::JaegerCompact | Self::JaegerBinary => "Jaeger thrift over UDP, either encoding",
            Self::ZipkinCompact => "thrift over UDP, as agents of old",
            Self::JaegerHttp => "Jaeger thrift over HTTP, /api/traces",
            Self::JaegerGrpc => "Jaeger over gRPC",
            Self::Zipkin => "Zipkin v1 and v2, /api/v2/spans",
            Self::SamplingHttp => "strategies over HTTP",
            Self::SamplingGrpc => "strategies over gRPC",
            Self::Query => "page and APIs over HTTP",
            Self::QueryGrpc => "APIs over gRPC",
            Self::Health => "/status",
            Self::Admin => "/ and /metrics, where Jaeger 1 had them",
            Self::Metrics => "/metrics",
        }
    }

    /// Tells whether datagrams come in there.
    pub(crate) const fn is_datagrams(self) -> bool {
        matches!(self, Self::JaegerCompact | Self::JaegerBinary | Self::ZipkinCompact)
    }

    /// Returns the listener that a setting places.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        let name = key.strip_prefix("listen.")?;
        Self::ALL.into_iter().find(|listener| listener.name().replace('-', "_") == name)
    }
}
