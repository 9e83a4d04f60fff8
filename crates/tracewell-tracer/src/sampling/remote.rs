//! Jaeger's remote sampling: a backend says which share of each operation it wants.
//!
//! Polled over HTTP (`GET /sampling?service=..`, port 5778) on the exporter's thread, so no service
//! waits for it. What was understood last holds; an answer that makes no sense changes nothing.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::{Rule, Sampler};
use crate::json::Json;

/// How long one poll may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// Operations that an answer may name.
const OPERATIONS_MAX: usize = 2_000;

/// Where the sampler is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    host: String,
    port: u16,
    path: String,
    service: String,
    every: Duration,
}

impl Remote {
    /// Asks at `address`, as in `http://localhost:5778` or with a path of its own, for the sampler of
    /// `service`, once a minute. None where the address makes no sense.
    pub fn new(address: &str, service: &str) -> Option<Self> {
        let rest = address.strip_prefix("http://").unwrap_or(address);
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, 5778),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || !is_plain(&host) || !is_plain(path) || rest.contains("://") {
            return None;
        }
        let path = if path.trim_matches('/').is_empty() { "/sampling" } else { path };
        Some(Self {
            host,
            port,
            path: path.to_owned(),
            service: service.to_owned(),
            every: Duration::from_secs(60),
        })
    }

    /// Asks that often.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = pause.max(Duration::from_millis(100));
        self
    }

    fn ask(&self) -> io::Result<String> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(connection) => return self.converse(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn converse(&self, mut connection: TcpStream) -> io::Result<String> {
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.set_write_timeout(Some(TIMEOUT))?;
        let mut service = String::new();
        for byte in self.service.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                service.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(service, "%{byte:02X}");
            }
        }
        // HTTP/1.0, so that the answer comes in one piece and ends with the connection.
        let head = format!(
            "GET {}?service={service} HTTP/1.0\r\nhost: {}:{}\r\naccept: application/json\r\n\r\n",
            self.path, self.host, self.port
        );
        connection.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        connection.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let ok = head.split_ascii_whitespace().nth(1) == Some("200");
        if ok { Ok(body.to_owned()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// Polls.
#[derive(Debug)]
pub(crate) struct RemotePoll {
    remote: Remote,
    asked: Option<u64>,
    answer: String,
}

impl RemotePoll {
    pub(crate) fn new(remote: Remote) -> Self {
        Self { remote, asked: None, answer: String::new() }
    }

    /// Asks, at a time in nanoseconds, if it is time to; returns a sampler that is new.
    pub(crate) fn poll(&mut self, now: u64) -> Option<Sampler> {
        let every = u64::try_from(self.remote.every.as_nanos()).unwrap_or(u64::MAX);
        if self.asked.is_some_and(|asked| now.saturating_sub(asked) < every) {
            return None;
        }
        self.asked = Some(now);
        // A backend that is away is asked again next time.
        let answer = self.remote.ask().ok()?;
        if answer == self.answer {
            return None;
        }
        let sampler = understand(&answer)?;
        self.answer = answer;
        Some(sampler)
    }
}

/// Reads Jaeger's strategies.
fn understand(answer: &str) -> Option<Sampler> {
    let json = Json::parse(answer)?;
    if let Some(operations) = json.get("operationSampling") {
        let number = |key: &str| operations.get(key).and_then(Json::number);
        let at_least = number("defaultLowerBoundTracesPerSecond").filter(|rate| 0.0 < *rate);
        let mut rules = Vec::new();
        for one in
            operations.get("perOperationStrategies").map_or(&[][..], Json::items).iter().take(OPERATIONS_MAX)
        {
            let name = one.get("operation")?.text()?;
            let share = one.get("probabilisticSampling")?.get("samplingRate")?.number()?;
            // A star in a name is a star.
            let mut rule = Rule::new("remote.operation").exactly(name).share(share);
            if let Some(rate) = at_least {
                rule = rule.at_least_per_second(rate);
            }
            rules.push(rule);
        }
        let otherwise = number("defaultSamplingProbability").unwrap_or(1.0);
        if let Some(rate) = at_least {
            rules.push(Rule::new("remote").share(otherwise).at_least_per_second(rate));
        }
        return Some(Sampler::Rules { rules, otherwise });
    }
    let rate_limiting = || json.get("rateLimitingSampling")?.get("maxTracesPerSecond")?.number();
    let probabilistic = || json.get("probabilisticSampling")?.get("samplingRate")?.number();
    let kind = json.get("strategyType");
    let limited = kind.is_some_and(|kind| kind.text() == Some("RATE_LIMITING") || kind.number() == Some(1.0));
    if limited { rate_limiting().map(Sampler::PerSecond) } else { probabilistic().map(Sampler::Ratio) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, sampler: &str) {
        assert_eq!(understand(answer).map_or_else(String::new, |sampler| format!("{sampler:?}")), sampler);
    }

    #[test]
    fn strategies_of_jaeger_are_understood() {
        check(
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}"#,
            "ratio 0.5",
        );
        check(r#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":2}}"#, "2 a second");
        check(
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.1},"operationSampling":{"defaultSamplingProbability":0.1,"defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":[{"operation":"o\"p","probabilisticSampling":{"samplingRate":1}}]}}"#,
            "rules remote.operation 1, otherwise 0.1",
        );
        for nonsense in ["", "{}", "[1]", "{\"strategyType\":\"PROBABILISTIC\"", "404 page not found"] {
            check(nonsense, "");
        }
    }

    #[test]
    fn addresses_are_read() {
        let of = |address: &str| Remote::new(address, "s").map(|at| (at.host, at.port, at.path));
        let at = |host: &str, port, path: &str| Some((host.to_owned(), port, path.to_owned()));
        assert_eq!(of("http://h:1/x"), at("h", 1, "/x"));
        assert_eq!(of("h"), at("h", 5778, "/sampling"));
        assert_eq!(of("http://[::1]:9/"), at("::1", 9, "/sampling"));
        assert_eq!(of("https://h"), None);
        assert_eq!(of("h:x"), None);
        assert_eq!(of("h/a b"), None);
    }
}
