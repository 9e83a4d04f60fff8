//! One connection, from its first byte to its last.
//!
//! Four things can end it: the client, its own slowness ([`Pulse`], [`StallWatch`]), the drain (politely: the
//! requests that are open are finished first), and the end of the drain (at once).

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use crate::front::Front;
use crate::limits::{self, Limits};
use crate::pulse::{Pulse, Verdict};
use crate::request_body::RequestBody;
use crate::socket::{Socket, Version};
use crate::stall::StallWatch;
use crate::terms::Terms;

/// How long an idle HTTP/2 client has to take its leave after it was told to go. HTTP/1 has no way to tell.
const LEAVE_TIME: Duration = Duration::from_secs(5);

/// Serves one connection until it ends.
pub(crate) async fn run<S, B>(stream: TcpStream, front: Front<S>)
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (terms, pulse) = (Arc::clone(&front.terms), Arc::clone(&front.pulse));
    // Replies are whole frames; waiting to fill a segment only delays them.
    let _ = stream.set_nodelay(true);
    let mut socket = Socket::new(stream, Arc::clone(&pulse));
    let version = tokio::select! {
        version = socket.version() => version,
        () = late(&terms, &pulse) => return,
        () = terms.drain.cancelled() => return,
    };
    // A client that leaves, or resets, is nobody's fault.
    let Ok(Some(version)) = version else { return };
    let io = TokioIo::new(socket);
    match version {
        Version::Http1 => {
            let connection = http1().serve_connection(io, front);
            let connection = pin!(StallWatch::new(connection, terms.limits.stall_time));
            let done =
                attend(connection, &terms, &pulse, Duration::ZERO, |c| c.inner().graceful_shutdown()).await;
            if matches!(done, Some(None)) {
                terms.stats.replies_stalled.count();
            }
        }
        Version::Http2 => {
            pulse.is_multiplexed();
            let streams = Streams { tracker: terms.tasks.clone(), terms: Arc::clone(&terms) };
            let connection = http2(&terms.limits, streams).serve_connection(io, front);
            attend(pin!(connection), &terms, &pulse, LEAVE_TIME, |c| c.graceful_shutdown()).await;
        }
    }
}

/// Drives a connection, looking at its clocks and at the drain. Returns what it came to, unless it was dropped.
async fn attend<C: Future>(
    mut connection: Pin<&mut C>,
    terms: &Terms,
    pulse: &Pulse,
    leave_time: Duration,
    leave: impl Fn(Pin<&mut C>),
) -> Option<C::Output> {
    let mut patience = pin!(late(terms, pulse));
    tokio::select! {
        done = &mut connection => return Some(done),
        () = &mut patience => {
            // Idle or late, nothing is owed.
            leave(connection.as_mut());
            return timeout(leave_time, connection).await.ok();
        }
        () = terms.drain.cancelled() => leave(connection.as_mut()),
    }
    tokio::select! {
        done = connection => Some(done),
        () = patience => None,
        () = terms.cut.cancelled() => {
            terms.stats.connections_cut.count();
            None
        }
    }
}

/// Ends when the client has kept us waiting for too long, and counts why.
async fn late(terms: &Terms, pulse: &Pulse) {
    loop {
        match pulse.verdict(Instant::now(), &terms.limits) {
            Verdict::Wait(until) => sleep_until(until).await,
            Verdict::HeadLate => return terms.stats.heads_late.count(),
            Verdict::Idle => return terms.stats.connections_idle.count(),
        }
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The pulse keeps this time; hyper's would also end connections that rest between requests.
        .header_read_timeout(None)
        .max_header_size(limits::HEADER_BYTES_MAX + limits::URL_BYTES_MAX);
    builder
}

fn http2(limits: &Limits, streams: Streams) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS_MAX)
        .max_header_list_size(limits::HEADER_BYTES_MAX as u32)
        .max_pending_accept_reset_streams(limits::RESETS_PENDING_MAX)
        .max_local_error_reset_streams(limits::RESETS_LOCAL_MAX)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_frame_size(limits::FRAME_BYTES)
        .max_send_buf_size(limits::SEND_BUFFER_BYTES)
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_time);
    builder
}

/// Runs each stream of an HTTP/2 connection as a task that the drain waits for and that a stalled reply ends.
#[derive(Clone)]
struct Streams {
    tracker: TaskTracker,
    terms: Arc<Terms>,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let terms = Arc::clone(&self.terms);
        self.tracker.spawn(async move {
            if StallWatch::new(stream, terms.limits.stall_time).await.is_none() {
                terms.stats.replies_stalled.count();
            }
        });
    }
}
