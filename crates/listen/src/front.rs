//! What every request passes on its way to the service, and every reply on its way back.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::guard::Guard;
use crate::limits::{HEADER_BYTES_MAX, URL_BYTES_MAX};
use crate::pulse::Pulse;
use crate::request_body::RequestBody;
use crate::stall::ReplyBody;
use crate::terms::Terms;

/// The body that leaves: the service's, or one of our own lines.
pub(crate) type Reply<B> = Response<ReplyBody<Either<B, Full<Bytes>>>>;

/// One connection's way to the service.
#[derive(Clone, Debug)]
pub(crate) struct Front<S> {
    pub(crate) service: S,
    pub(crate) guard: Arc<Guard>,
    pub(crate) loopback: bool,
    pub(crate) terms: Arc<Terms>,
    pub(crate) pulse: Arc<Pulse>,
}

impl<S> Front<S> {
    /// Returns our own answer to a request that goes no further.
    fn turn_away<B>(&self, request: &Request<B>) -> Option<(StatusCode, String)> {
        let stats = &self.terms.stats;
        let url_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        if URL_BYTES_MAX < url_bytes {
            stats.urls_refused.count();
            let text = format!("414 the URL has {url_bytes} bytes, {URL_BYTES_MAX} are allowed");
            return Some((StatusCode::URI_TOO_LONG, text));
        }
        let header_bytes: usize =
            request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if HEADER_BYTES_MAX < header_bytes {
            stats.headers_refused.count();
            let text = format!("431 the headers have {header_bytes} bytes, {HEADER_BYTES_MAX} are allowed");
            return Some((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text));
        }
        let turned = self.guard.check(request, self.loopback).err()?;
        match turned {
            crate::guard::Turned::Host { .. } | crate::guard::Turned::Hosts { .. } => {
                stats.hosts_refused.count()
            }
            crate::guard::Turned::Origin { .. } => stats.origins_refused.count(),
        }
        Some((turned.status(), turned.to_string()))
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Front<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Reply<B>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let ticket = self.pulse.begin();
        if let Some((status, text)) = self.turn_away(&request) {
            let reply = finish(line(status, text)).map(|body| ReplyBody::new(Either::Right(body), ticket));
            return Box::pin(std::future::ready(Ok(reply)));
        }
        self.terms.stats.requests.count();
        let (limits, stats) = (Arc::clone(&self.terms.limits), Arc::clone(&self.terms.stats));
        let request = request.map(|body| RequestBody::new(body, limits, stats));
        let service = self.service.clone();
        Box::pin(async move {
            let reply = service.oneshot(request).await?;
            Ok(finish(reply).map(|body| ReplyBody::new(Either::Left(body), ticket)))
        })
    }
}

fn line(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from(text + "\n")));
    *reply.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, plain);
    reply
}

/// Nobody shall guess a type from what spans contain.
fn finish<B>(mut reply: Response<B>) -> Response<B> {
    let headers = reply.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}
