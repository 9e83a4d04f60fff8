//! `GET /api/tw/status`: how the server is, as it reports itself.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use store::{Detail, Search};

use super::{Call, JSON, object, settle};
use crate::json::JsonWriter;
use crate::report::{Drops, ListenerStatus, StorageStatus};
use crate::{ApiError, Desk};

/// Returns how the server is.
pub(super) async fn status(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_status(&desk, &call).await;
    settle(&desk, answered)
}

async fn try_status(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let (asked, tenant) = (desk.clone(), call.tenant.clone());
    call.answer(desk, JSON, move |reader, stop| {
        let status =
            asked.server_status().ok_or(ApiError::Disabled("this server does not report its status"))?;
        let now = (asked.backend().now)();
        let rate = asked.pace().rate(now, status.spans);
        let any = Search { detail: Detail::Skeleton, stop: stop.clone(), ..Search::all(tenant) };
        let ever = reader.search(any)?.next()?.is_some();
        Ok(object(|json| {
            json.key("version");
            json.text(status.version);
            text(json, "now", &now.0.to_string());
            text(json, "startedAt", &status.started.0.to_string());
            text(json, "state", status.state);
            if let Some(why) = &status.ailment {
                text(json, "ailment", why);
            }
            json.key("ever");
            json.bool(ever);
            write_listeners(json, &status.listeners);
            json.key("ingest");
            json.begin_object();
            number(json, "spans", status.spans);
            number(json, "requests", status.requests);
            json.key("spansPerSecond");
            json.double(rate);
            number(json, "waitingBytes", status.waiting_bytes);
            json.end_object();
            write_drops(json, &status.drops);
            write_storage(json, &status.storage);
            write_queries(json, &asked);
        }))
    })
    .await
}

fn text(json: &mut JsonWriter, key: &'static str, text: &str) {
    json.key(key);
    json.text(text);
}

fn number(json: &mut JsonWriter, key: &'static str, number: u64) {
    json.key(key);
    json.unsigned(number);
}

fn limit(json: &mut JsonWriter, key: &'static str, limit: Option<u64>) {
    json.key(key);
    match limit {
        Some(limit) => json.unsigned(limit),
        None => json.null(),
    }
}

fn write_listeners(json: &mut JsonWriter, listeners: &[ListenerStatus]) {
    json.key("listeners");
    json.begin_array();
    for listener in listeners {
        json.begin_object();
        text(json, "name", listener.name);
        text(json, "what", listener.what);
        json.key("on");
        json.bool(!listener.addresses.is_empty());
        json.key("addresses");
        json.begin_array();
        listener.addresses.iter().for_each(|address| json.text(address));
        json.end_array();
        json.end_object();
    }
    json.end_array();
}

fn write_drops(json: &mut JsonWriter, drops: &[Drops]) {
    json.key("drops");
    json.begin_array();
    for Drops { cause, count, unit } in drops.iter().filter(|drops| drops.count != 0) {
        json.begin_object();
        text(json, "cause", cause);
        number(json, "count", *count);
        text(json, "unit", unit);
        json.end_object();
    }
    json.end_array();
}

fn write_storage(json: &mut JsonWriter, storage: &StorageStatus) {
    json.key("storage");
    json.begin_object();
    text(json, "engine", storage.engine);
    json.key("lines");
    json.begin_array();
    for (word, line) in &storage.lines {
        json.begin_array();
        json.text(word);
        json.text(line);
        json.end_array();
    }
    json.end_array();
    number(json, "spans", storage.spans);
    number(json, "bytes", storage.bytes);
    number(json, "walBytes", storage.wal_bytes);
    number(json, "memoryBytes", storage.memory_bytes);
    number(json, "segments", storage.segments);
    limit(json, "retentionNs", storage.retention.map(|length| length.0));
    limit(json, "retentionBytes", storage.retention_bytes);
    json.end_object();
}

fn write_queries(json: &mut JsonWriter, desk: &Desk) {
    let stats = &desk.backend().stats;
    json.key("queries");
    json.begin_object();
    number(json, "asked", stats.queries.get());
    number(json, "answered", stats.answers.get());
    number(json, "refused", stats.refused_busy.get() + stats.refused_memory.get());
    number(json, "failed", stats.failed.get());
    number(json, "slow", stats.stopped_slow.get());
    json.end_object();
}
