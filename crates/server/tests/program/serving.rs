//! What a running server answers, and how it ends.

use std::fs;

use crate::running::{Running, http, said, tracewell};

const JSON: &str = "content-type: application/json";

/// A gateway that asks a model for 750 ms, below 800 ms of processing, and a database for 100 ms.
pub(crate) const CHAT: &str = r#"{"resourceSpans":[
{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"gateway"}}]},"scopeSpans":[{"spans":[
 {"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"0000000000000001","name":"POST /chat","kind":2,
  "startTimeUnixNano":"1767225600000000000","endTimeUnixNano":"1767225601200000000"},
 {"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"0000000000000002","parentSpanId":"0000000000000001",
  "name":"SELECT history","kind":3,"startTimeUnixNano":"1767225600050000000","endTimeUnixNano":"1767225600150000000"}]}]},
{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"ai"}}]},"scopeSpans":[{"spans":[
 {"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"0000000000000003","parentSpanId":"0000000000000001",
  "name":"AI processing","kind":2,"startTimeUnixNano":"1767225600200000000","endTimeUnixNano":"1767225601000000000"},
 {"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"0000000000000004","parentSpanId":"0000000000000003",
  "name":"model request","kind":3,"startTimeUnixNano":"1767225600225000000","endTimeUnixNano":"1767225600975000000"}]}]}]}"#;

#[test]
fn spans_over_http_are_found_by_id_at_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Running::start(home.path(), &["--storage", "memory"]);
    let (status, _) = http(server.address("otlp-http"), &format!("POST /v1/traces\n{JSON}"), CHAT);
    assert_eq!(status, 200);
    let path = "GET /api/traces/5b8aa5a2d2c872e8321cf37308d69df2";
    let (status, trace) = http(server.address("query"), path, "");
    assert!(status == 200 && trace.contains("model request"), "{status} {trace}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "memory leaves nothing on the disk");
}

#[test]
fn logs_and_metrics_have_no_pipeline() {
    let home = tempfile::tempdir().unwrap();
    let server = Running::start(home.path(), &["--storage", "memory"]);
    for path in ["/v1/logs", "/v1/metrics"] {
        let (status, _) = http(server.address("otlp-http"), &format!("POST {path}\n{JSON}"), "{}");
        assert_eq!(status, 404, "{path}");
    }
}

#[test]
fn start_says_what_listens_where_data_lies_and_what_is_ignored() {
    let home = tempfile::tempdir().unwrap();
    let flags = ["--storage", "memory", "--memory.max-traces", "5"];
    let server = Running::start(home.path(), &flags);
    let printed = server.printed();
    for listener in crate::running::LISTENERS {
        let line = printed.lines().find(|line| line.trim_start().starts_with(&format!("{listener} ")));
        assert!(line.is_some_and(|line| line.contains("127.0.0.1:")), "{listener}: {printed}");
    }
    assert!(printed.contains("\n  data            in memory only"), "{printed}");
    assert!(printed.contains("\n  retention       the newest 1 GiB\n"), "{printed}");
    assert!(printed.contains("\nnote: --memory.max-traces is Jaeger's and is ignored: "), "{printed}");
}

#[test]
fn each_listener_has_its_address_and_can_be_off() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("off.yaml");
    fs::write(&file, "listen:\n  query: off\n").unwrap();
    let path = file.to_str().unwrap();
    let flags = ["--storage", "memory", "--zipkin", "off", "--jaeger-compact", "off", "--config", path];
    let server = Running::start(home.path(), &flags);
    for listener in crate::running::LISTENERS {
        // The flag of the harness stands before the file.
        let expected = !matches!(listener, "zipkin" | "jaeger-compact");
        assert_eq!(server.is_on(listener), expected, "{listener}");
    }
    assert!(server.printed().contains("\n  zipkin          off\n"), "{}", server.printed());
}

#[test]
fn page_and_apis_stand_under_the_base_path_too() {
    let home = tempfile::tempdir().unwrap();
    let flags = ["--storage", "memory", "--query.base-path=/jaeger"];
    let server = Running::start(home.path(), &flags);
    assert!(server.printed().contains(", under /jaeger too\n"), "{}", server.printed());
    let query = server.address("query");
    for path in ["/api/services", "/jaeger/api/services", "/jaeger/api/v3/services"] {
        let (status, text) = http(query, &format!("GET {path}"), "");
        assert!(status == 200 && text.starts_with('{'), "{path}: {status} {text}");
    }
    for path in ["/jaeger", "/jaeger/", "/jaeger/trace/1f"] {
        let (status, page) = http(query, &format!("GET {path}\naccept: text/html"), "");
        assert!(status == 200 && page.contains("<base href=\"/jaeger/\""), "{path}: {status}");
    }
    for path in ["/jaegers/api/services", "/jaeger/api/nothing"] {
        assert_eq!(
            http(query, &format!("GET {path}"), ""),
            (404, "404 page not found\n".to_owned()),
            "{path}"
        );
    }
    let path = "POST /jaeger/api/otlp/v1/traces";
    assert_eq!(http(query, &format!("{path}\n{JSON}"), CHAT).0, 200);
    let url = format!("{}/jaeger", server.url("query"));
    let (good, text) = crate::running::run(&["get", "--server", &url, "5b8aa5a2d2c872e8321cf37308d69df2"]);
    assert!(good && text.contains("model request"), "{text}");
}

#[test]
fn the_server_reports_itself_to_its_page() {
    let home = tempfile::tempdir().unwrap();
    let server = Running::start(home.path(), &["--sampling-grpc", "off"]);
    let status = || {
        let (code, text) = http(server.address("query"), "GET /api/tw/status", "");
        assert_eq!(code, 200, "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let before = status();
    assert_eq!((&before["state"], &before["ever"]), (&"serving".into(), &false.into()));
    assert_eq!(before["storage"]["engine"], "columnar");
    http(server.address("otlp-http"), &format!("POST /v1/traces\n{JSON}"), CHAT);
    http(server.address("otlp-http"), &format!("POST /v1/traces\n{JSON}"), "{");
    let after = status();
    assert_eq!((&after["ever"], &after["ingest"]["spans"]), (&true.into(), &4.into()));
    assert_eq!(after["drops"][0]["unit"], "requests");
    let listener = |name: &str| {
        let all = after["listeners"].as_array().unwrap();
        all.iter().find(|listener| listener["name"] == name).unwrap().clone()
    };
    assert_eq!(listener("otlp-http")["addresses"][0], server.address("otlp-http").to_string());
    assert_eq!(listener("sampling-grpc")["on"], false);
}

#[test]
fn a_browser_at_the_zipkin_port_finds_the_page() {
    let home = tempfile::tempdir().unwrap();
    let server = Running::start(home.path(), &["--storage", "memory"]);
    let zipkin = server.address("zipkin");
    for (request, status) in [
        ("GET /\naccept: text/html", 307),
        ("GET /zipkin/traces/5b8aa5a2d2c872e8321cf37308d69df2", 307),
        ("GET /", 200),
    ] {
        assert_eq!(http(zipkin, request, "").0, status, "{request}");
    }
    let spans = r#"[{"traceId":"1f","id":"2f","timestamp":1767225600000000}]"#;
    assert_eq!(http(zipkin, &format!("POST /api/v2/spans\n{JSON}"), spans).0, 202);
}

#[test]
fn own_doors_answer_as_jaegers_do() {
    let home = tempfile::tempdir().unwrap();
    let server = Running::start(home.path(), &["--storage", "memory"]);
    http(server.address("otlp-http"), &format!("POST /v1/traces\n{JSON}"), CHAT);
    http(server.address("otlp-http"), &format!("POST /v1/traces\n{JSON}"), "{");
    let (status, body) = http(server.address("health"), "GET /status", "");
    assert!(status == 200 && body.contains("\"healthy\":true,\"status\":\"StatusOK\""), "{body}");
    let (_, body) = http(server.address("health"), "GET /status?verbose", "");
    assert!(body.contains("\"components\":{\"extensions\":{\"healthy\":true"), "{body}");
    let (status, body) = http(server.address("admin"), "GET /", "");
    assert!(status == 200 && body.starts_with("{\"status\":\"Server available\",\"upSince\":\""), "{body}");
    for listener in ["admin", "metrics"] {
        let (status, body) = http(server.address(listener), "GET /metrics", "");
        assert_eq!(status, 200);
        for line in [
            "otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"} 4\n",
            "tracewell_rejected_messages_total{receiver=\"otlp\",transport=\"http\",cause=\"malformed\"} 1\n",
            "otelcol_exporter_sent_spans{exporter=\"jaeger_storage_exporter\"} 4\n",
            "tracewell_udp_kernel_drops_total{listener=\"jaeger-compact\"} 0\n",
            "\nprocess_open_fds ",
            "\nprocess_resident_memory_bytes ",
            "\nprocess_cpu_seconds_total ",
        ] {
            assert!(body.contains(line), "{line} is not in {body}");
        }
    }
}

#[test]
fn sampling_strategies_follow_their_file() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("strategies.json");
    let write = |rate: &str| {
        let text = format!(r#"{{"default_strategy":{{"type":"probabilistic","param":{rate}}}}}"#);
        // The file appears whole, as editors and Kubernetes do it.
        fs::write(home.path().join("next"), text).unwrap();
        fs::rename(home.path().join("next"), &file).unwrap();
    };
    write("0.25");
    let path = file.to_str().unwrap();
    let flags = ["--storage", "memory", "--sampling-file", path, "--sampling-reload", "10ms"];
    let server = Running::start(home.path(), &flags);
    let rate = || http(server.address("sampling-http"), "GET /sampling?service=any", "").1;
    assert!(rate().contains("0.25"), "{}", rate());
    write("0.125");
    // Each question takes about a tenth of the interval; a busy machine may need many.
    let seen = (0..20_000).any(|_| rate().contains("0.125"));
    assert!(seen, "{}", rate());
}

#[test]
fn spans_over_http_are_still_there_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let path = "GET /api/traces/5b8aa5a2d2c872e8321cf37308d69df2";
    let mut server = Running::start(home.path(), &[]);
    let (status, _) = http(server.address("otlp-http"), &format!("POST /v1/traces\n{JSON}"), CHAT);
    assert_eq!(status, 200);
    let (_, before) = http(server.address("query"), path, "");
    assert!(before.contains("model request"), "{before}");
    server.terminate();
    assert!(server.wait(), "{}", server.printed());
    let server = Running::start(home.path(), &[]);
    let (_, after) = http(server.address("query"), path, "");
    assert_eq!(before, after);
    assert!(server.printed().contains("(4 spans, "), "{}", server.printed());
}

#[test]
fn sigterm_under_load_loses_nothing_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Running::start(home.path(), &[]);
    let url = server.url("otlp-http");
    let arguments =
        ["generate", "--requests", "1000000", "--protocol", "otlp-http", "--patience", "0", "--endpoint"];
    let mut load = tracewell();
    load.args(arguments).arg(&url).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let load = load.spawn().unwrap();
    let accepted = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("otelcol_exporter_sent_spans{")).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    while accepted(&http(server.address("metrics"), "GET /metrics", "").1) < 20_000 {}
    server.terminate();
    assert!(server.wait(), "{}", server.printed());
    // The senders give up at once; what they report as acknowledged is what counts.
    std::process::Command::new("kill").args(["-INT", &load.id().to_string()]).status().unwrap();
    let (_, report) = said(load.wait_with_output().unwrap());
    let acknowledged = report.lines().find_map(|line| line.strip_prefix("acknowledged   ")).unwrap();
    let acknowledged: u64 = acknowledged.parse().unwrap();
    let server = Running::start(home.path(), &[]);
    let printed = server.printed();
    let (_, spans) =
        printed.split_once(" spans, ").map(|(before, _)| before).unwrap().rsplit_once('(').unwrap();
    let kept: u64 = spans.parse().unwrap();
    assert!(20_000 <= acknowledged && acknowledged <= kept, "{acknowledged} acknowledged, {kept} kept");
}

#[test]
fn directory_is_held_by_one_process() {
    let home = tempfile::tempdir().unwrap();
    let _server = Running::start(home.path(), &[]);
    let mut second = tracewell();
    for listener in crate::running::LISTENERS {
        second.args([&format!("--{listener}"), "127.0.0.1:0"]);
    }
    let (good, text) = said(second.arg("--data-dir").arg(home.path()).output().unwrap());
    assert!(!good && text.contains(&home.path().display().to_string()), "{text}");
}

#[test]
fn sigterm_ends_well_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Running::start(home.path(), &["--storage", "memory"]);
    server.terminate();
    assert!(server.wait(), "{}", server.printed());
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn memory_is_given_back_unless_somebody_chose_otherwise() {
    let home = tempfile::tempdir().unwrap();
    let server = Running::start(home.path(), &["--storage", "memory"]);
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", server.process_id())).unwrap();
    assert!(of("environ").contains("GLIBC_TUNABLES=glibc.malloc.mmap_threshold="), "{}", of("environ"));
    assert_eq!(of("comm"), "tracewell\n", "it is the same program under the same name");
    assert!(!of("cmdline").contains("/proc/"), "{}", of("cmdline"));
    let mut chosen = tracewell();
    let text =
        said(chosen.env("MALLOC_ARENA_MAX", "1").args(["serve", "--otlp-grpc", "nowhere"]).output().unwrap());
    assert!(!text.0 && text.1.contains("nowhere"), "{}", text.1);
}
