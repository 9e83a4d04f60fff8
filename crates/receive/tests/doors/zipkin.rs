//! Zipkin's HTTP, as its reporters see it.

use axum::Router;
use receive::{Cause, Protocol};

use crate::house::{House, ask, post};

const V2: &str = r#"[{"traceId":"0000000000000001","id":"0000000000000002","name":"get","kind":"SERVER",
    "timestamp":1000000,"duration":5,"localEndpoint":{"serviceName":"cart"},"tags":{"a":"b"}}]"#;
const V1: &str = r#"[{"traceId":"0000000000000001","id":"0000000000000003","name":"get","annotations":[
    {"timestamp":1000000,"value":"sr","endpoint":{"serviceName":"cart"}},
    {"timestamp":1000005,"value":"ss","endpoint":{"serviceName":"cart"}}]}]"#;
/// `ListOfSpans` of one span with trace id 1 and id 4.
const V2_PROTO: &[u8] = b"\x0a\x14\x0a\x08\0\0\0\0\0\0\0\x01\x1a\x08\0\0\0\0\0\0\0\x04";
/// A binary thrift list of one span with trace id 1, name `get` and id 5.
const V1_THRIFT: &[u8] = b"\x0c\0\0\0\x01\
    \x0a\0\x01\0\0\0\0\0\0\0\x01\
    \x0b\0\x03\0\0\0\x03get\
    \x0a\0\x04\0\0\0\0\0\0\0\x05\
    \x0f\0\x06\x0c\0\0\0\0\
    \x0f\0\x08\x0c\0\0\0\0\0";

const JSON: (&str, &str) = ("content-type", "application/json");

fn zipkin(house: &House) -> Router {
    receive::zipkin(house.door.clone())
}

#[tokio::test]
async fn every_version_and_encoding_is_stored_and_accepted() {
    let house = House::new();
    for (path, content_type, body) in [
        ("/api/v2/spans", "application/json", V2.as_bytes()),
        ("/anything/at/all", "", V2.as_bytes()),
        ("/api/v2/spans", "application/x-protobuf", V2_PROTO),
        ("/api/v1/spans", "application/json", V1.as_bytes()),
        ("/zipkin/api/v1/spans", "application/x-thrift", V1_THRIFT),
    ] {
        let reply = post(&zipkin(&house), path, &[("content-type", content_type)], body).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (202, ""), "{path} {content_type}");
    }
    // One span came twice; the others have ids of their own.
    assert_eq!(house.stored(1), 4);
    let compressed = wire::compress(span::Encoding::Gzip, V2.as_bytes());
    let reply =
        post(&zipkin(&house), "/api/v2/spans", &[JSON, ("content-encoding", "gzip")], compressed).await;
    assert_eq!(reply.status.as_u16(), 202);
}

#[tokio::test]
async fn an_empty_list_is_a_success() {
    let house = House::new();
    assert_eq!(post(&zipkin(&house), "/api/v2/spans", &[JSON], "[]").await.status.as_u16(), 202);
}

#[tokio::test]
async fn what_is_no_list_of_spans_is_refused() {
    let house = House::new();
    for (path, content_type, body) in [
        ("/api/v2/spans", "application/json", &b""[..]),
        ("/api/v2/spans", "application/json", b"{}"),
        ("/api/v2/spans", "application/json", b"[{"),
        ("/api/v2/spans", "application/x-protobuf", b"\x0a\x7f"),
        ("/api/v1/spans", "application/x-thrift", b"\x0c\x7f\xff\xff\xff"),
        ("/api/v1/spans", "application/json", b"[[[["),
    ] {
        let reply = post(&zipkin(&house), path, &[("content-type", content_type)], body).await;
        assert_eq!(reply.status.as_u16(), 400, "{path} {content_type} {reply:?}");
        assert!(!reply.body.is_empty());
    }
    assert_eq!(house.refused(Protocol::ZipkinHttp, Cause::Malformed), 6);
}

#[tokio::test]
async fn nothing_but_bad_spans_is_a_bad_request_and_a_mix_is_none() {
    let house = House::new();
    let (bad, good) = (r#"{"traceId":"xyz","id":"1"}"#, r#"{"traceId":"a1","id":"1"}"#);
    let reply = post(&zipkin(&house), "/api/v2/spans", &[JSON], format!("[{bad},{bad}]")).await;
    assert_eq!((reply.status.as_u16(), reply.body.is_empty()), (400, false), "{reply:?}");
    let reply = post(&zipkin(&house), "/api/v2/spans", &[JSON], format!("[{bad},{good}]")).await;
    assert_eq!(reply.status.as_u16(), 202);
}

#[tokio::test]
async fn full_and_failing_servers_say_so() {
    for (house, status) in [(House::full(), 429), (House::closed(), 503), (House::broken(), 503)] {
        let reply = post(&zipkin(&house), "/api/v2/spans", &[JSON], V2).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (status, "1"));
    }
}

#[tokio::test]
async fn browsers_get_a_line_that_helps() {
    let house = House::new();
    let line = "this Zipkin receiver is up; it wants POST /api/v2/spans (or /api/v1/spans) with spans\n";
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/zipkin/", 405),
        ("GET", "/api/v2/spans", 405),
        ("PUT", "/api/v1/spans", 405),
    ] {
        let reply = ask(&zipkin(&house), method, path).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (status, line), "{path}");
    }
}
