//! One trace: skeleton, ids, details.

use http::{Request, StatusCode};
use serde_json::{Value, json};
use span::{
    BatchBuilder, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind, SpanRow, StatusCode as SpanStatus,
    Tenant, TraceId, UnixNanos, ValueRef,
};
use store::conformance::{Sketch, one};
use store::{TraceWriter, Write};

use super::{MILLI, NOW, THEN, World, refused, told};

const SKELETON: &str = "/api/tw/traces/{id}";
const SPANS: &str = "/api/tw/traces/{id}/spans";
const IDS: &str = "/api/tw/traces/{id}/ids";

/// Trace a1: web calls cart, which fails; and a span whose parent is nowhere.
pub(super) fn shop() -> World {
    let world = World::new();
    let tags = [("user", ValueRef::Str(b"ann")), ("items", ValueRef::Int(3)), ("ok", ValueRef::Bool(true))];
    let error = [("exception.message", ValueRef::Str(b"out of stock"))];
    let root = Sketch { id: 1, duration: 50 * MILLI, attributes: &tags, ..one("web", "GET /", 0xa1, THEN) };
    let client = Sketch {
        id: 2,
        parent: 1,
        kind: SpanKind::Client,
        duration: 40 * MILLI,
        ..one("web", "load", 0xa1, THEN + 5 * MILLI)
    };
    let server = Sketch {
        id: 3,
        parent: 2,
        duration: 30 * MILLI,
        status: SpanStatus::Error,
        of_event: &error,
        ..one("cart", "load", 0xa1, THEN + 10 * MILLI)
    };
    let orphan = Sketch { id: 4, parent: 77, ..one("cart", "late", 0xa1, THEN + 60 * MILLI) };
    world.keep(&[server, orphan, client, root]);
    world
}

#[tokio::test]
async fn skeleton_has_rows_in_pre_order_and_columns_of_one_length() {
    let answer = told(&shop(), SKELETON, "/api/tw/traces/a1").await;
    assert_eq!(answer["services"], json!(["cart", "web"]));
    assert_eq!((&answer["spanCount"], &answer["errorCount"]), (&json!(4), &json!(1)));
    assert_eq!((&answer["orphanCount"], &answer["depth"]), (&json!(1), &json!(3)));
    assert_eq!((&answer["t0"], &answer["root"]), (&json!(THEN.to_string()), &json!(0)));
    let columns = &answer["columns"];
    assert_eq!(columns["parent"], json!([-1, 0, 1, -2]));
    assert_eq!(columns["start"], json!([0, 5 * MILLI, 5 * MILLI, 50 * MILLI]));
    assert_eq!(columns["duration"], json!([50 * MILLI, 40 * MILLI, 30 * MILLI, 10]));
    assert_eq!(columns["operation"], json!([0, 1, 2, 3]));
    // Failed, root cause, remote, critical, events.
    assert_eq!(columns["flags"], json!([32, 32, 1 + 2 + 8 + 32 + 64, 4]));
    assert_eq!(answer["operations"][2], json!({"service": 0, "name": "load", "kind": "server"}));
    assert_eq!(answer["select"], json!({"row": 2, "why": "error"}));
}

#[tokio::test]
async fn findings_name_the_guilty_row_first() {
    let answer = told(&shop(), SKELETON, "/api/tw/traces/a1").await;
    let kinds: Vec<&str> =
        answer["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["error", "slowest_self", "critical_path", "orphans"]);
    let first = &answer["findings"][0];
    assert_eq!((&first["row"], &first["rows"]), (&json!(2), &json!([2])));
    assert_eq!(first["title"], "cart · load failed");
}

#[tokio::test]
async fn an_unchanged_trace_is_not_sent_again() {
    let world = shop();
    let tag = world.get("/api/tw/traces/a1").await.header("etag").to_owned();
    let ask = |tag: String| Request::get("/api/tw/traces/a1").header("if-none-match", tag);
    let again = world.send(ask(format!("W/{tag}")).body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((again.status, &*again.text), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.header("etag"), tag);
    world.keep(&[Sketch { id: 9, parent: 1, ..one("web", "more", 0xa1, THEN + MILLI) }]);
    let grown = world.send(ask(tag.clone()).body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(grown.status, StatusCode::OK);
    assert_ne!(grown.header("etag"), tag);
    assert_eq!(grown.json()["spanCount"], 5);
}

#[tokio::test]
async fn ids_stand_in_row_order() {
    let answer = told(&shop(), IDS, "/api/tw/traces/a1/ids").await;
    let text: String = (1..=4).map(|id| format!("{id:016x}")).collect();
    assert_eq!(answer["ids"], text);
    let skeleton = told(&shop(), SKELETON, "/api/tw/traces/a1").await;
    assert_eq!(answer["watermark"], skeleton["watermark"]);
}

#[tokio::test]
async fn spans_come_whole_by_row_and_by_id() {
    let world = shop();
    let answer = told(&world, SPANS, "/api/tw/traces/a1/spans?rows=0,2-3,99").await;
    let spans = answer["spans"].as_array().unwrap();
    assert_eq!(spans.iter().map(|span| &span["row"]).collect::<Vec<_>>(), [0, 2, 3]);
    let root = &spans[0];
    assert_eq!(
        root["attributes"],
        json!([
            {"key": "user", "type": "string", "text": "ann"},
            {"key": "items", "type": "int", "text": "3"},
            {"key": "ok", "type": "bool", "text": "true"},
        ])
    );
    assert_eq!((&root["parentSpanId"], &root["selfNs"]), (&Value::Null, &json!(10 * MILLI)));
    assert_eq!(spans[1]["status"], json!({"code": "error", "message": ""}));
    assert_eq!(spans[1]["events"][0]["attributes"][0]["text"], "out of stock");
    assert_eq!(spans[1]["resource"]["attributes"][0]["text"], "cart");
    assert_eq!(spans[2]["parentSpanId"], "000000000000004d");
    let by_id = told(&world, SPANS, "/api/tw/traces/a1/spans?ids=3,abc").await;
    assert_eq!(by_id["spans"].as_array().unwrap().len(), 1);
    assert_eq!(by_id["spans"][0], spans[1]);
}

#[tokio::test]
async fn rows_are_found_by_query_and_by_text() {
    let world = shop();
    let find = async |parameters: &str| {
        let path = format!("/api/tw/traces/a1/find?{parameters}");
        told(&world, "/api/tw/traces/{id}/find", &path).await["rows"].clone()
    };
    assert_eq!(find("q=%7Bresource.service.name%3D%22cart%22%7D").await, json!([2, 3]));
    assert_eq!(find("text=OUT%20OF").await, json!([2]));
    assert_eq!(find("q=%7Bkind%3Dclient%7D&text=load").await, json!([1]));
    let led = told(&world, SKELETON, "/api/tw/traces/a1?q=%7Bkind%3Dclient%7D").await;
    assert_eq!(led["select"], json!({"row": 1, "why": "query"}));
}

#[tokio::test]
async fn what_cannot_be_given_is_told() {
    let world = shop();
    assert_eq!(refused(&world, SKELETON, "/api/tw/traces/ffffff", 404).await, "trace not found");
    let why = refused(&world, SKELETON, "/api/tw/traces/zz!", 400).await;
    assert!(why.contains("invalid syntax"), "{why}");
    assert_eq!(refused(&world, SPANS, "/api/tw/traces/a1/spans", 400).await, "give either 'rows' or 'ids'");
    let many = refused(&world, SPANS, "/api/tw/traces/a1/spans?rows=0-1000", 400).await;
    assert_eq!(many, "1001 spans are asked for, 1000 at a time are given");
    let odd = refused(&world, SPANS, "/api/tw/traces/a1/spans?rows=0-x", 400).await;
    assert_eq!(odd, "param 'rows': 'x' is no row");
}

#[tokio::test]
async fn skeleton_of_a_hundred_thousand_spans_takes_three_megabytes() {
    let world = World::new();
    world
        .store
        .write(&[Write { tenant: Tenant::default(), received: UnixNanos(NOW), batch: large() }])
        .unwrap();
    let reply = world.get("/api/tw/traces/5").await;
    assert_eq!(reply.json()["columns"]["parent"].as_array().unwrap().len(), 100_000);
    assert!(reply.text.len() <= 3_000_000, "{} bytes", reply.text.len());
}

/// A trace in which each span has seven children that begin within half a second of it, and takes from
/// microseconds to a second.
fn large() -> SpanBatch {
    let mut builder = BatchBuilder::new();
    let mut rows = Vec::new();
    for service in ["web", "cart", "db", "queue", "mail"] {
        let mark = builder.mark();
        builder.push(b"service.name", ValueRef::Str(service.as_bytes())).unwrap();
        let attributes = builder.since(mark);
        rows.push(builder.resource(ResourceRow { attributes, ..ResourceRow::default() }));
    }
    let names = ["GET /", "load", "SELECT", "publish"].map(|name| builder.text(name.as_bytes()).unwrap());
    let scope = builder.scope(ScopeRow::default());
    let mut starts = vec![NOW - 60_000 * MILLI];
    for id in 1..=100_000_u64 {
        let parent = if id == 1 { 0 } else { (id - 2) / 7 + 1 };
        let start = starts[parent as usize] + id * 7_919_333_331 % (500 * MILLI);
        starts.push(start);
        builder.span(SpanRow {
            trace_id: TraceId::from_halves(0, 5),
            span_id: SpanId::from_u64(id),
            parent_span_id: SpanId::from_u64(parent),
            start: UnixNanos(start),
            end: UnixNanos(start + ((id * 1_037_041 % (900 * MILLI)) >> (id % 16))),
            resource: rows[(id % 5) as usize],
            scope,
            name: names[(id % 4) as usize],
            ..SpanRow::default()
        });
    }
    builder.finish()
}
