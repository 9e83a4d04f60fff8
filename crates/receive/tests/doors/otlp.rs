//! OTLP, as a client sees it: by gRPC and by HTTP.

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{Request, StatusCode};
use listen::Origins;
use receive::{Cause, Config, Protocol};
use span::Encoding;

use crate::house::{House, ask, call, call_framed, config, export, frame, post, send};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTO: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

const SPAN_JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},
    "scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"GET","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

fn otlp(house: &House) -> Router {
    receive::otlp(house.door.clone(), Origins::default())
}

/// The export with the id of its last span made of zeros.
fn export_with_a_bad_span(spans: u64) -> Vec<u8> {
    let mut bytes = export(spans);
    let id = spans.to_be_bytes();
    let at = bytes.windows(8).rposition(|window| window == id).unwrap();
    bytes[at..at + 8].fill(0);
    bytes
}

#[tokio::test]
async fn export_is_stored_before_it_is_acknowledged() {
    let house = House::new();
    let reply = post(&otlp(&house), "/v1/traces", &[PROTO], export(3)).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "application/x-protobuf"));
    assert_eq!((reply.body.len(), house.stored(1)), (0, 3));

    let reply = call(&otlp(&house), EXPORT, &export(5)).await;
    assert_eq!(reply.grpc(), (0, String::new()));
    assert_eq!(&reply.body[..], b"\x00\x00\x00\x00\x00");
    assert_eq!(house.stored(1), 5);

    let stats = house.door.stats();
    assert_eq!(stats.of(Protocol::OtlpHttp).spans_stored.total(), 3);
    assert_eq!(stats.of(Protocol::OtlpGrpc).spans_stored.total(), 5);
    assert_eq!(house.door.in_flight_bytes(), 0);
}

#[tokio::test]
async fn json_is_answered_in_json() {
    let house = House::new();
    let with_charset = ("content-type", "Application/JSON; charset=utf-8");
    for content_type in [JSON, with_charset] {
        let reply = post(&otlp(&house), "/v1/traces", &[content_type], SPAN_JSON).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::OK, r#"{"partialSuccess":{}}"#));
        assert_eq!(reply.header("content-type"), "application/json");
    }
    assert_eq!(house.stored(1), 1);
}

#[tokio::test]
async fn bad_spans_are_told_and_the_others_kept() {
    let house = House::new();
    let reply = post(&otlp(&house), "/v1/traces", &[PROTO], export_with_a_bad_span(3)).await;
    assert_eq!((reply.status, house.stored(1)), (StatusCode::OK, 2));
    // partial_success (1) with rejected_spans (1) = 1 and an error_message (2).
    let message = "span \"GET /cart\": the span id is missing or all zeros";
    assert_eq!(&reply.body[..5], [0x0a, 4 + message.len() as u8, 0x08, 1, 0x12]);
    assert!(reply.text().ends_with(message), "{reply:?}");

    let json = SPAN_JSON.replace("0000000000000001\",\"name", "0000000000000000\",\"name");
    let reply = post(&otlp(&house), "/v1/traces", &[JSON], json).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(
        reply.text().starts_with(r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"#),
        "{}",
        reply.text()
    );

    let reply = call(&otlp(&house), EXPORT, &export_with_a_bad_span(3)).await;
    assert_eq!(reply.grpc().0, 0);
    assert!(reply.body.ends_with(message.as_bytes()));
    assert_eq!(house.door.stats().of(Protocol::OtlpHttp).spans_rejected.total(), 2);
}

#[tokio::test]
async fn what_is_no_export_is_refused_in_otlps_words() {
    let house = House::new();
    let router = otlp(&house);
    let supported = "415 unsupported media type, supported: [application/json, application/x-protobuf]\n";
    for (content_type, status, text) in
        [("text/plain", 415, supported), ("", 415, supported), ("application/protobuf", 415, supported)]
    {
        let reply = post(&router, "/v1/traces", &[("content-type", content_type)], "x").await;
        assert_eq!((reply.status.as_u16(), reply.text()), (status, text), "{content_type}");
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let reply = ask(&router, method, "/v1/traces").await;
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (405, "405 method not allowed, supported: [POST]\n")
        );
    }
    let reply = post(&router, "/v1/traces", &[JSON], "{").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.text().starts_with(r#"{"code":3,"message":""#), "{}", reply.text());
    let reply = post(&router, "/v1/traces", &[PROTO], "\x0a\x7f").await;
    assert_eq!((reply.status, &reply.body[..2]), (StatusCode::BAD_REQUEST, &[8, 3][..]));
    let reply = post(&router, "/v1/traces", &[JSON, ("content-encoding", "br")], "{}").await;
    let unsupported = r#"{"code":3,"message":"unsupported Content-Encoding: br"}"#;
    assert_eq!((reply.status.as_u16(), reply.text()), (400, unsupported));
    let twice = [JSON, ("content-encoding", "gzip"), ("content-encoding", "gzip")];
    assert_eq!(post(&router, "/v1/traces", &twice, "{}").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.refused(Protocol::OtlpHttp, Cause::Malformed), 2);
    assert_eq!(house.refused(Protocol::OtlpHttp, Cause::Encoding), 2);
}

#[tokio::test]
async fn what_is_not_kept_is_never_swallowed() {
    let house = House::new();
    let router = otlp(&house);
    for what in ["logs", "metrics"] {
        let reply = post(&router, &format!("/v1/{what}"), &[JSON], "{}").await;
        let text = format!(r#"{{"code":5,"message":"this server keeps traces; {what} have another place"}}"#);
        assert_eq!((reply.status.as_u16(), reply.text()), (404, &*text));
        let reply = post(&router, &format!("/v1/{what}"), &[PROTO], "").await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (404, "application/x-protobuf"));
    }
    for service in ["logs.v1.LogsService", "metrics.v1.MetricsService"] {
        let reply = call(&router, &format!("/opentelemetry.proto.collector.{service}/Export"), b"").await;
        assert_eq!(reply.grpc().0, 12);
    }
    assert_eq!(call(&router, "/grpc.health.v1.Health/Check", b"").await.grpc().0, 12);
    assert_eq!(ask(&router, "GET", "/other").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&router, "GET", "/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn full_intake_says_when_to_come_again() {
    let house = House::full();
    let reply = post(&otlp(&house), "/v1/traces", &[JSON], SPAN_JSON).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "1"));
    assert!(reply.text().starts_with(r#"{"code":8,"#), "{}", reply.text());
    assert!(reply.text().contains(r#""retryDelay":"1s""#), "{}", reply.text());

    let reply = call(&otlp(&house), EXPORT, &export(1)).await;
    let (code, message) = reply.grpc();
    assert_eq!(code, 8);
    assert!(message.starts_with("intake is full ("), "{message}");
    let details = STANDARD_NO_PAD.decode(reply.header("grpc-status-details-bin")).unwrap();
    assert!(String::from_utf8_lossy(&details).contains("type.googleapis.com/google.rpc.RetryInfo"));
    for protocol in [Protocol::OtlpHttp, Protocol::OtlpGrpc] {
        assert_eq!(house.refused(protocol, Cause::Full), 1);
    }
}

#[tokio::test]
async fn server_on_its_way_out_and_broken_store_are_retryable() {
    for (house, cause) in [(House::closed(), Cause::Closed), (House::broken(), Cause::NotStored)] {
        let reply = post(&otlp(&house), "/v1/traces", &[JSON], SPAN_JSON).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "1"));
        assert!(reply.text().starts_with(r#"{"code":14,"#), "{}", reply.text());
        assert_eq!(call(&otlp(&house), EXPORT, &export(1)).await.grpc().0, 14);
        assert_eq!(house.refused(Protocol::OtlpHttp, cause), 1);
        assert_eq!(house.refused(Protocol::OtlpGrpc, cause), 1);
    }
}

#[tokio::test]
async fn what_can_never_fit_names_the_setting_and_is_final() {
    let house = House::with(Config { request_bytes_max: 100, message_bytes_max: 100, ..config() });
    let reply = post(&otlp(&house), "/v1/traces", &[JSON], " ".repeat(101)).await;
    let text =
        r#"{"code":8,"message":"the message has more than 100 bytes; limits.request_bytes allows no more"}"#;
    assert_eq!((reply.status.as_u16(), reply.text(), reply.header("retry-after")), (413, text, ""));
    let reply = call(&otlp(&house), EXPORT, &[0; 101]).await;
    let text = "the message has more than 100 bytes; limits.message_bytes allows no more";
    assert_eq!((reply.grpc(), reply.header("grpc-status-details-bin")), ((8, text.to_owned()), ""));
    // A message of exactly the limit fits, whatever is in it.
    assert_eq!(call(&otlp(&house), EXPORT, &[0; 100]).await.grpc().0, 3);
    assert_eq!(house.door.in_flight_bytes(), 0);
}

#[tokio::test]
async fn pool_without_memory_refuses_for_now() {
    let house = House::with(Config { in_flight_bytes_max: 10, ..config() });
    let reply = post(&otlp(&house), "/v1/traces", &[JSON], SPAN_JSON).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "1"));
    assert_eq!(call(&otlp(&house), EXPORT, &export(1)).await.grpc().0, 8);
    assert_eq!(house.refused(Protocol::OtlpHttp, Cause::Busy), 1);
}

#[tokio::test]
async fn every_encoding_arrives() {
    let house = House::new();
    for (name, bytes) in compressed(&export(4)) {
        let reply =
            post(&otlp(&house), "/v1/traces", &[PROTO, ("content-encoding", name)], bytes.clone()).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0), "{name}: {reply:?}");
        if name != "identity" {
            let reply = call_framed(&otlp(&house), EXPORT, name, frame(1, &bytes)).await;
            assert_eq!(reply.grpc(), (0, String::new()), "{name}");
        }
    }
    assert_eq!(house.stored(1), 4);
    assert_eq!(house.door.in_flight_bytes(), 0);
}

#[tokio::test]
async fn bombs_are_refused_at_the_limit_of_what_they_become() {
    let house = House::with(Config { decompressed_bytes_max: 1 << 20, ..config() });
    for (name, bytes) in compressed(&vec![0; 16 << 20]).into_iter().skip(1) {
        if 1 << 20 < bytes.len() {
            continue;
        }
        let headers = [PROTO, ("content-encoding", name)];
        let reply = post(&otlp(&house), "/v1/traces", &headers, bytes.clone()).await;
        assert_eq!(reply.status.as_u16(), 413, "{name}");
        assert!(reply.text().contains("limits.decompressed_bytes"), "{name}: {reply:?}");
        assert_eq!(call_framed(&otlp(&house), EXPORT, name, frame(1, &bytes)).await.grpc().0, 8);
        // A broken stream is the sender's fault.
        let half = bytes[..bytes.len() / 2].to_vec();
        let reply = post(&otlp(&house), "/v1/traces", &headers, half).await;
        assert!(matches!(reply.status.as_u16(), 400 | 413), "{name}: {reply:?}");
    }
    assert_eq!(house.door.in_flight_bytes(), 0);
}

#[tokio::test]
async fn frames_that_are_none_are_invalid() {
    let house = House::new();
    let router = otlp(&house);
    for (encoding, framed, code) in [
        ("identity", vec![], 3),
        ("identity", vec![0, 0, 0, 0, 9, 1], 3),
        ("identity", frame(7, b""), 3),
        ("identity", frame(1, b"x"), 3),
        ("gzip", frame(1, b"no gzip at all"), 3),
        ("br", frame(1, b"x"), 12),
        ("identity", frame(0, b"\x0a\xff\xff\xff\xff\x0f"), 3),
        // Uncompressed messages may come whatever is named.
        ("br", frame(0, &export(1)), 0),
    ] {
        assert_eq!(
            call_framed(&router, EXPORT, encoding, framed.clone()).await.grpc().0,
            code,
            "{encoding} {framed:?}"
        );
    }
}

#[tokio::test]
async fn grpc_without_http2_gets_a_line_that_helps() {
    let house = House::new();
    let request = |method: &str, content_type: &str| {
        Request::builder()
            .method(method)
            .uri(EXPORT)
            .header("content-type", content_type)
            .body(Body::empty())
            .unwrap()
    };
    let reply = send(&otlp(&house), request("POST", "application/grpc")).await;
    assert_eq!(reply.status, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    let reply = send(&otlp(&house), request("POST", "application/json")).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(reply.text().contains("4318"));
}

#[tokio::test]
async fn pages_of_listed_origins_only_may_post() {
    let house = House::new();
    let router = receive::otlp(house.door.clone(), Origins::new(["https://*.shop.example".to_owned()]));
    let preflight = |origin: &str| {
        Request::builder()
            .method("OPTIONS")
            .uri("/v1/traces")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-team")
            .body(Body::empty())
            .unwrap()
    };
    let reply = send(&router, preflight("https://www.shop.example")).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert_eq!(reply.header("access-control-allow-origin"), "https://www.shop.example");
    assert_eq!(reply.header("access-control-allow-headers"), "content-type,x-team");
    let headers = [JSON, ("origin", "https://www.shop.example")];
    let reply = post(&router, "/v1/traces", &headers, SPAN_JSON).await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://www.shop.example");

    for router in [&router, &otlp(&house)] {
        let reply = send(router, preflight("https://evil.example")).await;
        assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (405, ""));
    }
}

#[tokio::test]
async fn query_port_takes_traces_too() {
    let house = House::new();
    let router = receive::otlp_beside_queries(house.door.clone());
    assert_eq!(post(&router, "/api/otlp/v1/traces", &[JSON], SPAN_JSON).await.status, StatusCode::OK);
    assert_eq!(house.stored(1), 1);
    assert_eq!(post(&router, "/api/otlp/v1/logs", &[JSON], "{}").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn large_export_goes_off_the_reactor_and_arrives() {
    let house = House::new();
    let bytes = export(2_000);
    assert!(100_000 < bytes.len());
    assert_eq!(post(&otlp(&house), "/v1/traces", &[PROTO], bytes).await.status, StatusCode::OK);
    assert_eq!(house.stored(1), 2_000);
}

/// The bytes in every encoding, plain first.
fn compressed(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    Encoding::ALL.into_iter().map(|encoding| (encoding.name(), wire::compress(encoding, bytes))).collect()
}
