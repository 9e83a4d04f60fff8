//! A router over the reference engine, and how tests ask it.

use std::sync::Arc;

use api::{Backend, Desk, Limits, Stats};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use span::{Tenant, UnixNanos};
use store::conformance::{Sketch, write};
use store::{MemoryStore, TraceWriter};
use tower::ServiceExt;

pub(crate) const MILLI: u64 = 1_000_000;

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_767_225_600_000 * MILLI;

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) desk: Desk,
    pub(crate) router: Router,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::built(|_| {})
    }

    pub(crate) fn built(change: impl FnOnce(&mut Backend)) -> Self {
        let store = MemoryStore::new(usize::MAX);
        let mut backend = Backend {
            reader: Arc::new(store.clone()),
            archive: Some(Arc::new(store.clone())),
            now: Arc::new(|| UnixNanos(NOW)),
            limits: Limits::of(2),
            stats: Arc::new(Stats::default()),
        };
        change(&mut backend);
        let desk = Desk::new(backend);
        Self { store, router: api::router(desk.clone()), desk }
    }

    pub(crate) fn keep(&self, sketches: &[Sketch<'_>]) {
        for sketch in sketches {
            self.store.write(&[write(sketch)]).unwrap();
        }
    }

    pub(crate) fn keep_under(&self, tenant: &str, sketches: &[Sketch<'_>]) {
        for sketch in sketches {
            let mut write = write(sketch);
            write.tenant = Tenant::new(tenant).unwrap();
            self.store.write(&[write]).unwrap();
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, "").await
    }

    pub(crate) async fn get_as(&self, tenant: &str, path: &str) -> Reply {
        let request = Request::get(path).extension(Tenant::new(tenant).unwrap());
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &str) -> Reply {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, text }
    }

    /// Returns the ids of the traces in an answer, without leading zeros.
    pub(crate) async fn ids(&self, path: &str) -> Vec<String> {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
        let id =
            |trace: &serde_json::Value| trace["traceID"].as_str().unwrap().trim_start_matches('0').to_owned();
        reply.json()["data"].as_array().unwrap().iter().map(id).collect()
    }
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the whole form of a refusal.
    pub(crate) fn is_refused(&self, code: u16, message: &str) {
        let message = serde_json::Value::from(message);
        let body = format!(
            "{{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{{\"code\":{code},\"msg\":{message}}}]}}\n"
        );
        assert_eq!(self.text, body);
        assert_eq!(self.status.as_u16(), code);
        assert_eq!(self.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
    }
}
