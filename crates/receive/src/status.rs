//! `google.rpc.Status`, in which OTLP and gRPC say what went wrong.

use std::time::Duration;

use wire::otlp::StatusReply;

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
pub(crate) const RETRY_SECONDS: u64 = 1;

/// What went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Whether the sender is told when to come again. In OTLP that makes RESOURCE_EXHAUSTED retryable.
    pub(crate) retry: bool,
}

impl Status {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: false }
    }

    /// Returns the message that is sent.
    pub(crate) fn reply(&self) -> StatusReply {
        let retry_after = self.retry.then_some(Duration::from_secs(RETRY_SECONDS));
        StatusReply { code: self.code as u32, message: self.message.clone(), retry_after }
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::Malformed(_) => Code::InvalidArgument,
            Refusal::TooLarge { .. } | Refusal::Busy | Refusal::Full(_) => Code::ResourceExhausted,
            Refusal::Encoding { .. } => Code::Unimplemented,
            Refusal::Slow(_) | Refusal::BrokenOff => Code::Cancelled,
            Refusal::NotStored(_) if !refusal.is_passing() => Code::Internal,
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
    fn what_passes_says_when_to_come_again() {
        let status = Status::from(&Refusal::Busy);
        assert_eq!(
            (status.code, status.reply().retry_after),
            (Code::ResourceExhausted, Some(Duration::from_secs(1)))
        );
    }

    #[test]
    fn what_can_never_fit_is_not_retryable() {
        let status = Status::from(&Refusal::TooLarge { bytes_max: 7, setting: "limits.x" });
        assert_eq!((status.code, status.reply().retry_after), (Code::ResourceExhausted, None));
    }
}
