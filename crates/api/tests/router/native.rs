//! Our own API, asked through the router over the reference engine; every answer is held against
//! `docs/api.yaml`.

mod calls_and_status;
mod differences;
mod findings;
mod lists;
mod one_trace;

use http::{Request, StatusCode};

use crate::schema::check;
use crate::world::{MILLI, NOW, Reply, World};

/// Ten seconds ago.
const THEN: u64 = NOW - 10_000 * MILLI;

/// Asks, and holds the answer against the document; `door` is its path as the document writes it.
async fn ask(world: &World, door: &str, path: &str) -> Reply {
    let reply = world.get(path).await;
    check(door, reply.status.as_u16(), reply.header("content-type"), &reply.text);
    reply
}

/// Asks for what is there.
async fn told(world: &World, door: &str, path: &str) -> serde_json::Value {
    let reply = ask(world, door, path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    reply.json()
}

/// Asks for what is refused; returns what is said.
async fn refused(world: &World, door: &str, path: &str, status: u16) -> String {
    let reply = ask(world, door, path).await;
    assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text);
    reply.json()["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn answers_are_compressed_for_who_takes_it() {
    use std::io::Read;
    use tower::ServiceExt;
    let world = one_trace::shop();
    let ask = |accepted: &'static str| {
        let request = Request::get("/api/tw/traces/a1").header("accept-encoding", accepted);
        world.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
    };
    let plain = world.get("/api/tw/traces/a1").await.text;
    let reply = ask("br, gzip;q=0.5").await.unwrap();
    assert_eq!(reply.headers()["content-encoding"], "gzip");
    let bytes = axum::body::to_bytes(reply.into_body(), usize::MAX).await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain);
    assert!(!ask("gzip;q=0, br").await.unwrap().headers().contains_key("content-encoding"));
}
