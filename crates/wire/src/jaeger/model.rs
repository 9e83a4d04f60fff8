//! Spans as Jaeger shows them: processes, tags, logs, references.
//!
//! This is the one translation from our words to Jaeger's. The v1 JSON and the protobuf of api_v2 both
//! write what it gives, so they cannot disagree:
//!
//! ```text
//! let mut processes = Processes::new(TagOrder::ByKey);
//! for span in trace.spans() {
//!     let process = processes.place(span.resource());   // 0 is "p1", 1 is "p2", ..
//!     let shown = JaegerSpan::of(span, TagOrder::ByKey);
//! }
//! for (place, process) in processes.iter().enumerate() { .. process_id(place) .. }
//! ```
//!
//! Everything in these types is valid text and plain data, free to be changed by who adjusts a trace for
//! reading. What Jaeger's model cannot hold is left out: attributes of scopes and links, trace states
//! of links, dropped counts, schema URLs.
//!
//! Rules that readers ask about:
//! - of a repeated key the last value stands, at the place of the first;
//! - a string that is no UTF-8 is binary; a key that is none becomes `invalid-tag-key-1` (`-2`, ..) with
//!   the bytes of `key:value`;
//! - arrays and maps are strings of compact JSON; nothing at all is an empty string;
//! - NaN and the infinities stay doubles here; [`JaegerValue::shown`] says how JSON writes them, and
//!   integers beyond 2^53.

mod operation;
mod process;
mod tag;

use std::borrow::Cow;

use span::{DurationNanos, SpanId, TraceId, UnixNanos};

pub use operation::negative_duration;
pub use process::{Processes, process_id};

/// The attribute that holds warnings about a span, as strings; it is shown beside the tags.
pub const WARNINGS_KEY: &str = "@jaeger@warnings";

/// The value of `opentracing.ref_type` that turns a link into a `CHILD_OF` reference.
pub const CHILD_OF_WORD: &str = "child_of";

/// The value of `opentracing.ref_type` that says what links are without it.
pub const FOLLOWS_FROM_WORD: &str = "follows_from";

/// The attribute of a link that tells its reference's type.
pub const REF_TYPE_KEY: &str = "opentracing.ref_type";

/// In which order attributes and events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagOrder {
    /// Attributes by key and events by name, as Jaeger shows a trace unless `raw` is asked for.
    ByKey,
    /// As the sender sent them.
    AsSent,
}

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct JaegerSpan<'a> {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The operation.
    pub operation_name: Cow<'a, str>,
    /// The parent first, then the links. One that points at the parent gives only its type.
    pub references: Vec<JaegerReference>,
    /// 1 sampled, 2 debug: the low byte of the span's flags.
    pub flags: u32,
    /// When it began.
    pub start: UnixNanos,
    /// How long it took; zero where it ended before it began.
    pub duration: DurationNanos,
    /// Scope, attributes, kind, status, trace state, in this order.
    pub tags: Vec<JaegerTag<'a>>,
    /// Its events.
    pub logs: Vec<JaegerLog<'a>>,
    /// What whoever touched it had to say.
    pub warnings: Vec<Cow<'a, str>>,
}

/// A service instance.
#[derive(Clone, Debug, PartialEq)]
pub struct JaegerProcess<'a> {
    /// Its service.
    pub service_name: Cow<'a, str>,
    /// The other attributes of the resource.
    pub tags: Vec<JaegerTag<'a>>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct JaegerTag<'a> {
    /// The key; it may be empty.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: JaegerValue<'a>,
}

/// A value, in one of the five types that Jaeger knows.
#[derive(Clone, Debug, PartialEq)]
pub enum JaegerValue<'a> {
    /// `string`
    String(Cow<'a, str>),
    /// `bool`
    Bool(bool),
    /// `int64`
    Int64(i64),
    /// `float64`
    Float64(f64),
    /// `binary`
    Binary(Cow<'a, [u8]>),
}

/// Something that happened while a span was open.
#[derive(Clone, Debug, PartialEq)]
pub struct JaegerLog<'a> {
    /// When.
    pub time: UnixNanos,
    /// The event's name as the field `event`, then its attributes.
    pub fields: Vec<JaegerTag<'a>>,
}

/// A reference to another span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JaegerReference {
    /// How the two are related.
    pub ref_type: RefType,
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
}

/// How a span relates to the one that it refers to. The numbers are those of thrift and protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RefType {
    /// The other one waits for this one.
    ChildOf = 0,
    /// The other one does not.
    FollowsFrom = 1,
}

/// How JSON carries a tag's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown<'a> {
    /// As a string.
    Text(Cow<'a, str>),
    /// As `true` or `false`.
    Bool(bool),
    /// As a number that every reader holds exactly.
    Int(i64),
    /// As a number; it is finite.
    Double(f64),
}

/// Integers of more than 53 bits are strings in JSON, because browsers read numbers as doubles.
const EXACT_MAX: i64 = (1 << 53) - 1;

impl JaegerValue<'_> {
    /// Returns the name of the type, as JSON gives it beside the value.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int64(_) => "int64",
            Self::Float64(_) => "float64",
            Self::Binary(_) => "binary",
        }
    }

    /// Returns what JSON writes: bytes as base64, and as strings what its numbers cannot hold.
    pub fn shown(&self) -> Shown<'_> {
        match self {
            Self::String(text) => Shown::Text(Cow::Borrowed(text)),
            Self::Bool(on) => Shown::Bool(*on),
            Self::Int64(number) if (-EXACT_MAX..=EXACT_MAX).contains(number) => Shown::Int(*number),
            Self::Float64(number) if number.is_finite() => Shown::Double(*number),
            Self::Int64(number) => Shown::Text(Cow::Owned(number.to_string())),
            Self::Float64(number) => Shown::Text(Cow::Owned(span::text_form::double_text(*number))),
            Self::Binary(bytes) => {
                Shown::Text(Cow::Owned(span::ValueRef::Bytes(bytes).text_form().into_owned()))
            }
        }
    }
}

impl RefType {
    /// Returns the word of v1 JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChildOf => "CHILD_OF",
            Self::FollowsFrom => "FOLLOWS_FROM",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_numbers_are_exact_or_text() {
        let text = |value: JaegerValue<'_>| match value.shown() {
            Shown::Text(text) => text.into_owned(),
            shown => format!("{shown:?}"),
        };
        assert_eq!(text(JaegerValue::Int64((1 << 53) - 1)), "Int(9007199254740991)");
        assert_eq!(text(JaegerValue::Int64(1 << 53)), "9007199254740992");
        assert_eq!(text(JaegerValue::Int64(i64::MIN)), "-9223372036854775808");
        assert_eq!(text(JaegerValue::Float64(f64::NAN)), "NaN");
        assert_eq!(text(JaegerValue::Float64(f64::NEG_INFINITY)), "-Infinity");
        assert_eq!(text(JaegerValue::Float64(1.5)), "Double(1.5)");
        assert_eq!(text(JaegerValue::Binary(Cow::Borrowed(b""))), "");
        assert_eq!(text(JaegerValue::Binary(Cow::Borrowed(b"\xff"))), "/w==");
    }
}
