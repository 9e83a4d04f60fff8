//! OTLP JSON in, Jaeger's JSON out.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::World;

fn span(trace: char, id: u8, name: &str) -> serde_json::Value {
    json!({
        "traceId": trace.to_string().repeat(32),
        "spanId": format!("{id:016x}"),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": "1706678909209712000",
        "endTimeUnixNano": "1706678909209835000",
        "attributes": [{"key": "z", "value": {"intValue": "7"}}, {"key": "a", "value": {"stringValue": "x"}}],
    })
}

fn request(spans: &[serde_json::Value]) -> String {
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "gen"}}]});
    let scope = json!({"scope": {"name": "lib"}, "spans": spans});
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}).to_string()
}

async fn transform(body: &str) -> crate::world::Reply {
    World::new().ask(Method::POST, "/api/transform", body).await
}

#[tokio::test]
async fn spans_come_out_as_they_came_in() {
    let late = span('a', 2, "late");
    let reply =
        transform(&request(&[late.clone(), span('b', 1, "other"), late, span('a', 1, "early")])).await;
    assert_eq!(reply.status, StatusCode::OK);
    let data = reply.json()["data"].clone();
    let names = |trace: &serde_json::Value| {
        let spans = trace["spans"].as_array().unwrap().clone();
        spans.iter().map(|span| span["operationName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&data[0]), ["late", "late", "early"]);
    assert_eq!(names(&data[1]), ["other"]);
    assert_eq!(
        data[1],
        json!({
            "traceID": "b".repeat(32),
            "spans": [{
                "traceID": "b".repeat(32),
                "spanID": "0000000000000001",
                "operationName": "other",
                "references": [],
                "startTime": 1_706_678_909_209_712_u64,
                "duration": 123,
                "tags": [
                    {"key": "otel.scope.name", "type": "string", "value": "lib"},
                    {"key": "z", "type": "int64", "value": 7},
                    {"key": "a", "type": "string", "value": "x"},
                    {"key": "span.kind", "type": "string", "value": "server"},
                ],
                "logs": [],
                "processID": "p1",
                "warnings": null,
            }],
            "processes": {"p1": {"serviceName": "gen", "tags": []}},
            "warnings": null,
        })
    );
}

#[tokio::test]
async fn nothing_becomes_an_empty_list() {
    let reply = transform("{}").await;
    assert_eq!(reply.text, r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#);
}

#[tokio::test]
async fn spans_without_ids_are_left_out_and_mentioned() {
    let mut bad = span('a', 1, "bad");
    bad["spanId"] = json!("");
    let body = transform(&request(&[bad, span('a', 2, "good")])).await.json();
    assert_eq!(body["data"][0]["spans"].as_array().unwrap().len(), 1);
    let said = body["errors"][0]["msg"].as_str().unwrap();
    assert!(said.starts_with("1 spans left out: "), "{said}");
}

#[tokio::test]
async fn what_is_no_otlp_is_refused() {
    for body in ["", "[", "<xml>", r#"{"resourceSpans":7}"#] {
        let reply = transform(body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}: {}", reply.text);
        assert_eq!(reply.json()["errors"][0]["code"], 400);
    }
}

#[tokio::test]
async fn body_that_is_too_long_is_refused() {
    let world = World::built(|backend| backend.limits.body_bytes_max = 100);
    let reply = world.ask(Method::POST, "/api/transform", &" ".repeat(101)).await;
    reply.is_refused(413, "the body is longer than 100 bytes");
    assert_eq!(world.desk.answer_bytes_held(), 0);
}
