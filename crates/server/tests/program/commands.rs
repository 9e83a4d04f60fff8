//! The commands beside `serve`, against a running server.

use crate::running::{Running, http, run, said, tracewell};
use crate::serving::CHAT;

fn server() -> (tempfile::TempDir, Running) {
    let home = tempfile::tempdir().expect("a place for the data");
    let server = Running::start(home.path(), &["--storage", "memory"]);
    (home, server)
}

#[test]
fn get_marks_the_leaf_that_takes_the_time() {
    let (_home, server) = server();
    http(server.address("otlp-http"), "POST /v1/traces\ncontent-type: application/json", CHAT);
    let (good, text) = run(&["get", "5b8aa5a2", "--server", &server.url("query")]);
    assert!(good, "{text}");
    let marked: Vec<&str> = text.lines().filter(|line| line.contains("bottleneck")).collect();
    assert_eq!(marked.len(), 1, "{text}");
    assert!(
        marked[0].contains("ai  model request") && marked[0].ends_with("<- bottleneck: 750 ms of 1.2 s"),
        "{text}"
    );
    let (good, text) = run(&["get", "ffffffff", "--server", &server.url("query")]);
    assert!(!good && text.starts_with("no trace ffffffff"), "{text}");
}

#[test]
fn generated_traces_are_acknowledged_and_found() {
    let (_home, server) = server();
    for protocol in ["otlp-http", "otlp-grpc", "jaeger-http", "jaeger-grpc", "zipkin"] {
        let url = server.url(protocol);
        let (good, text) =
            run(&["generate", "--requests", "40", "--protocol", protocol, "--endpoint", &url, "--seed", "7"]);
        assert!(
            good && text.contains("\nrefused        0\n") && text.contains("\ngiven up       0\n"),
            "{text}"
        );
    }
    let url = server.url("otlp-http");
    let (good, text) = run(&[
        "generate",
        "--requests",
        "20",
        "--rate",
        "2000",
        "--compression",
        "zstd",
        "--protocol",
        "otlp-http",
        "--endpoint",
        &url,
    ]);
    assert!(good, "{text}");
    let query = server.url("query");
    let (good, text) = run(&["search", "--service", "checkout", "--limit", "3", "--server", &query]);
    assert!(good && text.lines().count() == 3 && text.contains("edge-proxy  POST /cart/checkout"), "{text}");
    let (good, text) = run(&["search", "--errors", "--trees", "--limit", "1", "--server", &query]);
    assert!(good && text.contains("error: ") && text.contains("<- bottleneck: "), "{text}");
    let (good, text) = run(&["search", "--service", "nobody", "--server", &query]);
    assert!(!good && text.starts_with("nothing found"), "{text}");
}

#[test]
fn doctor_finds_a_healthy_server_healthy() {
    let (_home, server) = server();
    let (good, text) = said(tracewell().arg("doctor").args(server.flags()).output().unwrap());
    assert!(good && text.ends_with("all is well\n"), "{text}");
    assert_eq!(text.matches("found by id, service and tag").count(), 8, "{text}");
}

#[test]
fn doctor_says_what_to_do_where_nobody_listens() {
    let (_home, server) = server();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut flags = server.flags();
    let place = flags.iter().position(|flag| flag == "--admin").unwrap();
    flags[place + 1] = closed;
    let (good, text) = said(tracewell().arg("doctor").args(flags).output().unwrap());
    assert!(!good && text.contains("  admin           FAILED  cannot connect to "), "{text}");
    assert!(text.contains("-> is the server up, is this listener off or elsewhere?"), "{text}");
    assert!(text.ends_with("1 listeners failed\n"), "{text}");
}

#[test]
fn health_is_an_exit_code() {
    let (_home, mut server) = server();
    let url = server.url("health");
    assert!(run(&["health", "--url", &url]).0);
    // The same question as a container asks it: the address comes from the environment.
    let mut asked = tracewell();
    asked.env("TRACEWELL_HEALTH", server.address("health").to_string()).arg("health");
    assert!(said(asked.output().unwrap()).0);
    server.terminate();
    server.wait();
    assert!(!run(&["health", "--url", &url]).0);
}

#[test]
fn version_and_help_teach() {
    assert_eq!(run(&["version"]), (true, format!("tracewell {}\n", env!("CARGO_PKG_VERSION"))));
    let (_, help) = run(&["--help"]);
    for text in ["--otlp-grpc <ADDR>", "tracewell generate --requests 1000", "TRACEWELL_OTLP_GRPC", "Limits:"]
    {
        assert!(help.contains(text), "{text} is not in {help}");
    }
}
