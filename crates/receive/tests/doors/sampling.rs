//! Sampling polls, by HTTP and gRPC.

use std::sync::Arc;

use receive::{Sampling, Strategies};

use crate::house::{House, ask, call};

const ALWAYS: &str = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}"#;
const HALF: &str = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}"#;
const POLL: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";

fn always() -> Arc<Sampling> {
    Sampling::new(Strategies::always(1.0))
}

#[tokio::test]
async fn any_path_and_any_method_is_a_poll() {
    let router = receive::sampling_http(always());
    for (method, path) in [
        ("GET", "/?service=cart"),
        ("GET", "/sampling?service=cart"),
        ("GET", "/api/sampling?service=cart"),
        ("POST", "/whatever?x=1&service=a%20b+c"),
    ] {
        let reply = ask(&router, method, path).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, ALWAYS), "{path}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
    let reply = ask(&router, "GET", "/baggageRestrictions?service=cart").await;
    assert_eq!((reply.status.as_u16(), reply.text()), (200, "[]"));
}

#[tokio::test]
async fn service_is_named_once() {
    let house = House::new();
    let sampling = receive::sampling_http(always());
    let jaeger = receive::jaeger_http(house.door.clone(), always());
    for (router, path) in [
        (&sampling, "/"),
        (&sampling, "/sampling?service=a&service=b"),
        (&sampling, "/baggageRestrictions"),
        (&jaeger, "/api/sampling"),
        (&jaeger, "/api/baggageRestrictions?services=a"),
    ] {
        let reply = ask(router, "GET", path).await;
        let expected = (400, "'service' parameter must be provided once\n");
        assert_eq!((reply.status.as_u16(), reply.text()), expected, "{path}");
    }
}

#[tokio::test]
async fn replaced_strategies_hold_at_the_next_poll() {
    let house = House::new();
    let sampling = always();
    let jaeger = receive::jaeger_http(house.door.clone(), Arc::clone(&sampling));
    assert_eq!(ask(&jaeger, "GET", "/api/sampling?service=cart").await.text(), ALWAYS);
    sampling.replace(
        Strategies::parse(r#"{"default_strategy":{"type":"probabilistic","param":0.5}}"#, 1.0).unwrap(),
    );
    assert_eq!(ask(&jaeger, "GET", "/api/sampling?service=cart").await.text(), HALF);
    assert_eq!(sampling.polls.total(), 2);
}

#[tokio::test]
async fn grpc_polls_are_answered_on_both_of_their_ports() {
    let house = House::new();
    let file = r#"{"service_strategies":[{"service":"cart","type":"ratelimiting","param":7}]}"#;
    let sampling = Sampling::new(Strategies::parse(file, 0.5).unwrap());
    for router in [
        receive::sampling_grpc(house.door.clone(), Arc::clone(&sampling)),
        receive::jaeger_grpc(house.door.clone(), Arc::clone(&sampling)),
    ] {
        let reply = call(&router, POLL, b"\x0a\x04cart").await;
        assert_eq!(reply.grpc(), (0, String::new()));
        // strategyType (1) RATE_LIMITING, rateLimitingSampling (3) with maxTracesPerSecond (1) = 7.
        assert_eq!(&reply.body[5..], b"\x08\x01\x1a\x02\x08\x07");
        let reply = call(&router, POLL, b"\x0a\x05other").await;
        // probabilisticSampling (2) with samplingRate (1) = 0.5.
        assert_eq!(&reply.body[5..], b"\x12\x09\x09\x00\x00\x00\x00\x00\x00\xe0\x3f");
        assert_eq!(call(&router, POLL, b"\x0a\x7f").await.grpc().0, 3);
    }
}
