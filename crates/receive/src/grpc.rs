//! One unary gRPC call over HTTP/2, without generated code.
//!
//! A request's body is `[compressed: u8][length: u32, big endian][message]`; a reply's is the same, and its status
//! comes in the trailers, or in the headers when there is no message. The message is handed on as the bytes
//! that came, still compressed, because that is what the log keeps.

use std::future::Future;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use http_body_util::{BodyExt, Full};
use span::Encoding;

use crate::body::{self, Limit};
use crate::door::Door;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::reply;
use crate::status::{Code, Status};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// What a client may compress with.
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,zstd,deflate,snappy");

/// The compressed flag and the length.
const PREFIX_BYTES: usize = 5;

/// Answers a call: reads its message, lets `answer` make the reply's message, and frames it.
pub(crate) async fn unary<F>(
    door: &Door,
    request: Request,
    answer: impl FnOnce(Result<Message, Refusal>) -> F,
) -> Response
where
    F: Future<Output = Result<Vec<u8>, Status>>,
{
    if let Some(turned) = turn_away(&request) {
        return turned;
    }
    match answer(message(door, request).await).await {
        Ok(message) => ok(&message),
        Err(status) => failed(&status),
    }
}

/// Answers a call of a method that is not here.
pub(crate) fn unimplemented(request: &Request, message: impl Into<String>) -> Response {
    turn_away(request).unwrap_or_else(|| failed(&Status::new(Code::Unimplemented, message)))
}

/// Tells whether a request is a gRPC call, whatever it calls.
pub(crate) fn is_call(request: &Request) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(MEDIA_TYPE.as_bytes()))
}

/// A browser, `curl` or an HTTP exporter at a gRPC port gets a line that helps.
fn turn_away(request: &Request) -> Option<Response> {
    if is_call(request) && request.version() == Version::HTTP_2 && request.method() == Method::POST {
        return None;
    }
    let up = "this gRPC receiver is up; it wants gRPC calls over HTTP/2, not";
    let (status, what) = match *request.method() {
        Method::GET | Method::HEAD => (StatusCode::OK, "a browser's GET"),
        _ if is_call(request) => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1"),
        _ => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "plain HTTP: OTLP over HTTP has port 4318"),
    };
    Some(reply::text(status, format!("{up} {what}")))
}

async fn message(door: &Door, request: Request) -> Result<Message, Refusal> {
    let named = request.headers().get(ENCODING).map_or("", |name| name.to_str().unwrap_or("?")).to_owned();
    let limit = door.config.message_limit();
    let framed = Limit { bytes_max: limit.bytes_max.saturating_add(PREFIX_BYTES), ..limit };
    let mut held = match body::read(&door.pool, request.into_body(), framed).await {
        Ok(held) => held,
        // The frame is ours to speak of, the limit is the operator's.
        Err(Refusal::TooLarge { setting, .. }) => {
            return Err(Refusal::TooLarge { bytes_max: limit.bytes_max, setting });
        }
        Err(refusal) => return Err(refusal),
    };
    let (compressed, message) = unframe(&held.bytes)?;
    let encoding = match (compressed, Encoding::from_name(&named)) {
        (false, _) => Encoding::Identity,
        (true, Some(encoding)) if encoding != Encoding::Identity => encoding,
        (true, Some(_)) => {
            return Err(malformed("grpc-encoding", "the message is compressed, no way is named", 0));
        }
        (true, None) => return Err(Refusal::Encoding { name: named.chars().take(40).collect() }),
    };
    held.bytes = message;
    Ok(Message { held, encoding })
}

/// Takes the one message out of its frame.
fn unframe(body: &Bytes) -> Result<(bool, Bytes), Refusal> {
    let Some((prefix, message)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(malformed("frame", "shorter than its prefix", body.len()));
    };
    let [compressed, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if length != message.len() {
        return Err(malformed("frame", "one message, of the length that the frame says, was expected", 1));
    }
    match compressed {
        0 | 1 => Ok((compressed == 1, body.slice(PREFIX_BYTES..))),
        _ => Err(malformed("frame", "the compressed flag is neither 0 nor 1", 0)),
    }
}

fn malformed(field: &'static str, why: &'static str, at: usize) -> Refusal {
    Refusal::Malformed(wire::DecodeError::Invalid { field, why, at })
}

fn ok(message: &[u8]) -> Response {
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut reply = Response::new(Body::new(body));
    reply.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
    reply.headers_mut().insert(ACCEPT_ENCODING, ENCODINGS);
    reply
}

fn failed(status: &Status) -> Response {
    let mut reply = Response::new(Body::empty());
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
    headers.insert(ACCEPT_ENCODING, ENCODINGS);
    headers.insert(STATUS, HeaderValue::from(status.code as u16));
    headers.insert(MESSAGE, percent_encoded(&status.message));
    if status.retry {
        let details = STANDARD_NO_PAD.encode(status.reply().encode_proto());
        headers.insert(DETAILS, HeaderValue::try_from(details).expect("base64 is visible ASCII"));
    }
    reply
}

/// The gRPC spec's form of a message: visible ASCII but `%` stands for itself.
fn percent_encoded(message: &str) -> HeaderValue {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::try_from(out).expect("only visible ASCII was written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_hold_exactly_one_message() {
        let whole = |bytes: &'static [u8]| unframe(&Bytes::from_static(bytes));
        assert_eq!(whole(b"\x00\x00\x00\x00\x02ab").unwrap(), (false, Bytes::from_static(b"ab")));
        assert_eq!(whole(b"\x01\x00\x00\x00\x00").unwrap(), (true, Bytes::new()));
        for broken in [
            &b""[..],
            b"\x00\x00\x00\x00",
            b"\x00\x00\x00\x00\x03ab",
            b"\x00\x00\x00\x00\x01ab",
            b"\x02\x00\x00\x00\x00",
            b"\x00\xff\xff\xff\xffab",
        ] {
            assert!(matches!(whole(broken), Err(Refusal::Malformed(_))), "{broken:?}");
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("50 % ä\n"), "50 %25 %C3%A4%0A");
    }
}
