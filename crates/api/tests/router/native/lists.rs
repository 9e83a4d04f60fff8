//! Search, services, operations, completion and what arrives.

use http::StatusCode;
use serde_json::{Value, json};
use span::{SpanKind, StatusCode as SpanStatus, ValueRef};
use store::conformance::{Sketch, one};

use super::{MILLI, THEN, World, ask, refused, told};

const SEARCH: &str = "/api/tw/search";
const SERVICES: &str = "/api/tw/services";
const OPERATIONS: &str = "/api/tw/services/{service}/operations";
const NAMES: &str = "/api/tw/attributes";
const VALUES: &str = "/api/tw/attributes/{key}/values";
const LIVE: &str = "/api/tw/live";

/// Five requests to web, a second apart; the odd ones call pay, which fails in the third.
fn shop() -> World {
    let world = World::new();
    for n in 1..=5_u64 {
        let start = THEN + 1_000 * MILLI * n;
        let code = [("http.response.status_code", ValueRef::Int(200 + n as i64))];
        let root =
            Sketch { id: 1, duration: 50 * MILLI * n, attributes: &code, ..one("web", "GET /", n, start) };
        world.keep(&[root]);
        if n % 2 == 1 {
            let status = if n == 3 { SpanStatus::Error } else { SpanStatus::Unset };
            let region = [("region", ValueRef::Str(b"eu"))];
            world.keep(&[Sketch {
                id: 2,
                parent: 1,
                kind: SpanKind::Client,
                duration: 10 * MILLI,
                status,
                of_resource: &region,
                ..one("pay", "Charge", n, start + MILLI)
            }]);
        }
    }
    world
}

/// Returns the lines of a search, by type.
async fn lines(world: &World, parameters: &str) -> Vec<Value> {
    let reply = ask(world, SEARCH, &format!("{SEARCH}?{parameters}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn traces(lines: &[Value]) -> Vec<u64> {
    let of = lines.iter().filter(|line| line["type"] == "trace");
    of.map(|line| u64::from_str_radix(line["traceId"].as_str().unwrap(), 16).unwrap()).collect()
}

#[tokio::test]
async fn traces_stream_newest_first_and_a_summary_ends_them() {
    let all = lines(&shop(), "").await;
    assert_eq!(traces(&all), [5, 4, 3, 2, 1]);
    let third = &all.iter().find(|line| line["errors"] == 1 && line["type"] == "trace").unwrap();
    assert_eq!(third["error"], json!({"service": "pay", "operation": "Charge"}));
    assert_eq!(third["root"], json!({"service": "web", "operation": "GET /"}));
    assert_eq!(
        third["services"],
        json!([
            {"name": "web", "spans": 1, "errors": 0, "ns": 140 * MILLI},
            {"name": "pay", "spans": 1, "errors": 1, "ns": 10 * MILLI},
        ])
    );
    let summary = all.last().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!((&summary["spans"], &summary["errors"]), (&json!(8), &json!(1)));
    assert_eq!((&summary["traces"], &summary["after"]), (&json!({"count": 5, "exact": true}), &Value::Null));
    let facet =
        |key: &str| summary["facets"].as_array().unwrap().iter().find(|facet| facet["key"] == key).unwrap();
    assert_eq!(
        facet("resource.service.name")["values"],
        json!([
            {"text": "web", "type": "string", "count": 5, "errors": 0},
            {"text": "pay", "type": "string", "count": 3, "errors": 1},
        ])
    );
    assert_eq!(
        facet("status")["values"][1],
        json!({"text": "error", "type": "keyword", "count": 1, "errors": 1})
    );
    assert_eq!(facet("span.http.response.status_code")["values"].as_array().unwrap().len(), 5);
    let progress: Vec<&Value> = all.iter().filter(|line| line["type"] == "progress").collect();
    assert_eq!(progress.last().unwrap()["scanned"], 1);
}

#[tokio::test]
async fn totals_count_all_that_match_and_not_only_what_is_listed() {
    let q = "q=%7B%20resource.service.name%20%3D%20%22pay%22%20%7D&limit=1&buckets=10&facets=resource.region";
    let all = lines(&shop(), q).await;
    assert_eq!(traces(&all), [5]);
    assert_eq!((&all[0]["matched"], &all[0]["matchedSpanId"]), (&json!(1), &json!("0000000000000002")));
    let summary = all.last().unwrap();
    assert_eq!((&summary["spans"], &summary["traces"]["count"]), (&json!(3), &json!(3)));
    let sum = |list: &Value| list.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum(&summary["histogram"]["counts"]), sum(&summary["histogram"]["errors"])), (3, 1));
    let cells = summary["heatmap"]["cells"].as_array().unwrap();
    assert_eq!(cells.iter().map(|cell| cell[2].as_u64().unwrap()).sum::<u64>(), 3);
    let bounds = summary["heatmap"]["bounds"].as_array().unwrap();
    assert!(bounds[0].as_u64() <= Some(10 * MILLI) && Some(10 * MILLI) < bounds[1].as_u64());
    let regions = summary["facets"].as_array().unwrap().last().unwrap();
    assert_eq!(regions["values"][0], json!({"text": "eu", "type": "string", "count": 3, "errors": 1}));
}

#[tokio::test]
async fn a_listing_goes_on_where_it_ended() {
    let world = shop();
    let first = lines(&world, "limit=2&summary=false").await;
    assert_eq!(traces(&first), [5, 4]);
    let after = first.last().unwrap()["after"].as_str().unwrap();
    let second = lines(&world, &format!("limit=2&after={after}")).await;
    assert_eq!(traces(&second), [3, 2]);
    assert_eq!(second.last().unwrap()["spans"], 8);
    let only_figures = lines(&world, "limit=0").await;
    assert_eq!(only_figures.len(), 1);
}

#[tokio::test]
async fn spans_are_listed_and_a_listing_goes_on_within_a_trace() {
    let world = shop();
    let mut query = "rows=spans&limit=2&summary=false".to_owned();
    let mut listed = Vec::new();
    for _ in 0..5 {
        let part = lines(&world, &query).await;
        let spans = part.iter().filter(|line| line["type"] == "span");
        listed.extend(
            spans.map(|span| format!("{} {}", &span["traceId"].as_str().unwrap()[31..], span["name"])),
        );
        match part.last().unwrap()["after"].as_str() {
            Some(after) => {
                query = format!("rows=spans&limit=3&summary=false&after={}", after.replace('+', "%2B"));
            }
            None => break,
        }
    }
    let (get, charge) = ("\"GET /\"", "\"Charge\"");
    let wanted = [(5, get), (5, charge), (4, get), (3, get), (3, charge), (2, get), (1, get), (1, charge)];
    assert_eq!(listed, wanted.map(|(id, name)| format!("{id} {name}")));
    let failed = lines(&world, "rows=spans&q=%7Bstatus%3Derror%7D").await;
    assert_eq!((&failed[0]["service"], &failed[0]["failed"]), (&json!("pay"), &json!(true)));
    assert_eq!((&failed[0]["durationNs"], &failed[0]["traceNs"]), (&json!(10 * MILLI), &json!(150 * MILLI)));
    assert!(refused(&world, SEARCH, "/api/tw/search?rows=x", 400).await.contains("traces or spans"));
    assert!(refused(&world, SEARCH, "/api/tw/search?after=x", 400).await.contains("no continuation"));
}

#[tokio::test]
async fn queries_that_are_not_understood_name_their_column() {
    let world = shop();
    let reply = ask(&world, SEARCH, "/api/tw/search?q=%7B%20servce%20%3D%201%20%7D").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["column"]), (400, &json!(3)));
    assert_eq!(reply.json()["error"], "'servce' is no field");
    let check = told(&world, "/api/tw/check", "/api/tw/check?q=%7B%20servce%20%3D%201%20%7D").await;
    assert_eq!((&check["ok"], &check["column"]), (&json!(false), &json!(3)));
    let check = told(&world, "/api/tw/check", "/api/tw/check?q=%7B.a%3D1%7D").await;
    assert_eq!((&check["ok"], &check["text"]), (&json!(true), &json!("{ .a = 1 }")));
    let odd = refused(&world, SEARCH, "/api/tw/search?from=yesterday", 400).await;
    assert!(odd.contains("'yesterday' is no time"), "{odd}");
    assert_eq!(
        refused(&world, SEARCH, "/api/tw/search?from=now&to=now-1h", 400).await,
        "'from' must be before 'to'"
    );
    assert!(refused(&world, SEARCH, "/api/tw/search?limit=9999", 400).await.contains("from 0 to 1000"));
    assert!(
        refused(&world, SEARCH, "/api/tw/search?facets=duration", 400).await.contains("no values to count")
    );
}

#[tokio::test]
async fn services_are_judged_by_their_entries() {
    let answer = told(&shop(), SERVICES, "/api/tw/services?from=now-10s&buckets=10").await;
    let services = answer["services"].as_array().unwrap();
    let names: Vec<_> = services.iter().map(|service| (&service["name"], &service["over"])).collect();
    assert_eq!(names, [(&json!("pay"), &json!("all")), (&json!("web"), &json!("entries"))]);
    let web = &services[1];
    assert_eq!((&web["spans"], &web["errors"], &web["rate"]), (&json!(5), &json!(0), &json!(0.5)));
    assert_eq!(web["sparkline"]["counts"], json!([0, 1, 1, 1, 1, 1, 0, 0, 0, 0]));
    let p50 = web["p50Ns"].as_f64().unwrap() / (150 * MILLI) as f64;
    assert!((p50 - 1.0).abs() < 0.13, "{p50}");
    assert_eq!(services[0]["errorShare"], 1.0 / 3.0);
    assert_eq!(answer["total"]["spans"], 5);
    assert_eq!(told(&shop(), SERVICES, "/api/tw/services?from=now-1s").await["services"], json!([]));
}

#[tokio::test]
async fn operations_have_figures_and_one_has_its_durations() {
    let world = shop();
    let answer = told(&world, OPERATIONS, "/api/tw/services/pay/operations").await;
    let operations = answer["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 1);
    assert_eq!((&operations[0]["name"], &operations[0]["kind"]), (&json!("Charge"), &json!("client")));
    assert_eq!((&operations[0]["spans"], &operations[0]["errors"]), (&json!(3), &json!(1)));
    let one = told(&world, OPERATIONS, "/api/tw/services/web/operations?name=GET%20/").await;
    let durations = one["operations"][0]["durations"].as_array().unwrap();
    assert_eq!(durations.iter().map(|pair| pair[1].as_u64().unwrap()).sum::<u64>(), 5);
    assert_eq!(told(&world, OPERATIONS, "/api/tw/services/no/operations").await["operations"], json!([]));
}

#[tokio::test]
async fn completion_suggests_what_can_match() {
    let world = shop();
    let keys = |answer: &Value| {
        let names = answer["attributes"].as_array().unwrap().iter();
        names.map(|name| format!("{} {}", name["query"].as_str().unwrap(), name["count"])).collect::<Vec<_>>()
    };
    let all = told(&world, NAMES, "/api/tw/attributes").await;
    assert_eq!(
        keys(&all),
        ["resource.service.name 8", "span.http.response.status_code 5", "resource.region 3"]
    );
    let of_pay = "/api/tw/attributes?q=%7Bresource.service.name%3D%22pay%22%7D";
    assert_eq!(keys(&told(&world, NAMES, of_pay).await), ["resource.region 3", "resource.service.name 3"]);
    let typed = told(&world, NAMES, "/api/tw/attributes?prefix=STATUS&limit=1").await;
    assert_eq!(keys(&typed), ["span.http.response.status_code 5"]);
    let values = |answer: &Value| {
        let values = answer["values"].as_array().unwrap().iter();
        values
            .map(|value| format!("{} {}", value["text"].as_str().unwrap(), value["count"]))
            .collect::<Vec<_>>()
    };
    let services = told(&world, VALUES, "/api/tw/attributes/resource.service.name/values").await;
    assert_eq!(values(&services), ["web 5", "pay 3"]);
    let codes =
        told(&world, VALUES, "/api/tw/attributes/span.http.response.status_code/values?prefix=20&limit=2")
            .await;
    assert_eq!(
        (values(&codes), &codes["more"]),
        (vec!["201 1".to_owned(), "202 1".to_owned()], &json!(true))
    );
    let failed = "/api/tw/attributes/name/values?q=%7Bstatus%3Derror%7D";
    assert_eq!(values(&told(&world, VALUES, failed).await), ["Charge 1"]);
    let none = refused(&world, VALUES, "/api/tw/attributes/duration/values", 400).await;
    assert_eq!(none, "duration has no values to count");
}

#[tokio::test]
async fn live_tells_what_arrived_after_its_watermark() {
    let world = shop();
    let first = told(&world, LIVE, "/api/tw/live?limit=2").await;
    assert_eq!(traces(first["traces"].as_array().unwrap()), [5, 4]);
    let watermark = first["watermark"].as_str().unwrap();
    let nothing = told(&world, LIVE, &format!("/api/tw/live?after={watermark}")).await;
    assert_eq!(nothing["traces"], json!([]));
    let mut late = store::conformance::write(&one("late", "GET", 9, THEN));
    late.received = span::UnixNanos(watermark.parse().unwrap());
    store::TraceWriter::write(&world.store, &[late]).unwrap();
    let news = told(&world, LIVE, &format!("/api/tw/live?after={watermark}")).await;
    assert_eq!(traces(news["traces"].as_array().unwrap()), [9]);
    assert!(refused(&world, LIVE, "/api/tw/live?after=x", 400).await.contains("no watermark"));
}
