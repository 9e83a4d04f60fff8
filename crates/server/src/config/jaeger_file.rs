//! The answer to somebody who gives us Jaeger 2's own configuration: the same settings in our words.

use super::node::{Node, Placed};

/// Top-level keys that only a Collector's configuration has.
const JAEGERS: [&str; 6] = ["service", "extensions", "receivers", "exporters", "processors", "connectors"];

/// Where Jaeger 2 keeps what we also have; `*` is a name that the operator chose.
const PLACES: [(&str, &str); 22] = [
    ("receivers.otlp.protocols.grpc.endpoint", "listen.otlp_grpc"),
    ("receivers.otlp.protocols.http.endpoint", "listen.otlp_http"),
    ("receivers.otlp.protocols.http.cors.allowed_origins", "listen.origins"),
    ("receivers.jaeger.protocols.grpc.endpoint", "listen.jaeger_grpc"),
    ("receivers.jaeger.protocols.thrift_http.endpoint", "listen.jaeger_http"),
    ("receivers.jaeger.protocols.thrift_compact.endpoint", "listen.jaeger_compact"),
    ("receivers.jaeger.protocols.thrift_binary.endpoint", "listen.jaeger_binary"),
    ("receivers.zipkin.endpoint", "listen.zipkin"),
    ("extensions.jaeger_query.http.endpoint", "listen.query"),
    ("extensions.jaeger_query.grpc.endpoint", "listen.query_grpc"),
    ("extensions.jaeger_query.base_path", "query.base_path"),
    ("extensions.jaeger_query.max_clock_skew_adjust", "clock_skew_max"),
    ("extensions.remote_sampling.http.endpoint", "listen.sampling_http"),
    ("extensions.remote_sampling.grpc.endpoint", "listen.sampling_grpc"),
    ("extensions.remote_sampling.file.path", "sampling.file"),
    ("extensions.remote_sampling.file.reload_interval", "sampling.reload"),
    ("extensions.remote_sampling.file.default_sampling_probability", "sampling.probability"),
    ("extensions.healthcheckv2.http.endpoint", "listen.health"),
    ("extensions.jaeger_storage.backends.*.badger.directories.values", "data_dir"),
    ("extensions.jaeger_storage.backends.*.badger.ttl.spans", "retention"),
    ("service.telemetry.metrics.address", "listen.metrics"),
    ("service.telemetry.logs.level", "log"),
];

/// Tells whether a file's top level is a Collector's.
pub(super) fn is_jaegers(entries: &[(String, Placed)]) -> bool {
    entries.iter().any(|(key, _)| JAEGERS.contains(&key.as_str()))
}

/// Says what the file would be in our words.
pub(super) fn answer(entries: &[(String, Placed)]) -> String {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for (key, node) in entries {
        collect(key, &node.value, &mut found);
    }
    if found.is_empty() {
        return "tracewell needs no file: every listener is on, and spans are kept in ./tracewell-data"
            .to_owned();
    }
    found.sort_by_key(|(key, _)| (key.split_once('.').map_or("", |(group, _)| group), *key));
    found.dedup_by_key(|(key, _)| *key);
    let mut answer = "tracewell has one of its own, where the same is:\n".to_owned();
    let mut open = "";
    for (key, value) in found {
        let (group, name) = key.split_once('.').unwrap_or(("", key));
        if group != open {
            answer += &format!("\n    {group}:");
            open = group;
        }
        let indent = if group.is_empty() { "" } else { "  " };
        answer += &format!("\n    {indent}{name}: {value}");
    }
    answer
}

fn collect(path: &str, node: &Node, found: &mut Vec<(&'static str, String)>) {
    let ours = PLACES.iter().find(|(place, _)| matches(place, path)).map(|(_, ours)| *ours);
    match (node, ours) {
        (Node::Scalar(value), Some(ours)) => found.push((ours, expanded(value))),
        (Node::List(items), Some(ours)) => {
            let items = items.iter().filter_map(|item| match &item.value {
                Node::Scalar(value) => Some(expanded(value)),
                _ => None,
            });
            found.push((ours, format!("[{}]", items.collect::<Vec<_>>().join(", "))));
        }
        (Node::Map(entries), _) => {
            for (key, node) in entries {
                // A backend called memory keeps nothing, as ours.
                if key == "memory" && path.starts_with("extensions.jaeger_storage.backends.") {
                    found.push(("storage", "memory".to_owned()));
                }
                collect(&format!("{path}.{key}"), &node.value, found);
            }
        }
        _ => {}
    }
}

fn matches(place: &str, path: &str) -> bool {
    let (mut place, mut path) = (place.split('.'), path.split('.'));
    loop {
        match (place.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == "*" || wanted == found => {}
            _ => return false,
        }
    }
}

/// Puts the defaults of `${env:NAME:-default}` in.
fn expanded(value: &str) -> String {
    let mut whole = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, after)) = after.split_once('}') else { break };
        whole += before;
        whole += inside.split_once(":-").map_or("", |(_, default)| default);
        rest = after;
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    #[test]
    fn jaegers_file_is_answered_in_our_words() {
        let file = "
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp, jaeger, zipkin]
      exporters: [jaeger_storage_exporter]
  telemetry:
    logs:
      level: info
extensions:
  healthcheckv2:
    use_v2: true
    http:
      endpoint: 0.0.0.0:13133
  jaeger_query:
    storage:
      traces: some_storage
    http:
      endpoint: \"${env:JAEGER_LISTEN_HOST:-localhost}:16686\"
  jaeger_storage:
    backends:
      some_storage:
        memory:
          max_traces: 100000
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
exporters:
  jaeger_storage_exporter:
    trace_storage: some_storage
";
        let sources =
            Sources { file: Some(("jaeger.yaml".to_owned(), file.to_owned())), ..Sources::default() };
        let expected = "the configuration has 1 mistake:
  jaeger.yaml is a configuration of Jaeger or the OpenTelemetry Collector; tracewell has one of its own, where the same is:

    log: info
    storage: memory
    listen:
      health: 0.0.0.0:13133
      otlp_grpc: 0.0.0.0:4317
      query: localhost:16686";
        assert_eq!(Config::of(&sources).unwrap_err().to_string(), expected);
    }
}
