//! What answers may cost, and that nothing goes on when nobody waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use span::{Tenant, Trace, TraceId};
use store::conformance::{Sketch, one};
use store::{
    Capabilities, MemoryStore, Operation, Search, Stop, StoreError, TraceCursor, TracePrefix, TraceReader,
};
use tower::ServiceExt;

use crate::world::{MILLI, NOW, World};

/// An engine that does as the test says, over the reference engine.
#[derive(Clone)]
struct Staged {
    inner: MemoryStore,
    mood: Arc<Mood>,
}

#[derive(Default)]
struct Mood {
    /// Searches wait for their flag before they give anything.
    hangs: AtomicBool,
    /// Searches fail after the first trace.
    breaks: AtomicBool,
    /// The flag of the last search.
    stop: Mutex<Option<Stop>>,
    /// Raised when a search's cursor is gone.
    gone: Arc<AtomicBool>,
}

struct StagedCursor {
    inner: Box<dyn TraceCursor>,
    mood: Arc<Mood>,
    stop: Stop,
    told: usize,
}

impl TraceCursor for StagedCursor {
    fn next(&mut self) -> Result<Option<Trace>, StoreError> {
        while self.mood.hangs.load(Ordering::Relaxed) {
            self.stop.check()?;
            std::thread::yield_now();
        }
        self.told += 1;
        if self.mood.breaks.load(Ordering::Relaxed) && 1 < self.told {
            return Err(StoreError::Poisoned { why: "the test says so".to_owned() });
        }
        self.inner.next()
    }
}

impl Drop for StagedCursor {
    fn drop(&mut self) {
        self.mood.gone.store(true, Ordering::Relaxed);
    }
}

impl TraceReader for Staged {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn trace(&self, tenant: &Tenant, id: TraceId) -> Result<Option<Trace>, StoreError> {
        assert!(id != TraceId::from_halves(0, 0xdead), "the test says so");
        self.inner.trace(tenant, id)
    }

    fn ids_with_prefix(
        &self,
        tenant: &Tenant,
        prefix: TracePrefix,
        limit: usize,
    ) -> Result<Vec<TraceId>, StoreError> {
        self.inner.ids_with_prefix(tenant, prefix, limit)
    }

    fn search(&self, search: Search) -> Result<Box<dyn TraceCursor>, StoreError> {
        let stop = search.stop.clone();
        *self.mood.stop.lock().unwrap() = Some(stop.clone());
        let inner = self.inner.search(search)?;
        Ok(Box::new(StagedCursor { inner, mood: Arc::clone(&self.mood), stop, told: 0 }))
    }

    fn services(&self, tenant: &Tenant) -> Result<Vec<String>, StoreError> {
        self.inner.services(tenant)
    }

    fn operations(&self, tenant: &Tenant, service: &str) -> Result<Vec<Operation>, StoreError> {
        self.inner.operations(tenant, service)
    }
}

fn staged(change: impl FnOnce(&mut api::Backend)) -> (World, Arc<Mood>) {
    let mood = Arc::new(Mood::default());
    let mut store = None;
    let world = World::built(|backend| {
        let inner = MemoryStore::new(usize::MAX);
        store = Some(inner.clone());
        backend.reader = Arc::new(Staged { inner, mood: Arc::clone(&mood) });
        change(backend);
    });
    (World { store: store.unwrap(), ..world }, mood)
}

/// Keeps 1,000 traces of about 2 kB of JSON each: several parts.
fn fill(world: &World) {
    let name = "n".repeat(1_500);
    for id in 1..=1_000 {
        world.keep(&[one("cart", &name, id, NOW - id * MILLI)]);
    }
}

async fn begin(world: &World, path: &str) -> Response<Body> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    world.router.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn long_answer_comes_in_parts_and_is_whole() {
    let (world, _) = staged(|_| {});
    fill(&world);
    let mut body = begin(&world, "/api/traces?limit=2000").await.into_body();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while let Some(frame) = body.frame().await {
        parts.push(frame.unwrap().into_data().unwrap().to_vec());
    }
    assert!(4 < parts.len(), "{} parts", parts.len());
    assert!(parts.iter().all(|part| part.len() < 300 << 10));
    let whole: serde_json::Value = serde_json::from_slice(&parts.concat()).unwrap();
    assert_eq!(whole["data"].as_array().unwrap().len(), 1_000);
    drop(body);
    assert_eq!(world.desk.answer_bytes_held(), 0);
    assert_eq!(world.desk.backend().stats.answers.get(), 1);
}

#[tokio::test]
async fn client_that_leaves_stops_its_query() {
    let (world, mood) = staged(|_| {});
    fill(&world);
    let mut body = begin(&world, "/api/traces?limit=2000").await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(0 < world.desk.answer_bytes_held());
    drop(body);
    assert!(mood.stop.lock().unwrap().as_ref().unwrap().check().is_err());
    assert!(mood.gone.load(Ordering::Relaxed));
    assert_eq!(world.desk.backend().stats.stopped_left.get(), 1);
    assert_eq!(world.desk.answer_bytes_held(), 0);
}

#[tokio::test]
async fn client_that_leaves_before_the_first_byte_stops_its_query() {
    let (world, mood) = staged(|_| {});
    mood.hangs.store(true, Ordering::Relaxed);
    let asked = tokio::time::timeout(Duration::from_millis(50), begin(&world, "/api/traces")).await;
    assert!(asked.is_err(), "the search hangs until it is stopped");
    while !mood.gone.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.desk.backend().stats.stopped_left.get(), 1);
}

#[tokio::test]
async fn slow_query_is_stopped_and_told() {
    let (world, mood) = staged(|backend| backend.limits.query_time_max = Duration::from_millis(20));
    mood.hangs.store(true, Ordering::Relaxed);
    world.get("/api/traces").await.is_refused(504, "the query took longer than 0 s; narrow the search");
    assert_eq!(world.desk.backend().stats.stopped_slow.get(), 1);
}

#[tokio::test]
async fn exhausted_pool_refuses_with_retry_after() {
    let (world, _) = staged(|backend| backend.limits.answer_bytes_max = 300 << 10);
    fill(&world);
    let unread = begin(&world, "/api/traces?limit=2000").await;
    assert_eq!(unread.status(), StatusCode::OK);
    let reply = world.get("/api/services").await;
    reply.is_refused(503, "all answers together hold 307200 bytes already; try again, or narrow the search");
    assert_eq!(reply.header("retry-after"), "1");
    drop(unread);
    assert_eq!(world.get("/api/services").await.status, StatusCode::OK);
    assert_eq!(world.desk.backend().stats.refused_memory.get(), 1);
}

#[tokio::test]
async fn trace_larger_than_the_pool_is_refused_before_it_begins() {
    let (world, _) = staged(|backend| backend.limits.answer_bytes_max = 300 << 10);
    world.keep(&[one("cart", &"n".repeat(400 << 10), 1, NOW)]);
    assert_eq!(world.get("/api/traces/1").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn unread_answers_hold_no_turn() {
    let (world, _) = staged(|backend| backend.limits.working_max = 1);
    fill(&world);
    let mut unread = Vec::new();
    for _ in 0..20 {
        unread.push(begin(&world, "/api/traces?limit=2000").await);
    }
    assert_eq!(world.get("/api/services").await.status, StatusCode::OK);
    for reply in unread {
        let bytes = axum::body::to_bytes(reply.into_body(), usize::MAX).await.unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
    }
}

#[tokio::test]
async fn too_many_waiting_queries_are_refused() {
    let (world, mood) = staged(|backend| {
        backend.limits.working_max = 1;
        backend.limits.waiting_max = 1;
    });
    mood.hangs.store(true, Ordering::Relaxed);
    let (router, path) = (world.router.clone(), "/api/traces");
    let ask = move || router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
    let (first, second) = (tokio::spawn(ask()), tokio::spawn(ask()));
    while world.desk.backend().stats.queries.get() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    let refused = world.get("/api/services").await;
    refused.is_refused(503, "1 queries are waiting already; try again");
    mood.hangs.store(false, Ordering::Relaxed);
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(second.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn failure_after_the_first_part_cuts_the_answer() {
    let (world, mood) = staged(|_| {});
    mood.breaks.store(true, Ordering::Relaxed);
    world.keep(&[one("cart", &"n".repeat(300 << 10), 1, NOW)]);
    let mut body = begin(&world, "/api/traces").await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!(world.desk.backend().stats.cut.get(), 1);
}

#[tokio::test]
async fn a_stream_of_lines_that_fails_says_so_in_its_last_line() {
    let (world, mood) = staged(|_| {});
    world.keep(&[one("cart", "GET", 1, NOW - 2), one("cart", "GET", 2, NOW - 1)]);
    mood.breaks.store(true, Ordering::Relaxed);
    let reply = world.get("/api/tw/search").await;
    assert_eq!(reply.status, StatusCode::OK);
    let lines: Vec<serde_json::Value> =
        reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["trace", "progress", "error"]);
    assert!(lines[2]["error"].as_str().unwrap().contains("the test says so"));
    assert_eq!(world.desk.backend().stats.cut.get(), 1);
    assert_eq!(world.desk.answer_bytes_held(), 0);
}

#[tokio::test]
async fn panic_in_an_engine_is_an_answer() {
    let (world, _) = staged(|_| {});
    world
        .get("/api/traces/dead")
        .await
        .is_refused(500, "the query failed inside; the server's log says where");
    assert_eq!(world.get("/api/services").await.status, StatusCode::OK);
}

#[tokio::test]
async fn skeletons_are_enough_for_dependencies() {
    let (world, _) = staged(|_| {});
    let sketch = one("web", "op", 1, NOW - MILLI);
    world.keep(&[sketch.clone(), Sketch { id: 2, parent: 1, service: Some("cart"), ..sketch }]);
    let data = world.get("/api/dependencies").await.json()["data"].clone();
    assert_eq!(data, serde_json::json!([{"parent": "web", "child": "cart", "callCount": 1}]));
}
