//! Figures over spans: how many, how many failed, how long they took, by what they have in common.
//!
//! A [`Measure`] asks for several *panels* over one and the same search, so that a page of charts costs one
//! scan. A panel has a *cell* for each combination of its dimensions' values and each step of time:
//!
//! ```text
//! panel  by [service, name], a step a minute      cell  spans, failed spans, durations by bucket
//! ```
//!
//! A span is in a panel when it has a value of every dimension and starts within the steps. Of an attribute that
//! it has more than once the last value counts; of several places the span's own comes before its resource's.
//!
//! A [`Tally`] counts spans one by one and is what an answer means; engines that keep columns count those and
//! must agree. They may count a span twice that was sent twice.

mod durations;
mod names;
mod tally;

use span::{DurationNanos, SpanKind, StatusCode, UnixNanos, ValueRef};

use crate::{Search, Within};

pub use durations::{BUCKETS, Durations, bucket, bucket_least};
pub use names::NameTally;
pub use tally::Tally;

/// What to count, over the spans that a search accepts. Its `after` and `detail` mean nothing here.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Which spans.
    pub search: Search,
    /// What to count of them.
    pub panels: Vec<Panel>,
    /// Whether to count their distinct traces.
    pub traces: bool,
    /// The most cells of one panel; what comes after is counted as [`Figures::others`].
    pub cells_max: usize,
}

/// One grouping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panel {
    /// What the spans of a cell have in common.
    pub by: Vec<Dimension>,
    /// How time is divided; `None` counts all of it as one step.
    pub steps: Option<Steps>,
    /// Whether durations are wanted.
    pub durations: bool,
}

/// Something that spans have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The service, as listed.
    Service,
    /// The operation, as listed.
    Name,
    /// The kind.
    Kind,
    /// How it ended: an error where it failed in any protocol's way of saying so ([`crate::failed`]), else its status.
    Status,
    /// The value of an attribute.
    Attribute {
        /// Where to look.
        within: Within,
        /// The key, exactly.
        key: String,
    },
}

/// Time, divided evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Where the first begins.
    pub start: UnixNanos,
    /// How long each is; not zero.
    pub step: DurationNanos,
    /// How many there are.
    pub count: u32,
}

/// A value that spans have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// What sort of value it is.
    pub kind: LabelKind,
    /// Its text form.
    pub text: String,
}

/// The sorts of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelKind {
    /// No value.
    Empty,
    /// Text.
    String,
    /// True or false.
    Bool,
    /// An integer.
    Int,
    /// A double.
    Double,
    /// Raw bytes, shown in base64.
    Bytes,
    /// An array, shown as JSON.
    Array,
    /// A map, shown as JSON.
    Map,
    /// A word of the model: a kind or a status.
    Keyword,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Spans that the search accepts.
    pub spans: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Their distinct traces, where those were asked for.
    pub traces: u64,
    /// There are more traces than could be told apart.
    pub traces_more: bool,
    /// One for each panel, in their order.
    pub panels: Vec<Figures>,
}

/// What was counted for a panel.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The cells that are not empty, by labels and step.
    pub cells: Vec<FigureCell>,
    /// All spans that came when there were as many cells as there may be.
    pub others: Cell,
}

/// A cell and what its spans have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureCell {
    /// A value for each of the panel's dimensions.
    pub labels: Vec<Label>,
    /// Which step of time; 0 where there is one only.
    pub step: u32,
    /// What was counted.
    pub cell: Cell,
}

/// What is counted of a set of spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many.
    pub spans: u64,
    /// How many failed.
    pub errors: u64,
    /// How long they took; empty where that was not asked for.
    pub durations: Durations,
    /// How long those took that failed; empty where that was not asked for.
    pub error_durations: Durations,
}

/// An attribute that spans have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeName {
    /// Where it stands: the span, its resource, its scope, an event or a link.
    pub within: Within,
    /// The key, as shown.
    pub key: String,
    /// The sorts of values it has, ascending.
    pub kinds: Vec<LabelKind>,
    /// How many spans have it.
    pub spans: u64,
}

/// How many distinct traces are told apart: 16 MiB of ids.
pub const TRACES_COUNTED_MAX: usize = 1 << 20;

impl Steps {
    /// Returns the step that a point in time lies in.
    pub fn of(&self, time: UnixNanos) -> Option<u32> {
        let past = time.0.checked_sub(self.start.0)?;
        u32::try_from(past / self.step.0.max(1)).ok().filter(|step| *step < self.count)
    }
}

impl Cell {
    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        self.spans += other.spans;
        self.errors += other.errors;
        self.durations.merge(&other.durations);
        self.error_durations.merge(&other.error_durations);
    }
}

impl Label {
    /// Returns a text's label.
    pub fn text(text: &str) -> Self {
        Self { kind: LabelKind::String, text: text.to_owned() }
    }

    /// Returns a kind's label.
    pub fn of_kind(kind: SpanKind) -> Self {
        let word = if kind == SpanKind::Unspecified { "unspecified" } else { kind.word() };
        Self { kind: LabelKind::Keyword, text: word.to_owned() }
    }

    /// Returns a status code's label.
    pub fn of_status(code: StatusCode) -> Self {
        let word = match code {
            StatusCode::Unset => "unset",
            StatusCode::Ok => "ok",
            StatusCode::Error => "error",
        };
        Self { kind: LabelKind::Keyword, text: word.to_owned() }
    }

    /// Returns a value's label.
    pub fn of_value(value: ValueRef<'_>) -> Self {
        Self { kind: LabelKind::of(value), text: value.text_form().into_owned() }
    }
}

impl LabelKind {
    /// Returns the sort of a value.
    pub const fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Empty => Self::Empty,
            ValueRef::Str(_) => Self::String,
            ValueRef::Bool(_) => Self::Bool,
            ValueRef::Int(_) => Self::Int,
            ValueRef::Double(_) => Self::Double,
            ValueRef::Bytes(_) => Self::Bytes,
            ValueRef::Array(_) => Self::Array,
            ValueRef::Map(_) => Self::Map,
        }
    }
}
