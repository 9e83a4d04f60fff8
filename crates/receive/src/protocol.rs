//! The ways in, as counters and log lines name them.

/// One protocol on one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// OTLP by gRPC.
    OtlpGrpc,
    /// OTLP by HTTP, protobuf or JSON.
    OtlpHttp,
    /// Jaeger's `PostSpans`.
    JaegerGrpc,
    /// Jaeger's thrift by HTTP.
    JaegerHttp,
    /// Thrift datagrams: Jaeger's or Zipkin's spans, in either encoding, on any port.
    JaegerUdp,
    /// Zipkin's v1 and v2 by HTTP.
    ZipkinHttp,
}

impl Protocol {
    /// Every protocol, in the order of its counters.
    pub const ALL: [Self; 6] = [
        Self::OtlpGrpc,
        Self::OtlpHttp,
        Self::JaegerGrpc,
        Self::JaegerHttp,
        Self::JaegerUdp,
        Self::ZipkinHttp,
    ];

    /// Returns the family: `otlp`, `jaeger` or `zipkin`, as OpenTelemetry Collectors label their receivers.
    pub const fn receiver(self) -> &'static str {
        match self {
            Self::OtlpGrpc | Self::OtlpHttp => "otlp",
            Self::JaegerGrpc | Self::JaegerHttp | Self::JaegerUdp => "jaeger",
            Self::ZipkinHttp => "zipkin",
        }
    }

    /// Returns the transport: `grpc`, `http` or `udp`.
    pub const fn transport(self) -> &'static str {
        match self {
            Self::OtlpGrpc | Self::JaegerGrpc => "grpc",
            Self::OtlpHttp | Self::JaegerHttp | Self::ZipkinHttp => "http",
            Self::JaegerUdp => "udp",
        }
    }
}
