//! Reads an HTTP request that carries one message: its type, its compression, its body.

use axum::extract::Request;
use http::{HeaderMap, header};
use span::Encoding;

use crate::body;
use crate::door::Door;
use crate::message::Message;
use crate::refusal::Refusal;

/// Returns the media type of a request without its parameters, in lower case; empty when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let whole = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bare = whole.split_once(';').map_or(whole, |(bare, _)| bare);
    bare.trim().to_ascii_lowercase()
}

/// Reads the body of a request and its `Content-Encoding`.
pub(crate) async fn message(door: &Door, request: Request) -> Result<Message, Refusal> {
    let encoding = content_encoding(request.headers());
    // The body is read even if it will be refused, so that the refusal is.
    let held = body::read(&door.pool, request.into_body(), door.config.request_limit()).await?;
    Ok(Message { held, encoding: encoding? })
}

/// One encoding per request: several on top of each other are how bombs are made.
fn content_encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let mut names = headers.get_all(header::CONTENT_ENCODING).iter();
    let name = match (names.next(), names.next()) {
        (None, _) => return Ok(Encoding::Identity),
        (Some(name), None) => name.to_str().unwrap_or("?"),
        (Some(_), Some(_)) => "several",
    };
    Encoding::from_name(name).ok_or_else(|| {
        let name = name.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
        Refusal::Encoding { name }
    })
}
