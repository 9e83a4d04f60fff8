//! `POST /v1/traces`, and its siblings for what is not kept here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, Method, StatusCode};
use span::SourceFormat;
use wire::otlp::ExportReply;

use super::PROTO;
use crate::door::{Decoder, Door};
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::status::{Code, Status};
use crate::{reply, request};

const JSON: Decoder = Decoder { decode: wire::otlp::decode_json, format: Some(SourceFormat::OtlpJson) };

/// The language of a request, in which its reply is written too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Proto,
    Json,
}

pub(super) fn routes(door: Arc<Door>, prefix: &str) -> Router {
    Router::new()
        .route(&format!("{prefix}/traces"), any(traces))
        .route(&format!("{prefix}/logs"), any(not_kept))
        .route(&format!("{prefix}/metrics"), any(not_kept))
        .with_state(door)
}

async fn traces(State(door): State<Arc<Door>>, request: Request) -> Response {
    if let Some(turned) = wrong_method(&request) {
        return turned;
    }
    let Some(language) = Language::of(request.headers()) else {
        let supported = "415 unsupported media type, supported: [application/json, application/x-protobuf]";
        return reply::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, supported);
    };
    let decoder = match language {
        Language::Proto => PROTO,
        Language::Json => JSON,
    };
    let message = request::message(&door, request).await;
    match door.take(Protocol::OtlpHttp, message, decoder).await {
        Ok(taken) => language.success(&taken.reply()),
        Err(refusal) => {
            let mut status = Status::from(&refusal);
            if let Refusal::Encoding { .. } = refusal {
                status.code = Code::InvalidArgument;
            }
            let reply = language.failure(reply::status_of(&refusal), &status);
            reply::with_retry(reply, &refusal)
        }
    }
}

async fn not_kept(request: Request) -> Response {
    if let Some(turned) = wrong_method(&request) {
        return turned;
    }
    let what = request.uri().path().rsplit('/').next().unwrap_or_default();
    let message = format!("this server keeps traces; {what} have another place");
    let language = Language::of(request.headers()).unwrap_or(Language::Json);
    language.failure(StatusCode::NOT_FOUND, &Status::new(Code::NotFound, message))
}

fn wrong_method(request: &Request) -> Option<Response> {
    let text = "405 method not allowed, supported: [POST]";
    (request.method() != Method::POST).then(|| reply::text(StatusCode::METHOD_NOT_ALLOWED, text))
}

impl Language {
    fn of(headers: &HeaderMap) -> Option<Self> {
        match request::media_type(headers).as_str() {
            "application/x-protobuf" => Some(Self::Proto),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Proto => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn success(self, reply: &ExportReply) -> Response {
        let body = match self {
            Self::Proto => reply.encode_proto(),
            Self::Json => reply.encode_json(),
        };
        reply::with_type(StatusCode::OK, self.media_type(), body)
    }

    fn failure(self, code: StatusCode, status: &Status) -> Response {
        let body = match self {
            Self::Proto => status.reply().encode_proto(),
            Self::Json => status.reply().encode_json(),
        };
        reply::with_type(code, self.media_type(), body)
    }
}
