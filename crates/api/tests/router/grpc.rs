//! Jaeger's gRPC APIs, asked in frames through the router over the reference engine.

use std::collections::HashMap;

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http::Request;
use http_body_util::BodyExt as _;
use prost::Message;
use prost_types::{Duration, Timestamp};
use span::{SpanKind, ValueRef};
use store::conformance::{Sketch, one};
use tower::ServiceExt as _;

use crate::world::{MILLI, NOW, World};

/// Ten seconds ago.
const THEN: u64 = NOW - 10_000 * MILLI;

/// The first field of requests that have one text, and of answers that have several.
#[derive(Clone, PartialEq, Message)]
struct Texts {
    #[prost(string, repeated, tag = "1")]
    texts: Vec<String>,
}

/// The search of both versions: they differ in nothing but the name of field 3.
#[derive(Clone, PartialEq, Message)]
struct Find {
    #[prost(message, optional, tag = "1")]
    query: Option<Query>,
}

#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(string, tag = "1")]
    service: String,
    #[prost(map = "string, string", tag = "3")]
    tags: HashMap<String, String>,
    #[prost(message, optional, tag = "4")]
    start_min: Option<Timestamp>,
    #[prost(message, optional, tag = "5")]
    start_max: Option<Timestamp>,
    #[prost(message, optional, tag = "6")]
    duration_min: Option<Duration>,
    #[prost(int32, tag = "8")]
    depth: i32,
}

/// What tests look at in api_v2's chunks.
#[derive(Clone, PartialEq, Message)]
struct Chunk {
    #[prost(message, repeated, tag = "1")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(string, tag = "3")]
    operation: String,
    #[prost(message, optional, tag = "10")]
    process: Option<Texts>,
}

/// What came back: messages, status and what it says.
struct Told {
    messages: Vec<Bytes>,
    code: i32,
    text: String,
}

async fn call(world: &World, method: &str, message: &impl Message) -> Told {
    let mut frame = vec![0];
    let encoded = message.encode_to_vec();
    frame.extend_from_slice(&(encoded.len() as u32).to_be_bytes());
    frame.extend_from_slice(&encoded);
    let request = Request::post(method)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::from(frame))
        .unwrap();
    let reply = api::grpc_router(&world.desk).oneshot(request).await.unwrap();
    let head = reply.headers().clone();
    let collected = reply.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let said = |name: &str| {
        let value = trailers.get(name).or_else(|| head.get(name));
        value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let mut body = collected.to_bytes();
    let mut messages = Vec::new();
    while body.has_remaining() {
        assert_eq!(body.get_u8(), 0, "nothing is compressed");
        let len = body.get_u32() as usize;
        messages.push(body.split_to(len));
    }
    Told { messages, code: said("grpc-status").parse().unwrap(), text: said("grpc-message") }
}

fn shop() -> World {
    let world = World::new();
    let tags = [("user", ValueRef::Str(b"ann"))];
    let spans: Vec<Sketch<'_>> = (2..=25_u64)
        .map(|id| Sketch { id, parent: 0xa1, kind: SpanKind::Client, ..one("cart", "load", 0xa1, THEN + id) })
        .collect();
    world.keep(&[Sketch { duration: 50 * MILLI, attributes: &tags, ..one("web", "GET /", 0xa1, THEN) }]);
    world.keep(&spans);
    world.keep(&[one("pay", "POST", 0xb2, THEN + 2 * MILLI)]);
    world
}

fn at(nanos: u64) -> Option<Timestamp> {
    Some(Timestamp { seconds: (nanos / 1_000_000_000) as i64, nanos: (nanos % 1_000_000_000) as i32 })
}

fn window() -> Query {
    Query { start_min: at(THEN - MILLI), start_max: at(NOW), ..Query::default() }
}

/// Returns the ids in api_v3's messages, one for each run of spans.
fn ids(told: &Told) -> Vec<u64> {
    let mut ids = Vec::new();
    for message in &told.messages {
        let decoded = wire::otlp::decode_proto(message.clone()).unwrap();
        ids.extend(decoded.batch.spans().map(|span| span.trace_id().low()));
    }
    ids.dedup();
    ids
}

#[tokio::test]
async fn v3_names_and_traces() {
    let world = shop();
    let service = "/jaeger.api_v3.QueryService";
    let told = call(&world, &format!("{service}/GetServices"), &()).await;
    assert_eq!(Texts::decode(told.messages[0].clone()).unwrap().texts, ["cart", "pay", "web"]);
    let asked = |id: &str| Texts { texts: vec![id.to_owned()] };
    let told = call(&world, &format!("{service}/GetTrace"), &asked("a1")).await;
    assert_eq!((told.code, ids(&told)), (0, vec![0xa1]));
    let absent = call(&world, &format!("{service}/GetTrace"), &asked("c3")).await;
    assert_eq!((absent.code, absent.messages.len()), (0, 0));
    let malformed = call(&world, &format!("{service}/GetTrace"), &asked("x*y")).await;
    assert_eq!(malformed.code, 3);
}

#[tokio::test]
async fn v3_searches_need_a_window() {
    let world = shop();
    let method = "/jaeger.api_v3.QueryService/FindTraces";
    let told = call(&world, method, &Find { query: Some(window()) }).await;
    assert_eq!((told.code, ids(&told)), (0, vec![0xb2, 0xa1]));
    let tags = HashMap::from([("user".to_owned(), "ann".to_owned())]);
    let told = call(&world, method, &Find { query: Some(Query { tags, ..window() }) }).await;
    assert_eq!(ids(&told), [0xa1]);
    let duration_min = Some(Duration { seconds: 0, nanos: 50_000_000 });
    let told = call(&world, method, &Find { query: Some(Query { duration_min, ..window() }) }).await;
    assert_eq!(ids(&told), [0xa1]);
    let told = call(&world, method, &Find { query: Some(Query { depth: 1, ..window() }) }).await;
    assert_eq!(ids(&told), [0xb2]);
    for (query, text) in [
        (None, "missing query"),
        (Some(Query::default()), "start time min and max are required parameters"),
        (Some(Query { depth: -1, ..window() }), "search depth must be greater than 0"),
    ] {
        let told = call(&world, method, &Find { query }).await;
        assert_eq!((told.code, told.text.replace("%20", " ").as_str()), (3, text));
    }
}

#[tokio::test]
async fn v3_summaries_stream() {
    let asked = Find { query: Some(window()) };
    let told = call(&shop(), "/jaeger.api_v3.QueryService/FindTraceSummaries", &asked).await;
    assert_eq!((told.code, told.messages.len()), (0, 1));
}

#[tokio::test]
async fn v2_streams_ten_spans_a_message() {
    let world = shop();
    let method = "/jaeger.api_v2.QueryService/GetTrace";
    let asked = |low: u64| Texts { texts: vec![String::from_utf8(low.to_be_bytes().to_vec()).unwrap()] };
    // An id of 8 bytes that is text, too.
    world.keep(&[one("web", "short", 0x6161_6161_6161_6161, THEN)]);
    let told = call(&world, method, &asked(0x6161_6161_6161_6161)).await;
    let chunk = Chunk::decode(told.messages[0].clone()).unwrap();
    assert_eq!(chunk.spans[0].operation, "short");
    assert_eq!(chunk.spans[0].process.clone().unwrap().texts, ["web"]);
    let told = call(&world, method, &asked(0x6161_6161_6161_6162)).await;
    assert_eq!((told.code, told.text.as_str()), (5, "trace%20not%20found"));
    let asked = Find { query: Some(Query::default()) };
    let told = call(&world, "/jaeger.api_v2.QueryService/FindTraces", &asked).await;
    let sizes = told.messages.iter().map(|message| Chunk::decode(message.clone()).unwrap().spans.len());
    assert_eq!(sizes.collect::<Vec<_>>(), [1, 10, 10, 5, 1]);
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let world = shop();
    let told = call(&world, "/grpc.health.v1.Health/Check", &Texts::default()).await;
    assert_eq!((told.code, told.messages[0].as_ref()), (0, &[8, 1][..]));
    for version in ["v1", "v1alpha"] {
        let method = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        // Field 7 asks for the list of services.
        let told = call(&world, &method, &ListServices { what: "*".to_owned() }).await;
        let text = String::from_utf8_lossy(&told.messages[0]).into_owned();
        assert!(text.contains("jaeger.api_v3.QueryService") && text.contains("jaeger.api_v2.QueryService"));
    }
}

#[derive(Clone, PartialEq, Message)]
struct ListServices {
    #[prost(string, tag = "7")]
    what: String,
}
