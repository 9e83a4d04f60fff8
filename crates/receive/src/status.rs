//! `google.rpc.Status`, in which OTLP and gRPC say what went wrong.

use prost::Message;
use serde_json::json;

use crate::refusal::Refusal;

/// gRPC's numbers, as far as we say them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Cancelled = 1,
    InvalidArgument = 3,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// How long a sender should wait before it tries again. A full intake is emptied in less.
pub(crate) const RETRY_SECONDS: i64 = 1;

/// What went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Whether the sender is told when to come again. In OTLP that makes RESOURCE_EXHAUSTED retryable.
    pub(crate) retry: bool,
}

#[derive(Clone, PartialEq, Message)]
struct StatusProto {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<AnyProto>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyProto {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<DurationProto>,
}

#[derive(Clone, PartialEq, Message)]
struct DurationProto {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

impl Status {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: false }
    }

    /// Returns the protobuf form, as an HTTP body or for `grpc-status-details-bin`.
    pub(crate) fn to_proto(&self) -> Vec<u8> {
        let info = RetryInfo { retry_delay: Some(DurationProto { seconds: RETRY_SECONDS }) };
        let detail = AnyProto { type_url: RETRY_INFO.to_owned(), value: info.encode_to_vec() };
        let details = if self.retry { vec![detail] } else { Vec::new() };
        StatusProto { code: self.code as i32, message: self.message.clone(), details }.encode_to_vec()
    }

    /// Returns the JSON form, as protobuf's mapping writes it.
    pub(crate) fn to_json(&self) -> String {
        let mut status = json!({ "code": self.code as i32, "message": self.message });
        if self.retry {
            let delay = format!("{RETRY_SECONDS}s");
            status["details"] = json!([{ "@type": RETRY_INFO, "retryDelay": delay }]);
        }
        status.to_string()
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::Malformed(_) => Code::InvalidArgument,
            Refusal::TooLarge { .. } | Refusal::Busy | Refusal::Full(_) => Code::ResourceExhausted,
            Refusal::Encoding { .. } => Code::Unimplemented,
            Refusal::Slow(_) | Refusal::BrokenOff => Code::Cancelled,
            Refusal::Closed | Refusal::NotStored(_) => Code::Unavailable,
            Refusal::Broke => Code::Internal,
        };
        Self { code, message: refusal.to_string(), retry: refusal.is_passing() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retryable_status_says_when() {
        let status = Status::from(&Refusal::Busy);
        assert_eq!(
            status.to_json(),
            r#"{"code":8,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1s"}],"message":"too much is on its way here; try again in a second"}"#
        );
        let read = StatusProto::decode(&*status.to_proto()).unwrap();
        assert_eq!((read.code, read.details.len()), (8, 1));
        let info = RetryInfo::decode(&*read.details[0].value).unwrap();
        assert_eq!(info.retry_delay.unwrap().seconds, 1);
    }

    #[test]
    fn what_can_never_fit_is_not_retryable() {
        let status = Status::from(&Refusal::TooLarge { bytes_max: 7, setting: "limits.x" });
        assert_eq!(status.code, Code::ResourceExhausted);
        assert!(!status.retry);
        assert!(StatusProto::decode(&*status.to_proto()).unwrap().details.is_empty());
    }
}
