//! What one process tells the next.

use crate::{Baggage, SpanContext};

/// What one process tells the next: the calling span, the baggage, and who decides about sampling.
///
/// ```
/// use tracewell_context::{Context, SpanContext};
///
/// let span = SpanContext::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// let context = Context::of(span).with_baggage("tenant", "acme")?;
/// assert_eq!(context.baggage.get("tenant"), Some("acme"));
/// # Ok::<(), tracewell_context::ContextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// The span that calls, or [`SpanContext::NONE`].
    pub span: SpanContext,
    /// What the callers want every callee to know.
    pub baggage: Baggage,
    /// How binding the span's sampled flag is.
    pub sampling: Sampling,
}

/// How binding the sampled flag of a [`Context`] is.
///
/// ```
/// use std::collections::HashMap;
/// use tracewell_context::{Format, Propagator, Sampling};
///
/// // B3 may say "do not sample" without naming a trace.
/// let headers = HashMap::from([("b3".to_owned(), "0".to_owned())]);
/// let context = Propagator::of(&[Format::B3]).extract(&headers);
/// assert_eq!(context.sampling, Sampling::Decided);
/// assert!(!context.span.is_valid() && !context.span.flags.is_sampled());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sampling {
    /// Nobody has decided yet: the receiver does, whatever the flag says.
    #[default]
    Deferred,
    /// The flag is the caller's decision.
    Decided,
    /// The caller debugs this trace: it is sampled, and no rate limit applies.
    Debug,
}

impl Context {
    /// The context of no span, without baggage.
    pub const EMPTY: Self =
        Self { span: SpanContext::NONE, baggage: Baggage::EMPTY, sampling: Sampling::Deferred };

    /// The context of a span whose flag is decided, without baggage.
    ///
    /// ```
    /// # use tracewell_context::{Context, Sampling, SpanContext};
    /// assert_eq!(Context::of(SpanContext::NONE).sampling, Sampling::Decided);
    /// ```
    pub fn of(span: SpanContext) -> Self {
        Self { span, baggage: Baggage::default(), sampling: Sampling::Decided }
    }

    /// Adds a baggage entry, or replaces the one of that key.
    ///
    /// ```
    /// # use tracewell_context::{Context, ContextError};
    /// let refused = Context::default().with_baggage("no key", "x");
    /// assert_eq!(refused, Err(ContextError::Key { member: 0 }));
    /// ```
    pub fn with_baggage(mut self, key: &str, value: &str) -> Result<Self, crate::ContextError> {
        self.baggage = self.baggage.with(key, value)?;
        Ok(self)
    }
}
