//! An answer as a stream of messages.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tonic::Status;

use super::refusal;
use crate::{Answer, Telling};

/// The messages of an answer, one by one. A failure ends it with its status.
pub(super) struct Flow<A: Answer<Part = Vec<M>>, M> {
    telling: Telling<A>,
    made: VecDeque<M>,
}

impl<A: Answer<Part = Vec<M>>, M> Flow<A, M> {
    /// Lets an answer flow.
    pub(super) const fn of(telling: Telling<A>) -> Self {
        Self { telling, made: VecDeque::new() }
    }
}

// Nothing in it is pinned: parts are made behind a box of their own.
impl<A: Answer<Part = Vec<M>>, M> Unpin for Flow<A, M> {}

impl<A: Answer<Part = Vec<M>>, M> Stream for Flow<A, M> {
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(message) = self.made.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            match ready!(self.telling.poll_part(context)) {
                None => return Poll::Ready(None),
                Some(Ok(part)) => self.made = part.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(refusal(&error)))),
            }
        }
    }
}
