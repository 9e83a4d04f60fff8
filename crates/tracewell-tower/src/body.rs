//! A body that ends its call with its last byte.

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::call::Call;

pin_project! {
    /// The body of a traced answer.
    #[derive(Debug)]
    pub struct TracedBody<B> {
        #[pin]
        body: B,
        // None once the call has ended, and where nothing is traced.
        call: Option<Call>,
    }
}

impl<B: Body> TracedBody<B> {
    pub(crate) fn new(body: B, mut call: Option<Call>) -> Self {
        if body.is_end_stream()
            && let Some(call) = call.take()
        {
            call.end();
        }
        Self { body, call }
    }
}

impl<B> Body for TracedBody<B>
where
    B: Body,
    B::Error: Display,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let entered = this.call.as_ref().map(Call::enter);
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        drop(entered);
        match &frame {
            Some(Ok(frame)) => {
                let trailers = frame.trailers_ref();
                if let Some(call) = this.call.as_mut() {
                    if let Some(data) = frame.data_ref() {
                        call.passed(data.remaining() as u64);
                    }
                    if let Some(trailers) = trailers {
                        call.trailers(trailers);
                    }
                }
                // Nobody asks for more after trailers, or a body that says it is at its end.
                if (trailers.is_some() || this.body.is_end_stream())
                    && let Some(call) = this.call.take()
                {
                    call.end();
                }
            }
            Some(Err(error)) => {
                if let Some(call) = this.call.take() {
                    call.fail(std::any::type_name::<B::Error>(), &error.to_string());
                }
            }
            None => {
                if let Some(call) = this.call.take() {
                    call.end();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
