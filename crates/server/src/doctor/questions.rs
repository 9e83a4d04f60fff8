//! What clients of the answering listeners ask first.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use shop::call::{Answer, Connection, Version};

use super::mark::SERVICE;
use super::{Finding, Patient};
use crate::config::Listener;

const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Asks an answering listener.
pub(super) async fn ask(patient: &Patient<'_>, listener: Listener) -> Finding {
    let Some(authority) = patient.authority(listener) else { return Finding::Off };
    let question = Question::of(listener);
    let answer = match &question {
        Question::Get(path, _) => {
            Connection::new(authority.clone(), Version::One).get(path, ANSWER_TIME).await
        }
        Question::Call(path, message) => {
            let request = grpc_request(path, message);
            Connection::new(authority.clone(), Version::Two).call(request, ANSWER_TIME).await
        }
    };
    match answer {
        Ok(answer) if question.is_answered(&answer) => {
            Finding::Well(format!("{authority} answers {}", question.path()))
        }
        Ok(answer) => Finding::Ill(
            format!("{authority} answers {} to {}", said(&answer), question.path()),
            "something else listens there, or an older version, or the server is ill: its log says more",
        ),
        Err(error) => Finding::Ill(error.to_string(), unreachable_advice(listener)),
    }
}

/// Says what to do when nobody listens.
pub(super) fn unreachable_advice(listener: Listener) -> &'static str {
    if listener.is_datagrams() {
        return "nobody takes datagrams there: is the server up, is this listener off, is the port published as /udp?";
    }
    "is the server up, is this listener off or elsewhere? It listens on the loopback unless it was started with \
     --listen 0.0.0.0; in a container the port must be published, too"
}

/// A question and what a good answer holds.
enum Question {
    Get(String, &'static str),
    Call(&'static str, Vec<u8>),
}

impl Question {
    fn of(listener: Listener) -> Self {
        match listener {
            Listener::SamplingHttp => Self::Get(format!("/sampling?service={SERVICE}"), "strategyType"),
            Listener::SamplingGrpc => {
                // SamplingStrategyParameters { 1 = service name }.
                let message = [&[0x0a, SERVICE.len() as u8][..], SERVICE.as_bytes()].concat();
                Self::Call("/jaeger.api_v2.SamplingManager/GetSamplingStrategy", message)
            }
            Listener::QueryGrpc => Self::Call("/grpc.health.v1.Health/Check", Vec::new()),
            Listener::Health => Self::Get("/status".to_owned(), "StatusOK"),
            Listener::Admin => Self::Get("/".to_owned(), "Server available"),
            Listener::Metrics => Self::Get("/metrics".to_owned(), "otelcol_receiver_accepted_spans"),
            _ => Self::Get("/api/services".to_owned(), "\"data\""),
        }
    }

    fn path(&self) -> &str {
        match self {
            Self::Get(path, _) => path,
            Self::Call(path, _) => path,
        }
    }

    fn is_answered(&self, answer: &Answer) -> bool {
        match self {
            Self::Get(_, holds) => {
                answer.status.is_success() && String::from_utf8_lossy(&answer.body).contains(holds)
            }
            Self::Call(..) => answer.headers.get("grpc-status").is_some_and(|status| status == "0"),
        }
    }
}

fn grpc_request(path: &str, message: &[u8]) -> Request<Bytes> {
    let mut body = vec![0];
    body.extend_from_slice(&(message.len() as u32).to_be_bytes());
    body.extend_from_slice(message);
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    request
}

fn said(answer: &Answer) -> String {
    let grpc = answer.headers.get("grpc-status").and_then(|status| status.to_str().ok());
    match grpc {
        Some(code) => format!("gRPC code {code}"),
        None => answer.status.to_string(),
    }
}
