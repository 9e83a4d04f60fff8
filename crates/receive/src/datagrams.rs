//! Thrift by UDP, on 6831, 6832 and 5775.
//!
//! Which encoding and which struct a datagram holds is seen from its own bytes, so every port takes all of them: clients
//! are pointed at the wrong one more often than not. There is nobody to answer. What is refused is counted, and
//! what the kernel dropped before us is in its own count.
//!
//! A socket is emptied as far as it goes before anything is decoded, because bursts are what overflows it; the decoding
//! happens off the reactor, and the kernel's buffer takes what comes meanwhile.

use std::io;
use std::net::UdpSocket as StdSocket;
use std::sync::Arc;

use bytes::Bytes;
use listen::BoundDatagrams;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

/// The largest datagram that there can be.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Datagrams are collected up to here before they are decoded.
const ROUND_BYTES: usize = 1 << 20;

/// Rounds after the stop: what the kernel's buffer can hold. A flood does not keep the server alive.
const LAST_ROUNDS: usize = 2 * listen::DATAGRAM_BUFFER_BYTES / ROUND_BYTES;

/// Takes the datagrams of all the sockets until `stop` is cancelled and the sockets are empty.
pub async fn datagrams(door: Arc<Door>, bound: BoundDatagrams, stop: CancellationToken) -> io::Result<()> {
    let sockets = bound.sockets.into_iter().map(|socket| serve(&door, socket, &stop));
    futures_util::future::try_join_all(sockets).await?;
    Ok(())
}

async fn serve(door: &Arc<Door>, socket: StdSocket, stop: &CancellationToken) -> io::Result<()> {
    // At the end the socket is asked itself: the reactor may not have heard yet of what has come.
    let direct = socket.try_clone()?;
    let socket = UdpSocket::from_std(socket)?;
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let mut last_rounds = LAST_ROUNDS;
    loop {
        let round = tokio::select! {
            biased;
            ready = socket.readable() => {
                ready?;
                collect(&mut buffer, |into| socket.try_recv(into))
            }
            () = stop.cancelled() => collect(&mut buffer, |into| direct.recv(into)),
        };
        if stop.is_cancelled() {
            if round.is_empty() || last_rounds == 0 {
                return Ok(());
            }
            last_rounds -= 1;
        }
        let door = Arc::clone(door);
        let work =
            tokio::task::spawn_blocking(move || round.into_iter().for_each(|bytes| datagram(&door, bytes)));
        // A panic costs the rest of its round, not the port.
        if work.await.is_err() {
            tracing::error!("a decoder of datagrams panicked");
        }
    }
}

/// Reads what is there, up to a round.
fn collect(buffer: &mut [u8], mut receive: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Vec<Bytes> {
    let (mut round, mut bytes) = (Vec::new(), 0);
    while bytes < ROUND_BYTES {
        // Nothing is left; whatever else an error says is about a datagram that somebody else lost.
        let Ok(length) = receive(buffer) else { break };
        bytes += length.max(1);
        round.push(Bytes::copy_from_slice(&buffer[..length]));
    }
    round
}

/// Takes one datagram: all that a stranger's bytes pass through. Nothing is answered, everything is counted.
pub fn datagram(door: &Door, bytes: Bytes) {
    let stats = door.stats.of(Protocol::JaegerUdp);
    stats.messages.count();
    stats.bytes.add(bytes.len() as u64);
    let mut spans = 0;
    let taken = wire::jaeger::decode_datagram(bytes).map_err(Refusal::Malformed).and_then(|decoded| {
        spans = decoded.batch.len();
        stats.spans_rejected.add(decoded.rejected);
        // Nobody waits for the receipt; what the engine fails at is in the pipeline's counters.
        if spans == 0 { Ok(()) } else { door.offer(decoded.batch).map(drop) }
    });
    match taken {
        Ok(()) => stats.spans_stored.add(spans as u64),
        Err(refusal) => door.stats.refuse(Protocol::JaegerUdp, &refusal, spans, door.now()),
    }
}
