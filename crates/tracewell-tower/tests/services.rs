//! Real services of axum and tonic behind the layers.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt as _;
use tracewell::testing::{Capture, CapturedSpan, record};
use tracewell::{Kind, SpanStatus};
use tracewell_tower::HandlerError;

/// Runs services and their clients on this thread, and returns what they recorded.
fn traced<F: Future>(work: impl FnOnce() -> F) -> Capture {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(work());
    };
    record(run).1
}

/// Serves a router with our layer around it.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let router = router.layer(tracewell_tower::server());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    let request = format!("{head} HTTP/1.1\r\nhost: shop:80\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is read");
    let mut answer = String::new();
    // A handler that panics answers nothing.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

async fn item(Path(id): Path<u8>) -> String {
    let _ = tracewell::span("inside").start();
    format!("item {id}")
}

async fn fails() -> Result<String, HandlerError> {
    let number: u8 = "x".parse()?;
    Ok(number.to_string())
}

async fn panics() -> String {
    panic!("no {} left", "milk")
}

fn attribute(span: &CapturedSpan, key: &str) -> String {
    span.attribute(key).map(|value| format!("{value:?}")).unwrap_or_default()
}

#[test]
fn requests_are_spans_by_method_and_route_until_their_last_byte() {
    let recorded = traced(|| async {
        let router = Router::new()
            .route("/items/{id}", get(item))
            .route("/healthz", get(|| async { drop(tracewell::span("inner").start()) }));
        let address = serve(router).await;
        let caller = "GET /items/7?page=2 HTTP/1.1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx:";
        assert!(ask(address, caller).await.ends_with("item 7"));
        ask(address, "GET /nothing").await;
        ask(address, "GET /healthz").await;
    });
    let spans = recorded.spans();
    let served = recorded.span("GET /items/{id}");
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert_eq!(served.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(served.parent_id.to_string(), "b7ad6b7169203331");
    assert_eq!((served.kind, served.status), (Kind::Server, SpanStatus::Unset));
    assert_eq!(recorded.span("inside").parent_id, served.span_id);
    for (key, value) in [
        ("http.request.method", "Str(\"GET\")"),
        ("http.route", "Str(\"/items/{id}\")"),
        ("http.response.status_code", "Int(200)"),
        ("http.response.body.size", "Int(6)"),
        ("url.path", "Str(\"/items/7\")"),
        ("url.query", "Str(\"page=2\")"),
        ("server.address", "Str(\"shop\")"),
    ] {
        assert_eq!(attribute(&served, key), value, "{key}");
    }
    assert_eq!(attribute(&recorded.span("GET"), "http.response.status_code"), "Int(404)");
}

#[test]
fn errors_and_panics_of_handlers_are_recorded_with_their_way() {
    let recorded = traced(|| async {
        let address = serve(Router::new().route("/fails", get(fails)).route("/panics", get(panics))).await;
        assert!(ask(address, "GET /fails").await.starts_with("HTTP/1.1 500"));
        assert_eq!(ask(address, "GET /panics").await, "");
    });
    let failed = recorded.span("GET /fails");
    assert_eq!(
        (failed.status, failed.status_message.as_str()),
        (SpanStatus::Error, "invalid digit found in string")
    );
    assert_eq!(attribute(&failed, "error.type"), "Str(\"core::num::error::ParseIntError\")");
    let panicked = recorded.span("GET /panics");
    assert_eq!((panicked.status, panicked.status_message.as_str()), (SpanStatus::Error, "no milk left"));
    let event = format!("{:?}", panicked.event("exception"));
    for said in ["Str(\"panic\")", "no milk left", "services.rs:", "exception.stacktrace"] {
        assert!(event.contains(said), "{said} is missing: {event}");
    }
}

/// Tells that it is gone.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn client_that_hangs_up_is_seen() {
    let recorded = traced(|| async {
        let gone = Arc::new(AtomicBool::new(false));
        let sign = Arc::clone(&gone);
        let endless = move || {
            let sign = Gone(Arc::clone(&sign));
            async move {
                let ticks = tokio_stream::iter(0..).then(move |_| {
                    let _alive = &sign;
                    tokio::time::sleep(Duration::from_millis(5))
                });
                Body::from_stream(ticks.map(|()| Ok::<Bytes, Infallible>(Bytes::from_static(b"tick"))))
            }
        };
        let address = serve(Router::new().route("/endless", get(endless))).await;
        let mut stream = TcpStream::connect(address).await.expect("somebody listens");
        stream.write_all(b"GET /endless HTTP/1.1\r\nhost: shop\r\n\r\n").await.expect("it is read");
        let mut some = [0; 200];
        stream.read_exact(&mut some).await.expect("there is no end of it");
        drop(stream);
        while !gone.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::task::yield_now().await;
    });
    let hung_up = recorded.span("GET /endless");
    assert_eq!(attribute(&hung_up, "error.type"), "Str(\"client_disconnected\")");
    assert_eq!(attribute(&hung_up, "http.response.status_code"), "Int(200)");
}

#[test]
fn grpc_is_traced_on_both_sides_with_its_own_status() {
    let recorded = traced(|| async {
        let (_reporter, health) = tonic_health::server::health_reporter();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server = tonic::transport::Server::builder().layer(tracewell_tower::server()).add_service(health);
        tokio::spawn(async move { server.serve_with_incoming(incoming).await });
        let channel = tonic::transport::Endpoint::from_shared(url).expect("a URL").connect().await;
        let channel = tower::ServiceBuilder::new()
            .layer(tracewell_tower::client())
            .service(channel.expect("somebody listens"));
        let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
        let check = |service: &str| tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        assert!(client.check(check("")).await.is_ok());
        assert!(client.check(check("nobody")).await.is_err());
    });
    // h2 traces itself too, at levels that a service has off.
    let mut spans = recorded.spans();
    spans.retain(|span| span.kind != Kind::Internal);
    let of = |kind: Kind| spans.iter().filter(move |span| span.kind == kind);
    assert_eq!(spans.len(), 4, "{spans:?}");
    assert!(spans.iter().all(|span| span.name == "grpc.health.v1.Health/Check"));
    for client in of(Kind::Client) {
        let server = of(Kind::Server).find(|server| server.parent_id == client.span_id);
        let server = server.expect("the context went along");
        let status = attribute(client, "rpc.response.status_code");
        assert_eq!(status, attribute(server, "rpc.response.status_code"));
        // Not found is the client's trouble, not the server's fault.
        let failed = status == "Str(\"5\")";
        assert_eq!(client.status == SpanStatus::Error, failed, "{client:?}");
        assert_eq!(server.status, SpanStatus::Unset);
    }
    assert!(of(Kind::Client).any(|span| span.status_message == "service not registered"));
}
