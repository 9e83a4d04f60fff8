//! Traces the requests of reqwest: `send_traced` where `send` stood.
//!
//! ```no_run
//! use tracewell_reqwest::SendTraced as _;
//!
//! # async fn price() -> reqwest::Result<String> {
//! let client = reqwest::Client::new();
//! let answer = client.get("http://shop/price").send_traced().await?;
//! # answer.text().await
//! # }
//! ```
//!
//! The span is a client's, named by method; the context goes out in the request's headers. It ends when
//! the answer's head is there: what reading the body takes is the caller's. Credentials in a URL never
//! become an attribute.

#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};

use reqwest::{Client, Request, RequestBuilder, Response, Result};
use tracewell::{Kind, Span, SpanStatus, Value};

/// Sends requests inside spans.
pub trait SendTraced {
    /// Sends the request inside a span of its own.
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send;
}

impl SendTraced for RequestBuilder {
    async fn send_traced(self) -> Result<Response> {
        let (client, request) = self.build_split();
        execute_traced(&client, request?).await
    }
}

/// Like [`Client::execute`], inside a span.
pub async fn execute_traced(client: &Client, mut request: Request) -> Result<Response> {
    let mut span = tracewell::span(request.method().as_str()).kind(Kind::Client).start();
    if span.is_recording() {
        describe(&mut span, &request);
    }
    let sending = {
        let _inside = span.enter();
        tracewell::inject(request.headers_mut());
        client.execute(request)
    };
    let mut sending = std::pin::pin!(sending);
    let answer = poll_fn(|cx| {
        let _inside = span.enter();
        sending.as_mut().poll(cx)
    })
    .await;
    match &answer {
        Ok(answer) => {
            let status = answer.status();
            span.attr("http.response.status_code", i64::from(status.as_u16()));
            if 400 <= status.as_u16() {
                span.attr("error.type", Value::Display(&status.as_u16())).status(SpanStatus::Error, "");
            }
        }
        Err(error) => {
            span.record_error(error);
        }
    }
    answer
}

fn describe(span: &mut Span, request: &Request) {
    let mut url = request.url().clone();
    // A URL that cannot have them has none.
    let _ = (url.set_username(""), url.set_password(None));
    span.attr("http.request.method", request.method().as_str()).attr("url.full", url.as_str());
    if let Some(host) = url.host_str() {
        span.attr("server.address", host);
    }
    if let Some(port) = url.port_or_known_default() {
        span.attr("server.port", i64::from(port));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn answered(status: &'static str) -> (Result<Response>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://ada:secret@{}/a?b=1", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let count = stream.read(&mut head).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&head[..count]).into_owned()
        });
        let answer = Client::new().get(url).send_traced().await;
        (answer, heard.await.unwrap())
    }

    #[test]
    fn requests_are_client_spans_that_hand_their_context_on() {
        let (heard, recorded) = tracewell::testing::record(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (answer, heard) = answered("404 Not Found").await;
                assert_eq!(answer.unwrap().status(), 404);
                assert!(Client::new().get("http://127.0.0.1:1/").send_traced().await.is_err());
                heard
            })
        });
        let spans = recorded.spans();
        let (found, failed) = (&spans[0], &spans[1]);
        assert_eq!((found.name.as_str(), found.kind, found.status), ("GET", Kind::Client, SpanStatus::Error));
        assert!(found.attribute("http.response.status_code").is_some_and(|status| *status == 404));
        assert!(heard.contains(&format!("{}-{}", found.trace_id, found.span_id)), "{heard}");
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
        assert!(failed.event("exception").is_some());
        assert!(failed.attribute("error.type").is_some_and(|kind| *kind == "reqwest::error::Error"));
    }
}
