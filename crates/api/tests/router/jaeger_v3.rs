//! Jaeger's v3 over HTTP, asked through the router over the reference engine.

use http::StatusCode;
use serde_json::{Value, json};
use span::{SpanKind, StatusCode as SpanStatus, ValueRef};
use store::conformance::{Sketch, one};

use crate::world::{MILLI, NOW, World};

/// Ten seconds ago, and the window around it.
const THEN: u64 = NOW - 10_000 * MILLI;
const WINDOW: &str = "query.startTimeMin=2025-12-31T00:00:00Z&query.startTimeMax=2026-01-01T00:00:00Z";

fn shop() -> World {
    let world = World::new();
    let tags = [("user", ValueRef::Str(b"ann"))];
    let child =
        Sketch { id: 2, parent: 0xa1, kind: SpanKind::Client, ..one("cart", "load", 0xa1, THEN + MILLI) };
    let orphan =
        Sketch { id: 3, parent: 77, kind: SpanKind::Unspecified, ..one("cart", "late", 0xa1, THEN + 9) };
    let failed = Sketch { status: SpanStatus::Error, ..one("pay", "POST", 0xb2, THEN + 2 * MILLI) };
    world.keep(&[
        Sketch { duration: 50 * MILLI, attributes: &tags, ..one("web", "GET /", 0xa1, THEN) },
        child,
        orphan,
        failed,
    ]);
    world
}

async fn found(world: &World, path: &str) -> Value {
    let reply = world.get(path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    reply.json()
}

async fn refused(world: &World, path: &str, code: u16, message: &str) {
    let reply = world.get(path).await;
    let body = json!({"error": {"httpCode": code, "message": message}});
    assert_eq!((reply.status.as_u16(), reply.json()), (code, body), "{path}");
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
}

/// Returns the distinct trace ids of an answer, in its order, without leading zeros.
fn ids(answer: &Value) -> Vec<String> {
    let mut ids = Vec::new();
    for resource in answer["result"]["resourceSpans"].as_array().unwrap() {
        for scope in resource["scopeSpans"].as_array().unwrap() {
            for span in scope["spans"].as_array().unwrap() {
                ids.push(span["traceId"].as_str().unwrap().trim_start_matches('0').to_owned());
            }
        }
    }
    ids.dedup();
    ids
}

#[tokio::test]
async fn names_are_listed() {
    let world = shop();
    assert_eq!(found(&world, "/api/v3/services").await, json!({"services": ["cart", "pay", "web"]}));
    let all = json!({"operations": [
        {"name": "late", "spanKind": "internal"},
        {"name": "load", "spanKind": "client"},
    ]});
    assert_eq!(found(&world, "/api/v3/operations?service=cart").await, all);
    let clients = json!({"operations": [{"name": "load", "spanKind": "client"}]});
    assert_eq!(found(&world, "/api/v3/operations?service=cart&spanKind=client").await, clients);
    assert_eq!(found(&world, "/api/v3/operations?service=cart&span_kind=client").await, clients);
    let none = json!({"operations": []});
    assert_eq!(found(&world, "/api/v3/operations?service=cart&spanKind=internal").await, none);
}

#[tokio::test]
async fn a_trace_comes_as_otlp() {
    let answer = found(&shop(), "/api/v3/traces/b2").await;
    let resource = &answer["result"]["resourceSpans"][0];
    let name = json!({"key": "service.name", "value": {"stringValue": "pay"}});
    assert_eq!(resource["resource"]["attributes"][0], name);
    let span = &resource["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], "000000000000000000000000000000b2");
    assert_eq!((&span["kind"], &span["status"]["code"]), (&json!(2), &json!(2)));
    assert_eq!(span["startTimeUnixNano"], (THEN + 2 * MILLI).to_string());
    refused(&shop(), "/api/v3/traces/c3", 404, "No traces found").await;
    let why = "malformed parameter trace_id: strconv.ParseUint: parsing \"x*y\": invalid syntax";
    refused(&shop(), "/api/v3/traces/x*y", 400, why).await;
}

#[tokio::test]
async fn a_search_joins_its_traces_in_one_result() {
    let world = shop();
    let search = |rest: &str| format!("/api/v3/traces?{WINDOW}{rest}");
    assert_eq!(ids(&found(&world, &search("")).await), ["b2", "a1"]);
    assert_eq!(ids(&found(&world, &search("&query.searchDepth=1")).await), ["b2"]);
    assert_eq!(ids(&found(&world, &search("&query.num_traces=1")).await), ["b2"]);
    assert_eq!(ids(&found(&world, &search("&query.serviceName=web")).await), ["a1"]);
    assert_eq!(ids(&found(&world, &search("&query.service_name=web&query.durationMin=50ms")).await), ["a1"]);
    let attributes = search("&query.attributes=%7B%22user%22%3A%22ann%22%7D");
    assert_eq!(ids(&found(&world, &attributes).await), ["a1"]);
    refused(&world, &search("&query.serviceName=nobody"), 404, "No traces found").await;
}

#[tokio::test]
async fn a_window_is_required_and_checked() {
    let world = shop();
    let required = "query.startTimeMin and query.startTimeMax are required";
    refused(&world, "/api/v3/traces", 400, required).await;
    refused(&world, "/api/v3/trace-summaries?query.serviceName=web", 400, required).await;
    let turned =
        "/api/v3/traces?query.start_time_min=2026-01-01T00:00:00Z&query.start_time_max=2025-01-01T00:00:00Z";
    refused(&world, turned, 400, "query.startTimeMin must be before query.startTimeMax").await;
    let grafana = "/api/v3/traces?query.start_time_min=2026-01-01T01:59:50+02:00&query.start_time_max=2026-01-01T02:00:00+02:00";
    assert_eq!(ids(&found(&world, grafana).await), ["b2", "a1"]);
    let unread = format!("/api/v3/traces?{WINDOW}&query.searchDepth=many");
    let why = "malformed parameter query.searchDepth: strconv.ParseInt: parsing \"many\": invalid syntax";
    refused(&world, &unread, 400, why).await;
    let filter = format!("/api/v3/traces?{WINDOW}&query.filter=%7B%7D");
    let why = "query.filter: structured filters are not supported; use query.attributes";
    refused(&world, &filter, 400, why).await;
}

#[tokio::test]
async fn summaries_count_errors_and_orphans() {
    let answer = found(&shop(), &format!("/api/v3/trace-summaries?{WINDOW}")).await;
    let of_pay = json!({
        "traceId": "000000000000000000000000000000b2",
        "rootServiceName": "pay", "rootOperationName": "POST",
        "minStartTimeUnixNano": (THEN + 2 * MILLI).to_string(),
        "maxEndTimeUnixNano": (THEN + 2 * MILLI + 10).to_string(),
        "spanCount": 1, "errorSpanCount": 1,
        "services": [{"name": "pay", "spanCount": 1, "errorSpanCount": 1}],
    });
    assert_eq!(answer["summaries"][0], of_pay);
    let of_web = &answer["summaries"][1];
    assert_eq!((&of_web["spanCount"], &of_web["orphanSpanCount"]), (&json!(3), &json!(1)));
    assert_eq!(
        of_web["services"],
        json!([{"name": "cart", "spanCount": 2}, {"name": "web", "spanCount": 1}])
    );
    let none = found(&shop(), &format!("/api/v3/trace-summaries?{WINDOW}&query.serviceName=x")).await;
    assert_eq!(none, json!({"summaries": []}));
}
