//! How the process is, in the words of Jaeger 1 (14269) and Jaeger 2 (13133).

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use span::UnixNanos;

use crate::clock;

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Starting,
    Serving,
    Stopping,
}

/// The health of the process.
pub(crate) struct Health {
    phase: AtomicU8,
    started: UnixNanos,
    ailment: Box<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Health {
    /// Starts with a process that is starting. `ailment` says why spans cannot be kept, when that is so.
    pub(crate) fn new(
        started: UnixNanos,
        ailment: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { phase: AtomicU8::new(Phase::Starting as u8), started, ailment: Box::new(ailment) })
    }

    /// Enters the next phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Returns the present phase.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Stopping,
        }
    }

    /// Returns why spans cannot be kept, when that is so.
    pub(crate) fn ailment(&self) -> Option<String> {
        (self.ailment)()
    }

    /// Returns when the process began.
    pub(crate) fn started(&self) -> UnixNanos {
        self.started
    }

    /// Returns the word of the Collector's health check, its code, and what ails the process.
    fn status(&self) -> (StatusCode, &'static str, Option<String>) {
        match self.phase() {
            Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "StatusStarting", None),
            Phase::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "StatusStopping", None),
            Phase::Serving => match (self.ailment)() {
                None => (StatusCode::OK, "StatusOK", None),
                Some(why) => (StatusCode::INTERNAL_SERVER_ERROR, "StatusPermanentError", Some(why)),
            },
        }
    }
}

/// Returns `/status` of 13133.
pub(crate) fn status_router(health: Arc<Health>) -> Router {
    Router::new().route("/status", get(status)).route("/", get(status)).with_state(health)
}

/// Returns `/` and `/version` of 14269.
pub(crate) fn admin_router(health: Arc<Health>) -> Router {
    Router::new().route("/", get(available)).route("/version", get(version)).with_state(health)
}

#[derive(Serialize)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    healthy: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    status_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Components>,
}

/// The parts that can fail apart from each other.
#[derive(Serialize)]
struct Components {
    #[serde(rename = "extensions")]
    queries: Box<Status>,
    #[serde(rename = "pipeline:traces")]
    traces: Box<Status>,
}

async fn status(State(health): State<Arc<Health>>, uri: Uri) -> Response {
    let (code, word, error) = health.status();
    let now = clock::now();
    let query = uri.query().unwrap_or_default();
    let verbose = query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="));
    let part = |status: &'static str, error: Option<String>| {
        let healthy = status == "StatusOK";
        Box::new(Status {
            start_time: None,
            healthy,
            status,
            error,
            status_time: clock::show(now),
            components: None,
        })
    };
    let answered = if code == StatusCode::INTERNAL_SERVER_ERROR { "StatusOK" } else { word };
    let components =
        verbose.then(|| Components { queries: part(answered, None), traces: part(word, error.clone()) });
    let whole = Status {
        start_time: Some(clock::show(health.started)),
        healthy: code == StatusCode::OK,
        status: word,
        error,
        status_time: clock::show(now),
        components,
    };
    json(code, &whole)
}

async fn available(State(health): State<Arc<Health>>) -> Response {
    let (code, _, _) = health.status();
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Available {
        status: &'static str,
        up_since: String,
        uptime: String,
    }
    if code == StatusCode::OK {
        let uptime = clock::now().since(health.started).0;
        let up_since = clock::show(health.started);
        let available = Available { status: "Server available", up_since, uptime: go_duration(uptime) };
        return json(code, &available);
    }
    let up_since = "0001-01-01T00:00:00Z".to_owned();
    let available = Available { status: "Server not available", up_since, uptime: String::new() };
    json(StatusCode::SERVICE_UNAVAILABLE, &available)
}

async fn version() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let text = format!("{{\"gitCommit\":\"\",\"gitVersion\":\"tracewell {version}\",\"buildDate\":\"\"}}");
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn json(code: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).expect("plain structs have a JSON form");
    (code, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Writes a duration as Go does: `1h2m3.5s`.
fn go_duration(nanos: u64) -> String {
    let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
    let seconds = format!("{}s", rest as f64 / 1e9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_and_ailments_have_their_codes() {
        let ill = Arc::new(AtomicU8::new(0));
        let seen = Arc::clone(&ill);
        let ailment = move || (seen.load(Ordering::Relaxed) == 1).then(|| "the disk".to_owned());
        let health = Health::new(UnixNanos(1), ailment);
        assert_eq!(health.status().0, StatusCode::SERVICE_UNAVAILABLE);
        health.enter(Phase::Serving);
        assert_eq!(health.status(), (StatusCode::OK, "StatusOK", None));
        ill.store(1, Ordering::Relaxed);
        assert_eq!(health.status().0, StatusCode::INTERNAL_SERVER_ERROR);
        health.enter(Phase::Stopping);
        assert_eq!(health.status().1, "StatusStopping");
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(go_duration(1_500_000_000), "1.5s");
        assert_eq!(go_duration(3_600_000_000_000 + 62_000_000_000), "1h1m2s");
    }
}
