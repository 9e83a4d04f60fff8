//! Trace context: the ids that tie spans together, as every protocol means them.
//!
//! Published, because the SDK and the server speak of the same ids. An id is big-endian bytes, printed
//! as lower-case hex; all zeros means "none" on the wire and is never a valid id.
//!
//! Deliberately absent: I/O, random numbers, any one protocol's spelling of a parse error.

#![forbid(unsafe_code)]

mod id;

pub use id::{ParseIdError, SpanId, TraceId};
