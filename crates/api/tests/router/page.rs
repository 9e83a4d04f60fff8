//! The page: where it is shown, and what it may load.

use axum::body::Body;
use http::{Method, Request, StatusCode};

use crate::world::World;

#[tokio::test]
async fn page_is_shown_on_every_path_that_is_no_api() {
    let world = World::new();
    for path in
        ["/", "/search?service=a", "/trace/abc", "/dependencies", "/monitor", "/trace/a...b", "/apiary"]
    {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert!(reply.header("content-security-policy").starts_with("default-src 'self';"));
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    for (method, path) in
        [(Method::GET, "/api/x"), (Method::GET, "/api"), (Method::POST, "/"), (Method::POST, "/search")]
    {
        assert_eq!(world.ask(method, path, "").await.text, "404 page not found\n", "{path}");
    }
}

#[tokio::test]
async fn files_come_from_a_fixed_table() {
    let world = World::new();
    for (file, content_type) in [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("mark.svg", "image/svg+xml"),
    ] {
        let reply = world.get(&format!("/static/{file}")).await;
        assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, content_type));
    }
    for path in
        ["/static/", "/static/x.js", "/static/..%2fCargo.toml", "/static/../Cargo.toml", "/static/%2e%2e/x"]
    {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_file_that_the_page_names_is_there() {
    let world = World::new();
    let mut waiting = vec!["/".to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = waiting.pop() {
        let reply = world.get(&path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        for name in reply.text.split('"').filter(|text| text.ends_with(".js") || text.ends_with(".css")) {
            let name = format!("/static/{}", name.rsplit('/').next().unwrap());
            if !seen.contains(&name) {
                seen.push(name.clone());
                waiting.push(name);
            }
        }
        // The policy would not let them run.
        assert!(
            !reply.text.contains("<style")
                && !reply.text.contains(" style=\"")
                && !reply.text.contains("innerHTML")
        );
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[tokio::test]
async fn known_files_are_not_sent_again() {
    let world = World::new();
    let tag = world.get("/static/page.css").await.header("etag").to_owned();
    let request = Request::get("/static/page.css").header("if-none-match", &tag);
    let reply = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status, &*reply.text), (StatusCode::NOT_MODIFIED, ""));
}
