//! Gives up on a reply that its client does not take.
//!
//! A reply's body is asked for its next frame only when the last one found room in the client's window. So a
//! body that gave a frame and is not asked again belongs to a client that takes nothing. That is seen by nobody
//! who is polled, and hyper owns the stream; therefore the future that drives it (the connection itself on
//! HTTP/1, one task for each stream on HTTP/2) is wrapped in [`StallWatch`], which hands a [`Stall`] down to the
//! body inside it and, when the body stays unasked for too long, drops the whole: the socket
//! closes, or the stream is reset, and the other streams of the connection go on.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::pulse::Ticket;

tokio::task_local! {
    /// The stall of the future that is being polled.
    static STALL: Arc<Stall>;
}

/// Since when a reply waits for its client, if it does.
#[derive(Debug, Default)]
pub(crate) struct Stall(Mutex<Option<Instant>>);

impl Stall {
    fn since(&self) -> Option<Instant> {
        *self.0.lock().expect("no code panics while it holds a stall")
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().expect("no code panics while it holds a stall") = since;
    }
}

pin_project! {
    /// Drives a future until it ends (`Some`) or a reply inside it has stalled for too long (`None`).
    pub(crate) struct StallWatch<F> {
        #[pin]
        inner: F,
        stall: Arc<Stall>,
        time: Duration,
        // Runs only while something stalls.
        alarm: Option<(Instant, Pin<Box<Sleep>>)>,
    }
}

impl<F> StallWatch<F> {
    pub(crate) fn new(inner: F, time: Duration) -> Self {
        Self { inner, stall: Arc::default(), time, alarm: None }
    }

    pub(crate) fn inner(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().inner
    }
}

impl<F: Future> Future for StallWatch<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        let inner = this.inner;
        if let Poll::Ready(done) = STALL.sync_scope(Arc::clone(this.stall), || inner.poll(context)) {
            return Poll::Ready(Some(done));
        }
        let Some(since) = this.stall.since() else {
            *this.alarm = None;
            return Poll::Pending;
        };
        if this.alarm.as_ref().is_none_or(|(of, _)| *of != since) {
            *this.alarm = Some((since, Box::pin(sleep_until(since + *this.time))));
        }
        let (_, alarm) = this.alarm.as_mut().expect("it was set above");
        alarm.as_mut().poll(context).map(|()| None)
    }
}

pin_project! {
    /// A reply's body, noting when it is asked.
    #[derive(Debug)]
    pub(crate) struct ReplyBody<B> {
        #[pin]
        inner: B,
        stall: Option<Arc<Stall>>,
        ticket: Ticket,
    }

    impl<B> PinnedDrop for ReplyBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(stall) = this.project().stall {
                stall.set(None);
            }
        }
    }
}

impl<B> ReplyBody<B> {
    /// Must be called inside a [`StallWatch`]; elsewhere a reply may stall as long as it likes.
    pub(crate) fn new(inner: B, ticket: Ticket) -> Self {
        Self { inner, stall: STALL.try_with(Arc::clone).ok(), ticket }
    }
}

impl<B: Body<Data = Bytes>> Body for ReplyBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = this.inner.poll_frame(context);
        if let Some(stall) = this.stall {
            let gave = matches!(frame, Poll::Ready(Some(Ok(_))));
            stall.set(gave.then(Instant::now));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, poll_fn};

    use super::*;
    use crate::pulse::Pulse;

    /// Gives one frame, then says nothing.
    struct Chatty(bool);

    impl Body for Chatty {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    async fn ask(times: usize) {
        let mut body = ReplyBody::new(Chatty(false), Pulse::new(Instant::now()).begin());
        let mut asked = 0;
        poll_fn(|context| {
            while asked < times {
                asked += 1;
                let _ = Pin::new(&mut body).poll_frame(context);
            }
            Poll::<()>::Pending
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn frame_that_finds_no_room_ends_its_stream() {
        let start = Instant::now();
        let ended = StallWatch::new(ask(1), Duration::from_secs(30)).await;
        assert!(ended.is_none());
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn reply_that_has_nothing_to_say_does_not_stall() {
        for times in [0, 2] {
            let watched = StallWatch::new(ask(times), Duration::from_secs(30));
            let ended = tokio::time::timeout(Duration::from_secs(300), watched).await;
            assert!(ended.is_err(), "{times}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn taken_reply_leaves_no_alarm() {
        let watched = StallWatch::new(
            async {
                let mut body = ReplyBody::new(Chatty(false), Pulse::new(Instant::now()).begin());
                poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
                drop(body);
                pending::<()>().await;
            },
            Duration::from_secs(30),
        );
        assert!(tokio::time::timeout(Duration::from_secs(300), watched).await.is_err());
    }
}
