//! The layer around a service that asks others, as tonic's channel or hyper's client.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::TracedBody;
use crate::call::Call;

/// Traces requests that go out, and writes the context into their headers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientLayer(());

/// Makes the layer of a client.
///
/// ```no_run
/// use tower::ServiceBuilder;
///
/// # async fn connect() -> Result<(), tonic::transport::Error> {
/// let channel = tonic::transport::Endpoint::from_static("http://localhost:50051").connect().await?;
/// let channel = ServiceBuilder::new().layer(tracewell_tower::client()).service(channel);
/// let client = tonic_health::pb::health_client::HealthClient::new(channel);
/// # Ok(())
/// # }
/// ```
pub fn client() -> ClientLayer {
    ClientLayer(())
}

impl<S> Layer<S> for ClientLayer {
    type Service = Client<S>;

    fn layer(&self, inner: S) -> Client<S> {
        Client { inner }
    }
}

/// A service whose requests are traced.
#[derive(Clone, Copy, Debug)]
pub struct Client<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Client<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Display,
    R: Body,
{
    type Response = Response<TracedBody<R>>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> ClientFuture<S::Future> {
        let call = Call::sent(&mut request);
        let entered = call.enter();
        let answer = self.inner.call(request);
        drop(entered);
        ClientFuture { answer, call: Some(call) }
    }
}

pin_project! {
    /// An answer on its way.
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        answer: F,
        // None once the answer is there.
        call: Option<Call>,
    }
}

impl<F, R, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    E: Display,
{
    type Output = Result<Response<TracedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let entered = this.call.as_ref().map(Call::enter);
        let ended = ready!(this.answer.poll(cx));
        drop(entered);
        let mut call = this.call.take();
        Poll::Ready(match ended {
            Ok(response) => {
                if let Some(call) = &mut call {
                    call.answered(&response);
                }
                Ok(response.map(|body| TracedBody::new(body, call)))
            }
            Err(error) => {
                if let Some(call) = call {
                    call.fail(std::any::type_name::<E>(), &error.to_string());
                }
                Err(error)
            }
        })
    }
}
