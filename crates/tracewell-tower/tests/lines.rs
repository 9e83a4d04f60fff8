//! Lines of requests, from a process of their own: they go to its standard output.

use std::process::Command;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tower::ServiceExt as _;

/// What the child does; without its sign it is no child.
const SIGN: &str = "TRACEWELL_TEST_LINES";

#[test]
fn child() {
    if std::env::var_os(SIGN).is_none() {
        return;
    }
    let _tracing = tracewell::init();
    let router = Router::new().route("/price", get(|| async { "9.50" })).layer(tracewell_tower::server());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for path in ["/price?token=s3cr3t", "/health"] {
            let request = http::Request::get(path).body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request).await.expect("it never fails");
            axum::body::to_bytes(answer.into_body(), 100).await.expect("it is short");
        }
    });
}

fn lines(variables: &[(&str, &str)]) -> Vec<serde_json::Value> {
    let output = Command::new(std::env::current_exe().expect("we run"))
        .args(["--exact", "child", "--nocapture"])
        .envs(variables.iter().copied())
        .env(SIGN, "1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .output()
        .expect("it runs again");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn one_line_is_written_for_each_request_also_where_tracing_is_off() {
    for (off, traced) in [("false", true), ("true", false)] {
        let lines = lines(&[("OTEL_SDK_DISABLED", off)]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(
            (&line["method"], &line["path"], &line["status"]),
            (&"GET".into(), &"/price".into(), &200.into())
        );
        assert_eq!((&line["level"], &line["bytes"]), (&"INFO".into(), &4.into()));
        assert!(line["duration_ms"].is_number());
        assert_eq!(line["trace_id"].is_string(), traced, "{line}");
    }
    assert_eq!(lines(&[("TRACEWELL_LOG_FORMAT", "off")]).len(), 0);
    assert_eq!(lines(&[("RUST_LOG", "warn")]).len(), 0);
    assert_eq!(lines(&[("TRACEWELL_EXCLUDED_URLS", "/price")]).len(), 1);
}
