//! A small HTTP client: one connection, HTTP/1.1 or HTTP/2 without TLS, one call at a time.
//!
//! It is all that senders and the command line need of a client. A connection is opened by the first call
//! and again after it broke; whether a call may be repeated is the caller's to know. Every call has a
//! deadline, every answer a limit.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// How much of an answer is taken.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// How long the opening of a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// One export travels without waiting for the other side.
const WINDOW_BYTES: u32 = 4 << 20;

/// Where a server is: `http://host:port/path`, `udp://host:port` or only `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port, where one was said.
    pub port: Option<u16>,
    /// Path without a slash at its end; empty where none was said.
    pub path: String,
}

/// The text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpoint {
    /// TLS is not spoken here.
    #[error("{0:?} asks for TLS, which is not spoken here: write http://HOST:PORT")]
    Tls(String),
    /// It is no address at all.
    #[error("{0:?} is no endpoint: write http://HOST:PORT")]
    Broken(String),
}

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1, kept alive.
    One,
    /// HTTP/2 by prior knowledge, as gRPC does.
    Two,
}

/// A connection to one endpoint.
#[derive(Debug)]
pub struct Connection {
    authority: String,
    version: Version,
    open: Option<Open>,
}

/// What a server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers, and the trailers of gRPC among them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there.
    #[error("cannot connect to {authority}: {source}")]
    Connect {
        /// Where.
        authority: String,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke, or the other side does not speak this protocol.
    #[error("the call to {authority} broke: {source}")]
    Broke {
        /// Where.
        authority: String,
        /// What happened.
        source: hyper::Error,
    },
    /// No whole answer in time.
    #[error("{authority} did not answer within {} s", .time.as_secs_f32())]
    Late {
        /// Where.
        authority: String,
        /// The deadline.
        time: Duration,
    },
    /// The answer is longer than anything that is waited for.
    #[error("the answer of {authority} exceeds {ANSWER_BYTES_MAX} bytes")]
    TooLong {
        /// Where.
        authority: String,
    },
}

#[derive(Debug)]
enum Open {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Makes a connection that its first call will open.
    pub const fn new(authority: String, version: Version) -> Self {
        Self { authority, version, open: None }
    }

    /// Sends a request and waits for the whole answer.
    pub async fn call(&mut self, request: Request<Bytes>, time: Duration) -> Result<Answer, CallError> {
        let answered = tokio::time::timeout(time, self.call_now(request)).await;
        let answer =
            answered.unwrap_or_else(|_| Err(CallError::Late { authority: self.authority.clone(), time }));
        if answer.is_err() {
            self.open = None;
        }
        answer
    }

    /// Gets a path.
    pub async fn get(&mut self, path: &str, time: Duration) -> Result<Answer, CallError> {
        let mut request = Request::new(Bytes::new());
        // A path that is no URI is answered by the server as the unknown page that it is.
        *request.uri_mut() = path.parse().unwrap_or_default();
        self.call(request, time).await
    }

    async fn call_now(&mut self, request: Request<Bytes>) -> Result<Answer, CallError> {
        if self.open.as_ref().is_none_or(Open::is_closed) {
            self.open = Some(self.connect().await?);
        }
        let request = self.addressed(request);
        // The connection's own task may still be busy with the end of the last answer.
        let sent = match &mut self.open {
            Some(Open::One(open)) => match open.ready().await {
                Ok(()) => open.send_request(request).await,
                Err(closed) => Err(closed),
            },
            Some(Open::Two(open)) => match open.ready().await {
                Ok(()) => open.send_request(request).await,
                Err(closed) => Err(closed),
            },
            None => unreachable!("the connection was opened above"),
        };
        let broke = |source| CallError::Broke { authority: self.authority.clone(), source };
        let (head, mut body) = sent.map_err(broke)?.into_parts();
        let (mut headers, mut whole) = (head.headers, BytesMut::new());
        while let Some(frame) = body.frame().await {
            match frame.map_err(broke)?.into_data() {
                Ok(data) if ANSWER_BYTES_MAX < whole.len() + data.len() => {
                    return Err(CallError::TooLong { authority: self.authority.clone() });
                }
                Ok(data) => whole.extend_from_slice(&data),
                Err(frame) => headers.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        Ok(Answer { status: head.status, headers, body: whole.freeze() })
    }

    async fn connect(&self) -> Result<Open, CallError> {
        let failed = |source| CallError::Connect { authority: self.authority.clone(), source };
        let opening = async {
            match loopback_of(&self.authority) {
                Some(addresses) => TcpStream::connect(&addresses[..]).await,
                None => TcpStream::connect(self.authority.as_str()).await,
            }
        };
        let opened = tokio::time::timeout(CONNECT_TIME, opening).await;
        let stream = opened.map_err(|late| failed(late.into()))?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let broke = |source| CallError::Broke { authority: self.authority.clone(), source };
        let stream = TokioIo::new(stream);
        match self.version {
            Version::One => {
                let (open, driver) = http1::handshake(stream).await.map_err(broke)?;
                tokio::spawn(driver);
                Ok(Open::One(open))
            }
            Version::Two => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.initial_stream_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
                let (open, driver) = builder.handshake(stream).await.map_err(broke)?;
                tokio::spawn(driver);
                Ok(Open::Two(open))
            }
        }
    }

    /// HTTP/1.1 names the host in a header, HTTP/2 in the URI.
    fn addressed(&self, request: Request<Bytes>) -> Request<Full<Bytes>> {
        let mut request = request.map(Full::new);
        match self.version {
            Version::One => {
                if let Ok(host) = self.authority.parse() {
                    request.headers_mut().entry(http::header::HOST).or_insert(host);
                }
            }
            Version::Two => {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                let uri =
                    Uri::builder().scheme("http").authority(self.authority.as_str()).path_and_query(path);
                if let Ok(uri) = uri.build() {
                    *request.uri_mut() = uri;
                }
            }
        }
        request
    }
}

impl Open {
    fn is_closed(&self) -> bool {
        match self {
            Self::One(open) => open.is_closed(),
            Self::Two(open) => open.is_closed(),
        }
    }
}

impl Endpoint {
    /// Returns host and port, `port` standing in where none was said.
    pub fn authority(&self, port: u16) -> String {
        let port = self.port.unwrap_or(port);
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }
}

/// Returns where `localhost:PORT` is: both loopback addresses, v4 first, whatever a resolver says. An image without a
/// `hosts` file has none to ask.
pub fn loopback_of(authority: &str) -> Option<[SocketAddr; 2]> {
    let (host, port) = authority.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let is_local = host.eq_ignore_ascii_case("localhost");
    is_local.then(|| [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Self, NoEndpoint> {
        let broken = || NoEndpoint::Broken(text.to_owned());
        let rest = match text.split_once("://") {
            Some(("http" | "udp" | "grpc", rest)) => rest,
            Some(("https" | "grpcs", _)) => return Err(NoEndpoint::Tls(text.to_owned())),
            Some(_) => return Err(broken()),
            None => text,
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of a bare v6 address are no port's.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| broken())?))
            }
            _ => (authority, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(broken());
        }
        Ok(Self { host: host.to_owned(), port, path: path.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(out, "{}{}", self.authority(port), self.path),
            None => write!(out, "{}{}", self.host, self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        for (text, authority, path) in [
            ("http://localhost:4318/v1/traces", "localhost:4318", "/v1/traces"),
            ("http://jaeger", "jaeger:9", ""),
            ("http://jaeger/", "jaeger:9", ""),
            ("10.0.0.1:6831", "10.0.0.1:6831", ""),
            ("udp://localhost:6831", "localhost:6831", ""),
            ("http://[::1]:4317", "[::1]:4317", ""),
            ("::1", "[::1]:9", ""),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.authority(9).as_str(), endpoint.path.as_str()), (authority, path), "{text}");
        }
    }

    #[test]
    fn localhost_needs_no_resolver() {
        let found = loopback_of("LocalHost:7").map(|found| found.map(|address| address.to_string()));
        assert_eq!(found, Some(["127.0.0.1:7".to_owned(), "[::1]:7".to_owned()]));
        assert_eq!((loopback_of("jaeger:7"), loopback_of("localhost")), (None, None));
    }

    #[test]
    fn what_is_no_endpoint_is_said() {
        for text in ["", "http://", "http://host:port", "ftp://host", "http://a b:1"] {
            assert_eq!(text.parse::<Endpoint>(), Err(NoEndpoint::Broken(text.to_owned())));
        }
        assert!(matches!("https://host".parse::<Endpoint>(), Err(NoEndpoint::Tls(_))));
    }
}
