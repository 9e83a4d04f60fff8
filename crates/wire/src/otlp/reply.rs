//! What an OTLP sender is answered: `ExportTraceServiceResponse` and `google.rpc.Status`.

use std::time::Duration;

use crate::json_writer::JsonWriter;
use crate::proto_writer::ProtoWriter;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The answer to a request that was taken, if not all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportReply {
    /// How many spans were refused.
    pub rejected: u64,
    /// Why, or a warning; empty where there is nothing to say.
    pub message: String,
}

/// The answer to a request that failed, and the last word of a gRPC call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReply {
    /// One of gRPC's codes.
    pub code: u32,
    /// What went wrong, for a developer.
    pub message: String,
    /// After how long to try again, where trying again helps.
    pub retry_after: Option<Duration>,
}

impl ExportReply {
    /// Writes protobuf: empty bytes where everything was taken.
    pub fn encode_proto(&self) -> Vec<u8> {
        let mut out = ProtoWriter::new();
        if *self != Self::default() {
            out.message(1, |out| {
                out.varint_set(1, self.rejected);
                out.bytes_set(2, self.message.as_bytes());
            });
        }
        out.finish()
    }

    /// Writes JSON: `{"partialSuccess":{}}` where everything was taken.
    pub fn encode_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        JsonWriter::new(&mut out).object(|out| {
            out.key("partialSuccess").object(|out| {
                if self.rejected != 0 {
                    out.key("rejectedSpans").int(self.rejected);
                }
                if !self.message.is_empty() {
                    out.key("errorMessage").text(self.message.as_bytes());
                }
            });
        });
        out
    }
}

impl StatusReply {
    /// Writes protobuf. A wait stands in the details, as `RetryInfo`.
    pub fn encode_proto(&self) -> Vec<u8> {
        let mut out = ProtoWriter::new();
        out.varint_set(1, u64::from(self.code));
        out.bytes_set(2, self.message.as_bytes());
        if let Some(wait) = self.retry_after {
            out.message(3, |any| {
                any.bytes(1, RETRY_INFO.as_bytes());
                any.message(2, |info| {
                    info.message(1, |duration| {
                        duration.varint_set(1, wait.as_secs());
                        duration.varint_set(2, u64::from(wait.subsec_nanos()));
                    });
                });
            });
        }
        out.finish()
    }

    /// Writes JSON.
    pub fn encode_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        JsonWriter::new(&mut out).object(|out| {
            out.key("code").number(self.code);
            out.key("message").text(self.message.as_bytes());
            if let Some(wait) = self.retry_after {
                out.key("details").array(|out| {
                    out.object(|out| {
                        out.key("@type").text(RETRY_INFO.as_bytes());
                        out.key("retryDelay").text(format!("{}s", wait.as_secs_f64()).as_bytes());
                    });
                });
            }
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_success_says_nothing() {
        let reply = ExportReply::default();
        assert_eq!(reply.encode_proto(), b"");
        assert_eq!(reply.encode_json(), br#"{"partialSuccess":{}}"#);
    }

    #[test]
    fn a_partial_success_counts_and_explains() {
        let reply = ExportReply { rejected: 2, message: "no id".to_owned() };
        assert_eq!(reply.encode_proto(), b"\x0a\x09\x08\x02\x12\x05no id");
        assert_eq!(
            String::from_utf8(reply.encode_json()).unwrap(),
            r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no id"}}"#
        );
    }

    #[test]
    fn a_status_carries_when_to_come_back() {
        let wait = Some(Duration::from_millis(1500));
        let status = StatusReply { code: 8, message: "full".to_owned(), retry_after: wait };
        let info = b"\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01";
        let any = [b"\x0a\x28".as_slice(), RETRY_INFO.as_bytes(), &[0x12, info.len() as u8], info].concat();
        let expected = [b"\x08\x08\x12\x04full\x1a".as_slice(), &[any.len() as u8], &any].concat();
        assert_eq!(status.encode_proto(), expected);
        assert_eq!(
            String::from_utf8(status.encode_json()).unwrap(),
            format!(
                r#"{{"code":8,"message":"full","details":[{{"@type":"{RETRY_INFO}","retryDelay":"1.5s"}}]}}"#
            )
        );
    }
}
