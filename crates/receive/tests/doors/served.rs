//! The receivers on real sockets: what only a connection can show.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use listen::{Address, Bound, Guard, Limits, Listeners, Origins};
use receive::{Cause, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::{House, export, frame};

const PATIENCE: Duration = Duration::from_secs(20);

fn serve(house: &House) -> (Listeners, u16) {
    let bound = Bound::tcp(Address::Loopback(0)).unwrap();
    let port = bound.port();
    let limits = Limits { body_grace: Duration::from_millis(300), ..Limits::of(1024) };
    let listeners = Listeners::new(limits);
    let router = receive::otlp(house.door.clone(), Origins::default());
    listeners.serve(bound, Guard::default(), router).unwrap();
    (listeners, port)
}

/// Sends bytes by HTTP/1.1 and reads the reply until the server closes.
async fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server closes");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn chunked_body_and_kept_connection_work() {
    let house = House::new();
    let (_listeners, port) = serve(&house);
    let bytes = export(2);
    let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n";
    let (first, second) = bytes.split_at(10);
    let mut request = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", first.len()).into_bytes();
    request.extend_from_slice(first);
    request.extend_from_slice(format!("\r\n{:x}\r\n", second.len()).as_bytes());
    request.extend_from_slice(second);
    request.extend_from_slice(b"\r\n0\r\n\r\n");
    request.extend_from_slice(
        format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n", bytes.len()).as_bytes(),
    );
    request.extend_from_slice(&bytes);
    let replies = raw(port, &request).await;
    assert_eq!(replies.matches("HTTP/1.1 200 OK").count(), 2, "{replies}");
    assert_eq!(house.stored(1), 2);
}

#[tokio::test]
async fn grpc_goes_over_h2c_with_trailers() {
    let house = House::new();
    let (_listeners, port) = serve(&house);
    let io = TokioIo::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("http://localhost:{port}/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    let request = http::Request::post(uri)
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .body(Full::new(bytes::Bytes::from(frame(0, &export(3_000)))))
        .unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.headers()["content-type"], "application/grpc");
    let body = reply.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    assert_eq!((&body.to_bytes()[..], house.stored(1)), (&b"\x00\x00\x00\x00\x00"[..], 3_000));
}

#[tokio::test]
async fn dripping_body_is_told_and_counted() {
    let house = House::new();
    let (_listeners, port) = serve(&house);
    let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let reply = raw(port, head.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
    assert_eq!(house.refused(Protocol::OtlpHttp, Cause::Slow), 1);
    assert_eq!(house.door.in_flight_bytes(), 0);
}

#[tokio::test]
async fn body_over_the_limit_is_read_so_that_its_refusal_is() {
    let house = House::new();
    let (_listeners, port) = serve(&house);
    let body = vec![b' '; 3 << 20];
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = raw(port, &[head.as_bytes(), &body].concat()).await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    assert!(reply.contains("limits.request_bytes"), "{reply}");
}

#[tokio::test]
async fn foreign_page_cannot_post() {
    let house = House::new();
    let (_listeners, port) = serve(&house);
    let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: https://evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let reply = raw(port, head.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 403 "), "{reply}");
}
