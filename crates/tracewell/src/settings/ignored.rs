//! Variables that are known and not followed, each with its reason.

use super::Environment;

/// Names, and what is said about them.
const IGNORED: [(&[&str], &str); 5] = [
    (&["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"], "configuration files are not read"),
    (
        &[
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        ],
        "there is no TLS in this build: send to a collector nearby",
    ),
    (&["OTEL_SEMCONV_STABILITY_OPT_IN"], "spans follow the stable conventions"),
    (
        &[
            "CORRELATION_REDIS_URL",
            "ERROR_REDIS_URL",
            "PERFORMANCE_REDIS_URL",
            "ERROR_ELASTICSEARCH_URL",
            "ERROR_KAFKA_BOOTSTRAP_SERVERS",
        ],
        "the server correlates, groups errors and measures: no store beside it is needed",
    ),
    (
        &["ENABLE_AUTO_INSTRUMENTATION", "ENABLE_SYSTEM_MONITORING", "ENABLE_CPROFILE"],
        "this version does not have it",
    ),
];

pub(super) fn warn(env: &mut Environment<'_>) {
    for (names, why) in IGNORED {
        for name in names {
            if env.text(name).is_some() {
                env.warn(format!("{name} is ignored: {why}"));
            }
        }
    }
}
