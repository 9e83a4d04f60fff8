//! Why a text is no trace context.

use std::fmt;

/// Why a text is no trace context, or a value cannot become part of one.
///
/// ```
/// use tracewell_context::{ContextError, SpanContext};
///
/// let newer = SpanContext::from_traceparent("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
/// assert_eq!(newer, Err(ContextError::Version));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextError {
    /// The sender's `traceparent` has another length than its version allows.
    Length {
        /// Bytes that were given.
        bytes: usize,
    },
    /// The sender's `traceparent` has version `ff` or none at all.
    Version,
    /// A field of the sender's `traceparent` is not lower-case hex, or not set off by a dash.
    NotHex {
        /// The field: `trace-id`, `parent-id` or `trace-flags`.
        field: &'static str,
    },
    /// The sender's id is all zeros.
    Zero {
        /// The field: `trace-id` or `parent-id`.
        field: &'static str,
    },
    /// A member of a `tracestate` or of a baggage has no key that the format allows.
    Key {
        /// Which member, counted from zero.
        member: usize,
    },
    /// A member of a `tracestate` or of a baggage has a value or metadata that the format does not allow.
    Value {
        /// Which member, counted from zero.
        member: usize,
    },
    /// More members than the format allows.
    Members {
        /// How many fit.
        members_max: usize,
    },
    /// More bytes than the format allows.
    Bytes {
        /// How many fit.
        bytes_max: usize,
    },
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { bytes } => write!(f, "a traceparent has 55 bytes, not {bytes}"),
            Self::Version => write!(f, "the traceparent has no version that can be read"),
            Self::NotHex { field } => write!(f, "the {field} is not lower-case hex"),
            Self::Zero { field } => write!(f, "the {field} is all zeros"),
            Self::Key { member } => write!(f, "member {member} has no allowed key"),
            Self::Value { member } => write!(f, "member {member} has no allowed value"),
            Self::Members { members_max } => write!(f, "at most {members_max} members fit"),
            Self::Bytes { bytes_max } => write!(f, "at most {bytes_max} bytes fit"),
        }
    }
}

impl std::error::Error for ContextError {}
