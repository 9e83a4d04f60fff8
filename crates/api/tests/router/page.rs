//! The UI: where its page is shown, what it may load, and how its files are kept by browsers.

use axum::body::Body;
use http::{Method, Request, StatusCode};

use crate::world::{Reply, World};

async fn ask(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn page_is_shown_on_its_own_paths_under_a_strict_policy() {
    let world = World::new();
    for path in ["/", "/traces?q=x", "/trace/abc", "/trace/a...b", "/service/a%20b", "/live", "/status"] {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(reply.header("cache-control"), "no-cache");
        assert!(reply.header("content-security-policy").starts_with("default-src 'self';"));
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_is_no_page_is_not_found() {
    let world = World::new();
    for (method, path) in [
        (Method::GET, "/api/x"),
        (Method::GET, "/api"),
        (Method::POST, "/"),
        (Method::POST, "/traces"),
        (Method::GET, "/apiary"),
        (Method::GET, "/favicon.ico"),
    ] {
        assert_eq!(world.ask(method, path, "").await.text, "404 page not found\n", "{path}");
    }
    let reply = ask(&world, "/apiary", &[("accept", "text/html")]).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn files_that_the_page_names_are_there_for_ever_and_nothing_else_is() {
    let world = World::new();
    let page = world.get("/").await.text;
    let named: Vec<&str> = page
        .split('"')
        .filter_map(|text| text.strip_prefix("./"))
        .filter(|text| text.contains('.'))
        .collect();
    assert!(named.iter().any(|name| name.ends_with(".js")), "{page}");
    for name in named {
        let reply = world.get(&format!("/{name}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{name}");
        if name.starts_with("assets/") {
            assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
        }
    }
    for path in ["/assets/", "/assets/x/index.js", "/assets/..%2fCargo.toml", "/assets/%2e%2e/x"] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // The policy would not let them run.
    assert!(!page.contains("<style") && !page.contains(" style=\"") && !page.contains("<script>"));
}

#[tokio::test]
async fn known_page_is_not_sent_again() {
    let world = World::new();
    let tag = world.get("/").await.header("etag").to_owned();
    let reply = ask(&world, "/traces", &[("if-none-match", &tag)]).await;
    assert_eq!((reply.status, &*reply.text), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn page_stands_where_a_proxy_says_and_nothing_else_gets_into_it() {
    let world = World::new();
    let reply = ask(&world, "/", &[("x-forwarded-prefix", "/traces-of/team/")]).await;
    assert!(reply.text.contains("<base href=\"/traces-of/team/\""), "{}", reply.text);
    let reply = ask(&world, "/search?service=a", &[("x-forwarded-prefix", "/a")]).await;
    assert!(reply.header("location").starts_with("/a/traces?q="), "{}", reply.header("location"));
    for hostile in ["//evil.example/", "/\"><script>/", "https://evil.example/", "/a/../b", "a/"] {
        let reply = ask(&world, "/", &[("x-forwarded-prefix", hostile)]).await;
        assert!(reply.text.contains("<base href=\"/\""), "{hostile}");
    }
}
