//! What a server's answer means for the spans.

use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, StatusCode, header};

use crate::call::{Answer, CallError};
use crate::protocol::Protocol;

/// gRPC's codes that matter here.
const GRPC_OK: u32 = 0;
const GRPC_RESOURCE_EXHAUSTED: u32 = 8;
const GRPC_UNAVAILABLE: u32 = 14;

/// gRPC's binary headers come with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has the spans, but for those it rejected.
    Acked {
        /// How many it rejected.
        rejected: u64,
        /// Why, or what else it wants to say.
        reason: Option<String>,
    },
    /// It asks to come again.
    Later {
        /// When, if it said so.
        after: Option<Duration>,
        /// What it said.
        why: String,
    },
    /// It will never take them.
    Refused {
        /// What it said.
        why: String,
    },
}

/// Reads an answer, or the lack of one.
pub(super) fn of(protocol: Protocol, answer: Result<Answer, CallError>) -> Verdict {
    match answer {
        Err(error) => Verdict::Later { after: None, why: error.to_string() },
        Ok(answer) if protocol.is_grpc() => of_grpc(protocol, &answer),
        Ok(answer) => of_http(protocol, &answer),
    }
}

fn of_http(protocol: Protocol, answer: &Answer) -> Verdict {
    let why = || format!("{}: {}", answer.status, printable(&answer.body));
    match answer.status {
        status if status.is_success() && protocol == Protocol::OtlpHttp => partial_success(&answer.body),
        status if status.is_success() => Verdict::Acked { rejected: 0, reason: None },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let seconds =
                text(&answer.headers, header::RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
            Verdict::Later { after: seconds.map(Duration::from_secs), why: why() }
        }
        _ => Verdict::Refused { why: why() },
    }
}

fn of_grpc(protocol: Protocol, answer: &Answer) -> Verdict {
    let code = text(&answer.headers, "grpc-status").and_then(|code| code.parse().ok());
    let said = text(&answer.headers, "grpc-message").unwrap_or_default();
    match code {
        Some(GRPC_OK) if protocol == Protocol::OtlpGrpc => {
            partial_success(answer.body.get(5..).unwrap_or_default())
        }
        Some(GRPC_OK) => Verdict::Acked { rejected: 0, reason: None },
        Some(code @ (GRPC_RESOURCE_EXHAUSTED | GRPC_UNAVAILABLE)) => {
            let after = retry_delay(&answer.headers);
            let why = format!("gRPC code {code}: {said}");
            match after {
                // Exhausted without a delay means that it can never fit.
                None if code == GRPC_RESOURCE_EXHAUSTED => Verdict::Refused { why },
                after => Verdict::Later { after, why },
            }
        }
        Some(code) => Verdict::Refused { why: format!("gRPC code {code}: {said}") },
        None => Verdict::Refused { why: format!("no gRPC: {}", answer.status) },
    }
}

/// Reads `ExportTraceServiceResponse`: 1 = partial success { 1 = rejected spans, 2 = message }.
fn partial_success(body: &[u8]) -> Verdict {
    let partial = field(body, 1).map(|field| field.bytes).unwrap_or_default();
    let rejected = field(partial, 1).map(|field| field.number).unwrap_or_default();
    let reason = field(partial, 2).map(|field| printable(field.bytes)).filter(|reason| !reason.is_empty());
    Verdict::Acked { rejected, reason }
}

/// Reads the `google.rpc.RetryInfo` among a status' details.
fn retry_delay(headers: &HeaderMap) -> Option<Duration> {
    let status = BASE64.decode(text(headers, "grpc-status-details-bin")?).ok()?;
    let mut rest = &status[..];
    while let Some((number, field, after)) = take(rest) {
        rest = after;
        let url = self::field(field.bytes, 1).map(|url| url.bytes).unwrap_or_default();
        if number == 3 && url.ends_with(b"google.rpc.RetryInfo") {
            let info = self::field(field.bytes, 2)?.bytes;
            let delay = self::field(info, 1).map(|delay| delay.bytes).unwrap_or_default();
            let seconds = self::field(delay, 1).map(|field| field.number).unwrap_or_default();
            let nanos = self::field(delay, 2).map(|field| field.number).unwrap_or_default();
            return Some(
                Duration::from_secs(seconds.min(3_600)) + Duration::from_nanos(nanos.min(999_999_999)),
            );
        }
    }
    None
}

/// What a protobuf field carries; one of both is empty.
#[derive(Clone, Copy, Default)]
struct Field<'a> {
    number: u64,
    bytes: &'a [u8],
}

/// Returns the first field with this number.
fn field(mut message: &[u8], number: u64) -> Option<Field<'_>> {
    while let Some((found, field, rest)) = take(message) {
        if found == number {
            return Some(field);
        }
        message = rest;
    }
    None
}

/// Takes a field off the front; `None` at the end and where the bytes are broken.
fn take(message: &[u8]) -> Option<(u64, Field<'_>, &[u8])> {
    let (key, rest) = varint(message)?;
    let (field, rest) = match key & 7 {
        0 => varint(rest).map(|(number, rest)| (Field { number, bytes: &[] }, rest))?,
        1 => (Field::default(), rest.get(8..)?),
        2 => {
            let (length, rest) = varint(rest)?;
            let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (Field { number: 0, bytes }, rest)
        }
        5 => (Field::default(), rest.get(4..)?),
        _ => return None,
    };
    Some((key >> 3, field, rest))
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[place + 1..]));
        }
    }
    None
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A server's words may be anything: only the start of them, and no control characters.
fn printable(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(&words[..words.len().min(300)]);
    words
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &'static [u8]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer { status: StatusCode::from_u16(status).unwrap(), headers: map, body: Bytes::from_static(body) }
    }

    #[test]
    fn partial_success_is_read() {
        let said = answer(200, &[], b"\x0a\x07\x08\x03\x12\x03bad");
        let expected = Verdict::Acked { rejected: 3, reason: Some("bad".to_owned()) };
        assert_eq!(of(Protocol::OtlpHttp, Ok(said)), expected);
        let whole = answer(200, &[("grpc-status", "0")], b"\0\0\0\0\0");
        assert_eq!(of(Protocol::OtlpGrpc, Ok(whole)), Verdict::Acked { rejected: 0, reason: None });
    }

    #[test]
    fn later_is_told_from_never() {
        let full = answer(429, &[("retry-after", "2")], b"full\n");
        let later = Verdict::Later {
            after: Some(Duration::from_secs(2)),
            why: "429 Too Many Requests: full".to_owned(),
        };
        assert_eq!(of(Protocol::JaegerHttp, Ok(full)), later);
        let large = answer(413, &[], b"");
        assert!(matches!(of(Protocol::OtlpHttp, Ok(large)), Verdict::Refused { .. }));
        // Status { 3 = Any { 1 = "type.googleapis.com/google.rpc.RetryInfo", 2 = { 1 = { 1 = 1 } } } }.
        let mut any = b"\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x01".to_vec();
        let mut status = vec![0x1a, any.len() as u8];
        status.append(&mut any);
        let details = BASE64.encode(&status);
        let full = answer(200, &[("grpc-status", "8"), ("grpc-status-details-bin", &details)], b"");
        let verdict = of(Protocol::OtlpGrpc, Ok(full));
        assert!(matches!(verdict, Verdict::Later { after: Some(Duration { .. }), .. }), "{verdict:?}");
        let never = answer(200, &[("grpc-status", "8")], b"");
        assert!(matches!(of(Protocol::OtlpGrpc, Ok(never)), Verdict::Refused { .. }));
    }

    #[test]
    fn broken_bytes_are_no_verdict_about_spans() {
        for body in [&b"\xff"[..], b"\x0a\xff\xff", b"\x0a\x7f", b"\x0f"] {
            let said = answer(200, &[], body);
            assert_eq!(of(Protocol::OtlpHttp, Ok(said)), Verdict::Acked { rejected: 0, reason: None });
        }
    }
}
