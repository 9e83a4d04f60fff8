//! Asking a running server, as `get`, `search` and `doctor` do: over Jaeger's v1 API, so that any server
//! with that API can be asked.

mod jaeger_trace;

use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use shop::call::{Connection, Endpoint, Version};
use span::Trace;

use self::jaeger_trace::JaegerTrace;

/// How long a person waits for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The port of the query listener.
const QUERY_PORT: u16 = 16_686;

/// A connection to a server's query listener.
pub(crate) struct Asker {
    connection: Connection,
    base_path: String,
}

/// Jaeger's envelope.
#[derive(Deserialize)]
struct Envelope {
    data: Option<Vec<JaegerTrace>>,
    errors: Option<Vec<Complaint>>,
}

#[derive(Deserialize)]
struct Complaint {
    msg: String,
}

impl Asker {
    pub(crate) fn new(server: &Endpoint) -> Self {
        let connection = Connection::new(server.authority(QUERY_PORT), Version::One);
        Self { connection, base_path: server.path.clone() }
    }

    /// Returns the trace with this id, or `None` where there is none.
    pub(crate) async fn trace(&mut self, id: &str) -> anyhow::Result<Option<Trace>> {
        let found = self.traces(&format!("/api/traces/{}", escaped(id))).await?;
        Ok(found.into_iter().next())
    }

    /// Returns what a search finds, newest first.
    pub(crate) async fn search(&mut self, parameters: &[(&str, String)]) -> anyhow::Result<Vec<Trace>> {
        let parameters: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        self.traces(&format!("/api/traces?{}", parameters.join("&"))).await
    }

    async fn traces(&mut self, path: &str) -> anyhow::Result<Vec<Trace>> {
        let answer = self.connection.get(&format!("{}{path}", self.base_path), ANSWER_TIME).await?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let parsed: Result<Envelope, _> = serde_json::from_slice(&answer.body);
        let envelope = parsed.with_context(|| {
            format!("the server answered {}, not with traces; is it the query listener?", answer.status)
        })?;
        if !answer.status.is_success() {
            let complaints: Vec<String> =
                envelope.errors.into_iter().flatten().map(|error| error.msg).collect();
            bail!("the server answered {}: {}", answer.status, complaints.join("; "));
        }
        let traces = envelope.data.unwrap_or_default();
        Ok(traces
            .iter()
            .map(JaegerTrace::to_trace)
            .collect::<anyhow::Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }
}

/// Writes text as a part of a URL.
pub(crate) fn escaped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                whole.push(char::from(byte))
            }
            _ => whole.push_str(&format!("%{byte:02X}")),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_hold_any_text() {
        assert_eq!(escaped("a b/ä?&="), "a%20b%2F%C3%A4%3F%26%3D");
    }
}
