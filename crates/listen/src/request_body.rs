//! A request's body that gives up on a client which drips.
//!
//! Only time spent waiting for the client counts, in windows of the grace's length: in each the body must come at
//! the least rate. What came fast before buys nothing, or a client could send much and then hold it for hours.
//! A handler that does not read, because memory is short, stops the clock.

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
    /// What of them came in this window.
    bytes_in_window: u64,
    /// Waited for the client in this window, before the frame that is awaited now.
    waited: Duration,
    /// Since when a frame is awaited, and when the window ends.
    wait: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client sends too slowly.
    #[error("the body comes too slowly: {bytes} bytes so far")]
    Slow {
        /// What came.
        bytes: u64,
    },
    /// The client went away, or broke the protocol.
    #[error("the body broke off: {0}")]
    Broken(#[from] hyper::Error),
}

impl<B> RequestBody<B> {
    pub(crate) fn new(inner: B, limits: Arc<Limits>, stats: Arc<Stats>) -> Self {
        Self { inner, limits, stats, bytes: 0, bytes_in_window: 0, waited: Duration::ZERO, wait: None }
    }

    /// Starts the wait for a frame, or goes on with it; ready when the client is too slow.
    fn poll_slow(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        loop {
            let left = self.limits.body_grace.saturating_sub(self.waited);
            let (_, window) = self.wait.get_or_insert_with(|| {
                let now = Instant::now();
                (now, Box::pin(sleep_until(now + left)))
            });
            if window.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let rate = self.limits.body_bytes_per_second_min as f64;
            if (self.bytes_in_window as f64) < rate * self.limits.body_grace.as_secs_f64() {
                self.stats.bodies_slow.count();
                return Poll::Ready(BodyError::Slow { bytes: self.bytes });
            }
            (self.bytes_in_window, self.waited, self.wait) = (0, Duration::ZERO, None);
        }
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
            let more = frame.data_ref().map_or(0, |data| data.len() as u64);
            self.bytes += more;
            self.bytes_in_window += more;
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
        assert_eq!(error.to_string(), "the body comes too slowly: 0 bytes so far");
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(body.stats.bodies_slow.total(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn much_at_first_buys_no_silence_later() {
        let (feed, mut body) = fed();
        feed.send(Bytes::from(vec![0; 1 << 20])).await.unwrap();
        body.frame().await.unwrap().unwrap();
        let start = Instant::now();
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the body comes too slowly: 1048576 bytes so far");
        // The window in which it came, and one more.
        assert_eq!(start.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kilobyte_a_second_is_enough() {
        let (feed, mut body) = fed();
        tokio::spawn(async move {
            for _ in 0..100 {
                feed.send(Bytes::from(vec![0; 1100])).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        for _ in 0..100 {
            body.frame().await.unwrap().unwrap();
        }
        assert!(body.frame().await.is_none());
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
