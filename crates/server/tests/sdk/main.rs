//! The SDK against the server that it is made for: what is recorded is found, by every way of sending;
//! a server that is away costs nothing; and what is published stands on its own.

#[expect(dead_code, reason = "commands are for the tests of the program")]
#[path = "../program/running.rs"]
mod running;

mod collector;

use std::process::Command;
use std::time::Duration;

use running::Running;
use tracewell_tracer::export::grpc::OtlpGrpc;
use tracewell_tracer::export::http::OtlpHttp;
use tracewell_tracer::export::jaeger::{JaegerHttp, JaegerUdp};
use tracewell_tracer::export::zipkin::ZipkinHttp;
use tracewell_tracer::export::{Compression, Endpoint};
use tracewell_tracer::{Export, Kind, SpanStatus, TracerBuilder};

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

/// What a trace says, in one text that does not depend on how it came: by span, with kinds, parents,
/// status, tags, events and service.
fn said(server: &Running, trace: &str, count: usize) -> String {
    let path = format!("GET /api/traces/{trace}");
    // Datagrams have no answer, so their spans may be on their way still.
    let found = (0..100).find_map(|_| {
        let (status, body) = running::http(server.address("query"), &path, "");
        let body = if body.starts_with('{') { body } else { unchunked(&body) };
        let answer: serde_json::Value = serde_json::from_str(&body).expect("it is JSON");
        let spans = answer["data"][0]["spans"].as_array().map_or(0, Vec::len);
        (status == 200 && spans == count).then(|| answer["data"][0].clone()).or_else(|| {
            std::thread::sleep(Duration::from_millis(100));
            None
        })
    });
    let trace = found.unwrap_or_else(|| panic!("{trace} has not arrived: {}", server.printed()));
    let fields = |list: &serde_json::Value| {
        let mut fields: Vec<String> = list.as_array().expect("a list").iter().map(field).collect();
        fields.sort();
        fields.join(" ")
    };
    let spans = trace["spans"].as_array().expect("a list");
    let name_of = |id: &serde_json::Value| {
        let span = spans.iter().find(|span| span["spanID"] == *id);
        span.map_or_else(|| id.to_string(), |span| span["operationName"].to_string())
    };
    let mut lines = Vec::new();
    for span in spans {
        let mut line = format!("{} | {}", span["operationName"], fields(&span["tags"]));
        for reference in span["references"].as_array().expect("a list") {
            let to = name_of(&reference["spanID"]);
            line += &format!(" | {} {to}", reference["refType"]);
        }
        for log in span["logs"].as_array().expect("a list") {
            line += &format!(" | log {}", fields(&log["fields"]));
        }
        let process = &trace["processes"][span["processID"].as_str().expect("it has one")];
        line += &format!(" | {} {}", process["serviceName"], fields(&process["tags"]));
        lines.push(line);
    }
    lines.sort();
    lines.join("\n")
}

/// Takes the sizes out of a chunked body.
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk begins with its size");
        whole += &rest[..size];
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

fn field(field: &serde_json::Value) -> String {
    let value = field["value"].as_str().map_or_else(|| field["value"].to_string(), str::to_owned);
    format!("{}={value}", field["key"].as_str().expect("a key"))
}

/// Records what every protocol has a place for, and returns the trace's id.
fn rich_trace(exporter: Box<dyn Export>) -> (String, tracewell_tracer::Guard) {
    let builder = TracerBuilder::default().resource("service.name", "shop").resource("host.name", "h1");
    let guard = builder.start_boxed(exporter).expect("a thread starts");
    let tracer = guard.tracer().scoped("cart", "2.1");
    let mut order = tracer.span("order").kind(Kind::Server).attr("items", 3).start();
    order.attr("price", 9.5).attr("gift", true).attr("codes", ["a", "b"].as_slice());
    let trace = order.trace_id().to_string();
    {
        let _inside = order.enter();
        let mut charge = tracer.span("charge \"é\"").kind(Kind::Client).attr("peer.service", "bank").start();
        charge.event("asked", &[]).event("declined", &[("code", "51".into()), ("left", (-4).into())]);
        charge.record_failure("CardError", "declined");
        let mut told = tracer.span("tell").kind(Kind::Producer).start();
        told.link(&order.context().span, &[]).status(SpanStatus::Ok, "");
        tracer.span("think").start().end();
    }
    drop(order);
    assert!(guard.flush(SOON));
    let status = guard.status();
    assert_eq!((status.spans_exported, status.trouble.as_str()), (4, ""), "{status:?}");
    (trace, guard)
}

#[test]
fn jaeger_and_zipkin_exporters_say_what_otlp_says() {
    let data = tempfile::tempdir().expect("a place for the data");
    let server = Running::start(data.path(), &[]);
    let run = |exporter: Box<dyn Export>| said(&server, &rich_trace(exporter).0, 4);
    let otlp = endpoint(&server, "otlp-http").join("/v1/traces");
    let otlp = run(Box::new(OtlpHttp::new(otlp, &[], Compression::None).expect("it is plain")));
    for part in ["items=3", "span.kind=client", "error=true", "event=declined", "code=51", "FOLLOWS_FROM"] {
        assert!(otlp.contains(part), "{part} is missing: {otlp}");
    }
    let mut http = endpoint(&server, "jaeger-http").join("/api/traces");
    http.credentials = Some(("ada".to_owned(), "secret".to_owned()));
    let http = run(Box::new(JaegerHttp::new(http, &[]).expect("it is plain")));
    assert_eq!(http, otlp);
    let agent = server.address("jaeger-compact");
    let udp = run(Box::new(JaegerUdp::new(&agent.ip().to_string(), agent.port())));
    assert_eq!(udp, otlp);
    let zipkin = endpoint(&server, "zipkin").join("/api/v2/spans");
    let zipkin = run(Box::new(ZipkinHttp::new(zipkin, &[]).expect("it is plain")));
    // Zipkin has no place for links and for inner kinds, and one of its own for whom a call went to.
    let place = "peer.service=bank";
    let expected = otlp.replace(" span.kind=internal", "").replace("FOLLOWS_FROM", "CHILD_OF");
    assert_eq!(zipkin, expected.replace(place, &format!("{place} service.peer.name=bank")));
}

#[test]
fn ten_thousand_spans_fit_through_datagrams() {
    let data = tempfile::tempdir().expect("a place for the data");
    let server = Running::start(data.path(), &[]);
    let agent = server.address("jaeger-compact");
    let exporter = JaegerUdp::new(&agent.ip().to_string(), agent.port());
    let guard =
        TracerBuilder::default().resource("service.name", "shop").start(exporter).expect("a thread starts");
    let root = guard.tracer().span("root").start();
    let trace = root.trace_id().to_string();
    {
        let _inside = root.enter();
        (0..9_999).for_each(|number| guard.tracer().span("leaf").attr("number", number).start().end());
    }
    root.end();
    assert!(guard.flush(SOON));
    said(&server, &trace, 10_000);
}

#[test]
fn credentials_reach_a_collector_as_basic_authorization() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://ada:secret@{}/api/traces", listener.local_addr().expect("it is bound"));
    let exporter = JaegerHttp::new(Endpoint::parse(&url, 0).expect("it is one"), &[]).expect("it is plain");
    let heard = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut head = vec![0; 4096];
        let count = stream.read(&mut head).expect("he says something");
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").expect("he listens");
        String::from_utf8_lossy(&head[..count]).into_owned()
    });
    let guard = TracerBuilder::default().start(exporter).expect("a thread starts");
    guard.tracer().span("work").start().end();
    assert!(guard.flush(SOON));
    let heard = heard.join().expect("it heard");
    assert!(heard.contains("authorization: Basic YWRhOnNlY3JldA=="), "{heard}");
    assert!(heard.contains("content-type: application/x-thrift"), "{heard}");
}

#[test]
fn batch_size_delay_and_queue_change_while_the_service_runs() {
    let capture = tracewell_tracer::Capture::new();
    let guard = TracerBuilder::default().start(capture.exporter()).expect("a thread starts");
    let tracer = guard.tracer();
    let requests = || {
        let before = guard.status().requests;
        (0..10).for_each(|_| tracer.span("work").start().end());
        assert!(guard.flush(SOON));
        guard.status().requests - before
    };
    assert_eq!(requests(), 1);
    tracer.set_batch_size(5);
    assert_eq!(requests(), 2);
    tracer.set_queue_bytes(1);
    assert_eq!(requests(), 0);
    assert_eq!(guard.status().spans_dropped_full, 10);
    tracer.set_queue_bytes(1 << 20);
    tracer.set_batch_delay(Duration::from_millis(10));
    assert_eq!(requests(), 2);
    tracer.span("alone").start().end();
    let arrived = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        capture.spans().iter().any(|span| span.name == "alone")
    });
    assert!(arrived, "the delay of the start holds no more");
}

#[test]
fn a_real_collector_takes_what_is_sent_and_hands_it_on() {
    let data = tempfile::tempdir().expect("a place for the data");
    let server = Running::start(data.path(), &[]);
    let Some(collector) = collector::Collector::start(data.path(), &server.url("otlp-http")) else { return };
    for name in ["none", "gzip", "zstd"] {
        let compression = Compression::named(name).expect("this build has it");
        let http = Endpoint::parse(&collector.http, 0).expect("it is one").join("/v1/traces");
        let http = rich_trace(Box::new(OtlpHttp::new(http, &[], compression).expect("it is plain")));
        let grpc = Endpoint::parse(&collector.grpc, 0).expect("it is one");
        let grpc = rich_trace(Box::new(OtlpGrpc::new(grpc, &[], compression).expect("it is plain")));
        assert_eq!(said(&server, &http.0, 4), said(&server, &grpc.0, 4));
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
    let setup =
        tracewell::service("hello").version("1.2.3").environment("test").attribute("api.key", "s3cr3t");
    let guard = setup.endpoint(&server.url("otlp-http")).quiet().init();
    assert!(guard.resolved().contains("service hello version 1.2.3 in test"), "{}", guard.resolved());
    let span = tracewell::tracing::info_span!("greet", name = "Ada");
    let trace = span.in_scope(|| {
        let mut headers = std::collections::HashMap::new();
        tracewell::inject(&mut headers);
        assert!(headers.contains_key("traceparent"));
        tracewell::span("say").attr("password", "s3cr3t").start().end();
        tracewell::current_trace_id()
    });
    drop(span);
    assert!(guard.flush(SOON));
    let status = tracewell::status().expect("tracing is on");
    assert_eq!((status.spans_exported, status.spans_failed), (2, 0), "{status:?}");
    let status_redacted = status.values_redacted;
    let trace = trace.expect("a span is current").to_string();
    let (status, body) = running::http(server.address("query"), &format!("GET /api/traces/{trace}"), "");
    assert_eq!(status, 200, "{body}");
    for said in ["greet", "Ada", "say", "hello", "1.2.3"] {
        assert!(body.contains(said), "{said} is missing: {body}");
    }
    assert!(!body.contains("s3cr3t") && body.contains("****"), "{body}");
    assert_eq!(status_redacted, 2);
}

#[test]
fn remote_sampler_follows_the_server() {
    let data = tempfile::tempdir().expect("a place for the data");
    let file = data.path().join("strategies.json");
    let strategies = r#"{
        "default_strategy": {"type": "probabilistic", "param": 0.0},
        "service_strategies": [{
            "service": "shop", "type": "probabilistic", "param": 0.0,
            "operation_strategies": [{"operation": "GET /*", "type": "probabilistic", "param": 1.0}]
        }]
    }"#;
    std::fs::write(&file, strategies).expect("a file can be written");
    let file = file.to_str().expect("it is text").to_owned();
    let server = Running::start(&data.path().join("data"), &["--sampling-file", &file]);
    let remote = tracewell_tracer::Remote::new(&server.url("sampling-http"), "shop").expect("an address");
    let sampling = tracewell_tracer::Sampling {
        remote: Some(remote.every(Duration::from_millis(100))),
        ..tracewell_tracer::Sampling::default()
    };
    let capture = tracewell_tracer::Capture::new();
    let queue = tracewell_tracer::Queue { delay: Duration::from_millis(20), ..Default::default() };
    let builder = TracerBuilder::default().sampling(sampling).queue(queue);
    let guard = builder.start(capture.exporter()).expect("a thread starts");
    let decided = |name: &str| guard.tracer().span(name).start().is_recording();
    let until = |wanted: bool, name: &str| {
        (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            decided(name) == wanted
        })
    };
    assert!(until(false, "POST /"), "the server wants none: {:?}", guard.tracer().sampler());
    assert!(decided("GET /*") && !decided("GET /x"), "{:?}", guard.tracer().sampler());
    std::fs::write(&file, strategies.replace("0.0", "1.0")).expect("a file can be written");
    assert!(until(true, "POST /"), "the server wants all: {:?}", guard.tracer().sampler());
}

/// The crates that are published, lowest first.
const PUBLISHED: [&str; 7] = [
    "tracewell-context",
    "tracewell-redact",
    "tracewell-macros",
    "tracewell-tracer",
    "tracewell",
    "tracewell-tower",
    "tracewell-reqwest",
];

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
