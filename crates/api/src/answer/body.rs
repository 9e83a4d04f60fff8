//! An answer as the body of an HTTP reply.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::{Frame, SizeHint};
use store::{Stop, TraceReader};

use super::{Answer, Desk, Telling};
use crate::ApiError;

/// Asks, and returns a reply whose body follows as the client reads it. Whatever fails before the first
/// part is an error; whatever fails later cuts the body, so that no client takes it for whole, unless the answer has
/// last words for that.
pub(crate) async fn reply<A: Answer<Part = Vec<u8>>>(
    desk: &Desk,
    content_type: &'static str,
    open: impl FnOnce(&dyn TraceReader, &Stop) -> Result<A, ApiError> + Send + 'static,
) -> Result<Response<Body>, ApiError> {
    let telling = desk.ask(open).await?;
    let length = telling.whole().map(|part| part.len() as u64);
    let mut reply =
        Response::new(Body::new(AnswerBody { telling, length, desk: desk.clone(), ended: false }));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(reply)
}

struct AnswerBody<A: Answer<Part = Vec<u8>>> {
    telling: Telling<A>,
    /// What is left to send, where that is known.
    length: Option<u64>,
    desk: Desk,
    /// The last words were said.
    ended: bool,
}

impl<A: Answer<Part = Vec<u8>>> http_body::Body for AnswerBody<A> {
    type Data = Bytes;
    type Error = ApiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ApiError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let part = match ready!(self.telling.poll_part(context)) {
            Some(Err(error)) => {
                self.ended = true;
                Some(A::last_words(&error).ok_or(error))
            }
            part => part,
        };
        Poll::Ready(part.map(|part| {
            let part = part?;
            self.desk.stats().answer_bytes.add(part.len() as u64);
            self.length = self.length.map(|_| 0);
            Ok(Frame::data(Bytes::from(part)))
        }))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

// Nothing in it is pinned: parts are made behind a box of their own.
impl<A: Answer<Part = Vec<u8>>> Unpin for AnswerBody<A> {}
