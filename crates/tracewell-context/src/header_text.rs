//! A short header value on the stack: what the propagators write needs no allocation.

use std::fmt;
use std::ops::Deref;

use crate::hex;

/// Room for the longest value: X-Ray's 74 bytes.
const BYTES_MAX: usize = 80;

/// A short ASCII header value, held without an allocation. It is a `str` wherever one is wanted.
///
/// ```
/// use tracewell_context::{SpanContext, SpanId, TraceFlags, TraceId};
///
/// let span = SpanContext::new(TraceId::from_halves(1, 2), SpanId::from_u64(3), TraceFlags::SAMPLED);
/// let text: &str = &span.traceparent();
/// assert_eq!(text, "00-00000000000000010000000000000002-0000000000000003-01");
/// ```
#[derive(Clone, Copy)]
pub struct HeaderText {
    /// Invariant: the first `len` bytes are ASCII.
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl HeaderText {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; BYTES_MAX], len: 0 }
    }

    /// Appends text of our own, so it is ASCII and it fits.
    pub(crate) fn push(mut self, text: &str) -> Self {
        debug_assert!(text.is_ascii());
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text.as_bytes());
        self.len += text.len();
        self
    }

    /// Appends the bytes as lower-case hex.
    pub(crate) fn push_hex(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.bytes[self.len..self.len + 2].copy_from_slice(&hex::digits(*byte));
            self.len += 2;
        }
        self
    }

    /// Returns the text.
    ///
    /// ```
    /// # use tracewell_context::SpanContext;
    /// assert_eq!(SpanContext::NONE.traceparent().as_str().len(), 55);
    /// ```
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("only ASCII is appended")
    }
}

impl Deref for HeaderText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
