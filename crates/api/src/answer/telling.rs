//! An answer under way.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use store::{Stop, TraceReader};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::{Answer, Desk, Share, Told};
use crate::ApiError;

/// An answer whose first part is made. Parts come from [`Telling::poll_part`]; dropped before the last one, it
/// stops the query.
pub struct Telling<A: Answer> {
    state: State<A>,
    leash: Leash,
    time_left: Duration,
    /// Open from the question to the last part; entered while parts are made.
    span: tracing::Span,
}

/// Raises the flag when dropped: nobody waits any more.
struct Leash {
    stop: Stop,
    desk: Desk,
    /// The client got its last part, or an error.
    served: bool,
}

/// What moves to the blocking pool and back. The share stays with it, so that a query that outlives
/// its client goes on counting until it looks at its flag.
struct Work<A> {
    answer: A,
    share: Share,
}

type Made<A> = Result<(Told<<A as Answer>::Part>, Work<A>), ApiError>;

enum State<A: Answer> {
    /// A part waits to be taken.
    Ready(Told<A::Part>, Work<A>),
    /// The client has taken what there is.
    Idle(Work<A>),
    Working(Pin<Box<dyn Future<Output = (Made<A>, Duration)> + Send>>),
    /// The last part is out. Its memory is still held: the connection has not sent it yet.
    Ended(Option<Work<A>>),
}

impl<A: Answer> Telling<A> {
    pub(super) async fn begin(
        desk: Desk,
        share: Share,
        turn: OwnedSemaphorePermit,
        open: impl FnOnce(&dyn TraceReader, &Stop) -> Result<A, ApiError> + Send + 'static,
    ) -> Result<Self, ApiError> {
        let time_max = desk.limits().query_time_max;
        let reader = Arc::clone(&desk.backend().reader);
        let mut leash = Leash { stop: Stop::default(), desk, served: false };
        let flag = leash.stop.clone();
        let span = tracing::debug_span!("query");
        let make = move || {
            let mut work = Work { answer: open(&*reader, &flag)?, share };
            let told = work.answer.next(&mut work.share)?;
            Ok((told, work))
        };
        let (made, time_left) =
            on_blocking_pool(turn, &leash.stop, time_max, time_max, in_span(span.clone(), make)).await;
        // Failed or whole, there is nothing left to stop.
        leash.served = !matches!(made, Ok((Told::Part(_), _)));
        let (told, work) = made?;
        Ok(Self { state: State::Ready(told, work), leash, time_left, span })
    }

    /// Returns the only part, where the first is the last; nothing is taken by looking.
    pub fn whole(&self) -> Option<&A::Part> {
        match &self.state {
            State::Ready(Told::Last(part), _) => Some(part),
            _ => None,
        }
    }

    /// Returns the next part; `None` after the last. An error is the end, too.
    pub fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<A::Part, ApiError>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended(None)) {
                State::Ready(Told::Part(part), work) => {
                    self.state = State::Idle(work);
                    return Poll::Ready(Some(Ok(part)));
                }
                State::Ready(Told::Last(part), work) => {
                    self.state = State::Ended(Some(work));
                    self.leash.served = true;
                    self.leash.desk.stats().answers.count();
                    return Poll::Ready(Some(Ok(part)));
                }
                State::Idle(work) => self.state = State::Working(self.go_on(work)),
                State::Working(mut working) => {
                    let Poll::Ready((made, time_left)) = working.as_mut().poll(context) else {
                        self.state = State::Working(working);
                        return Poll::Pending;
                    };
                    self.time_left = time_left;
                    match made {
                        Ok((told, work)) => self.state = State::Ready(told, work),
                        Err(error) => {
                            self.leash.served = true;
                            self.leash.desk.count(&error);
                            self.leash.desk.stats().cut.count();
                            tracing::warn!(%error, "an answer was cut off after its beginning was sent");
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
                ended @ State::Ended(_) => {
                    self.state = ended;
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Returns the next part; `None` after the last.
    pub async fn part(&mut self) -> Option<Result<A::Part, ApiError>> {
        std::future::poll_fn(|context| self.poll_part(context)).await
    }

    fn go_on(&self, mut work: Work<A>) -> Pin<Box<dyn Future<Output = (Made<A>, Duration)> + Send>> {
        let (desk, stop, time_left) = (self.leash.desk.clone(), self.leash.stop.clone(), self.time_left);
        let (time_max, span) = (desk.limits().query_time_max, self.span.clone());
        Box::pin(async move {
            let turn = desk.later_turn().await;
            let make = move || {
                let told = work.answer.next(&mut work.share)?;
                Ok((told, work))
            };
            on_blocking_pool(turn, &stop, time_left, time_max, in_span(span.clone(), make)).await
        })
    }
}

fn in_span<T>(span: tracing::Span, make: impl FnOnce() -> T) -> impl FnOnce() -> T {
    move || span.in_scope(make)
}

/// Runs one step. The permit goes with it: a step that does not look at its flag keeps its turn.
async fn on_blocking_pool<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    stop: &Stop,
    time_left: Duration,
    time_max: Duration,
    make: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> (Result<T, ApiError>, Duration) {
    // Tokio's clock drives timers only: it measures, it never dates.
    let began = Instant::now();
    let mut step = spawn_blocking(move || {
        let made = make();
        drop(turn);
        made
    });
    let made = match timeout(time_left, &mut step).await {
        Ok(Ok(made)) => made,
        Ok(Err(panic)) => {
            tracing::error!(%panic, "query panicked");
            Err(ApiError::Broken)
        }
        Err(_) => {
            stop.raise();
            Err(ApiError::TooSlow { time_max })
        }
    };
    (made, time_left.saturating_sub(began.elapsed()))
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.stop.raise();
        if !self.served {
            self.desk.stats().stopped_left.count();
        }
    }
}

impl<A: Answer> std::fmt::Debug for Telling<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telling").field("time_left", &self.time_left).finish_non_exhaustive()
    }
}
