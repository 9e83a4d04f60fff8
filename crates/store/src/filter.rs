//! What one span must fulfil.
//!
//! The meaning of every predicate is the `accepts` below; an engine that evaluates one over its own
//! columns must agree with it, and the conformance suite sees to that. All comparisons of values go
//! through their text ([`span::text_form`]), so that `123` finds the number and the string.

use std::ops::{Bound, RangeBounds as _};

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
    /// An attribute is there, with any value.
    Has {
        /// Where to look.
        within: Within,
        /// The key, exactly.
        key: String,
    },
    /// An attribute is a number between two bounds; integers are compared as doubles.
    Between {
        /// Where to look.
        within: Within,
        /// The key, exactly.
        key: String,
        /// The lower bound.
        least: Bound<f64>,
        /// The upper bound.
        most: Bound<f64>,
    },
    /// It names no parent.
    Root,
    /// At least one of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

/// Whose attributes a predicate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// The span, its resource, its scope, any of its events or links.
    Anywhere,
    /// The resource alone.
    Resource,
    /// The span itself.
    Span,
    /// The span itself and its resource.
    SpanOrResource,
    /// The scope alone.
    Scope,
    /// Any of the span's events.
    Event,
    /// Any of the span's links.
    Link,
}

impl Within {
    /// Tells whether the span's own attributes are looked at.
    pub const fn spans(self) -> bool {
        matches!(self, Self::Anywhere | Self::Span | Self::SpanOrResource)
    }

    /// Tells whether the resource's attributes are looked at.
    pub const fn resources(self) -> bool {
        matches!(self, Self::Anywhere | Self::Resource | Self::SpanOrResource)
    }

    /// Tells whether the scope's attributes are looked at.
    pub const fn scopes(self) -> bool {
        matches!(self, Self::Anywhere | Self::Scope)
    }

    /// Tells whether the events' attributes are looked at.
    pub const fn events(self) -> bool {
        matches!(self, Self::Anywhere | Self::Event)
    }

    /// Tells whether the links' attributes are looked at.
    pub const fn links(self) -> bool {
        matches!(self, Self::Anywhere | Self::Link)
    }
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
            Self::Attribute { within, key, text } => {
                any_attribute(span, *within, key, |value| value.text_equals(text))
            }
            Self::Has { within, key } => any_attribute(span, *within, key, |_| true),
            Self::Between { within, key, least, most } => {
                any_attribute(span, *within, key, |value| is_between(value, *least, *most))
            }
            Self::Root => span.parent_span_id().is_none(),
            Self::Any(predicates) => predicates.iter().any(|predicate| predicate.accepts(span)),
            Self::Not(predicate) => !predicate.accepts(span),
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

/// Tells whether a value is a number between two bounds.
pub fn is_between(value: ValueRef<'_>, least: Bound<f64>, most: Bound<f64>) -> bool {
    match value {
        ValueRef::Int(number) => (least, most).contains(&(number as f64)),
        ValueRef::Double(number) => (least, most).contains(&number),
        _ => false,
    }
}

fn any_attribute(
    span: SpanRef<'_>,
    within: Within,
    key: &str,
    accepts: impl Fn(ValueRef<'_>) -> bool,
) -> bool {
    let fits = |(at, value): (&[u8], ValueRef<'_>)| at == key.as_bytes() && accepts(value);
    within.spans() && span.attributes().any(fits)
        || within.resources() && span.resource().attributes().any(fits)
        || within.scopes() && span.scope().attributes().any(fits)
        || within.events() && span.events().any(|event| event.attributes().any(fits))
        || within.links() && span.links().any(|link| link.attributes().any(fits))
}
