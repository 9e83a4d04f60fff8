//! Brings the load to a server: several connections, each waiting for its acknowledgement before the
//! next request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request as HttpRequest, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use span::Encoding;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::clock::Stopwatch;
use crate::load::Request;

/// Over what OTLP goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// HTTP/1.1.
    Http,
    /// gRPC over h2c.
    Grpc,
}

/// What happened to the load.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Spans whose request was acknowledged.
    pub(crate) spans: u64,
    /// How long each acknowledgement took.
    pub(crate) acks: Vec<Duration>,
    /// How often a request had to be sent again because the server was full.
    pub(crate) pushed_back: u64,
}

/// Sends everything that `requests` gives over `connections` connections.
pub(crate) async fn all(
    address: SocketAddr,
    transport: Transport,
    encoding: Encoding,
    requests: mpsc::Receiver<Request>,
    connections: usize,
) -> anyhow::Result<Sent> {
    let requests = Arc::new(Mutex::new(requests));
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let requests = Arc::clone(&requests);
        workers.spawn(async move {
            let mut connection = Connection::open(address, transport).await?;
            let mut sent = Sent::default();
            loop {
                let next = requests.lock().await.recv().await;
                let Some(request) = next else { return Ok::<_, anyhow::Error>(sent) };
                send_one(&mut connection, encoding, &request, &mut sent).await?;
            }
        });
    }
    let mut all = Sent::default();
    while let Some(worker) = workers.join_next().await {
        let sent = worker??;
        all.spans += sent.spans;
        all.pushed_back += sent.pushed_back;
        all.acks.extend(sent.acks);
    }
    Ok(all)
}

async fn send_one(
    connection: &mut Connection,
    encoding: Encoding,
    request: &Request,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    loop {
        connection.reopen_if_closed().await?;
        let watch = Stopwatch::start();
        match connection.send(encoding, request.body.clone()).await? {
            Verdict::Acked => {
                sent.spans += request.spans as u64;
                sent.acks.push(watch.read());
                return Ok(());
            }
            Verdict::Full => {
                sent.pushed_back += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

enum Verdict {
    Acked,
    Full,
}

enum Connection {
    Http(http1::SendRequest<Full<Bytes>>, SocketAddr),
    Grpc(http2::SendRequest<Full<Bytes>>, SocketAddr),
}

impl Connection {
    async fn open(address: SocketAddr, transport: Transport) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        Ok(match transport {
            Transport::Http => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection);
                Self::Http(sender, address)
            }
            Transport::Grpc => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.initial_stream_window_size(4 << 20).initial_connection_window_size(16 << 20);
                let (sender, connection) = builder.handshake(io).await?;
                tokio::spawn(connection);
                Self::Grpc(sender, address)
            }
        })
    }

    /// Some servers close a connection on which nothing came for a moment; making the load takes moments.
    async fn reopen_if_closed(&mut self) -> anyhow::Result<()> {
        let (open, address, transport) = match self {
            Self::Http(sender, address) => (sender.ready().await.is_ok(), *address, Transport::Http),
            Self::Grpc(sender, address) => (sender.ready().await.is_ok(), *address, Transport::Grpc),
        };
        if !open {
            *self = Self::open(address, transport).await?;
        }
        Ok(())
    }

    async fn send(&mut self, encoding: Encoding, body: Bytes) -> anyhow::Result<Verdict> {
        match self {
            Self::Http(sender, address) => {
                let mut request = HttpRequest::post("/v1/traces")
                    .header("host", address.to_string())
                    .header("content-type", "application/x-protobuf");
                if encoding != Encoding::Identity {
                    request = request.header("content-encoding", encoding.name());
                }
                let answer = sender.send_request(request.body(Full::new(body))?).await?;
                let status = answer.status();
                let text = answer.into_body().collect().await?.to_bytes();
                match status {
                    StatusCode::OK => Ok(Verdict::Acked),
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Ok(Verdict::Full),
                    _ => bail!("{address}: {status} {}", String::from_utf8_lossy(&text)),
                }
            }
            Self::Grpc(sender, address) => {
                let uri = format!("http://{address}{GRPC_PATH}");
                let request = HttpRequest::post(uri)
                    .version(http::Version::HTTP_2)
                    .header("content-type", "application/grpc")
                    .header("te", "trailers")
                    .header("grpc-encoding", encoding.name())
                    .body(Full::new(framed(encoding, &body)))?;
                let answer = sender.send_request(request).await?;
                let head = answer.headers().get("grpc-status").cloned();
                let collected = answer.into_body().collect().await?;
                let trailer = collected.trailers().and_then(|trailers| trailers.get("grpc-status").cloned());
                match trailer.or(head).as_ref().map(http::HeaderValue::as_bytes) {
                    Some(b"0") => Ok(Verdict::Acked),
                    Some(b"8" | b"14") => Ok(Verdict::Full),
                    status => bail!("{address}: grpc-status {status:?}"),
                }
            }
        }
    }
}

/// The method that OTLP exporters call.
const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Puts gRPC's frame before a message: whether it is compressed, and its length.
fn framed(encoding: Encoding, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(u8::from(encoding != Encoding::Identity));
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_its_length() {
        assert_eq!(framed(Encoding::Zstd, b"abc"), &b"\x01\0\0\0\x03abc"[..]);
    }
}
