//! `GET /api/tw/status`: how the server is, as it reports itself.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use span::{DurationNanos, UnixNanos};
use store::{Detail, Search};

use super::{Call, JSON, object, settle};
use crate::json::JsonWriter;
use crate::{ApiError, Desk};

/// How a server is. It is put together by whoever assembled the server.
#[derive(Clone, Debug, Default)]
pub struct ServerStatus {
    /// Its version.
    pub version: &'static str,
    /// When the process began.
    pub started: UnixNanos,
    /// `starting`, `serving`, `stopping` or `failing`.
    pub state: &'static str,
    /// Why it takes no spans.
    pub ailment: Option<String>,
    /// Where it listens.
    pub listeners: Vec<ListenerStatus>,
    /// Spans accepted since the start.
    pub spans: u64,
    /// Messages that came, good or bad.
    pub requests: u64,
    /// Bytes received and not yet written.
    pub waiting_bytes: u64,
    /// What was refused or lost.
    pub drops: Vec<Drops>,
    /// What is kept.
    pub storage: StorageStatus,
}

/// A listener of a server.
#[derive(Clone, Debug, Default)]
pub struct ListenerStatus {
    /// Its name.
    pub name: &'static str,
    /// What comes in there.
    pub what: &'static str,
    /// Its addresses; none where it is off.
    pub addresses: Vec<String>,
}

/// What was refused or lost for one cause.
#[derive(Clone, Debug, Default)]
pub struct Drops {
    /// The cause, with the protocol where one is to blame.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// Of what: `spans`, `requests` or `datagrams`.
    pub unit: &'static str,
}

/// What an engine keeps.
#[derive(Clone, Debug, Default)]
pub struct StorageStatus {
    /// The engine.
    pub engine: &'static str,
    /// Where spans lie and for how long, in words.
    pub lines: Vec<(&'static str, String)>,
    /// Spans in segments.
    pub spans: u64,
    /// Their bytes on the disk.
    pub bytes: u64,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Memory of spans that are in no segment yet.
    pub memory_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// How long spans are kept; `None` is for ever.
    pub retention: Option<DurationNanos>,
    /// How many bytes are kept; `None` is without limit.
    pub retention_bytes: Option<u64>,
}

/// Tells how the server is, as often as it is asked.
pub(crate) type Report = Box<dyn Fn() -> ServerStatus + Send + Sync>;

/// Counts of spans over the last seconds, so that a rate can be told.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<VecDeque<(UnixNanos, u64)>>);

/// Over how long the rate is told.
const PACE_TIME: DurationNanos = DurationNanos(10_000_000_000);
/// Samples are at least this far apart.
const PACE_STEP: DurationNanos = DurationNanos(1_000_000_000);

impl Pace {
    /// Notes a count, and returns the rate per second since the oldest one that is still of interest.
    pub(crate) fn rate(&self, now: UnixNanos, spans: u64) -> f64 {
        let mut samples = self.0.lock().expect("no code panics while it holds the samples");
        while samples.get(1).is_some_and(|(time, _)| PACE_TIME <= now.since(*time)) {
            samples.pop_front();
        }
        if samples.back().is_none_or(|(time, _)| PACE_STEP <= now.since(*time)) {
            samples.push_back((now, spans));
        }
        let (since, before) = samples.front().copied().unwrap_or((now, spans));
        let seconds = now.since(since).0 as f64 / 1e9;
        if seconds < 0.1 { 0.0 } else { spans.saturating_sub(before) as f64 / seconds }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_is_told_over_the_last_seconds() {
        let pace = Pace::default();
        let second = |second: u64| UnixNanos(second * 1_000_000_000);
        assert_eq!(pace.rate(second(100), 5_000), 0.0);
        assert_eq!(pace.rate(second(102), 5_400), 200.0);
        for (at, spans) in (103..130).zip((5_500..).step_by(100)) {
            pace.rate(second(at), spans);
        }
        assert_eq!(pace.rate(second(130), 8_200), 100.0);
        assert_eq!(pace.rate(second(150), 8_200), 0.0);
    }
}
