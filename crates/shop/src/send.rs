//! Sends batches to a server: paced, over several connections, with the patience that protocols ask for.
//!
//! 1. One blocking thread makes the batches, so that the world stays one stream of chance.
//! 2. Each connection takes the next one when it is due, encodes it off the reactor, and sends it.
//! 3. "Later" (429, 503, RESOURCE_EXHAUSTED with a delay, UNAVAILABLE, a broken connection) is tried again
//!    after the time that the server asked for, until patience ends; "no" is final. Both are counted.
//!
//! Repeating is harmless: a server that stored a batch whose answer got lost finds the same spans again.

mod datagrams;
mod message;
mod tally;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use span::{Encoding, SpanBatch};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use crate::call::{CallError, Connection, Endpoint, Version};
use crate::protocol::Protocol;

pub use datagrams::SendError;
pub use message::{Message, messages};
pub use tally::Tally;
pub use verdict::Verdict;

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(30);

/// The first and the longest pause where the server named none.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A server that is about to start has so long; one that answered before has all of the patience.
const NOBODY_TIME: Duration = Duration::from_secs(5);

/// Where and how to send.
#[derive(Clone, Debug)]
pub struct Load {
    /// The server.
    pub endpoint: Endpoint,
    /// What it speaks.
    pub protocol: Protocol,
    /// How bodies are compressed; datagrams never are.
    pub encoding: Encoding,
    /// Calls at a time, each on a connection of its own.
    pub connections: usize,
    /// How long a batch is tried again before it is given up.
    pub patience: Duration,
}

/// A batch and when it is to be sent, counted from the first.
pub type Due = (Duration, SpanBatch);

/// What the connections share.
struct Shared {
    load: Load,
    batches: Mutex<mpsc::Receiver<Due>>,
    start: Instant,
    tally: Arc<Tally>,
    /// Patience has ended once and nothing was taken since: what follows is tried a single time.
    impatient: AtomicBool,
    /// Somebody has answered something.
    answered: AtomicBool,
}

/// Sends all of `batches` and counts into `tally`. It returns when the last one is settled.
pub async fn send(
    load: Load,
    batches: impl Iterator<Item = Due> + Send + 'static,
    tally: Arc<Tally>,
) -> Result<(), SendError> {
    if load.protocol.is_datagrams() {
        datagrams::probe(&load)?;
    }
    let connections = load.connections.max(1);
    let (sender, receiver) = mpsc::channel(connections);
    let making = tokio::task::spawn_blocking(move || {
        for due in batches {
            // Nobody receives any more when the caller gave up.
            if sender.blocking_send(due).is_err() {
                return;
            }
        }
    });
    let (impatient, answered) = Default::default();
    let (batches, start) = (Mutex::new(receiver), Instant::now());
    let shared = Arc::new(Shared { load, batches, start, tally, impatient, answered });
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..connections {
        sending.spawn(run(Arc::clone(&shared)));
    }
    while let Some(done) = sending.join_next().await {
        done.map_err(|_| SendError::Panicked)??;
    }
    drop(shared);
    making.await.map_err(|_| SendError::Panicked)
}

/// One connection: takes batches until there are none.
async fn run(shared: Arc<Shared>) -> Result<(), SendError> {
    let load = &shared.load;
    if load.protocol.is_datagrams() {
        let socket = datagrams::Socket::open(load).await?;
        while let Some(batch) = shared.next().await {
            socket.send(load.protocol, batch, &shared.tally).await?;
        }
        return Ok(());
    }
    let version = if load.protocol.is_grpc() { Version::Two } else { Version::One };
    let mut connection = Connection::new(load.endpoint.authority(load.protocol.port()), version);
    while let Some(batch) = shared.next().await {
        let (protocol, encoding) = (load.protocol, load.encoding);
        let encode = tokio::task::spawn_blocking(move || messages(protocol, encoding, &batch));
        let encoded = encode.await.map_err(|_| SendError::Panicked)?;
        for message in encoded {
            settle(&mut connection, &shared, &message).await?;
        }
    }
    Ok(())
}

impl Shared {
    /// Waits for the next batch and for its time. One connection waits at a time, so order is kept.
    async fn next(&self) -> Option<SpanBatch> {
        let mut batches = self.batches.lock().await;
        let (due, batch) = batches.recv().await?;
        sleep_until(self.start + due).await;
        Some(batch)
    }
}

/// Sends one message until it is acknowledged, refused for good, or patience ends. An error is that nobody was ever
/// there.
async fn settle(connection: &mut Connection, shared: &Shared, message: &Message) -> Result<(), SendError> {
    let Shared { load, tally, .. } = shared;
    tally.sent(message);
    let patience = if shared.impatient.load(Ordering::Relaxed) { Duration::ZERO } else { load.patience };
    let start = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        let answer = connection.call(message.request(load), CALL_TIME).await;
        let is_nobody = matches!(answer, Err(CallError::Connect { .. }));
        shared.answered.fetch_or(!is_nobody, Ordering::Relaxed);
        match verdict::of(load.protocol, answer) {
            Verdict::Acked { rejected, reason } => {
                shared.impatient.store(false, Ordering::Relaxed);
                tally.acked(message, rejected, reason);
                return Ok(());
            }
            Verdict::Refused { why } => {
                tally.refused(message, why);
                return Ok(());
            }
            Verdict::Later { after, why } => {
                let wait = after.unwrap_or(pause);
                let is_never = is_nobody && !shared.answered.load(Ordering::Relaxed);
                let patience = if is_never { patience.min(NOBODY_TIME) } else { patience };
                if patience < start.elapsed() + wait {
                    shared.impatient.store(true, Ordering::Relaxed);
                    tally.given_up(message, why.clone());
                    return if is_never { Err(SendError::Nobody { why }) } else { Ok(()) };
                }
                tally.later(message, why);
                sleep(wait).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::World;

    /// Answers each request with the next of these replies, on one connection.
    async fn answering(replies: Vec<&'static str>) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for reply in replies {
                read_request(&mut stream).await;
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        Endpoint { host: "127.0.0.1".to_owned(), port: Some(port), path: String::new() }
    }

    async fn read_request(stream: &mut tokio::net::TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length: usize = length.split_once('\r').unwrap().0.parse().unwrap();
        stream.read_exact(&mut vec![0; length]).await.unwrap();
    }

    fn load(endpoint: Endpoint) -> Load {
        let patience = Duration::from_secs(5);
        Load { endpoint, protocol: Protocol::OtlpHttp, encoding: Encoding::Gzip, connections: 1, patience }
    }

    #[tokio::test]
    async fn later_is_sent_again_and_never_is_not() {
        let endpoint = answering(vec![
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno",
        ]);
        let tally = Arc::new(Tally::default());
        let batches: Vec<SpanBatch> = World::new(42).requests().take(2).collect();
        let spans: Vec<u64> = batches.iter().map(|batch| batch.len() as u64).collect();
        let due = batches.into_iter().map(|batch| (Duration::ZERO, batch));
        send(load(endpoint.await), due, Arc::clone(&tally)).await.unwrap();
        assert_eq!((tally.requests_sent(), tally.requests_acked(), tally.retries()), (2, 1, 1));
        assert_eq!((tally.spans_acked(), tally.spans_refused()), (spans[0], spans[1]));
        assert_eq!(tally.complaint().as_deref(), Some("400 Bad Request: no"));
    }

    #[tokio::test]
    async fn patience_ends_where_nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string().parse().unwrap();
        drop(listener);
        let tally = Arc::new(Tally::default());
        let load = Load { patience: Duration::ZERO, ..load(endpoint) };
        let due = World::new(42).requests().unpaced().take(1);
        let error = send(load, due, Arc::clone(&tally)).await.unwrap_err();
        assert!(error.to_string().starts_with("nobody listens: cannot connect to 127.0.0.1:"), "{error}");
        assert_eq!((tally.spans_given_up(), tally.spans_acked()), (tally.spans_sent(), 0));
        assert!(tally.complaint().unwrap().starts_with("cannot connect to 127.0.0.1:"));
    }

    #[tokio::test]
    async fn datagrams_carry_every_span() {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let endpoint: Endpoint = socket.local_addr().unwrap().to_string().parse().unwrap();
        let batch = World::new(42).requests().next().unwrap();
        let spans = batch.len();
        let tally = Arc::new(Tally::default());
        let load = Load { protocol: Protocol::JaegerCompact, ..load(endpoint) };
        let sending = tokio::spawn(send(load, [(Duration::ZERO, batch)].into_iter(), Arc::clone(&tally)));
        let (mut found, mut body) = (0, vec![0; 70_000]);
        while found < spans {
            let length = socket.recv(&mut body).await.unwrap();
            let datagram = bytes::Bytes::copy_from_slice(&body[..length]);
            found += wire::jaeger::decode_datagram(datagram).unwrap().batch.len();
        }
        sending.await.unwrap().unwrap();
        assert_eq!((tally.spans_sent(), tally.spans_acked()), (spans as u64, 0));
    }
}
