//! What is told about traces, held against the fixture that the web UI's own model is held against.

use serde_json::{Value, json};
use span::{SpanKind, StatusCode as SpanStatus};
use store::conformance::{Sketch, one};

use super::{MILLI, THEN, World, told};

/// Traces and what is worth knowing of them; `ui/src/data/same.test.ts` reads the same file.
const TRACES: &str = include_str!("../../../fixtures/findings.json");

fn sketch<'a>(trace: u64, span: &'a Value) -> Sketch<'a> {
    let number = |key: &str| span[key].as_u64().expect("the fixture has numbers");
    let text = |key: &str| span[key].as_str().expect("the fixture has texts");
    let kind = match text("kind") {
        "internal" => SpanKind::Internal,
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        other => panic!("`{other}` is no kind"),
    };
    let (start, end) = (number("startMs"), number("endMs"));
    let status = if span["failed"] == json!(true) { SpanStatus::Error } else { SpanStatus::Unset };
    Sketch {
        id: number("id"),
        parent: number("parent"),
        kind,
        duration: (end - start) * MILLI,
        status,
        ..one(text("service"), text("name"), trace, THEN + start * MILLI)
    }
}

#[tokio::test]
async fn findings_are_those_of_the_fixture() {
    let world = World::new();
    let cases: Vec<Value> = serde_json::from_str(TRACES).expect("the fixture is JSON");
    for (case, at) in cases.iter().zip(0xf0_u64..) {
        let spans = case["spans"].as_array().expect("a trace has spans");
        world.keep(&spans.iter().map(|span| sketch(at, span)).collect::<Vec<_>>());
        let answer = told(&world, "/api/tw/traces/{id}", &format!("/api/tw/traces/{at:x}")).await;
        let ids = told(&world, "/api/tw/traces/{id}/ids", &format!("/api/tw/traces/{at:x}/ids")).await;
        let ids = ids["ids"].as_str().expect("ids are a text").to_owned();
        let id = |row: &Value| {
            let row = row.as_u64().expect("a row is a number") as usize;
            json!(u64::from_str_radix(&ids[16 * row..16 * row + 16], 16).expect("an id is in hex"))
        };
        let findings: Vec<Value> = answer["findings"]
            .as_array()
            .expect("there is a list")
            .iter()
            .map(|finding| {
                let mut rows: Vec<Value> = finding["rows"].as_array().unwrap().iter().map(id).collect();
                rows.sort_unstable_by_key(Value::as_u64);
                let us = finding["ns"].as_u64().unwrap() / 1_000;
                json!({"kind": finding["kind"], "id": id(&finding["row"]), "ids": rows, "us": us, "title": finding["title"]})
            })
            .collect();
        let guilty = json!({"id": id(&answer["select"]["row"]), "why": answer["select"]["why"]});
        assert_eq!(guilty, case["guilty"], "{}", case["fact"]);
        assert_eq!(json!(findings), case["findings"], "{}", case["fact"]);
    }
}
