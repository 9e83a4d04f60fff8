//! What one span must fulfil.
//!
//! The meaning of every predicate is the `accepts` below; an engine that evaluates one over its own
//! columns must agree with it, and the conformance suite sees to that. All comparisons of values go
//! through their text ([`span::text_form`]), so that `123` finds the number and the string.

use span::{DurationNanos, SpanKind, SpanRef, StatusCode, ValueRef};

/// A conjunction: all predicates hold on one and the same span. Empty, it accepts every span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanFilter {
    /// The predicates.
    pub all: Vec<Predicate>,
}

/// One condition on a span.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// The service it belongs to, as listed.
    Service(String),
    /// Its operation, as listed.
    Name(String),
    /// Its kind.
    Kind(SpanKind),
    /// How it ended, by its status alone.
    Status(StatusCode),
    /// Its status message.
    StatusMessage(String),
    /// Whether it failed, in any protocol's way of saying so ([`failed`]).
    Failed(bool),
    /// It took at least this long.
    DurationMin(DurationNanos),
    /// It took at most this long.
    DurationMax(DurationNanos),
    /// The name of its scope.
    ScopeName(String),
    /// The version of its scope.
    ScopeVersion(String),
    /// Its W3C `tracestate`.
    TraceState(String),
    /// One of its events has this name.
    EventName(String),
    /// An attribute has this text.
    Attribute {
        /// Where to look.
        within: Within,
        /// The key, exactly.
        key: String,
        /// The value's text, exactly.
        text: String,
    },
    /// At least one of these holds.
    Any(Vec<Self>),
}

/// Whose attributes a predicate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// The span, its resource, its scope, any of its events or links.
    Anywhere,
    /// The resource alone.
    Resource,
}

impl SpanFilter {
    /// Tells whether the span fulfils all predicates.
    pub fn accepts(&self, span: SpanRef<'_>) -> bool {
        self.all.iter().all(|predicate| predicate.accepts(span))
    }
}

impl Predicate {
    /// Tells whether the span fulfils it.
    pub fn accepts(&self, span: SpanRef<'_>) -> bool {
        match self {
            Self::Service(service) => span.resource().service() == service,
            Self::Name(name) => span.operation() == name,
            Self::Kind(kind) => span.kind() == *kind,
            Self::Status(code) => span.status_code() == *code,
            Self::StatusMessage(text) => span.status_message() == text.as_bytes(),
            Self::Failed(wanted) => failed(span) == *wanted,
            Self::DurationMin(least) => *least <= span.duration(),
            Self::DurationMax(most) => span.duration() <= *most,
            Self::ScopeName(name) => span.scope().name() == name.as_bytes(),
            Self::ScopeVersion(version) => span.scope().version() == version.as_bytes(),
            Self::TraceState(text) => span.trace_state() == text.as_bytes(),
            Self::EventName(name) => span.events().any(|event| event.name() == name.as_bytes()),
            Self::Attribute { within, key, text } => attribute_equals(span, *within, key, text),
            Self::Any(predicates) => predicates.iter().any(|predicate| predicate.accepts(span)),
        }
    }
}

/// Tells whether a span failed: its status says ERROR, or an attribute `error` of the span is true as a
/// boolean or as the word, which is how Zipkin and OpenTracing clients say it.
pub fn failed(span: SpanRef<'_>) -> bool {
    span.status_code() == StatusCode::Error
        || span.attribute(b"error").is_some_and(|value| match value {
            ValueRef::Bool(on) => on,
            ValueRef::Str(word) => word.eq_ignore_ascii_case(b"true"),
            _ => false,
        })
}

fn attribute_equals(span: SpanRef<'_>, within: Within, key: &str, text: &str) -> bool {
    let key = key.as_bytes();
    let equals = |(at, value): (&[u8], ValueRef<'_>)| at == key && value.text_equals(text);
    match within {
        Within::Resource => span.resource().attributes().any(equals),
        Within::Anywhere => {
            span.attributes().any(equals)
                || span.resource().attributes().any(equals)
                || span.scope().attributes().any(equals)
                || span.events().any(|event| event.attributes().any(equals))
                || span.links().any(|link| link.attributes().any(equals))
        }
    }
}
