//! A served port, seen from the other end of the wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use listen::{Address, BodyError, Bound, Guard, Limits, Listeners, RequestBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// Long enough for a crowded machine, short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

type Body = UnsyncBoxBody<Bytes, Infallible>;

struct Served {
    listeners: Listeners,
    port: u16,
    /// Lets requests for `/wait` end.
    gate: Arc<Notify>,
    /// A permit for each request for `/wait` that arrived.
    waiting: Arc<Semaphore>,
}

fn limits() -> Limits {
    Limits {
        connections_max: 64,
        head_time: Duration::from_millis(300),
        idle_time: Duration::from_secs(60),
        body_grace: Duration::from_millis(300),
        stall_time: Duration::from_millis(300),
        ..Limits::of(1024)
    }
}

fn serve(limits: Limits) -> Served {
    let bound = Bound::tcp(Address::Loopback(0)).unwrap();
    let port = bound.port();
    let (gate, waiting) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let listeners = Listeners::new(limits);
    let (opens, arrived) = (Arc::clone(&gate), Arc::clone(&waiting));
    let service = tower::service_fn(move |request| answer(request, Arc::clone(&opens), Arc::clone(&arrived)));
    listeners.serve(bound, Guard::default(), service).unwrap();
    Served { listeners, port, gate, waiting }
}

async fn answer(
    request: Request<RequestBody>,
    gate: Arc<Notify>,
    waiting: Arc<Semaphore>,
) -> Result<Response<Body>, Infallible> {
    match request.uri().path() {
        "/wait" => {
            waiting.add_permits(1);
            gate.notified().await;
        }
        "/flood" => {
            let endless = futures_util::stream::repeat_with(|| {
                Ok(http_body::Frame::data(Bytes::from_static(&[7; 64 << 10])))
            });
            return Ok(Response::new(StreamBody::new(endless).boxed_unsync()));
        }
        _ => {}
    }
    let version = format!("{:?}", request.version());
    match request.into_body().collect().await {
        Ok(body) => {
            let text = format!("{version} {}", body.to_bytes().len());
            Ok(Response::new(Full::new(Bytes::from(text)).boxed_unsync()))
        }
        Err(BodyError::Slow { .. }) => {
            let mut reply = Response::new(Full::new(Bytes::from_static(b"slow")).boxed_unsync());
            *reply.status_mut() = StatusCode::REQUEST_TIMEOUT;
            Ok(reply)
        }
        Err(BodyError::Broken(_)) => Ok(Response::new(Empty::new().boxed_unsync())),
    }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_to_close(&mut stream).await
    }

    async fn http2(&self) -> hyper::client::conn::http2::SendRequest<Empty<Bytes>> {
        let io = TokioIo::new(self.connect().await);
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (sender, connection) = builder.max_header_list_size(1 << 20).handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn url(&self, path: &str) -> Request<Empty<Bytes>> {
        let uri = format!("http://localhost:{}{path}", self.port);
        Request::builder().uri(uri).body(Empty::new()).unwrap()
    }
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset after the reply is a close too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server closes");
    String::from_utf8_lossy(&all).into_owned()
}

async fn until(fact: impl Fn() -> bool) {
    timeout(PATIENCE, async {
        while !fact() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it becomes true");
}

#[tokio::test]
async fn http1_and_h2c_share_a_port_and_both_families() {
    let served = serve(limits());
    let reply = served
        .raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
        .await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("x-content-type-options: nosniff\r\n"), "{reply}");
    assert!(reply.ends_with("HTTP/1.1 3"), "{reply}");

    let reply = served.http2().await.send_request(served.url("/")).await.unwrap();
    assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "HTTP/2.0 0");

    if let Ok(mut six) = TcpStream::connect(("::1", served.port)).await {
        six.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        assert!(read_to_close(&mut six).await.starts_with("HTTP/1.0 200"));
    }
}

#[tokio::test]
async fn half_sent_header_is_closed() {
    let served = serve(limits());
    for half in [&b""[..], b"GET / HT", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A"] {
        assert_eq!(served.raw(half).await, "", "{half:?}");
    }
    assert_eq!(served.listeners.stats().heads_late.total(), 4);
}

#[tokio::test]
async fn second_header_may_come_late_but_not_slowly() {
    let served = serve(limits());
    let mut stream = served.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut reply = [0; 12];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"HTTP/1.1 200");
    tokio::time::sleep(Duration::from_millis(700)).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let rest = read_to_close(&mut stream).await;
    assert!(!rest.contains("HTTP/1.1 200"), "{rest}");
    assert_eq!(served.listeners.stats().heads_late.total(), 1);
}

#[tokio::test]
async fn idle_connection_is_closed() {
    let served = serve(Limits { idle_time: Duration::from_millis(200), ..limits() });
    let reply = served.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let mut sender = served.http2().await;
    sender.send_request(served.url("/")).await.unwrap();
    until(|| served.listeners.stats().connections_idle.total() == 2).await;
    until(|| sender.is_closed()).await;
}

#[tokio::test]
async fn slow_body_is_closed() {
    let served = serve(limits());
    let reply = served.raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc").await;
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
    assert_eq!(served.listeners.stats().bodies_slow.total(), 1);
}

#[tokio::test]
async fn ambiguous_lengths_are_refused() {
    let served = serve(limits());
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for lengths in
        ["Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3, 4\r\n", "Content-Length: -1\r\n"]
    {
        let reply = served.raw(format!("{head}{lengths}\r\nabcd").as_bytes()).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{lengths}: {reply}");
    }
    // Both framings at once: the chunks count, whichever came first (RFC 9112, 6.3).
    for lengths in [
        "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
    ] {
        let reply = served.raw(format!("{head}{lengths}\r\n3\r\nabc\r\n0\r\n\r\n").as_bytes()).await;
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("HTTP/1.1 3"), "{lengths}: {reply}");
    }
    for coding in ["gzip", "chunked, identity"] {
        let reply =
            served.raw(format!("{head}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n").as_bytes()).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{coding}: {reply}");
    }
    let folded = served.raw(format!("{head}X-A: b\r\n c\r\n\r\n").as_bytes()).await;
    assert!(folded.starts_with("HTTP/1.1 400 "), "{folded}");
}

#[tokio::test]
async fn nobody_is_asked_without_a_host_or_by_two_names() {
    let served = serve(limits());
    for hosts in ["", "Host: localhost\r\nHost: localhost\r\n"] {
        let reply =
            served.raw(format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n").as_bytes()).await;
        assert!(reply.starts_with("HTTP/1.1 400 ") && reply.contains("wants one Host header"), "{reply}");
    }
    assert_eq!(served.listeners.stats().hosts_refused.total(), 2);
}

#[tokio::test]
async fn oversized_headers_and_urls_are_refused() {
    let served = serve(limits());
    let many = "X-Pad: 0123456789\r\n".repeat(2000);
    let reply = served.raw(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    let long = "a".repeat(17 << 10);
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let reply = served.raw(format!("{head}X-Pad: {long}\r\n\r\n").as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 431 ") && reply.contains("16384 are allowed"), "{reply}");
    let reply = served
        .raw(format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
        .await;
    assert!(reply.starts_with("HTTP/1.1 414 "), "{reply}");
    assert!(reply.ends_with("414 the URL has 17409 bytes, 16384 are allowed\n"), "{reply}");

    let mut request = served.url("/");
    for n in 0..20 {
        let name = http::HeaderName::try_from(format!("x-pad-{n}")).unwrap();
        request.headers_mut().insert(name, "a".repeat(1000).parse().unwrap());
    }
    let mut sender = served.http2().await;
    let refused = sender.send_request(request).await;
    assert!(refused.is_err() || refused.is_ok_and(|reply| reply.status() == 431));
    // Its connection goes on.
    assert_eq!(sender.send_request(served.url("/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let served = serve(limits());
    let reply = served.raw(b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 403 "), "{reply}");
    assert!(reply.contains("x-content-type-options: nosniff"), "{reply}");
    let reply = served
        .raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .await;
    assert!(reply.starts_with("HTTP/1.1 403 "), "{reply}");
    let stats = served.listeners.stats();
    assert_eq!((stats.hosts_refused.total(), stats.origins_refused.total()), (1, 1));
}

#[tokio::test]
async fn connections_past_the_cap_wait_for_their_turn() {
    // One slot of the common cap and the eight of the listener's own, shared by its two sockets.
    let served = serve(Limits { connections_max: 1, head_time: PATIENCE, ..limits() });
    let stats = served.listeners.stats();
    let mut held = Vec::new();
    while stats.connections_capped.total() == 0 {
        held.push(served.connect().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(held.len() < 20);
    }
    let open = stats.connections_accepted.total();
    assert!((7..=9).contains(&open), "{open}");
    let mut late = served.connect().await;
    late.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    assert!(timeout(Duration::from_millis(200), late.read_exact(&mut first)).await.is_err(), "it waits");
    held.clear();
    timeout(PATIENCE, late.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.0 200");
}

#[tokio::test]
async fn drain_finishes_requests_in_flight() {
    let served = serve(limits());
    let mut first = served.connect().await;
    first.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut sender = served.http2().await;
    let second = tokio::spawn(sender.send_request(served.url("/wait")));
    let _both = served.waiting.acquire_many(2).await.unwrap();

    let listeners = served.listeners.clone();
    let drained = tokio::spawn(async move { listeners.drain(PATIENCE).await });
    let port = served.port;
    until(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_err()).await;
    assert!(!drained.is_finished());
    served.gate.notify_waiters();
    let reply = read_to_close(&mut first).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
    assert_eq!(timeout(PATIENCE, drained).await.unwrap().unwrap(), 0);
    assert_eq!(served.listeners.stats().connections_open(), 0);
}

#[tokio::test]
async fn drain_cuts_what_does_not_finish() {
    let served = serve(limits());
    let mut stuck = served.connect().await;
    stuck.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let _arrived = served.waiting.acquire().await.unwrap();
    assert_eq!(served.listeners.drain(Duration::from_millis(50)).await, 1);
    assert_eq!(read_to_close(&mut stuck).await, "");
}

#[tokio::test]
async fn reply_that_is_not_taken_is_closed() {
    let served = serve(limits());
    let stats = served.listeners.stats();
    let mut first = served.connect().await;
    first.write_all(b"GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until(|| stats.replies_stalled.total() == 1).await;
    drop(first);

    // On HTTP/2 the stream alone ends, and its neighbours go on.
    let mut sender = served.http2().await;
    let unread = sender.send_request(served.url("/flood")).await.unwrap();
    until(|| stats.replies_stalled.total() == 2).await;
    assert_eq!(sender.send_request(served.url("/")).await.unwrap().status(), 200);
    assert!(unread.into_body().collect().await.is_err());
}

#[tokio::test]
async fn taken_flood_is_not_closed() {
    let served = serve(limits());
    let mut sender = served.http2().await;
    let mut body = sender.send_request(served.url("/flood")).await.unwrap().into_body();
    let over = AtomicBool::new(false);
    let read = async {
        for _ in 0..200 {
            body.frame().await.unwrap().unwrap();
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    timeout(PATIENCE, read).await.unwrap();
    assert_eq!(served.listeners.stats().replies_stalled.total(), 0);
}

#[tokio::test]
async fn rapid_resets_end_the_connection_and_nobody_else() {
    let served = serve(limits());
    let mut stream = served.connect().await;
    let mut frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
    for stream_id in (1..4001u32).step_by(2) {
        // HEADERS with :method GET, :scheme http, :path /wait, :authority localhost.
        let block = b"\x82\x86\x04\x05/wait\x01\x09localhost";
        frames.extend_from_slice(&[0, 0, block.len() as u8, 1, 5]);
        frames.extend_from_slice(&stream_id.to_be_bytes());
        frames.extend_from_slice(block);
        frames.extend_from_slice(&[0, 0, 4, 3, 0]);
        frames.extend_from_slice(&stream_id.to_be_bytes());
        frames.extend_from_slice(&8u32.to_be_bytes());
    }
    let _ = stream.write_all(&frames).await;
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server closes");
    assert_eq!(served.http2().await.send_request(served.url("/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn endless_continuations_end_the_connection() {
    let served = serve(limits());
    let mut stream = served.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
    // HEADERS without END_HEADERS, then CONTINUATIONs for as long as they are taken.
    stream.write_all(b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82").await.unwrap();
    let mut frame = vec![0, 0x40, 0, 9, 0, 0, 0, 0, 1];
    frame.resize(9 + 0x4000, b'\x82');
    let endless = async { while stream.write_all(&frame).await.is_ok() {} };
    timeout(PATIENCE, endless).await.expect("the server closes");
}
