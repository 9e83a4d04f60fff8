//! Who calls whom, and how the server is.

use api::{Drops, ListenerStatus, ServerStatus, StorageStatus};
use serde_json::{Value, json};
use span::{DurationNanos, SpanKind, StatusCode as SpanStatus, UnixNanos};
use store::conformance::{Sketch, one};

use super::{MILLI, NOW, THEN, World, refused, told};

const DEPENDENCIES: &str = "/api/tw/dependencies";
const STATUS: &str = "/api/tw/status";

#[tokio::test]
async fn calls_have_rate_errors_durations_and_a_sample() {
    let world = World::new();
    for n in 1..=4_u64 {
        let start = THEN + 1_000 * MILLI * n;
        let status = if n == 2 { SpanStatus::Error } else { SpanStatus::Unset };
        let web = Sketch { id: 1, duration: 100 * MILLI, ..one("web", "GET /", n, start) };
        let pay = Sketch {
            id: 2,
            parent: 1,
            duration: 40 * MILLI,
            status,
            ..one("pay", "Charge", n, start + MILLI)
        };
        let db =
            Sketch { id: 3, parent: 2, kind: SpanKind::Client, ..one("pay", "SELECT", n, start + 2 * MILLI) };
        world.keep(&[web, pay, db]);
    }
    let answer = told(&world, DEPENDENCIES, "/api/tw/dependencies?from=now-10s").await;
    assert_eq!((&answer["traces"], &answer["covered"]), (&json!(4), &answer["from"]));
    let edges = answer["edges"].as_array().unwrap();
    let names: Vec<_> = edges
        .iter()
        .map(|edge| (edge["parent"].as_str().unwrap(), edge["child"].as_str().unwrap()))
        .collect();
    assert_eq!(names, [("pay", "pay"), ("web", "pay")]);
    let call = &edges[1];
    assert_eq!((&call["calls"], &call["rate"], &call["errorShare"]), (&json!(4), &json!(0.4), &json!(0.25)));
    let p95 = call["p95Ns"].as_f64().unwrap() / (40 * MILLI) as f64;
    assert!((p95 - 1.0).abs() < 0.13, "{p95}");
    assert_eq!(
        (&call["sampleTraceId"], &call["errorTraceId"]),
        (&json!(format!("{:032x}", 4)), &json!(format!("{:032x}", 2)))
    );
    assert_eq!(edges[0]["errorTraceId"], Value::Null);
    let web = &answer["services"][1];
    assert_eq!(
        (&web["name"], &web["entries"], &web["selfNs"]),
        (&json!("web"), &json!(4), &json!(240 * MILLI))
    );
    let none = told(&world, DEPENDENCIES, "/api/tw/dependencies?from=now-10s&service=db").await;
    assert_eq!((&none["edges"], &none["services"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn server_reports_itself_where_it_can() {
    let world = World::new();
    refused(&world, STATUS, STATUS, 501).await;
    world.desk.report_with(|| ServerStatus {
        version: "1.2.3",
        started: UnixNanos(NOW - 1),
        state: "serving",
        listeners: vec![
            ListenerStatus { name: "query", what: "page", addresses: vec!["127.0.0.1:16686".to_owned()] },
            ListenerStatus { name: "zipkin", what: "Zipkin", addresses: Vec::new() },
        ],
        spans: 7,
        drops: vec![
            Drops { cause: "full".to_owned(), count: 3, unit: "requests" },
            Drops { cause: "never".to_owned(), count: 0, unit: "spans" },
        ],
        storage: StorageStatus {
            engine: "memory",
            retention: Some(DurationNanos(5)),
            ..StorageStatus::default()
        },
        ..ServerStatus::default()
    });
    let status = told(&world, STATUS, STATUS).await;
    assert_eq!((&status["version"], &status["ever"]), (&json!("1.2.3"), &json!(false)));
    assert_eq!(status["drops"], json!([{"cause": "full", "count": 3, "unit": "requests"}]));
    assert_eq!(status["listeners"][1]["on"], false);
    assert_eq!(
        (&status["storage"]["retentionNs"], &status["storage"]["retentionBytes"]),
        (&json!(5), &Value::Null)
    );
    world.keep(&[one("web", "GET /", 1, THEN)]);
    assert_eq!(told(&world, STATUS, STATUS).await["ever"], true);
}

#[tokio::test]
async fn links_of_others_lead_to_our_pages() {
    let world = World::new();
    let reply = world.get("/zipkin/traces/00ab").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (302, "/trace/00ab"));
    let reply = world.get("/search?service=cart&lookback=1h").await;
    let place = "/traces?q=%7B%20resource.service.name%20%3D%20%22cart%22%20%7D&from=now-1h&to=now";
    assert_eq!((reply.status.as_u16(), reply.header("location")), (302, place));
}
