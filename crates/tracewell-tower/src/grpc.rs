//! What of gRPC can be seen from HTTP: its method in the path, its status in headers or trailers.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Codes of gRPC that are the server's fault: unknown, deadline, unimplemented, internal, unavailable,
/// data loss.
const SERVERS_FAULTS: [i64; 6] = [2, 4, 12, 13, 14, 15];

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc") && !kind.starts_with("application/grpc-web"))
}

pub(crate) fn status(headers: &HeaderMap) -> Option<i64> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

pub(crate) fn message(headers: &HeaderMap) -> String {
    let message = headers.get("grpc-message").map(http::HeaderValue::as_bytes).unwrap_or_default();
    let mut decoded = Vec::with_capacity(message.len());
    let mut rest = message;
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *byte == b'%').and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(meant) => {
                decoded.push(meant);
                rest = &after[2..];
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

pub(crate) fn is_servers_fault(status: i64) -> bool {
    SERVERS_FAULTS.contains(&status)
}
