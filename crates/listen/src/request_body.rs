//! A request's body that gives up on a client which drips.
//!
//! Only time spent waiting for the client counts: after its grace a body must have come, on average over that
//! time, at the least rate. A handler that does not read, because memory is short, stops the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::Limits;
use crate::stats::Stats;

/// What a service reads a request from.
#[derive(Debug)]
pub struct RequestBody<B = Incoming> {
    inner: B,
    limits: Arc<Limits>,
    stats: Arc<Stats>,
    bytes: u64,
    /// Waited for the client, over all earlier frames.
    waited: Duration,
    /// Since when this frame is awaited, and when it is too late.
    wait: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client sends too slowly.
    #[error("the body came too slowly: {bytes} bytes in {seconds} s")]
    Slow {
        /// What came.
        bytes: u64,
        /// How long that took.
        seconds: u64,
    },
    /// The client went away, or broke the protocol.
    #[error("the body broke off: {0}")]
    Broken(#[from] hyper::Error),
}

impl<B> RequestBody<B> {
    pub(crate) fn new(inner: B, limits: Arc<Limits>, stats: Arc<Stats>) -> Self {
        Self { inner, limits, stats, bytes: 0, waited: Duration::ZERO, wait: None }
    }

    /// Starts the wait for a frame, or goes on with it; ready when the client is too slow.
    fn poll_slow(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        let earned = Duration::from_millis(
            self.bytes.saturating_mul(1000) / self.limits.body_bytes_per_second_min.max(1),
        );
        let left = (self.limits.body_grace + earned).saturating_sub(self.waited);
        let (since, sleep) = self.wait.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        if sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let seconds = (self.waited + since.elapsed()).as_secs();
        self.stats.bodies_slow.count();
        Poll::Ready(BodyError::Slow { bytes: self.bytes, seconds })
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    BodyError: From<B::Error>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            return self.poll_slow(context).map(|slow| Some(Err(slow)));
        };
        if let Some((since, _)) = self.wait.take() {
            self.waited += since.elapsed();
        }
        if let Some(Ok(frame)) = &frame {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl From<std::convert::Infallible> for BodyError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::sync::mpsc;

    use super::*;

    /// A client that sends what the test puts into the channel.
    struct Fed(mpsc::Receiver<Bytes>);

    impl Body for Fed {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    fn fed() -> (mpsc::Sender<Bytes>, RequestBody<Fed>) {
        let (feed, food) = mpsc::channel(8);
        let limits = Arc::new(Limits::of(1024));
        (feed, RequestBody::new(Fed(food), limits, Arc::default()))
    }

    #[tokio::test(start_paused = true)]
    async fn silent_body_ends_after_its_grace() {
        let (_feed, mut body) = fed();
        let start = Instant::now();
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the body came too slowly: 0 bytes in 10 s");
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(body.stats.bodies_slow.total(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn each_kilobyte_buys_a_second() {
        let (feed, mut body) = fed();
        feed.send(Bytes::from(vec![0; 5 * 1024])).await.unwrap();
        body.frame().await.unwrap().unwrap();
        let start = Instant::now();
        body.frame().await.unwrap().unwrap_err();
        assert_eq!(start.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn our_own_slowness_is_not_held_against_the_client() {
        let (feed, mut body) = fed();
        tokio::time::advance(Duration::from_secs(1000)).await;
        feed.send(Bytes::from_static(b"x")).await.unwrap();
        body.frame().await.unwrap().unwrap();
        tokio::time::advance(Duration::from_secs(1000)).await;
        drop(feed);
        assert!(body.frame().await.is_none());
    }
}
