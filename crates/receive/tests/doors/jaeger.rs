//! Jaeger's own protocols, as its clients see them: thrift by HTTP and UDP, and gRPC.

use std::net::UdpSocket;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use listen::{Address, BoundDatagrams};
use receive::{Cause, Protocol, Sampling, Strategies};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wire::jaeger;

use crate::house::{House, ask, batch, call, call_framed, frame, post};

const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";
const THRIFT: (&str, &str) = ("content-type", "application/x-thrift");

fn http(house: &House) -> Router {
    receive::jaeger_http(house.door.clone(), Sampling::new(Strategies::always(1.0)))
}

fn grpc(house: &House) -> Router {
    receive::jaeger_grpc(house.door.clone(), Sampling::new(Strategies::always(1.0)))
}

fn thrift(spans: u64) -> Vec<u8> {
    jaeger::encode_batch_binary(&batch(spans)).remove(0)
}

#[tokio::test]
async fn thrift_batch_is_stored_and_accepted() {
    let house = House::new();
    for content_type in
        ["application/x-thrift", "application/vnd.apache.thrift.binary", "application/x-thrift; charset=x"]
    {
        let headers = [("content-type", content_type), ("authorization", "Basic dXNlcjpwdw==")];
        let reply = post(&http(&house), "/api/traces?format=jaeger.thrift", &headers, thrift(3)).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::ACCEPTED, ""), "{content_type}");
    }
    assert_eq!(house.stored(1), 3);
    let compressed = wire::compress(span::Encoding::Gzip, &thrift(4));
    let reply = post(&http(&house), "/api/traces", &[THRIFT, ("content-encoding", "gzip")], compressed).await;
    assert_eq!((reply.status, house.stored(1)), (StatusCode::ACCEPTED, 4));
}

#[tokio::test]
async fn what_is_no_thrift_is_refused_in_jaegers_words() {
    let house = House::new();
    let router = http(&house);
    let reply = post(&router, "/api/traces", &[("content-type", "text/html")], "x").await;
    assert_eq!((reply.status.as_u16(), reply.text()), (400, "Unsupported content type: text/html\n"));
    for broken in [&b""[..], b"x", &thrift(1)[..20], b"\x0f\x00\x02\x0c\x7f\xff\xff\xff"] {
        let reply = post(&router, "/api/traces", &[THRIFT], broken.to_vec()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{broken:?}");
        assert!(reply.text().starts_with("Unable to process request body: "), "{}", reply.text());
    }
    assert_eq!(house.refused(Protocol::JaegerHttp, Cause::Malformed), 4);
}

#[tokio::test]
async fn probes_get_a_line_that_helps() {
    let house = House::new();
    let line = "this Jaeger receiver is up; it wants POST /api/traces with a thrift batch\n";
    for (path, status) in [("/", 200), ("/api/traces", 405)] {
        let reply = ask(&http(&house), "GET", path).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (status, line));
    }
    assert_eq!(ask(&http(&house), "GET", "/api/traces").await.header("allow"), "POST");
    let reply = ask(&grpc(&house), "GET", "/").await;
    let line = "this gRPC receiver is up; it wants gRPC calls over HTTP/2, not a browser's GET\n";
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, line));
}

#[tokio::test]
async fn full_and_failing_servers_say_so_to_thrift_clients() {
    for (house, status, retry) in
        [(House::full(), 429, "1"), (House::closed(), 503, "1"), (House::broken(), 500, "1")]
    {
        let reply = post(&http(&house), "/api/traces", &[THRIFT], thrift(1)).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (status, retry));
        assert!(reply.text().starts_with("Cannot submit Jaeger batch: "), "{}", reply.text());
    }
}

#[tokio::test]
async fn post_spans_is_stored_before_it_is_acknowledged() {
    let house = House::new();
    let message = jaeger::encode_proto(&batch(3));
    assert_eq!(call(&grpc(&house), POST_SPANS, &message).await.grpc(), (0, String::new()));
    assert_eq!(house.stored(1), 3);
    let compressed = wire::compress(span::Encoding::Gzip, &message);
    assert_eq!(call_framed(&grpc(&house), POST_SPANS, "gzip", frame(1, &compressed)).await.grpc().0, 0);
    assert_eq!(call(&grpc(&house), POST_SPANS, b"\x0a\x7f").await.grpc().0, 3);
    assert_eq!(call(&grpc(&house), "/jaeger.api_v2.QueryService/GetServices", b"").await.grpc().0, 12);
    assert_eq!(call(&grpc(&House::full()), POST_SPANS, &message).await.grpc().0, 8);
    assert_eq!(call(&grpc(&House::broken()), POST_SPANS, &message).await.grpc().0, 14);
}

/// Serves a port of datagrams until the returned future is awaited.
fn listen(house: &House) -> (UdpSocket, impl Future<Output = ()> + use<>) {
    let bound = BoundDatagrams::udp(Address::Loopback(0)).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(("127.0.0.1", bound.port())).unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(receive::datagrams(house.door.clone(), bound, stop.clone()));
    let drained = async move {
        stop.cancel();
        timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
    };
    (client, drained)
}

#[tokio::test]
async fn every_dialect_arrives_at_any_udp_port() {
    let house = House::new();
    let (client, drained) = listen(&house);
    for datagrams in [
        jaeger::encode_datagrams_compact(&batch(3), 65_000),
        jaeger::encode_datagrams_binary(&batch(5), 65_000),
    ] {
        for datagram in datagrams {
            client.send(&datagram).unwrap();
        }
    }
    client.send(&wire::zipkin::encode_datagram_compact(&batch(6))).unwrap();
    drained.await;
    let stats = house.door.stats().of(Protocol::JaegerUdp);
    assert_eq!((stats.messages.total(), stats.spans_stored.total()), (3, 14));
    house.settled().await;
    assert_eq!(house.stored(1), 6);
}

#[tokio::test]
async fn bad_datagrams_are_counted_and_cost_nothing_else() {
    let house = House::new();
    let (client, drained) = listen(&house);
    let good = jaeger::encode_datagrams_compact(&batch(1), 65_000).remove(0);
    let mut broken: Vec<&[u8]> =
        vec![b"", b"x", b"\x82\x81\x01\x09emitBatch", b"\x80\x01\x00\x01\xff\xff\xff\xff"];
    broken.extend((1..good.len()).step_by(7).map(|length| &good[..length]));
    for datagram in &broken {
        client.send(datagram).unwrap();
    }
    client.send(&vec![0x82; 65_507]).unwrap();
    client.send(&good).unwrap();
    drained.await;
    assert_eq!(house.refused(Protocol::JaegerUdp, Cause::Malformed), broken.len() as u64 + 1);
    house.settled().await;
    assert_eq!(house.stored(1), 1);
}

#[tokio::test]
async fn datagrams_that_find_the_intake_full_are_counted_with_their_spans() {
    let house = House::full();
    let (client, drained) = listen(&house);
    client.send(&jaeger::encode_datagrams_compact(&batch(3), 65_000)[0]).unwrap();
    drained.await;
    let refused = house.door.stats().of(Protocol::JaegerUdp).refused(Cause::Full);
    assert_eq!((refused.messages.total(), refused.spans.total()), (1, 3));
}

#[tokio::test]
async fn burst_of_large_datagrams_arrives_whole() {
    let house = House::new();
    let (client, drained) = listen(&house);
    let datagrams = jaeger::encode_datagrams_binary(&batch(4_000), 64_000);
    assert!(5 < datagrams.len());
    for datagram in &datagrams {
        client.send(datagram).unwrap();
        // The kernel's own buffer may be small where the tests run.
        tokio::task::yield_now().await;
    }
    drained.await;
    house.settled().await;
    assert_eq!(house.stored(1), 4_000);
}
