//! What a span hands on to its children: ids, flags, and the state that vendors keep beside them.

use crate::{ContextError, HeaderText, SpanId, TraceId, TraceState, hex};

/// Flags of W3C trace context: whether the trace is sampled, and whether its id is random.
///
/// ```
/// use tracewell_context::TraceFlags;
///
/// let flags = TraceFlags::SAMPLED.with(TraceFlags::RANDOM);
/// assert!(flags.is_sampled() && flags.is_random());
/// assert_eq!(flags.bits(), 0x03);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The caller may have recorded the trace.
    pub const SAMPLED: Self = Self(0x01);
    /// At least the right-most seven bytes of the trace id are random (level 2).
    pub const RANDOM: Self = Self(0x02);

    /// Takes the bits that are defined and forgets the others, as the format demands.
    ///
    /// ```
    /// # use tracewell_context::TraceFlags;
    /// assert_eq!(TraceFlags::from_bits(0xff).bits(), 0x03);
    /// ```
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Self::SAMPLED.0 | Self::RANDOM.0))
    }

    /// Returns the bits as they stand on the wire.
    ///
    /// ```
    /// # use tracewell_context::TraceFlags;
    /// assert_eq!(TraceFlags::RANDOM.bits(), 0x02);
    /// ```
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Tells whether the trace is sampled.
    ///
    /// ```
    /// # use tracewell_context::TraceFlags;
    /// assert!(!TraceFlags::RANDOM.is_sampled());
    /// ```
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Tells whether the trace id was made of random bytes.
    ///
    /// ```
    /// # use tracewell_context::TraceFlags;
    /// assert!(!TraceFlags::SAMPLED.is_random());
    /// ```
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    /// Returns these flags and those.
    ///
    /// ```
    /// # use tracewell_context::TraceFlags;
    /// assert_eq!(TraceFlags::NONE.with(TraceFlags::SAMPLED), TraceFlags::SAMPLED);
    /// ```
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// Returns these flags but those.
    ///
    /// ```
    /// # use tracewell_context::TraceFlags;
    /// assert_eq!(TraceFlags::SAMPLED.without(TraceFlags::SAMPLED), TraceFlags::NONE);
    /// ```
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

/// What a span hands on to its children, in this process or the next. Cheap to clone.
///
/// ```
/// use tracewell_context::SpanContext;
///
/// let span = SpanContext::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// assert!(span.is_valid() && span.flags.is_sampled() && span.is_remote);
/// # Ok::<(), tracewell_context::ContextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SpanContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Whether the trace is sampled and its id random.
    pub flags: TraceFlags,
    /// What vendors keep beside the ids.
    pub trace_state: TraceState,
    /// Whether the span lives in another process.
    pub is_remote: bool,
}

impl SpanContext {
    /// The context of no span.
    pub const NONE: Self = Self {
        trace_id: TraceId::NONE,
        span_id: SpanId::NONE,
        flags: TraceFlags::NONE,
        trace_state: TraceState::EMPTY,
        is_remote: false,
    };

    /// Makes the context of a span of this process, with an empty trace state.
    ///
    /// ```
    /// # use tracewell_context::{SpanContext, SpanId, TraceFlags, TraceId};
    /// let span = SpanContext::new(TraceId::from_halves(0, 1), SpanId::from_u64(2), TraceFlags::NONE);
    /// assert!(span.is_valid() && !span.is_remote);
    /// ```
    pub const fn new(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Self {
        Self { trace_id, span_id, flags, trace_state: TraceState::EMPTY, is_remote: false }
    }

    /// Tells whether both ids name something.
    ///
    /// ```
    /// # use tracewell_context::SpanContext;
    /// assert!(!SpanContext::NONE.is_valid());
    /// ```
    pub const fn is_valid(&self) -> bool {
        !self.trace_id.is_none() && !self.span_id.is_none()
    }

    /// Reads a W3C `traceparent` of any version but `ff`; the span is remote, its trace state empty.
    ///
    /// Blanks around the text are ignored. A version after `00` may be longer, if a dash follows what
    /// we know.
    ///
    /// ```
    /// # use tracewell_context::{ContextError, SpanContext};
    /// let zeros = SpanContext::from_traceparent("00-00000000000000000000000000000000-b7ad6b7169203331-01");
    /// assert_eq!(zeros, Err(ContextError::Zero { field: "trace-id" }));
    /// ```
    pub fn from_traceparent(text: &str) -> Result<Self, ContextError> {
        Self::from_traceparent_bytes(text.as_bytes())
    }

    pub(crate) fn from_traceparent_bytes(text: &[u8]) -> Result<Self, ContextError> {
        let text = text.trim_ascii();
        let Some((known, rest)) = text.split_first_chunk::<55>() else {
            return Err(ContextError::Length { bytes: text.len() });
        };
        let [version] = hex::lower::<1>(&known[..2]).ok_or(ContextError::Version)?;
        match (version, rest) {
            (0xff, _) => return Err(ContextError::Version),
            (_, []) | (1.., [b'-', ..]) => {}
            _ => return Err(ContextError::Length { bytes: text.len() }),
        }
        let field = |dash: usize, end: usize, field| {
            if known[dash] == b'-' { Ok(&known[dash + 1..end]) } else { Err(ContextError::NotHex { field }) }
        };
        let trace_id = hex::lower(field(2, 35, "trace-id")?);
        let span_id = hex::lower(field(35, 52, "parent-id")?);
        let flags = hex::lower::<1>(field(52, 55, "trace-flags")?);
        let trace_id = TraceId::from_bytes(trace_id.ok_or(ContextError::NotHex { field: "trace-id" })?);
        let span_id = SpanId::from_bytes(span_id.ok_or(ContextError::NotHex { field: "parent-id" })?);
        let [flags] = flags.ok_or(ContextError::NotHex { field: "trace-flags" })?;
        if trace_id.is_none() {
            return Err(ContextError::Zero { field: "trace-id" });
        }
        if span_id.is_none() {
            return Err(ContextError::Zero { field: "parent-id" });
        }
        Ok(Self { is_remote: true, ..Self::new(trace_id, span_id, TraceFlags::from_bits(flags)) })
    }

    /// Writes the W3C `traceparent`, version `00`.
    ///
    /// ```
    /// # use tracewell_context::SpanContext;
    /// let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    /// assert_eq!(SpanContext::from_traceparent(text)?.traceparent().as_str(), text);
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn traceparent(&self) -> HeaderText {
        HeaderText::new()
            .push("00-")
            .push_hex(&self.trace_id.to_bytes())
            .push("-")
            .push_hex(&self.span_id.to_bytes())
            .push("-")
            .push_hex(&[self.flags.bits()])
    }
}
