//! A TCP stream that notes when bytes come, and that can tell HTTP/2 from HTTP/1 before anything else reads it.
//!
//! HTTP/2 without TLS begins with 24 fixed bytes (RFC 9113, 3.4). They are read once, compared as
//! they come, and given again to whoever reads the socket next; the first byte that differs decides for HTTP/1.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::pulse::Pulse;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// One client's stream.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    /// Read while looking for the preface; `ahead[taken..filled]` is still to be given.
    ahead: [u8; PREFACE.len()],
    filled: usize,
    taken: usize,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, ahead: [0; PREFACE.len()], filled: 0, taken: 0 }
    }

    /// Reads until it is clear what the client speaks. Returns `None` when it left before.
    pub(crate) async fn version(&mut self) -> io::Result<Option<Version>> {
        while self.filled < PREFACE.len() {
            let read = self.stream.read(&mut self.ahead[self.filled..]).await?;
            if read == 0 {
                return Ok(None);
            }
            self.pulse.bytes_came();
            self.filled += read;
            if self.ahead[..self.filled] != PREFACE[..self.filled] {
                return Ok(Some(Version::Http1));
            }
        }
        Ok(Some(Version::Http2))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken < self.filled {
            let some = (self.filled - self.taken).min(into.remaining());
            into.put_slice(&self.ahead[self.taken..self.taken + some]);
            self.taken += some;
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if before < into.filled().len() {
            self.pulse.bytes_came();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
