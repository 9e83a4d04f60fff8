//! Search over the head: traces from the newest, each span against the filter.
//!
//! What a predicate asks of a resource, a scope or a shape is asked once for each of them; what is left
//! per row is a comparison of numbers or of short texts. The meaning is [`store::Predicate::accepts`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use span::{DurationNanos, SpanKind, StatusCode, TraceKey, UnixNanos, ValueRef, naming};
use store::{Predicate, Search, Stop, StoreError, Within};

use super::interner::{TextId, join};
use super::read::{fragment_start, rows_of, service, visible_traces};
use super::shapes::Field;
use super::table::{Attributes, SpanLine, Table};
use super::{ROWS_PER_HOLD, RowsSnapshot};
use crate::needle::{Needle, names_of};
use crate::part::Listing;
use crate::value_kind::ValueKind;

/// Where at most so many rows can pass, only their traces are listed.
const NARROW_ROWS: usize = 32 << 10;

/// The fragments of a snapshot that a search accepts.
pub(super) struct RowsMatches {
    snapshot: Arc<RowsSnapshot>,
    /// The traces not looked at yet; the newest is on top. A heap, because most searches end early.
    left: BinaryHeap<Reverse<(TraceKey, u32)>>,
    /// Only these rows can pass: others arrived too early, or have not the texts that are asked for.
    rows: Range<u32>,
    window: RangeInclusive<UnixNanos>,
    tests: Vec<Test>,
    stop: Stop,
}

impl RowsMatches {
    pub(super) fn new(snapshot: Arc<RowsSnapshot>, search: &Search) -> Self {
        let (table, watermark) = snapshot.table();
        let tests: Vec<Test> =
            search.filter.all.iter().map(|predicate| Test::new(&table, predicate)).collect();
        let row_first = table.row_after(search.arrived_after);
        let rows = tests.iter().fold(row_first..watermark, |rows, test| {
            let other = test.rows(&table);
            rows.start.max(other.start)..rows.end.min(other.end)
        });
        let mut left = Vec::new();
        let mut list = |trace: u32| {
            let start = fragment_start(&table, trace, watermark);
            // No span starts before its fragment does.
            if let Some(start) = start.filter(|start| *start <= search.start_max) {
                left.push(Reverse((TraceKey { start, id: table.traces[trace as usize].id }, trace)));
            }
        };
        if rows.is_empty() {
            // What is asked for was never seen.
        } else if rows.len() <= NARROW_ROWS {
            let lines = &table.spans[rows.start as usize..rows.end as usize];
            let traces: HashSet<u32, RandomState> = lines.iter().map(|line| line.trace).collect();
            traces.into_iter().for_each(&mut list);
        } else {
            let visible = visible_traces(&table, watermark).iter().enumerate();
            let late = visible.filter(|(_, line)| rows.start <= line.row_last);
            late.for_each(|(trace, _)| list(trace as u32));
        }
        drop(table);
        Self {
            snapshot,
            left: BinaryHeap::from(left),
            rows,
            window: search.start_min..=search.start_max,
            tests,
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
                if !self.rows.contains(&row) {
                    continue;
                }
                let line = &table.spans[row as usize];
                if self.window.contains(&line.start)
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

impl Listing for RowsMatches {
    fn is_ready(&self) -> bool {
        self.left.is_empty()
    }
}

/// A predicate with what it learnt so far.
pub(super) enum Test {
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
pub(super) struct AttributeTest {
    key: TextId,
    needle: Needle,
    within: Within,
    /// The fields with that key, and a kind that can have that text, of each shape.
    fields: Memo<Box<[Field]>>,
    resources: Memo<bool>,
    scopes: Memo<bool>,
}

impl Test {
    pub(super) fn new(table: &Table, predicate: &Predicate) -> Self {
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

    /// Returns a range outside of which no row can pass.
    fn rows(&self, table: &Table) -> Range<u32> {
        const ALL: Range<u32> = 0..u32::MAX;
        let using = |text: &Option<TextId>| match text {
            None => 0..0,
            Some(text) => table.texts.rows_using([table.texts.get(*text)]),
        };
        match self {
            Self::Name(name) => names_of(name).map_or(ALL, |names| table.texts.rows_using(names)),
            Self::StatusMessage(text) | Self::TraceState(text) | Self::EventName(text) => using(text),
            // Scopes are not interned for each row.
            Self::ScopeName(None) | Self::ScopeVersion(None) => 0..0,
            Self::Attribute(test) => test.rows(table),
            Self::Any(tests) => tests.iter().fold(0..0, |rows, test| join(rows, test.rows(table))),
            _ => ALL,
        }
    }

    pub(super) fn accepts(&mut self, table: &Table, line: &SpanLine) -> bool {
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
    /// Returns a range outside of which no row can pass: where the texts are used that a value must have.
    fn rows(&self, table: &Table) -> Range<u32> {
        const ALL: Range<u32> = 0..u32::MAX;
        let Self { key, needle, .. } = self;
        let has = |attributes: Attributes| {
            let (fields, words) = table.fields(attributes);
            fields.iter().any(|field| field.key == *key && needle.equals(field.value(&table.texts, words)))
        };
        if (0..table.resources.len() as u32).any(|id| has(table.resources.get(id).attributes)) {
            return ALL;
        }
        if self.within == Within::Resource {
            return 0..0;
        }
        if (0..table.scopes.len() as u32).any(|id| has(table.scopes.get(id).attributes)) {
            return ALL;
        }
        let mut rows = 0..0;
        for kind in ValueKind::ALL.into_iter().filter(|kind| needle.fits(*kind)) {
            let int = needle.text().filter(|_| kind == ValueKind::Int).and_then(|text| text.bits(kind));
            let may = match (needle.texts(kind), int) {
                (Some(texts), _) if texts.iter().all(|text| !text.is_empty()) => {
                    rows = join(rows, table.texts.rows_using(texts));
                    false
                }
                (_, Some(number)) => table.shapes.may_hold_int(*key, number as i64),
                _ => table.shapes.has(*key, kind),
            };
            if may {
                return ALL;
            }
        }
        rows
    }

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
pub(super) fn failed(table: &Table, line: &SpanLine, error: Option<TextId>) -> bool {
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
pub(super) struct Memo<T>(Vec<Option<T>>);

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
