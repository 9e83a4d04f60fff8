//! All listeners of a process: one cap of connections, one drain.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::{Instant, sleep, timeout};

use crate::bind::Bound;
use crate::connection;
use crate::front::Front;
use crate::guard::Guard;
use crate::limits::{Limits, RESERVE};
use crate::pulse::Pulse;
use crate::request_body::RequestBody;
use crate::stats::Stats;
use crate::terms::Terms;

/// The first and the longest pause after the system refused a connection.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What is left of a cut connection needs a moment to be dropped.
const CUT_TIME: Duration = Duration::from_secs(1);

/// Serves bound sockets and, at the end, drains them all. Its methods must be called inside a Tokio runtime.
#[derive(Clone, Debug)]
pub struct Listeners {
    terms: Arc<Terms>,
}

impl Listeners {
    /// Makes the common ground of all listeners.
    pub fn new(limits: Limits) -> Self {
        Self { terms: Arc::new(Terms::new(limits)) }
    }

    /// Begins to serve a service, such as an axum router, on bound sockets, and returns at once.
    pub fn serve<S, B>(&self, bound: Bound, guard: Guard, service: S) -> io::Result<()>
    where
        S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let guard = Arc::new(guard);
        let loopback = bound.is_loopback();
        let reserve = Arc::new(Semaphore::new(RESERVE));
        for socket in bound.sockets {
            let accepting = Accepting::new(socket, Arc::clone(&self.terms), Arc::clone(&reserve))?;
            let front = Front {
                service: service.clone(),
                guard: Arc::clone(&guard),
                loopback,
                terms: Arc::clone(&self.terms),
                pulse: Pulse::new(Instant::now()),
            };
            self.terms.tasks.spawn(accept_all(accepting, front));
        }
        Ok(())
    }

    /// Returns what was counted so far.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.terms.stats)
    }

    /// Stops accepting, lets open requests finish until the deadline, cuts the rest. Returns how many were cut.
    pub async fn drain(&self, deadline: Duration) -> u64 {
        let terms = &self.terms;
        terms.drain.cancel();
        terms.tasks.close();
        if timeout(deadline, terms.tasks.wait()).await.is_err() {
            terms.cut.cancel();
            // A handler that is stuck on a thread of its own cannot be cut; nobody waits for it.
            let _ = timeout(CUT_TIME, terms.tasks.wait()).await;
        }
        terms.stats.connections_cut.total()
    }
}

/// Accepts until the drain, one task for each connection.
async fn accept_all<S, B>(mut accepting: Accepting, front: Front<S>)
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let terms = Arc::clone(&front.terms);
    loop {
        let (stream, slot) = tokio::select! {
            accepted = accepting.next() => accepted,
            () = terms.drain.cancelled() => return,
        };
        terms.stats.connections_accepted.count();
        let open = Open { _slot: slot, stats: Arc::clone(&terms.stats) };
        let front = Front { pulse: Pulse::new(Instant::now()), ..front.clone() };
        terms.tasks.spawn(async move {
            connection::run(stream, front).await;
            drop(open);
        });
    }
}

/// Gives its slot back and counts the end, also when the connection's task panics.
struct Open {
    _slot: OwnedSemaphorePermit,
    stats: Arc<Stats>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stats.connections_ended.count();
    }
}

/// One listening socket and the slots that its connections may take.
struct Accepting {
    socket: TcpListener,
    terms: Arc<Terms>,
    /// Slots of this listener alone, so that a flood elsewhere does not close it.
    reserve: Arc<Semaphore>,
    /// The next pause after a refusal of the system; none means that the last accept went well.
    pause: Option<Duration>,
    /// Whether the last connection had to wait for a slot.
    capped: bool,
}

impl Accepting {
    fn new(socket: StdListener, terms: Arc<Terms>, reserve: Arc<Semaphore>) -> io::Result<Self> {
        let socket = TcpListener::from_std(socket)?;
        Ok(Self { socket, terms, reserve, pause: None, capped: false })
    }

    /// Waits for a slot first and for a client then: whoever finds no slot waits in the kernel's queue.
    async fn next(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        let slot = self.slot().await;
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    self.pause = None;
                    return (stream, slot);
                }
                // The client left before it was accepted.
                Err(error) if is_clients(&error) => {}
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn slot(&mut self) -> OwnedSemaphorePermit {
        for slots in [&self.terms.slots, &self.reserve] {
            match Arc::clone(slots).try_acquire_owned() {
                Ok(slot) => {
                    self.capped = false;
                    return slot;
                }
                Err(TryAcquireError::NoPermits) => {}
                Err(TryAcquireError::Closed) => unreachable!("the slots are never closed"),
            }
        }
        self.terms.stats.connections_capped.count();
        if !std::mem::replace(&mut self.capped, true) {
            let connections_max = self.terms.limits.connections_max;
            tracing::warn!(address = ?self.socket.local_addr().ok(), connections_max, "all connections are taken, new ones wait");
        }
        let slot = tokio::select! {
            slot = Arc::clone(&self.terms.slots).acquire_owned() => slot,
            slot = Arc::clone(&self.reserve).acquire_owned() => slot,
        };
        slot.expect("the slots are never closed")
    }

    /// Out of descriptors or memory: the client stays in the queue and the socket stays readable, so trying
    /// again at once would spin.
    async fn pause(&mut self, error: &io::Error) {
        self.terms.stats.accepts_failed.count();
        if self.pause.is_none() {
            tracing::warn!(address = ?self.socket.local_addr().ok(), %error, "cannot accept connections, they wait");
        }
        let pause = self.pause.unwrap_or(PAUSE_MIN);
        self.pause = Some((pause * 2).min(PAUSE_MAX));
        sleep(pause).await;
    }
}

fn is_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
