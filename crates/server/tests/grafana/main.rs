//! Every request that Grafana's Jaeger data source makes, answered as Grafana reads it.
//!
//! The requests are spelled as its Go code spells them (queries sorted and form-encoded, times of the
//! newer API unencoded), and the answers are read into types as strict as its own: a number where it
//! wants text would be an error in a panel. It takes `data[0]` without looking, so an answer without a
//! trace must not be a 200.

mod reading;

#[path = "../clients/http.rs"]
mod http;
#[expect(dead_code, reason = "brokers are for the suite of clients")]
#[path = "../clients/patience.rs"]
mod patience;
#[expect(dead_code, reason = "the known ports are for the suite of clients")]
#[path = "../clients/running.rs"]
mod running;

use std::net::SocketAddr;

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use reading::{Dependencies, Operations3, Services, Services3, Traces, Traces3};
use running::Tracewell;

const TRACE_ID: &str = "5b8efff798038103d269b633813fc60c";
/// The front calls the back, which fails.
const FRONT: &str = "eee19b7ec3c1b174";
const BACK: &str = "eee19b7ec3c1b175";

/// A server that holds one trace of two services, and the moment at which it started.
struct Scene {
    _server: Tracewell,
    query: SocketAddr,
    start: Timestamp,
}

fn scene() -> Scene {
    let server = Tracewell::start();
    let start = Timestamp::now() - 10.seconds();
    let body = trace(start.as_nanosecond());
    let answer = http::post(server.address("otlp-http"), "/v1/traces", "application/json", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    Scene { query: server.address("query"), _server: server, start }
}

/// Two spans as OTLP JSON: 200 ms at the front, 100 ms at the back.
fn trace(start: i128) -> String {
    let at = |ms: i128| (start + ms * 1_000_000).to_string();
    serde_json::json!({"resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "front"}}]},
            "scopeSpans": [{"scope": {"name": "web", "version": "2.0"}, "spans": [{
                "traceId": TRACE_ID, "spanId": FRONT, "name": "GET /cart", "kind": 2,
                "startTimeUnixNano": at(0), "endTimeUnixNano": at(200),
                "attributes": [{"key": "http.status_code", "value": {"intValue": "500"}}],
                "status": {}
            }]}]
        },
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "back"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": TRACE_ID, "spanId": BACK, "parentSpanId": FRONT, "name": "load cart", "kind": 2,
                "startTimeUnixNano": at(50), "endTimeUnixNano": at(150),
                "attributes": [{"key": "retried", "value": {"boolValue": true}}],
                "events": [{"timeUnixNano": at(60), "name": "miss",
                            "attributes": [{"key": "cache", "value": {"stringValue": "carts"}}]}],
                "status": {"code": 2, "message": "no such cart"}
            }]}]
        }
    ]})
    .to_string()
}

#[test]
fn services_and_operations_fill_the_form() {
    let scene = scene();
    let mut services = Services::from(&http::get(scene.query, "/api/services")).data;
    services.sort();
    assert_eq!(services, ["back", "front"]);
    let operations = Services::from(&http::get(scene.query, "/api/services/front/operations")).data;
    assert_eq!(operations, ["GET /cart"]);
    let none = Services::from(&http::get(scene.query, "/api/services/nobody/operations"));
    assert_eq!(none.data, Vec::<String>::new());
}

#[test]
fn search_is_a_table_of_traces() {
    let scene = scene();
    for query in [
        "limit=20&service=front",
        "limit=20&operation=GET+%2Fcart&service=front",
        "limit=20&maxDuration=1s&minDuration=100ms&operation=load+cart&service=back",
        "limit=20&service=back&tags=%7B%22error%22%3A%22true%22%7D",
        "limit=20&service=front&tags=%7B%22http.status_code%22%3A%22500%22%7D",
        "service=back&tags=%7B%22retried%22%3A%22true%22%2C%22error%22%3A%22true%22%7D",
    ] {
        let found = Traces::from(&http::get(scene.query, &format!("/api/traces?{query}")));
        assert_eq!(found.data.len(), 1, "{query}");
        assert_eq!(found.data[0].trace_id, TRACE_ID, "{query}");
        assert_eq!(found.data[0].spans.len(), 2, "a search gives whole traces");
    }
    let (start, end) = (scene.start.as_microsecond() - 1, scene.start.as_microsecond() + 60_000_000);
    let in_time = format!("/api/traces?end={end}&limit=20&service=front&start={start}");
    assert_eq!(Traces::from(&http::get(scene.query, &in_time)).data.len(), 1);
    let too_late = format!("/api/traces?end={}&limit=20&service=front&start=0", start - 1);
    assert_eq!(Traces::from(&http::get(scene.query, &too_late)).data.len(), 0);
    let nobody = Traces::from(&http::get(scene.query, "/api/traces?limit=20&service=nobody"));
    assert_eq!(nobody.data.len(), 0);
}

#[test]
fn trace_is_drawn_from_the_first_answer() {
    let scene = scene();
    let (start, end) = (scene.start.as_microsecond(), scene.start.as_microsecond() + 1_000_000);
    for target in
        [format!("/api/traces/{TRACE_ID}"), format!("/api/traces/{TRACE_ID}?end={end}&start={start}")]
    {
        let trace = Traces::from(&http::get(scene.query, &target)).data.remove(0);
        let span =
            |id: &str| trace.spans.iter().find(|span| span.span_id == id).expect("both spans are there");
        let (front, back) = (span(FRONT), span(BACK));
        assert_eq!(front.operation_name, "GET /cart");
        assert_eq!((front.start_time, front.duration), (scene.start.as_microsecond(), 200_000));
        assert_eq!(trace.processes[&back.process_id].service_name, "back");
        assert_eq!(back.references.len(), 1);
        assert_eq!(
            (back.references[0].ref_type.as_str(), back.references[0].span_id.as_str()),
            ("CHILD_OF", FRONT)
        );
        let tag = |key: &str| {
            back.tags.iter().find(|tag| tag.key == key).map(|tag| (&*tag.tag_type, tag.value.clone()))
        };
        // The red mark of a span hangs on this very tag.
        assert_eq!(tag("error"), Some(("bool", true.into())));
        assert_eq!(tag("span.kind"), Some(("string", "server".into())));
        assert_eq!(tag("otel.status_description"), Some(("string", "no such cart".into())));
        assert_eq!(back.logs[0].timestamp, scene.start.as_microsecond() + 60_000);
        assert_eq!(back.logs[0].fields[0].key, "event");
    }
}

#[test]
fn absent_trace_is_no_success() {
    let scene = scene();
    assert_eq!(http::get(scene.query, "/api/traces/5b8efff798038103d269b633813fc60d").status, 404);
    assert_eq!(http::get(scene.query, "/api/v3/traces/5b8efff798038103d269b633813fc60d").status, 404);
}

#[test]
fn dependencies_are_a_graph() {
    let scene = scene();
    let end = scene.start.as_millisecond() + 60_000;
    let target = format!("/api/dependencies?endTs={end}&lookback=3600000");
    let edges = Dependencies::from(&http::get(scene.query, &target)).data;
    let edges: Vec<_> = edges.iter().map(|edge| (&*edge.parent, &*edge.child, edge.call_count)).collect();
    assert_eq!(edges, [("front", "back", 1)]);
}

#[test]
fn newer_api_fills_the_form() {
    let scene = scene();
    let mut services = Services3::from(&http::get(scene.query, "/api/v3/services")).services;
    services.sort();
    assert_eq!(services, ["back", "front"]);
    let operations =
        Operations3::from(&http::get(scene.query, "/api/v3/operations?service=front")).operations;
    assert_eq!((&*operations[0].name, &*operations[0].span_kind), ("GET /cart", "server"));
}

#[test]
fn newer_api_searches_with_times_as_they_are_written() {
    let scene = scene();
    for (hours, name) in [(0, "Z"), (2, "+02:00"), (-5, "-05:00")] {
        let (min, max) =
            (rfc3339(scene.start - 60.seconds(), hours), rfc3339(scene.start + 60.seconds(), hours));
        assert!(min.ends_with(name), "{min}");
        let times = format!("&query.start_time_min={min}&query.start_time_max={max}");
        for query in [
            "query.service_name=front".to_owned(),
            "query.operation_name=GET+%2Fcart&query.service_name=front".to_owned(),
            "query.attributes=%7B%22error%22%3A%22true%22%7D&query.service_name=back".to_owned(),
            "query.duration_max=1s&query.duration_min=100ms&query.service_name=back".to_owned(),
        ] {
            let answer = http::get(scene.query, &format!("/api/v3/traces?{query}{times}"));
            let found = Traces3::from(&answer);
            assert!(found.error.is_none(), "{query}{times}");
            let spans = found.spans();
            assert_eq!(spans.len(), 2, "{query}{times}");
            assert!(spans.iter().all(|span| span.trace_id == TRACE_ID));
        }
    }
}

#[test]
fn newer_api_draws_a_trace() {
    let scene = scene();
    let (start, end) = (rfc3339(scene.start - 1.seconds(), 2), rfc3339(scene.start + 1.seconds(), 2));
    for target in [
        format!("/api/v3/traces/{TRACE_ID}"),
        format!("/api/v3/traces/{TRACE_ID}?start_time={start}&end_time={end}"),
    ] {
        let trace = Traces3::from(&http::get(scene.query, &target));
        let back = trace.spans().into_iter().find(|span| span.span_id == BACK).expect("both spans are there");
        assert_eq!((back.parent_span_id.as_str(), back.kind, back.status.code), (FRONT, 2, 2));
        assert_eq!(back.status.message, "no such cart");
        assert_eq!(back.start_time_unix_nano, (scene.start.as_nanosecond() + 50_000_000).to_string());
        assert_eq!(back.attributes[0].value["boolValue"], true);
        assert_eq!(back.events[0].name, "miss");
    }
}

/// Writes a time as Go's `RFC3339Nano` does, in a zone so many hours from Greenwich.
fn rfc3339(time: Timestamp, hours: i8) -> String {
    let local = time.to_zoned(TimeZone::fixed(Offset::constant(hours)));
    let zone = if hours == 0 { "Z".to_owned() } else { local.strftime("%:z").to_string() };
    format!("{}{zone}", local.strftime("%Y-%m-%dT%H:%M:%S%.f"))
}
