//! Sending datagrams: a socket for each connection, and nobody who answers.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use bytes::Bytes;
use span::{Encoding, SpanBatch};
use tokio::net::UdpSocket;

use super::{Load, Message, Tally, messages};
use crate::call::loopback_of;
use crate::protocol::Protocol;

/// Why sending as a whole failed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The name is unknown, or no datagram can leave for it.
    #[error("cannot send datagrams to {authority}: {source}")]
    Datagrams {
        /// Where.
        authority: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server cannot be reached, and never could.
    #[error("nobody listens: {why}; start the server, or name another endpoint")]
    Nobody {
        /// What the connection failed of.
        why: String,
    },
    /// A task of ours panicked; it has said why.
    #[error("sending stopped: a task panicked")]
    Panicked,
}

/// Checks that the address can be sent to at all.
pub(super) fn probe(load: &Load) -> Result<SocketAddr, SendError> {
    let authority = load.endpoint.authority(load.protocol.port());
    if let Some([v4, _]) = loopback_of(&authority) {
        return Ok(v4);
    }
    let resolved = authority.to_socket_addrs().and_then(|mut found| {
        // A name of both families; an exporter of old asks for v4.
        let first = found.next().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(std::iter::once(first).chain(found).find(SocketAddr::is_ipv4).unwrap_or(first))
    });
    resolved.map_err(|source| SendError::Datagrams { authority, source })
}

/// A connected socket.
pub(super) struct Socket {
    socket: UdpSocket,
    authority: String,
}

impl Socket {
    pub(super) async fn open(load: &Load) -> Result<Self, SendError> {
        let to = probe(load)?;
        let authority = to.to_string();
        let failed = |source| SendError::Datagrams { authority: authority.clone(), source };
        let from: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(from).await.map_err(failed)?;
        socket.connect(to).await.map_err(failed)?;
        Ok(Self { socket, authority })
    }

    pub(super) async fn send(
        &self,
        protocol: Protocol,
        batch: SpanBatch,
        tally: &Tally,
    ) -> Result<(), SendError> {
        let encode = tokio::task::spawn_blocking(move || messages(protocol, Encoding::Identity, &batch));
        let encoded = encode.await.map_err(|_| SendError::Panicked)?;
        for message in encoded {
            self.send_one(&message.body, tally, &message).await?;
        }
        Ok(())
    }

    async fn send_one(&self, body: &Bytes, tally: &Tally, message: &Message) -> Result<(), SendError> {
        tally.sent(message);
        match self.socket.send(body).await {
            Ok(_) => Ok(()),
            // The answer to an earlier datagram: nobody listens. Later ones may still find somebody.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                tally.refused(message, format!("nobody listens at {}", self.authority));
                Ok(())
            }
            Err(source) => Err(SendError::Datagrams { authority: self.authority.clone(), source }),
        }
    }
}
