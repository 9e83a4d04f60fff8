//! A door with an engine behind it, and messages to bring.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use pipeline::{Flow, Intake};
use receive::{Cause, Config, Door, Protocol};
use span::{
    BatchBuilder, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanRow, Tenant, TraceId, UnixNanos, ValueRef,
};
use store::{MemoryStore, StoreError, TraceReader, TraceWriter, Write};
use tower::ServiceExt;

/// Everything from the door to the engine.
pub(crate) struct House {
    pub(crate) door: Arc<Door>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) store: MemoryStore,
}

/// A reply, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn config() -> Config {
    Config {
        request_bytes_max: 2 << 20,
        message_bytes_max: 2 << 20,
        decompressed_bytes_max: 4 << 20,
        ..Config::of(2)
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        let store = MemoryStore::new(usize::MAX);
        let writer: Arc<dyn TraceWriter> = Arc::new(store.clone());
        Self::before(config, &writer, store)
    }

    /// A house whose engine fails.
    pub(crate) fn broken() -> Self {
        struct Broken;
        impl TraceWriter for Broken {
            fn write(&self, _: &[Write]) -> Result<(), StoreError> {
                Err(StoreError::Poisoned { why: "the disk left".to_owned() })
            }
        }
        let writer: Arc<dyn TraceWriter> = Arc::new(Broken);
        Self::before(config(), &writer, MemoryStore::new(0))
    }

    fn before(config: Config, writer: &Arc<dyn TraceWriter>, store: MemoryStore) -> Self {
        let intake = Arc::new(Intake::new(64 << 20, 1 << 20));
        // Its thread ends with the test.
        let _running = Flow::start(&intake, writer, NonZeroUsize::MIN);
        let door = Door::new(Arc::clone(&intake), config, || UnixNanos(1_800_000_000_000_000_000));
        Self { door, intake, store }
    }

    /// A house whose intake is full and stays so.
    pub(crate) fn full() -> Self {
        let intake = Arc::new(Intake::new(1, 1));
        let door = Door::new(Arc::clone(&intake), config(), || UnixNanos(1));
        // Nobody waits for its receipt.
        let _ = intake.offer(Tenant::default(), UnixNanos(1), batch(1));
        Self { door, intake, store: MemoryStore::new(0) }
    }

    /// A house that is going down.
    pub(crate) fn closed() -> Self {
        let house = Self::new();
        house.intake.close();
        house
    }

    pub(crate) fn stored(&self, trace: u64) -> usize {
        let id = TraceId::from_halves(0, trace);
        self.store.trace(&Tenant::default(), id).unwrap().map_or(0, |trace| trace.spans().len())
    }

    /// Waits until everything that was let in is stored; for senders that get no receipt.
    pub(crate) async fn settled(&self) {
        let stats = self.intake.stats();
        while stats.batches_stored.total() + stats.batches_failed.total() < stats.batches_offered.total() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn refused(&self, protocol: Protocol, cause: Cause) -> u64 {
        self.door.stats().of(protocol).refused(cause).messages.total()
    }
}

/// Makes spans of trace 1, with ids from 1 on.
pub(crate) fn batch(spans: u64) -> SpanBatch {
    named_batch("cart", spans)
}

pub(crate) fn named_batch(service: &str, spans: u64) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    let mark = builder.mark();
    builder.push(b"service.name", ValueRef::Str(service.as_bytes())).unwrap();
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let scope = builder.scope(ScopeRow::default());
    for id in 1..=spans {
        let mark = builder.mark();
        builder.push(b"http.request.method", ValueRef::Str(b"GET")).unwrap();
        let attributes = builder.since(mark);
        let name = builder.text(b"GET /cart").unwrap();
        let (trace_id, span_id) = (TraceId::from_halves(0, 1), SpanId::from_u64(id));
        let (start, end) = (UnixNanos(1_000), UnixNanos(2_000));
        builder.span(SpanRow {
            trace_id,
            span_id,
            start,
            end,
            resource,
            scope,
            name,
            attributes,
            ..SpanRow::default()
        });
    }
    builder.finish()
}

/// Returns an export of so many spans of trace 1.
pub(crate) fn export(spans: u64) -> Vec<u8> {
    wire::otlp::encode_proto(&batch(spans))
}

/// Sends a request through a router and reads the reply.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> Reply {
    let reply: Response<Body> = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = reply.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Reply { status: parts.status, headers: parts.headers, trailers, body: collected.to_bytes() }
}

/// Posts a body with headers.
pub(crate) async fn post(
    router: &Router,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Reply {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(body.into()).unwrap()).await
}

/// Makes a request without a body.
pub(crate) async fn ask(router: &Router, method: &str, path: &str) -> Reply {
    send(router, Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
}

/// Calls a gRPC method with a message, in whatever frame.
pub(crate) async fn call_framed(router: &Router, path: &str, encoding: &str, framed: Vec<u8>) -> Reply {
    let request = Request::post(path)
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("grpc-encoding", encoding)
        .header("te", "trailers");
    send(router, request.body(Body::from(framed)).unwrap()).await
}

/// Calls a gRPC method with an uncompressed message.
pub(crate) async fn call(router: &Router, path: &str, message: &[u8]) -> Reply {
    call_framed(router, path, "identity", frame(0, message)).await
}

pub(crate) fn frame(compressed: u8, message: &[u8]) -> Vec<u8> {
    let mut framed = vec![compressed];
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status of a gRPC reply, wherever it stands, and its message.
    pub(crate) fn grpc(&self) -> (i32, String) {
        assert_eq!((self.status, self.header("content-type")), (StatusCode::OK, "application/grpc"));
        let read = |name: &str| self.trailers.get(name).or_else(|| self.headers.get(name));
        let text = |name: &str| read(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
        (text("grpc-status").parse().unwrap(), text("grpc-message"))
    }
}
