//! Which library records which operation, by language. A pod uses at most six.

use span::SpanKind;

use crate::operation::{Class, Operation};
use crate::service::Language;

/// Returns name and version of the instrumentation that sees an operation.
pub(crate) fn scope_of(
    language: Language,
    operation: &Operation,
    kind: SpanKind,
) -> (&'static str, &'static str) {
    let calls = kind == SpanKind::Client;
    match (&operation.class, language) {
        (Class::Internal { .. }, _) => ("shop", "1.0.0"),
        (Class::HttpServer { .. } | Class::ExternalHttp { .. }, _) if calls => http_client(language),
        (Class::HttpServer { .. } | Class::ExternalHttp { .. }, _) => http_server(language),
        (Class::GrpcServer { .. }, _) => grpc(language),
        (Class::Sql { .. }, _) => sql(language),
        (Class::Redis { .. }, _) => redis(language),
        (Class::Producer { .. } | Class::Consumer { .. }, _) => kafka(language),
    }
}

const fn http_server(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Cpp => ("envoy", "1.31.2"),
        Language::Dotnet => ("OpenTelemetry.Instrumentation.AspNetCore", "1.13.0"),
        Language::Go => ("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.63.0"),
        Language::Java => ("io.opentelemetry.tomcat-10.0", "2.20.1-alpha"),
        Language::Node => ("@opentelemetry/instrumentation-http", "0.205.0"),
        Language::Python => ("opentelemetry.instrumentation.fastapi", "0.58b0"),
        Language::Ruby => ("OpenTelemetry::Instrumentation::Rack", "0.28.0"),
        Language::Rust => ("tower-http", "0.6.6"),
    }
}

const fn http_client(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Cpp => ("envoy.router", "1.31.2"),
        Language::Dotnet => ("System.Net.Http", "9.0.0"),
        Language::Go => ("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.63.0"),
        Language::Java => ("io.opentelemetry.java-http-client", "2.20.1-alpha"),
        Language::Node => ("@opentelemetry/instrumentation-undici", "0.15.0"),
        Language::Python => ("opentelemetry.instrumentation.httpx", "0.58b0"),
        Language::Ruby => ("OpenTelemetry::Instrumentation::Net::HTTP", "0.25.1"),
        Language::Rust => ("reqwest-tracing", "0.5.8"),
    }
}

const fn grpc(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Cpp => ("grpc-cpp", "1.74.0"),
        Language::Dotnet => ("OpenTelemetry.Instrumentation.GrpcNetClient", "1.13.0-beta.1"),
        Language::Go => {
            ("go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", "0.63.0")
        }
        Language::Java => ("io.opentelemetry.grpc-1.6", "2.20.1-alpha"),
        Language::Node => ("@opentelemetry/instrumentation-grpc", "0.205.0"),
        Language::Python => ("opentelemetry.instrumentation.grpc", "0.58b0"),
        Language::Ruby => ("OpenTelemetry::Instrumentation::Grpc", "0.4.0"),
        Language::Rust => ("tonic", "0.14.2"),
    }
}

const fn sql(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Go => ("github.com/XSAM/otelsql", "0.39.0"),
        Language::Java => ("io.opentelemetry.jdbc", "2.20.1-alpha"),
        Language::Node => ("@opentelemetry/instrumentation-mysql2", "0.51.0"),
        _ => ("sql", "1.0.0"),
    }
}

const fn redis(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Cpp => ("redis-plus-plus", "1.3.15"),
        Language::Dotnet => ("OpenTelemetry.Instrumentation.StackExchangeRedis", "1.13.0-beta.1"),
        Language::Go => ("github.com/redis/go-redis/extra/redisotel", "9.14.0"),
        Language::Java => ("io.opentelemetry.lettuce-5.1", "2.20.1-alpha"),
        Language::Node => ("@opentelemetry/instrumentation-ioredis", "0.53.0"),
        Language::Python => ("opentelemetry.instrumentation.redis", "0.58b0"),
        Language::Ruby => ("OpenTelemetry::Instrumentation::Redis", "0.27.1"),
        Language::Rust => ("fred", "10.1.0"),
    }
}

const fn kafka(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Go => ("github.com/IBM/sarama/otelsarama", "0.43.0"),
        Language::Java => ("io.opentelemetry.kafka-clients-0.11", "2.20.1-alpha"),
        Language::Ruby => ("OpenTelemetry::Instrumentation::Rdkafka", "0.8.0"),
        _ => ("kafka", "1.0.0"),
    }
}
