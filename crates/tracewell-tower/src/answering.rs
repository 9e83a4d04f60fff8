//! The layer around a service that answers.

use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::TracedBody;
use crate::call::Call;

/// Traces requests that come in.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerLayer(());

/// Makes the layer of a server.
pub fn server() -> ServerLayer {
    tracewell::watch_panics();
    ServerLayer(())
}

impl<S> Layer<S> for ServerLayer {
    type Service = Server<S>;

    fn layer(&self, inner: S) -> Server<S> {
        Server { inner }
    }
}

/// A service whose requests are traced.
#[derive(Clone, Copy, Debug)]
pub struct Server<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Server<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Display,
    R: Body,
{
    type Response = Response<TracedBody<R>>;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> ServerFuture<S::Future> {
        if tracewell::is_excluded(request.uri().path()) {
            let answer = tracewell::suppress(|| self.inner.call(request));
            return ServerFuture { answer, call: None };
        }
        let call = Call::served(&request);
        let entered = call.enter();
        let answer = self.inner.call(request);
        drop(entered);
        ServerFuture { answer, call: Some(call) }
    }
}

pin_project! {
    /// An answer on its way.
    #[derive(Debug)]
    pub struct ServerFuture<F> {
        #[pin]
        answer: F,
        // None for a request that is left alone, and once its answer is there.
        call: Option<Call>,
    }
}

impl<F, R, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    E: Display,
{
    type Output = Result<Response<TracedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(call) = this.call.as_ref() else {
            let polled = tracewell::suppress(|| this.answer.poll(cx));
            return polled.map_ok(|response| response.map(|body| TracedBody::new(body, None)));
        };
        let entered = call.enter();
        // The panic goes on; what it leaves behind is dropped with the future.
        let polled = catch_unwind(AssertUnwindSafe(|| this.answer.poll(cx)));
        drop(entered);
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(ended)) => Ok(ended),
            Err(panic) => Err(panic),
        };
        let Some(mut call) = this.call.take() else { return Poll::Pending };
        match ended {
            Ok(Ok(response)) => {
                call.answered(&response);
                Poll::Ready(Ok(response.map(|body| TracedBody::new(body, Some(call)))))
            }
            Ok(Err(error)) => {
                call.fail(std::any::type_name::<E>(), &error.to_string());
                Poll::Ready(Err(error))
            }
            Err(panic) => {
                call.panicked(&*panic);
                resume_unwind(panic)
            }
        }
    }
}
