//! Search over the head: traces from the newest, each span against the filter.
//!
//! What a predicate asks of a resource, a scope or a shape is asked once for each of them; what is left
//! per row is a comparison of numbers or of short texts. The meaning is [`store::Predicate::accepts`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use span::{DurationNanos, SpanKind, StatusCode, TraceKey, UnixNanos, ValueRef, naming};
use store::{Predicate, Search, Stop, StoreError, Within};

use super::interner::TextId;
use super::read::{fragment_start, rows_of, service, visible_traces};
use super::shapes::Field;
use super::table::{Attributes, SpanLine, Table};
use super::{ROWS_PER_HOLD, RowsSnapshot};
use crate::needle::Needle;

/// The fragments of a snapshot that a search accepts.
pub(super) struct RowsMatches {
    snapshot: Arc<RowsSnapshot>,
    /// The traces not looked at yet; the newest is on top. A heap, because most searches end early.
    left: BinaryHeap<Reverse<(TraceKey, u32)>>,
    window: RangeInclusive<UnixNanos>,
    tests: Vec<Test>,
    /// Rows before this one arrived too early.
    row_first: u32,
    stop: Stop,
}

impl RowsMatches {
    pub(super) fn new(snapshot: Arc<RowsSnapshot>, search: &Search) -> Self {
        let (table, watermark) = snapshot.table();
        let tests: Vec<Test> =
            search.filter.all.iter().map(|predicate| Test::new(&table, predicate)).collect();
        let row_first = table.row_after(search.arrived_after);
        let mut left = Vec::new();
        let visible = match tests.iter().any(Test::is_never) {
            true => &[],
            false => visible_traces(&table, watermark),
        };
        for (trace, line) in visible.iter().enumerate() {
            if line.row_last < row_first {
                continue;
            }
            let start = fragment_start(&table, trace as u32, watermark);
            // No span starts before its fragment does.
            if let Some(start) = start.filter(|start| *start <= search.start_max) {
                left.push(Reverse((TraceKey { start, id: line.id }, trace as u32)));
            }
        }
        drop(table);
        Self {
            snapshot,
            left: BinaryHeap::from(left),
            window: search.start_min..=search.start_max,
            tests,
            row_first,
            stop: search.stop.clone(),
        }
    }

    /// Looks at some thousand rows; `None` when it found nothing yet.
    fn look(&mut self) -> Option<TraceKey> {
        let (table, watermark) = self.snapshot.table();
        let mut budget = ROWS_PER_HOLD;
        while 0 < budget {
            let Reverse((key, trace)) = self.left.pop()?;
            for row in rows_of(&table, trace, watermark) {
                budget = budget.saturating_sub(1);
                let line = &table.spans[row as usize];
                if self.row_first <= row
                    && self.window.contains(&line.start)
                    && self.tests.iter_mut().all(|test| test.accepts(&table, line))
                {
                    return Some(key);
                }
            }
        }
        None
    }
}

impl Iterator for RowsMatches {
    type Item = Result<TraceKey, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.left.is_empty() {
            if let Err(stopped) = self.stop.check() {
                self.left.clear();
                return Some(Err(stopped));
            }
            if let Some(key) = self.look() {
                return Some(Ok(key));
            }
        }
        None
    }
}

/// A predicate with what it learnt so far.
enum Test {
    Service(String, Memo<bool>),
    Name(String),
    Kind(SpanKind),
    Status(StatusCode),
    StatusMessage(Option<TextId>),
    /// Wanted, and the key `error` if any row has it.
    Failed(bool, Option<TextId>),
    DurationMin(DurationNanos),
    DurationMax(DurationNanos),
    ScopeName(Option<TextId>),
    ScopeVersion(Option<TextId>),
    TraceState(Option<TextId>),
    EventName(Option<TextId>),
    Attribute(Box<AttributeTest>),
    Root,
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// Looks for a key whose value has a text.
struct AttributeTest {
    key: TextId,
    needle: Needle,
    within: Within,
    /// The fields with that key, and a kind that can have that text, of each shape.
    fields: Memo<Box<[Field]>>,
    resources: Memo<bool>,
    scopes: Memo<bool>,
}

impl Test {
    fn new(table: &Table, predicate: &Predicate) -> Self {
        let find = |text: &String| table.texts.find(text.as_bytes());
        match predicate {
            Predicate::Service(name) => Self::Service(name.clone(), Memo::default()),
            Predicate::Name(name) => Self::Name(name.clone()),
            Predicate::Kind(kind) => Self::Kind(*kind),
            Predicate::Status(code) => Self::Status(*code),
            Predicate::StatusMessage(text) => Self::StatusMessage(find(text)),
            Predicate::Failed(wanted) => Self::Failed(*wanted, table.texts.find(b"error")),
            Predicate::DurationMin(least) => Self::DurationMin(*least),
            Predicate::DurationMax(most) => Self::DurationMax(*most),
            Predicate::ScopeName(name) => Self::ScopeName(find(name)),
            Predicate::ScopeVersion(version) => Self::ScopeVersion(find(version)),
            Predicate::TraceState(text) => Self::TraceState(find(text)),
            Predicate::EventName(name) => Self::EventName(find(name)),
            Predicate::Attribute { within, key, text } => {
                Self::attribute(find(key), *within, Needle::new(text))
            }
            Predicate::Has { within, key } => Self::attribute(find(key), *within, Needle::Any),
            Predicate::Between { within, key, least, most } => {
                Self::attribute(find(key), *within, Needle::Between(*least, *most))
            }
            Predicate::Root => Self::Root,
            Predicate::Not(predicate) => Self::Not(Box::new(Self::new(table, predicate))),
            Predicate::Any(any) => {
                Self::Any(any.iter().map(|predicate| Self::new(table, predicate)).collect())
            }
        }
    }

    fn attribute(key: Option<TextId>, within: Within, needle: Needle) -> Self {
        match key {
            Some(key) => Self::Attribute(Box::new(AttributeTest {
                key,
                needle,
                within,
                fields: Memo::default(),
                resources: Memo::default(),
                scopes: Memo::default(),
            })),
            // No row has the key.
            None => Self::Any(Vec::new()),
        }
    }

    /// Tells whether no row can pass, because what is asked for was never seen.
    fn is_never(&self) -> bool {
        match self {
            Self::StatusMessage(text) | Self::TraceState(text) => text.is_none(),
            Self::ScopeName(text) | Self::ScopeVersion(text) | Self::EventName(text) => text.is_none(),
            Self::Any(tests) => tests.iter().all(Self::is_never),
            _ => false,
        }
    }

    fn accepts(&mut self, table: &Table, line: &SpanLine) -> bool {
        match self {
            Self::Service(name, memo) => *memo.of(line.resource, || service(table, line.resource) == name),
            Self::Name(name) => naming::operation_of(table.texts.get(line.name)) == name,
            Self::Kind(kind) => line.kind == *kind,
            Self::Status(code) => line.status_code == *code,
            Self::StatusMessage(text) => *text == Some(table.extras.get(line.extra).status_message),
            Self::Failed(wanted, key) => failed(table, line, *key) == *wanted,
            Self::DurationMin(least) => *least <= line.end.since(line.start),
            Self::DurationMax(most) => line.end.since(line.start) <= *most,
            Self::ScopeName(name) => *name == Some(table.scopes.get(line.scope).name),
            Self::ScopeVersion(version) => *version == Some(table.scopes.get(line.scope).version),
            Self::TraceState(text) => *text == Some(table.extras.get(line.extra).trace_state),
            Self::EventName(name) => {
                name.is_some_and(|name| table.events_of(line).iter().any(|event| event.name == name))
            }
            Self::Attribute(test) => test.accepts(table, line),
            Self::Root => line.parent_span_id.is_none(),
            Self::Any(tests) => tests.iter_mut().any(|test| test.accepts(table, line)),
            Self::Not(test) => !test.accepts(table, line),
        }
    }
}

impl AttributeTest {
    fn accepts(&mut self, table: &Table, line: &SpanLine) -> bool {
        let Self { key, needle, within, fields, resources, scopes } = self;
        let mut equals = |attributes: Attributes| {
            let all = table.shapes.fields(attributes.shape);
            let fields = fields.of(attributes.shape, || {
                all.iter().filter(|field| field.key == *key && needle.fits(field.kind)).copied().collect()
            });
            let words = &table.words[attributes.words as usize..];
            fields.iter().any(|field| needle.equals(field.value(&table.texts, words)))
        };
        within.resources()
            && *resources.of(line.resource, || equals(table.resources.get(line.resource).attributes))
            || within.spans() && equals(line.attributes)
            || within.scopes() && *scopes.of(line.scope, || equals(table.scopes.get(line.scope).attributes))
            || within.events() && table.events_of(line).iter().any(|event| equals(event.attributes))
            || within.links() && table.links_of(line).iter().any(|link| equals(link.attributes))
    }
}

/// Tells whether a span failed, as [`store::failed`] has it.
fn failed(table: &Table, line: &SpanLine, error: Option<TextId>) -> bool {
    if line.status_code == StatusCode::Error {
        return true;
    }
    let Some(error) = error else { return false };
    let (fields, words) = table.fields(line.attributes);
    let last = fields.iter().rev().find(|field| field.key == error);
    match last.map(|field| field.value(&table.texts, words)) {
        Some(ValueRef::Bool(on)) => on,
        Some(ValueRef::Str(word)) => word.eq_ignore_ascii_case(b"true"),
        _ => false,
    }
}

/// Answers by number, each found once.
struct Memo<T>(Vec<Option<T>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Memo<T> {
    fn of(&mut self, id: u32, answer: impl FnOnce() -> T) -> &T {
        let at = id as usize;
        if self.0.len() <= at {
            self.0.resize_with(at + 1, || None);
        }
        self.0[at].get_or_insert_with(answer)
    }
}
