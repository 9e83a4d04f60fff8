//! Every rule of Jaeger's v1 API, asked through the router over the reference engine.

use http::{Method, StatusCode};
use serde_json::json;
use span::{SpanKind, StatusCode as SpanStatus, Tenant, ValueRef};
use store::conformance::{Sketch, one};

use crate::world::{MILLI, NOW, World};

/// Ten seconds ago.
const THEN: u64 = NOW - 10_000 * MILLI;

/// Three traces: a shop's call, a failed payment, an old one.
fn shop() -> World {
    let world = World::new();
    let tags = [("http.status_code", ValueRef::Int(200)), ("user", ValueRef::Str(b"ann"))];
    world.keep(&[
        Sketch { duration: 50 * MILLI, attributes: &tags, ..one("web", "GET /", 0xa1, THEN) },
        Sketch {
            id: 2,
            parent: 0xa1,
            duration: 30 * MILLI,
            kind: SpanKind::Client,
            ..one("cart", "load", 0xa1, THEN + MILLI)
        },
        Sketch {
            duration: 5 * MILLI,
            status: SpanStatus::Error,
            ..one("pay", "POST /pay", 0xabcd_ef01_0000_0002, THEN + 2 * MILLI)
        },
        one("web", "GET /old", 0xabcd_ef01_0000_0003, NOW - 3 * 24 * 3_600_000 * MILLI),
    ]);
    world
}

#[tokio::test]
async fn services_are_listed_with_a_total() {
    let reply = shop().get("/api/services").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.text, r#"{"data":["cart","pay","web"],"total":3,"limit":0,"offset":0,"errors":null}"#);
    let empty = World::new().get("/api/services").await;
    assert_eq!(empty.text, r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#);
}

#[tokio::test]
async fn pretty_print_indents_by_four() {
    let reply = shop().get("/api/services?prettyPrint=true").await;
    assert!(reply.text.starts_with("{\n    \"data\": [\n        \"cart\","), "{}", reply.text);
    assert!(shop().get("/api/services?prettyPrint=false").await.text.starts_with("{\"data\""));
    let refused = shop().get("/api/traces?prettyPrint=1&limit=x").await;
    assert!(refused.text.starts_with("{\"data\":null"));
}

#[tokio::test]
async fn operations_come_by_path_and_by_parameter() {
    let world = shop();
    world.keep(&[
        Sketch { kind: SpanKind::Client, ..one("web", "GET /", 9, THEN) },
        one("a/b c+d%20", "op", 10, THEN),
        one("space here", "op", 11, THEN),
    ]);
    let data = async |path: &str| world.get(path).await.json()["data"].clone();
    assert_eq!(data("/api/services/web/operations").await, json!(["GET /", "GET /old"]));
    assert_eq!(data("/api/services/a%2Fb%20c%2Bd%2520/operations").await, json!(["op"]));
    assert_eq!(data("/api/services/space+here/operations").await, json!(["op"]));
    assert_eq!(data("/api/services/space%2520here/operations").await, json!(["op"]));
    assert_eq!(data("/api/services/nobody/operations").await, json!(null));
    assert_eq!(
        data("/api/operations?service=web").await,
        json!([
            {"name": "GET /", "spanKind": "server"},
            {"name": "GET /", "spanKind": "client"},
            {"name": "GET /old", "spanKind": "server"},
        ])
    );
    assert_eq!(
        data("/api/operations?service=web&spanKind=client").await,
        json!([{"name": "GET /", "spanKind": "client"}])
    );
    assert_eq!(data("/api/operations?service=web&spanKind=CLIENT").await, json!([]));
    assert_eq!(data("/api/operations?service=nobody").await, json!([]));
    world.get("/api/operations").await.is_refused(400, "parameter 'service' is required");
}

#[tokio::test]
async fn search_finds_by_everything_it_is_asked() {
    let world = shop();
    let micros = THEN / 1_000;
    for (query, found) in [
        ("", "a1 abcdef0100000002"),
        ("service=web", "a1"),
        ("service=web&operation=GET+%2F", "a1"),
        ("service=web&operation=load", ""),
        ("operation=load", "a1"),
        ("service=nobody", ""),
        ("limit=1", "abcdef0100000002"),
        ("tag=user:ann", "a1"),
        ("tag=user:bob", ""),
        ("tag=http.status_code:200&tag=user:ann", "a1"),
        ("service=cart&tag=user:ann", ""),
        ("tags=%7B%22http.status_code%22%3A%22200%22%7D", "a1"),
        ("tag=error:true", "abcdef0100000002"),
        ("tags=%7B%22error%22%3A%22true%22%7D", "abcdef0100000002"),
        ("minDuration=40ms", "a1"),
        ("maxDuration=5ms", "abcdef0100000002"),
        ("minDuration=6ms&maxDuration=30ms", "a1"),
        ("service=web&lookback=7d", "a1 abcdef0100000003"),
        ("service=web&start=0", "a1 abcdef0100000003"),
        ("service=web&lookback=1s", ""),
        ("service=pay&end=1", ""),
    ] {
        let mut ids = world.ids(&format!("/api/traces?{query}")).await;
        if query.is_empty() {
            ids.sort();
        }
        assert_eq!(ids.join(" "), found, "{query}");
    }
    let at = |end: u64| format!("/api/traces?service=web&start={}&end={end}", micros - 5);
    assert_eq!(world.ids(&at(micros)).await, ["a1"]);
    assert_eq!(world.ids(&at(micros - 1)).await, [""; 0]);
}

#[tokio::test]
async fn newest_trace_comes_first() {
    assert_eq!(shop().ids("/api/traces").await, ["abcdef0100000002", "a1"]);
    assert_eq!(shop().ids("/api/traces?start=0").await, ["abcdef0100000002", "a1", "abcdef0100000003"]);
}

#[tokio::test]
async fn empty_search_is_an_empty_list() {
    let reply = World::new().get("/api/traces?service=x").await;
    assert_eq!(reply.text, r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#);
}

#[tokio::test]
async fn wrong_parameters_are_refused_in_an_envelope() {
    let world = shop();
    let int = |name: &str| {
        format!("unable to parse param '{name}': strconv.ParseInt: parsing \"x\": invalid syntax")
    };
    for (path, said) in [
        ("/api/traces?start=x", int("start")),
        ("/api/traces?end=x", int("end")),
        ("/api/traces/a1?start=x", int("start")),
        ("/api/traces/a1?end=x", int("end")),
        ("/api/dependencies?endTs=x", int("endTs")),
        ("/api/dependencies?lookback=x", int("lookback")),
        ("/api/dependencies?lookback=-1", "unable to parse param 'lookback': -1 is negative".to_owned()),
        ("/api/traces?tag=x", "malformed 'tag' parameter, expecting key:value, received: x".to_owned()),
        ("/api/traces?limit=0", "parameter 'limit' must be greater than 0, not 0".to_owned()),
        (
            "/api/traces?raw=x",
            "unable to parse param 'raw': strconv.ParseBool: parsing \"x\": invalid syntax".to_owned(),
        ),
        (
            "/api/traces/a1?raw=x",
            "unable to parse param 'raw': strconv.ParseBool: parsing \"x\": invalid syntax".to_owned(),
        ),
        ("/api/traces/nothex!", "strconv.ParseUint: parsing \"nothex!\": invalid syntax".to_owned()),
        ("/api/traces/%ff", "strconv.ParseUint: parsing \"\u{fffd}\": invalid syntax".to_owned()),
        (
            "/api/metrics/latencies",
            "unable to parse param 'quantile': strconv.ParseFloat: parsing \"\": invalid syntax".to_owned(),
        ),
        (
            "/api/metrics/latencies?quantile=0.5",
            "unable to parse param 'service': please provide at least one service name".to_owned(),
        ),
        (
            "/api/metrics/calls",
            "unable to parse param 'service': please provide at least one service name".to_owned(),
        ),
        (
            "/api/metrics/errors?service=a&spanKind=x",
            "unable to parse param 'spanKind': unsupported span kind: 'x'".to_owned(),
        ),
        ("/api/metrics/calls?service=a&step=x", int("step")),
    ] {
        world.get(path).await.is_refused(400, &said);
    }
    let many = format!("/api/traces?{}", "traceID=a1&".repeat(101));
    world.get(&many).await.is_refused(400, "parameter 'traceID' is given 101 times, 100 are allowed");
}

#[tokio::test]
async fn metrics_are_not_there_and_say_so() {
    let said = "trace metrics are currently disabled - no metrics backend configured";
    for path in [
        "latencies?quantile=0.95&service=a",
        "calls?service=a&spanKind=client",
        "errors?service=a&endTs=1&lookback=2",
    ] {
        shop().get(&format!("/api/metrics/{path}")).await.is_refused(501, said);
    }
    assert_eq!(shop().get("/api/metrics/minstep").await.json()["data"], 1);
}

#[tokio::test]
async fn trace_is_found_by_every_name() {
    let world = shop();
    for name in ["a1", "00a1", "000000000000000000000000000000A1", "AAAAAAAAAAAAAAAAAAAAoQ=="] {
        let ids = world.ids(&format!("/api/traces/{}", name.replace('=', "%3D"))).await;
        assert_eq!(ids, ["a1"], "{name}");
    }
    assert_eq!(world.ids("/api/traces/abcdef0100000002").await, ["abcdef0100000002"]);
    world.get("/api/traces/abcdef01").await.is_refused(
        400,
        "2 traces begin with abcdef01: 0000000000000000abcdef0100000002, 0000000000000000abcdef0100000003",
    );
    world.get("/api/traces/ffff").await.is_refused(404, "trace not found");
    world.get("/api/traces/ffffffff").await.is_refused(404, "trace not found");
}

#[tokio::test]
async fn several_traces_are_fetched_as_a_set() {
    let world = shop();
    let reply = world.get("/api/traces?traceID=a1&traceID=A1&traceID=00a1&traceID=77&traceID=77").await;
    assert_eq!(reply.status, StatusCode::OK);
    let body = reply.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    assert_eq!(body["errors"], json!([{"msg": "trace not found", "traceID": "0000000000000077"}]));
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_404_in_text() {
    let world = shop();
    for (method, path) in [
        (Method::GET, "/api/unknown"),
        (Method::GET, "/api/"),
        (Method::GET, "/api/traces/"),
        (Method::GET, "/api/services/web"),
        (Method::POST, "/api/services"),
        (Method::DELETE, "/api/traces/a1"),
        (Method::GET, "/api/archive/a1"),
        (Method::GET, "/api/transform"),
    ] {
        let reply = world.ask(method.clone(), path, "").await;
        assert_eq!(
            (reply.status, &*reply.text),
            (StatusCode::NOT_FOUND, "404 page not found\n"),
            "{method} {path}"
        );
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let world = shop();
    let whole = world.get("/api/services").await;
    let reply = world.ask(Method::HEAD, "/api/services", "").await;
    assert_eq!((reply.status, &*reply.text), (StatusCode::OK, ""));
    assert_eq!(reply.header("content-length"), whole.text.len().to_string());
}

#[tokio::test]
async fn dependencies_count_calls_inside_the_window() {
    let world = shop();
    world.keep(&[Sketch { id: 3, parent: 2, ..one("cart", "inner", 0xa1, THEN + 2 * MILLI) }]);
    let data = async |path: &str| world.get(path).await.json()["data"].clone();
    let self_call = json!({"parent": "cart", "child": "cart", "callCount": 1});
    let call = json!({"parent": "web", "child": "cart", "callCount": 1});
    assert_eq!(data("/api/dependencies").await, json!([self_call, call]));
    assert_eq!(data("/api/dependencies?service=web").await, json!([call]));
    assert_eq!(data("/api/dependencies?service=nobody").await, json!([]));
    let end = THEN / 1_000_000;
    assert_eq!(data(&format!("/api/dependencies?endTs={}&lookback=10", end + 20)).await, json!([]));
    assert_eq!(data(&format!("/api/dependencies?endTs={}", end + 51)).await, json!([self_call, call]));
    assert_eq!(
        data("/api/dependencies?endTs=9223372036854775807&lookback=9223372036854775807").await,
        json!([self_call, call])
    );
}

#[tokio::test]
async fn archived_trace_outlives_its_original() {
    let world = shop();
    let reply = world.ask(Method::POST, "/api/archive/a1", "").await;
    assert_eq!(reply.text, r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":[]}"#);
    let archive = Tenant::new("default.archive").unwrap();
    let kept =
        store::TraceReader::trace(&world.store, &archive, span::TraceId::from_halves(0, 0xa1)).unwrap();
    assert_eq!(kept.unwrap().batch().len(), 2);
    world.ask(Method::POST, "/api/archive/ffff", "").await.is_refused(404, "trace not found");
    world
        .ask(Method::POST, "/api/archive/zz!", "")
        .await
        .is_refused(400, "strconv.ParseUint: parsing \"zz!\": invalid syntax");

    let other = World::new();
    other.keep_under("default.archive", &[one("web", "GET /", 0x77, THEN)]);
    assert_eq!(other.ids("/api/traces/77").await, ["77"]);
    assert_eq!(other.ids("/api/traces?traceID=77").await, ["77"]);
    assert_eq!(other.ids("/api/traces").await, [""; 0]);
    assert_eq!(other.get("/api/services").await.json()["total"], 0);
}

#[tokio::test]
async fn archive_that_is_not_configured_says_so() {
    let world = World::built(|backend| backend.archive = None);
    world
        .ask(Method::POST, "/api/archive/a1", "")
        .await
        .is_refused(500, "archive span storage was not configured");
}

#[tokio::test]
async fn tenants_are_apart() {
    let world = shop();
    world.keep_under("blue", &[one("theirs", "op", 0xb1, THEN)]);
    let reply = world.get_as("blue", "/api/services").await;
    assert_eq!(reply.json()["data"], json!(["theirs"]));
    assert_eq!(world.get_as("blue", "/api/traces/a1").await.status, StatusCode::NOT_FOUND);
}
