//! One rich trace, and what every part of it looks like in each API.
//!
//! The golden files are the contract: they are changed by hand, and only with a reason.

use bytes::Bytes;
use span::{Tenant, UnixNanos};
use store::{TraceWriter, Write};

use crate::world::{NOW, World};

const RICH: &str = include_str!("../../fixtures/rich.otlp.json");

fn rich() -> World {
    let world = World::new();
    let batch = wire::otlp::decode_json(Bytes::from_static(RICH.as_bytes())).unwrap().batch;
    world.store.write(&[Write { tenant: Tenant::default(), received: UnixNanos(NOW), batch }]).unwrap();
    world
}

async fn check(path: &str, golden: &str) {
    let text = rich().get(path).await.text;
    assert!(text == golden.trim_end(), "{path} has changed:\n{text}");
}

const PATH: &str = "/api/traces/0af7651916cd43dd8448eb211c80319c?prettyPrint=true";

#[tokio::test]
async fn rich_trace_in_v1() {
    check(PATH, include_str!("../../fixtures/rich.v1.json")).await;
}

#[tokio::test]
async fn rich_trace_in_v1_as_it_is_stored() {
    check(&format!("{PATH}&raw=true"), include_str!("../../fixtures/rich.v1.raw.json")).await;
}

#[tokio::test]
async fn search_and_lookup_show_the_same_trace() {
    let world = rich();
    let found = world.get("/api/traces?service=brain&start=0&end=9223372036854775807").await.json();
    let named = world.get("/api/traces/0af7651916cd43dd8448eb211c80319c").await.json();
    assert_eq!(found, named);
}

#[tokio::test]
async fn reading_adjusted_leaves_raw_as_it_was() {
    let world = rich();
    let raw = format!("{PATH}&raw=1");
    let before = world.get(&raw).await.text;
    world.get(PATH).await;
    assert_eq!(world.get(&raw).await.text, before);
}
