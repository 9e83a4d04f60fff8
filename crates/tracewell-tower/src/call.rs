//! One request, from its head to the end of its answer.
//!
//! Whoever drops a call that has not ended gave up on it: on a server the client hung up, on a client
//! the caller did.

use std::any::Any;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, Method, Request, Response};
use tracewell::{Attached, Kind, Span, SpanStatus, Value};
use tracing::Level;

use crate::failure::{Failure, Said};
use crate::grpc;

const TARGET: &str = "tracewell::request";

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    span: Span,
    side: Kind,
    method: Method,
    path: String,
    route: Option<String>,
    is_grpc: bool,
    began: Instant,
    status: Option<u16>,
    grpc_status: Option<i64>,
    /// Bytes that the answer says it has.
    promised: Option<u64>,
    bytes: u64,
    failed: Option<String>,
    ended: bool,
}

impl Call {
    /// Begins a call that came in.
    pub(crate) fn served<B>(request: &Request<B>) -> Self {
        let route = route(request);
        let mut call = Self::begin(request, Kind::Server, route, &tracewell::extract(request.headers()));
        let headers = request.headers();
        call.text("url.path", Some(request.uri().path()));
        call.text("url.query", request.uri().query());
        call.text("url.scheme", request.uri().scheme_str().or(Some("http")));
        let host = request.uri().host().or_else(|| headers.get(HOST)?.to_str().ok());
        call.text("server.address", host.map(without_port));
        call.text("user_agent.original", headers.get("user-agent").and_then(|agent| agent.to_str().ok()));
        call
    }

    /// Begins a call that goes out.
    pub(crate) fn sent<B>(request: &mut Request<B>) -> Self {
        let mut call = Self::begin(request, Kind::Client, None, &tracewell::current());
        let uri = request.uri().clone();
        let full = uri.to_string();
        call.text("url.full", (!call.is_grpc).then_some(full.as_str()));
        call.text("server.address", uri.host());
        if let Some(port) = uri.port_u16() {
            call.span.attr("server.port", i64::from(port));
        }
        let entered = call.enter();
        tracewell::inject(request.headers_mut());
        drop(entered);
        call
    }

    #[expect(clippy::disallowed_methods, reason = "a line of a log says how long it took")]
    fn begin<B>(
        request: &Request<B>,
        side: Kind,
        route: Option<String>,
        parent: &tracewell::context::Context,
    ) -> Self {
        let is_grpc = grpc::is_grpc(request.headers());
        let path = request.uri().path();
        let method = request.method().as_str();
        let name = match &route {
            _ if is_grpc => path.trim_start_matches('/').to_owned(),
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        };
        let mut span = tracewell::span(&name).parent(parent).kind(side).start();
        if span.is_recording() {
            if is_grpc {
                span.attr("rpc.system.name", "grpc").attr("rpc.method", name.as_str());
            } else {
                span.attr("http.request.method", method);
            }
            if let Some(route) = &route {
                span.attr("http.route", route.as_str());
            }
        }
        Self {
            span,
            side,
            method: request.method().clone(),
            path: path.to_owned(),
            route,
            is_grpc,
            began: Instant::now(),
            status: None,
            grpc_status: None,
            promised: None,
            bytes: 0,
            failed: None,
            ended: false,
        }
    }

    /// Makes the call's span current.
    pub(crate) fn enter(&self) -> Attached {
        self.span.enter()
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.span.attr(key, text);
        }
    }

    /// The answer's head is there.
    pub(crate) fn answered<B>(&mut self, response: &Response<B>) {
        let status = response.status().as_u16();
        self.status = Some(status);
        self.span.attr("http.response.status_code", i64::from(status));
        let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        self.promised = length.and_then(|length| length.parse().ok());
        self.trailers(response.headers());
        if let Some(failure) = response.extensions().get::<Failure>() {
            let said = failure.said();
            said.record(&mut self.span);
            self.failed = Some(said.message.clone());
        }
        let bar = if self.side == Kind::Server { 500 } else { 400 };
        if bar <= status {
            self.span.status(SpanStatus::Error, self.failed.as_deref().unwrap_or_default());
            if self.failed.is_none() {
                self.span.attr("error.type", Value::Display(&status));
            }
        }
    }

    /// Reads what gRPC says at the end, which may be in the head too.
    pub(crate) fn trailers(&mut self, headers: &HeaderMap) {
        let Some(status) = grpc::status(headers).filter(|_| self.is_grpc) else { return };
        self.grpc_status = Some(status);
        self.span.attr("rpc.response.status_code", Value::Display(&status));
        let is_failure = if self.side == Kind::Server { grpc::is_servers_fault(status) } else { status != 0 };
        if is_failure {
            let message = grpc::message(headers);
            self.span.attr("error.type", Value::Display(&status)).status(SpanStatus::Error, &message);
            self.failed = Some(message);
        }
    }

    /// A part of the body went by.
    pub(crate) fn passed(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// All of it is there.
    pub(crate) fn end(mut self) {
        self.finish();
    }

    /// It came to nothing.
    pub(crate) fn fail(mut self, kind: &str, message: &str) {
        let said = Said { kind: kind.to_owned(), message: message.to_owned(), stack: String::new() };
        said.fail(&mut self.span);
        self.failed = Some(message.to_owned());
        self.finish();
    }

    /// Its handler panicked.
    pub(crate) fn panicked(mut self, payload: &(dyn Any + Send)) {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        // One that was resumed ran no hook: the last that this thread remembers may be another.
        let said = match tracewell::last_panic().filter(|panic| text.is_none_or(|text| text == panic.message))
        {
            Some(panic) => Said {
                kind: "panic".to_owned(),
                stack: format!("panicked at {}: {}\n{}", panic.location, panic.message, panic.backtrace),
                message: panic.message,
            },
            None => Said {
                kind: "panic".to_owned(),
                message: text.unwrap_or("a value that is no text").to_owned(),
                stack: String::new(),
            },
        };
        said.fail(&mut self.span);
        self.failed = Some(said.message);
        self.finish();
    }

    fn finish(&mut self) {
        self.ended = true;
        if 0 < self.bytes {
            self.span.attr("http.response.body.size", self.bytes);
        }
        if self.side == Kind::Server {
            self.log();
        }
        std::mem::replace(&mut self.span, Span::none()).end();
    }

    fn log(&self) {
        let _inside = self.enter();
        let took_ms = (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let status = i64::from(self.status.unwrap_or_default());
        let mut fields: Vec<(&str, Value<'_>)> =
            vec![("method", self.method.as_str().into()), ("path", self.path.as_str().into())];
        if let Some(route) = &self.route {
            fields.push(("route", route.as_str().into()));
        }
        if self.status.is_some() {
            fields.push(("status", status.into()));
        }
        if let Some(status) = self.grpc_status {
            fields.push(("grpc_status", status.into()));
        }
        fields.extend([("duration_ms", took_ms.into()), ("bytes", self.bytes.into())]);
        if let Some(failed) = &self.failed {
            fields.push(("error", failed.as_str().into()));
        }
        let failed =
            500 <= status || self.status.is_none() || self.grpc_status.is_some_and(grpc::is_servers_fault);
        let level = if failed { Level::ERROR } else { Level::INFO };
        if tracewell::log_line(level, TARGET, "request", &fields) {
            return;
        }
        let (method, path, error) = (self.method.as_str(), self.path.as_str(), self.failed.as_deref());
        if failed {
            tracing::error!(target: TARGET, method, path, status, duration_ms = took_ms, bytes = self.bytes, error, "request");
        } else {
            tracing::info!(target: TARGET, method, path, status, duration_ms = took_ms, bytes = self.bytes, error, "request");
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if std::thread::panicking() {
            // The span learns of the panic itself.
            self.failed = Some("panicked".to_owned());
            return self.finish();
        }
        let nothing_follows = self.method == Method::HEAD && self.status.is_some();
        if !nothing_follows && self.promised.is_none_or(|promised| self.bytes < promised) {
            let word = if self.side == Kind::Server { "client_disconnected" } else { "cancelled" };
            self.span.attr("error.type", word).status(SpanStatus::Error, word);
            self.failed = Some(word.to_owned());
        }
        self.finish();
    }
}

#[cfg(feature = "axum")]
fn route<B>(request: &Request<B>) -> Option<String> {
    request.extensions().get::<axum::extract::MatchedPath>().map(|path| path.as_str().to_owned())
}

#[cfg(not(feature = "axum"))]
fn route<B>(_: &Request<B>) -> Option<String> {
    None
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
