//! The protocols in which the shop's traces can be sent.

use std::fmt;
use std::str::FromStr;

/// How spans travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    OtlpGrpc,
    /// OTLP as protobuf over HTTP.
    OtlpHttp,
    /// Jaeger's compact thrift in datagrams. Nothing is ever acknowledged.
    JaegerCompact,
    /// Jaeger's binary thrift in datagrams. Nothing is ever acknowledged.
    JaegerBinary,
    /// Jaeger's binary thrift over HTTP.
    JaegerHttp,
    /// Jaeger's gRPC.
    JaegerGrpc,
    /// Zipkin's JSON, version 2.
    Zipkin,
}

impl Protocol {
    /// All protocols; the listeners of the server bear the same names.
    pub const ALL: [Self; 7] = [
        Self::OtlpGrpc,
        Self::OtlpHttp,
        Self::JaegerCompact,
        Self::JaegerBinary,
        Self::JaegerHttp,
        Self::JaegerGrpc,
        Self::Zipkin,
    ];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtlpGrpc => "otlp-grpc",
            Self::OtlpHttp => "otlp-http",
            Self::JaegerCompact => "jaeger-compact",
            Self::JaegerBinary => "jaeger-binary",
            Self::JaegerHttp => "jaeger-http",
            Self::JaegerGrpc => "jaeger-grpc",
            Self::Zipkin => "zipkin",
        }
    }

    /// Returns the port that servers listen on by custom.
    pub const fn port(self) -> u16 {
        match self {
            Self::OtlpGrpc => 4317,
            Self::OtlpHttp => 4318,
            Self::JaegerCompact => 6831,
            Self::JaegerBinary => 6832,
            Self::JaegerHttp => 14268,
            Self::JaegerGrpc => 14250,
            Self::Zipkin => 9411,
        }
    }

    /// Returns the path of an export, without one that the endpoint names.
    pub const fn path(self) -> &'static str {
        match self {
            Self::OtlpGrpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::OtlpHttp => "/v1/traces",
            Self::JaegerHttp => "/api/traces?format=jaeger.thrift",
            Self::JaegerGrpc => "/jaeger.api_v2.CollectorService/PostSpans",
            Self::Zipkin => "/api/v2/spans",
            Self::JaegerCompact | Self::JaegerBinary => "",
        }
    }

    /// Tells whether it is gRPC.
    pub const fn is_grpc(self) -> bool {
        matches!(self, Self::OtlpGrpc | Self::JaegerGrpc)
    }

    /// Tells whether it is datagrams, which nobody acknowledges.
    pub const fn is_datagrams(self) -> bool {
        matches!(self, Self::JaegerCompact | Self::JaegerBinary)
    }

    /// Returns the protocol of the listener that has this port by custom.
    pub fn of_port(port: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.port() == port)
    }
}

/// The text names no protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no protocol: write otlp-grpc, otlp-http, jaeger-compact, jaeger-binary, jaeger-http, jaeger-grpc or zipkin"
)]
pub struct NoProtocol(String);

impl FromStr for Protocol {
    type Err = NoProtocol;

    fn from_str(text: &str) -> Result<Self, NoProtocol> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name() == text)
            .ok_or_else(|| NoProtocol(text.to_owned()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}
