//! One keep-alive HTTP/1.1 connection, as a query client holds it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::clock::Stopwatch;

/// A connection to a query API.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    sender: SendRequest<Empty<Bytes>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How the server judged the question.
    pub(crate) status: StatusCode,
    /// The whole body.
    pub(crate) body: Bytes,
    /// From the first byte sent to the last byte read.
    pub(crate) took: Duration,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { address, sender: open(address).await? })
    }

    /// Asks for `path`, and reads the answer to its end. A server that closes after each answer is
    /// connected to anew, outside the measured time.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        if self.sender.is_closed() || self.sender.ready().await.is_err() {
            self.sender = open(self.address).await?;
        }
        let request = Request::get(path).header("host", self.address.to_string()).body(Empty::new())?;
        let watch = Stopwatch::start();
        let answer = self.sender.send_request(request).await.with_context(|| format!("GET {path}"))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.with_context(|| format!("GET {path}"))?.to_bytes();
        Ok(Answer { status, body, took: watch.read() })
    }

    /// Asks for `path`, which must be found.
    pub(crate) async fn found(&mut self, path: &str) -> anyhow::Result<Answer> {
        let answer = self.get(path).await?;
        if answer.status != StatusCode::OK {
            let text = String::from_utf8_lossy(&answer.body);
            bail!("GET {path}: {} {}", answer.status, text.chars().take(200).collect::<String>());
        }
        Ok(answer)
    }
}

async fn open(address: SocketAddr) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
