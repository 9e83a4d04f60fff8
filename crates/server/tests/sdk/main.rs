//! The SDK against the server that it is made for: what is recorded is found, by every way of sending;
//! a server that is away costs nothing; and what is published stands on its own.

#[expect(dead_code, reason = "commands are for the tests of the program")]
#[path = "../program/running.rs"]
mod running;

use std::process::Command;
use std::time::Duration;

use running::Running;
use tracewell_tracer::export::grpc::OtlpGrpc;
use tracewell_tracer::export::http::OtlpHttp;
use tracewell_tracer::export::{Compression, Endpoint};
use tracewell_tracer::{Export, Kind, TracerBuilder};

const SOON: Duration = Duration::from_secs(30);

/// Records a trace of two spans and returns its id, once everything was sent.
fn traced(exporter: Box<dyn Export>) -> String {
    let builder = TracerBuilder::default().resource("service.name", "shop");
    let guard = builder.start_boxed(exporter).expect("a thread starts");
    let tracer = guard.tracer();
    let order = tracer.span("order").kind(Kind::Server).attr("items", 3).start();
    let trace = order.trace_id().to_string();
    {
        let _inside = order.enter();
        let mut charge = tracer.span("charge").kind(Kind::Client).start();
        charge.event("declined", &[("code", "51".into())]).record_failure("CardError", "declined");
    }
    drop(order);
    assert!(guard.flush(SOON));
    let status = guard.status();
    assert_eq!((status.spans_exported, status.trouble.as_str()), (2, ""), "{status:?}");
    trace
}

/// Asks the server for a trace and checks that it is whole.
fn check(server: &Running, trace: &str) {
    let (status, body) = running::http(server.address("query"), &format!("GET /api/traces/{trace}"), "");
    assert_eq!(status, 200, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).expect("it is JSON");
    let trace = &answer["data"][0];
    let spans = trace["spans"].as_array().expect("it has spans");
    let named = |name: &str| spans.iter().find(|span| span["operationName"] == name).expect("it is there");
    assert_eq!(spans.len(), 2);
    assert_eq!(named("charge")["references"][0]["spanID"], named("order")["spanID"]);
    assert_eq!(trace["processes"]["p1"]["serviceName"], "shop");
    let text = body.as_str();
    for said in ["items", "declined", "CardError", "exception.message"] {
        assert!(text.contains(said), "{said} is missing: {text}");
    }
}

fn endpoint(server: &Running, listener: &str) -> Endpoint {
    Endpoint::parse(&server.url(listener), 0).expect("the server says where it listens")
}

#[test]
fn every_way_of_sending_arrives_whole() {
    let data = tempfile::tempdir().expect("a place for the data");
    let server = Running::start(data.path(), &[]);
    for name in ["none", "gzip", "zstd"] {
        let compression = Compression::named(name).expect("this build has it");
        let http = endpoint(&server, "otlp-http").join("/v1/traces");
        let http = OtlpHttp::new(http, &[], compression).expect("it is plain");
        check(&server, &traced(Box::new(http)));
        let grpc = OtlpGrpc::new(endpoint(&server, "otlp-grpc"), &[], compression).expect("it is plain");
        check(&server, &traced(Box::new(grpc)));
    }
}

#[test]
fn spans_wait_for_a_server_that_is_away_and_for_one_that_comes_back() {
    for listener in ["otlp-http", "otlp-grpc"] {
        let data = tempfile::tempdir().expect("a place for the data");
        let server = Running::start(data.path(), &[]);
        let place = endpoint(&server, listener);
        let at = server.address(listener).to_string();
        let exporter: Box<dyn Export> = if listener == "otlp-http" {
            let place = place.join("/v1/traces");
            Box::new(OtlpHttp::new(place, &[], Compression::None).expect("it is plain"))
        } else {
            Box::new(OtlpGrpc::new(place, &[], Compression::None).expect("it is plain"))
        };
        let guard = TracerBuilder::default().start_boxed(exporter).expect("a thread starts");
        guard.tracer().span("before").start().end();
        assert!(guard.flush(SOON));
        drop(server);
        let lost = guard.tracer().span("meanwhile").start();
        let trace = lost.trace_id().to_string();
        lost.end();
        // Flushing is over once it was tried; the span stays.
        assert!(guard.flush(SOON));
        assert!(!guard.status().trouble.is_empty(), "{:?}", guard.status());
        let flag = format!("--{listener}");
        let server = Running::start(data.path(), &[&flag, &at]);
        let found = (0..60).any(|_| {
            guard.flush(Duration::from_secs(1));
            guard.status().spans_exported == 2 || {
                std::thread::sleep(Duration::from_millis(500));
                false
            }
        });
        assert!(found, "{:?}", guard.status());
        let (status, body) = running::http(server.address("query"), &format!("GET /api/traces/{trace}"), "");
        assert!(status == 200 && body.contains("meanwhile"), "{body}");
    }
}

#[test]
fn one_line_in_main_traces_a_service() {
    let data = tempfile::tempdir().expect("a place for the data");
    let server = Running::start(data.path(), &[]);
    let setup = tracewell::service("hello").version("1.2.3").environment("test");
    let guard = setup.endpoint(&server.url("otlp-http")).quiet().init();
    assert!(guard.resolved().contains("service hello version 1.2.3 in test"), "{}", guard.resolved());
    let span = tracewell::tracing::info_span!("greet", name = "Ada");
    let trace = span.in_scope(|| {
        let mut headers = std::collections::HashMap::new();
        tracewell::inject(&mut headers);
        assert!(headers.contains_key("traceparent"));
        tracewell::span("say").start().end();
        tracewell::current_trace_id()
    });
    drop(span);
    assert!(guard.flush(SOON));
    let status = tracewell::status().expect("tracing is on");
    assert_eq!((status.spans_exported, status.spans_failed), (2, 0), "{status:?}");
    let trace = trace.expect("a span is current").to_string();
    let (status, body) = running::http(server.address("query"), &format!("GET /api/traces/{trace}"), "");
    assert_eq!(status, 200, "{body}");
    for said in ["greet", "Ada", "say", "hello", "1.2.3"] {
        assert!(body.contains(said), "{said} is missing: {body}");
    }
}

/// The crates that are published, lowest first.
const PUBLISHED: [&str; 4] = ["tracewell-context", "tracewell-redact", "tracewell-tracer", "tracewell"];

#[test]
fn hello_world_needs_fewer_than_sixty_crates() {
    let tree = cargo(&["tree", "-p", "tracewell", "-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let mut crates: Vec<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.len() < 60, "{} crates: {crates:#?}", crates.len());
}

#[test]
fn published_crates_depend_on_published_crates_alone() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("it is JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    for name in PUBLISHED {
        let package =
            packages.iter().find(|package| package["name"] == name).expect("it is of the workspace");
        assert!(package["publish"].is_null(), "{name} may be published");
        for dependency in package["dependencies"].as_array().expect("it is a list") {
            let ours = dependency["path"].is_string() && dependency["kind"] != "dev";
            let known = PUBLISHED.iter().any(|published| dependency["name"] == *published);
            assert!(!ours || known, "{name} depends on {}, which is not published", dependency["name"]);
        }
        let files = cargo(&["package", "-p", name, "--list", "--allow-dirty"]);
        assert!(files.contains("src/lib.rs"), "{files}");
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new("cargo")
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints text")
}
