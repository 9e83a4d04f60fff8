//! From a segment's columns back to the spans of one trace.
//!
//! The columns of the trace's group are read in one go and each is decompressed once; of their values only
//! those of the trace are looked at. Where its values begin in an attribute column follows from
//! the shapes of the rows before it.

use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use span::{
    BatchBuilder, BatchFull, EventRow, LinkRow, ResourceRow, Rows as Run, ScopeRow, SpanBatch, SpanId,
    SpanKind, SpanRow, StatusCode, Text, TraceId, UnixNanos, Value, ValueRef,
};
use store::Detail;

use super::failure::Failure;
use super::group::{Group, GroupTraces};
use super::layout::{Owner, PARENT_ABSENT, PARENT_EARLIER, PARENT_NEAR, SHAPE_OVERFLOW, Table, fixed};
use super::listing::take_listing;
use super::reader::Segment;
use crate::column::bytes::unzigzag;
use crate::column::ints::unsortable;
use crate::column::{Broken, Take, TextAt, Texts};
use crate::value_kind::ValueKind;

/// Returns where a trace is: its group and its place there.
pub(super) fn find(segment: &Segment, id: TraceId) -> Result<Option<(usize, usize, GroupTraces)>, Failure> {
    if !segment.may_hold(id)? {
        return Ok(None);
    }
    for group in segment.ids()?.groups_of(id) {
        let traces = Group::sparse(segment, group)?.kept(group).traces()?;
        if let Some(place) = traces.ids.iter().position(|known| *known == id) {
            return Ok(Some((group, place, traces)));
        }
    }
    Ok(None)
}

/// Appends all spans of a trace; tells whether there were any.
pub(super) fn fragment(
    segment: &Segment,
    id: TraceId,
    detail: Detail,
    into: &mut BatchBuilder,
) -> Result<bool, Failure> {
    let Some((first, place, _)) = find(segment, id)? else { return Ok(false) };
    let mut copy = Copy::new(segment, detail, into);
    copy.group(first, Some(place))?;
    // A large trace goes on in groups of its own.
    let more = segment.footer.groups[first + 1..].iter().take_while(|group| group.continues).count();
    for group in first + 1..=first + more {
        if !copy.into.has_room() {
            return Err(BatchFull.into());
        }
        copy.group(group, Some(0))?;
    }
    Ok(true)
}

/// All spans of a group.
pub(super) struct GroupSpans {
    /// In the group's order.
    pub(super) batch: SpanBatch,
    pub(super) traces: GroupTraces,
    /// The dictionary's texts among them, by number.
    pub(super) dictionary: Vec<(u32, Text)>,
}

/// Reads all spans of a group.
pub(super) fn group_spans(segment: &Segment, number: usize) -> Result<GroupSpans, Failure> {
    let mut into = BatchBuilder::new();
    let mut copy = Copy::new(segment, Detail::Whole, &mut into);
    let traces = copy.group(number, None)?;
    let dictionary = copy.texts.into_iter().collect();
    Ok(GroupSpans { batch: into.finish(), traces, dictionary })
}

/// Copies spans into a batch, each resource, scope, key and shared text once.
struct Copy<'a> {
    segment: &'a Segment,
    into: &'a mut BatchBuilder,
    detail: Detail,
    resources: HashMap<u32, u32, RandomState>,
    scopes: HashMap<u32, u32, RandomState>,
    texts: HashMap<u32, Text, RandomState>,
    keys: HashMap<u32, Text, RandomState>,
}

/// Attributes of one sort of owner in one group, read from front to back.
struct Attributes<'a> {
    group: &'a Group<'a>,
    shapes: Vec<u64>,
    /// Where the first wanted owner is among `shapes`, and how many are read since.
    at: usize,
    columns: HashMap<u32, Cursor, RandomState>,
    overflow: Option<(Arc<Texts>, usize)>,
}

/// The values of a column that are still to be read.
enum Cursor {
    Texts { texts: Arc<Texts>, at: usize, end: usize, taken: HashMap<usize, Text, RandomState> },
    Bits(std::vec::IntoIter<u64>),
    Empty,
}

impl<'a> Copy<'a> {
    fn new(segment: &'a Segment, detail: Detail, into: &'a mut BatchBuilder) -> Self {
        Self {
            segment,
            into,
            detail,
            resources: HashMap::default(),
            scopes: HashMap::default(),
            texts: HashMap::default(),
            keys: HashMap::default(),
        }
    }

    /// Copies one trace of a group, or all.
    fn group(&mut self, number: usize, place: Option<usize>) -> Result<GroupTraces, Failure> {
        let group = Group::whole(self.segment, number)?;
        // Who reads all of a group does so once.
        let group = if place.is_some() { group.kept(number) } else { group };
        let traces = group.traces()?;
        let places = place.map_or(0..traces.ids.len(), |place| place..place + 1);
        let rows = traces.rows(places.clone());
        let lines = self.lines(&group, &traces, places, rows.clone())?;
        self.spans(&group, rows, lines)?;
        Ok(traces)
    }

    /// Reads what every span has.
    fn lines(
        &mut self,
        group: &Group<'_>,
        traces: &GroupTraces,
        places: Range<usize>,
        rows: Range<usize>,
    ) -> Result<Vec<SpanRow>, Failure> {
        let count = group.rows();
        let codes = group.ints(fixed::PARENT, count)?.range(0..rows.end);
        let told = |code: &&u64| matches!(**code, PARENT_ABSENT | PARENT_EARLIER);
        let told_before = codes[..rows.start].iter().filter(told).count();
        let told_count = group.column(fixed::PARENT_ID).map_or(0, |column| column.extent.count as usize);
        let told_ids = group.raw(fixed::PARENT_ID, 8, told_count)?;
        let mut told_ids = told_ids.as_chunks::<8>().0.iter().skip(told_before);
        let times = group.times(traces, places.clone(), &codes[rows.clone()])?;
        let ids = group.raw(fixed::SPAN_ID, 8, count)?;
        let ids = &ids.as_chunks::<8>().0[rows.clone()];
        let ints = |number| Ok::<_, Failure>(group.ints(number, count)?.range(rows.clone()));
        let (kinds, statuses) = (ints(fixed::KIND)?, ints(fixed::STATUS)?);
        let (resources, scopes) = (ints(fixed::RESOURCE)?, ints(fixed::SCOPE)?);
        let names = self.take_texts(group, fixed::NAME, count, rows.clone())?;
        let mut lines = Vec::with_capacity(rows.len());
        let mut place = places.start;
        for (at, code) in codes[rows.clone()].iter().enumerate() {
            while traces.ends[place] <= rows.start + at {
                place += 1;
            }
            let parent_span_id = match *code {
                PARENT_ABSENT | PARENT_EARLIER => {
                    SpanId::from_bytes(*told_ids.next().ok_or_else(|| group.misfit(fixed::PARENT_ID))?)
                }
                // The distance was checked when times were read.
                near => near
                    .checked_sub(PARENT_NEAR)
                    .map_or(SpanId::NONE, |distance| SpanId::from_bytes(ids[at - distance as usize])),
            };
            lines.push(SpanRow {
                trace_id: traces.ids[place],
                span_id: SpanId::from_bytes(ids[at]),
                parent_span_id,
                start: times.starts[at],
                end: times.ends[at],
                resource: self.resource(resources[at])?,
                scope: self.scope(scopes[at])?,
                name: names[at],
                kind: SpanKind::from_number(kinds[at]).ok_or_else(|| group.misfit(fixed::KIND))?,
                status_code: StatusCode::from_number(statuses[at])
                    .ok_or_else(|| group.misfit(fixed::STATUS))?,
                ..SpanRow::default()
            });
        }
        Ok(lines)
    }

    /// Adds the spans, with what the detail asks for beside.
    fn spans(&mut self, group: &Group<'_>, rows: Range<usize>, lines: Vec<SpanRow>) -> Result<(), Failure> {
        if self.detail == Detail::Skeleton {
            lines.into_iter().for_each(|line| self.into.span(line));
            return Ok(());
        }
        let count = group.rows();
        let ints = |number| Ok::<_, Failure>(group.ints(number, count)?.range(rows.clone()));
        let flags = ints(fixed::FLAGS)?;
        let dropped = [fixed::DROPPED_ATTRIBUTES, fixed::DROPPED_EVENTS, fixed::DROPPED_LINKS];
        let [dropped_attributes, dropped_events, dropped_links] = dropped.map(ints);
        let (dropped_attributes, dropped_events, dropped_links) =
            (dropped_attributes?, dropped_events?, dropped_links?);
        let messages = self.take_texts(group, fixed::STATUS_MESSAGE, count, rows.clone())?;
        let states = self.take_texts(group, fixed::TRACE_STATE, count, rows.clone())?;
        let residuals = self.take_texts(group, fixed::RESIDUAL, count, rows.clone())?;
        let mut attributes = Attributes::of(group, Owner::Span, count, rows.clone())?;
        let mut events = Events::of(self, group, rows.clone())?;
        let mut links = Links::of(self, group, rows)?;
        for (at, mut line) in lines.into_iter().enumerate() {
            line.flags = flags[at] as u32;
            line.dropped_attributes_count = dropped_attributes[at] as u32;
            line.dropped_events_count = dropped_events[at] as u32;
            line.dropped_links_count = dropped_links[at] as u32;
            (line.status_message, line.trace_state, line.residual) =
                (messages[at], states[at], residuals[at]);
            line.attributes = self.attributes(&mut attributes)?;
            let mark = self.into.mark();
            events.take(self, line.start, at)?;
            links.take(self, at)?;
            (line.events, line.links) = (self.into.events_since(mark), self.into.links_since(mark));
            self.into.span(line);
        }
        Ok(())
    }

    /// Adds the attributes of the next owner.
    fn attributes(&mut self, from: &mut Attributes<'_>) -> Result<Run, Failure> {
        let mark = self.into.mark();
        let shape = from.shapes[from.at];
        from.at += 1;
        if shape == u64::from(SHAPE_OVERFLOW) {
            let misfit = from.group.misfit(fixed::SPAN_OVERFLOW);
            let Some((texts, at)) = &mut from.overflow else { return Err(misfit) };
            if texts.len() <= *at {
                return Err(misfit);
            }
            let code = texts.code(*at);
            *at += 1;
            let TextAt::Own(listing) = texts.get(code) else { return Err(misfit) };
            for (key, value) in take_listing(&mut Take::new(listing)).map_err(|_| misfit)? {
                self.into.push(key, value)?;
            }
            return Ok(self.into.since(mark));
        }
        for column in self.segment.shape(shape)? {
            let name = &self.segment.names()?[*column as usize];
            let key = match self.keys.get(column) {
                Some(key) => *key,
                None => {
                    let key = self.into.text(&name.key)?;
                    self.keys.insert(*column, key);
                    key
                }
            };
            let cursor =
                from.columns.get_mut(column).ok_or_else(|| from.group.misfit(*column + fixed::ATTRIBUTES))?;
            let value = self.value(cursor, name.kind)?;
            let value = value.ok_or_else(|| from.group.misfit(*column + fixed::ATTRIBUTES))?;
            self.into.attribute(key, value);
        }
        Ok(self.into.since(mark))
    }

    fn value(&mut self, cursor: &mut Cursor, kind: ValueKind) -> Result<Option<Value>, Failure> {
        match cursor {
            Cursor::Empty => Ok(Some(Value::Empty)),
            Cursor::Bits(bits) => {
                let Some(bits) = bits.next() else { return Ok(None) };
                let bits = if kind == ValueKind::Double { unsortable(bits) } else { bits };
                Ok(Some(self.into.value(kind.of_bits(bits))?))
            }
            Cursor::Texts { texts, at, end, taken } => {
                if *at == *end {
                    return Ok(None);
                }
                let code = texts.code(*at);
                *at += 1;
                let text = match taken.get(&code) {
                    Some(text) => *text,
                    None => {
                        let text = self.text(texts.get(code))?;
                        taken.insert(code, text);
                        text
                    }
                };
                Ok(Some(match kind.of_text(b"") {
                    ValueRef::Bytes(_) => Value::Bytes(text),
                    ValueRef::Array(_) => Value::Array(text),
                    ValueRef::Map(_) => Value::Map(text),
                    _ => Value::Str(text),
                }))
            }
        }
    }

    /// Takes a range of a fixed column's texts.
    fn take_texts(
        &mut self,
        group: &Group<'_>,
        number: u32,
        count: usize,
        range: Range<usize>,
    ) -> Result<Vec<Text>, Failure> {
        if group.column(number).is_none() {
            return Ok(vec![Text::EMPTY; range.len()]);
        }
        let texts = group.texts(number, count)?;
        let mut taken: HashMap<usize, Text, RandomState> = HashMap::default();
        let mut all = Vec::with_capacity(range.len());
        for at in range {
            let code = texts.code(at);
            let text = match taken.get(&code) {
                Some(text) => *text,
                None => self.text(texts.get(code))?,
            };
            taken.insert(code, text);
            all.push(text);
        }
        Ok(all)
    }

    fn text(&mut self, text: TextAt<'_>) -> Result<Text, Failure> {
        let number = match text {
            TextAt::Own(bytes) => return Ok(self.into.text(bytes)?),
            TextAt::Dictionary(number) => number,
        };
        if let Some(text) = self.texts.get(&number) {
            return Ok(*text);
        }
        let (page, at) = self.segment.text_of(self.segment.dictionary()?, number)?;
        let text = self.into.text(page.get(at))?;
        self.texts.insert(number, text);
        Ok(text)
    }

    fn resource(&mut self, number: u64) -> Result<u32, Failure> {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(index) = self.resources.get(&number) {
            return Ok(*index);
        }
        let (page, at) = self.segment.text_of(self.segment.resources()?, number)?;
        let record = self.segment.origin(page.get(at), Table::Resources)?;
        let row = ResourceRow {
            attributes: self.listed(&record.attributes)?,
            dropped_attributes_count: record.dropped_attributes_count,
            schema_url: self.into.text(record.schema_url)?,
            residual: self.into.text(record.residual)?,
        };
        let index = self.into.resource(row);
        self.resources.insert(number, index);
        Ok(index)
    }

    fn scope(&mut self, number: u64) -> Result<u32, Failure> {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(index) = self.scopes.get(&number) {
            return Ok(*index);
        }
        let (page, at) = self.segment.text_of(self.segment.scopes()?, number)?;
        let record = self.segment.origin(page.get(at), Table::Scopes)?;
        let row = ScopeRow {
            name: self.into.text(record.name)?,
            version: self.into.text(record.version)?,
            attributes: self.listed(&record.attributes)?,
            dropped_attributes_count: record.dropped_attributes_count,
            schema_url: self.into.text(record.schema_url)?,
            residual: self.into.text(record.residual)?,
        };
        let index = self.into.scope(row);
        self.scopes.insert(number, index);
        Ok(index)
    }

    fn listed(&mut self, attributes: &[(&[u8], ValueRef<'_>)]) -> Result<Run, Failure> {
        let mark = self.into.mark();
        for (key, value) in attributes {
            self.into.push(key, *value)?;
        }
        Ok(self.into.since(mark))
    }
}

impl<'a> Attributes<'a> {
    /// Prepares to read the attributes of `wanted` owners out of `count`.
    fn of(group: &'a Group<'a>, owner: Owner, count: usize, wanted: Range<usize>) -> Result<Self, Failure> {
        let (shape_column, overflow_column) = match owner {
            Owner::Span => (fixed::SHAPE, fixed::SPAN_OVERFLOW),
            Owner::Event => (fixed::EVENT_SHAPE, fixed::EVENT_OVERFLOW),
            Owner::Link => (fixed::LINK_SHAPE, fixed::LINK_OVERFLOW),
        };
        let shapes = group.ints(shape_column, count)?.range(0..wanted.end);
        let (before, within) = shapes.split_at(wanted.start);
        let mut places: HashMap<u32, (usize, usize), RandomState> = HashMap::default();
        for (shape, count) in counts(within) {
            for column in group.segment.shape(shape)? {
                places.entry(*column).or_default().1 += count;
            }
        }
        for (shape, count) in counts(before) {
            for column in group.segment.shape(shape)? {
                if let Some(place) = places.get_mut(column) {
                    place.0 += count;
                }
            }
        }
        let mut columns = HashMap::default();
        for (column, (start, count)) in places {
            columns.insert(column, cursor(group, column, start..start + count)?);
        }
        let overflowed =
            |shapes: &[u64]| shapes.iter().filter(|shape| **shape == u64::from(SHAPE_OVERFLOW)).count();
        let overflow = match group.column(overflow_column) {
            Some(column) if overflowed(within) != 0 => Some((group.texts_of(column)?, overflowed(before))),
            _ => None,
        };
        Ok(Self { group, at: wanted.start, shapes, columns, overflow })
    }
}

/// Counts the shapes among some owners.
fn counts(shapes: &[u64]) -> HashMap<u64, usize, RandomState> {
    let mut counts: HashMap<u64, usize, RandomState> = HashMap::default();
    for shape in shapes {
        *counts.entry(*shape).or_default() += 1;
    }
    counts
}

fn cursor(group: &Group<'_>, column: u32, wanted: Range<usize>) -> Result<Cursor, Failure> {
    let kind = group.segment.names()?[column as usize].kind;
    if kind == ValueKind::Empty {
        return Ok(Cursor::Empty);
    }
    let number = column + fixed::ATTRIBUTES;
    let Some(line) = group.column(number).filter(|line| wanted.end <= line.extent.count as usize) else {
        return Err(group.misfit(number));
    };
    if kind.is_text() {
        let texts = group.texts_of(line)?;
        return Ok(Cursor::Texts { texts, at: wanted.start, end: wanted.end, taken: HashMap::default() });
    }
    Ok(Cursor::Bits(group.ints_of(line)?.range(wanted).into_iter()))
}

/// The events of a trace's rows.
struct Events<'a> {
    counts: Vec<u64>,
    times: std::vec::IntoIter<u64>,
    names: std::vec::IntoIter<Text>,
    dropped: std::vec::IntoIter<u64>,
    residuals: std::vec::IntoIter<Text>,
    attributes: Option<Attributes<'a>>,
}

impl<'a> Events<'a> {
    fn of(copy: &mut Copy<'_>, group: &'a Group<'a>, rows: Range<usize>) -> Result<Self, Failure> {
        let (counts, wanted, all) = nested(group, fixed::EVENT_COUNT, rows)?;
        let ints = |number| Ok::<_, Failure>(group.ints(number, all)?.range(wanted.clone()).into_iter());
        Ok(Self {
            counts,
            times: ints(fixed::EVENT_TIME)?,
            names: copy.take_texts(group, fixed::EVENT_NAME, all, wanted.clone())?.into_iter(),
            dropped: ints(fixed::EVENT_DROPPED)?,
            residuals: copy.take_texts(group, fixed::EVENT_RESIDUAL, all, wanted.clone())?.into_iter(),
            attributes: match wanted.is_empty() {
                true => None,
                false => Some(Attributes::of(group, Owner::Event, all, wanted)?),
            },
        })
    }

    /// Adds the events of a row, given when its span started.
    fn take(&mut self, copy: &mut Copy<'_>, start: UnixNanos, row: usize) -> Result<(), Failure> {
        for _ in 0..self.counts[row] {
            let all = (self.times.next(), self.names.next(), self.dropped.next(), self.residuals.next());
            let ((Some(time), Some(name), Some(dropped), Some(residual)), Some(attributes)) =
                (all, &mut self.attributes)
            else {
                return Ok(());
            };
            let event = EventRow {
                time: UnixNanos(start.0.wrapping_add(unzigzag(time) as u64)),
                name,
                attributes: copy.attributes(attributes)?,
                dropped_attributes_count: dropped as u32,
                residual,
            };
            copy.into.event(event);
        }
        Ok(())
    }
}

/// The links of a trace's rows.
struct Links<'a> {
    counts: Vec<u64>,
    trace_ids: Arc<Vec<u8>>,
    span_ids: Arc<Vec<u8>>,
    at: usize,
    flags: std::vec::IntoIter<u64>,
    states: std::vec::IntoIter<Text>,
    dropped: std::vec::IntoIter<u64>,
    residuals: std::vec::IntoIter<Text>,
    attributes: Option<Attributes<'a>>,
}

impl<'a> Links<'a> {
    fn of(copy: &mut Copy<'_>, group: &'a Group<'a>, rows: Range<usize>) -> Result<Self, Failure> {
        let (counts, wanted, all) = nested(group, fixed::LINK_COUNT, rows)?;
        let ints = |number| Ok::<_, Failure>(group.ints(number, all)?.range(wanted.clone()).into_iter());
        Ok(Self {
            counts,
            trace_ids: group.raw(fixed::LINK_TRACE, 16, all)?,
            span_ids: group.raw(fixed::LINK_SPAN, 8, all)?,
            at: wanted.start,
            flags: ints(fixed::LINK_FLAGS)?,
            states: copy.take_texts(group, fixed::LINK_STATE, all, wanted.clone())?.into_iter(),
            dropped: ints(fixed::LINK_DROPPED)?,
            residuals: copy.take_texts(group, fixed::LINK_RESIDUAL, all, wanted.clone())?.into_iter(),
            attributes: match wanted.is_empty() {
                true => None,
                false => Some(Attributes::of(group, Owner::Link, all, wanted)?),
            },
        })
    }

    /// Adds the links of a row.
    fn take(&mut self, copy: &mut Copy<'_>, row: usize) -> Result<(), Failure> {
        for _ in 0..self.counts[row] {
            let all = (self.flags.next(), self.states.next(), self.dropped.next(), self.residuals.next());
            let ((Some(flags), Some(trace_state), Some(dropped), Some(residual)), Some(attributes)) =
                (all, &mut self.attributes)
            else {
                return Ok(());
            };
            let link = LinkRow {
                trace_id: TraceId::from_bytes(self.trace_ids.as_chunks::<16>().0[self.at]),
                span_id: SpanId::from_bytes(self.span_ids.as_chunks::<8>().0[self.at]),
                flags: flags as u32,
                trace_state,
                attributes: copy.attributes(attributes)?,
                dropped_attributes_count: dropped as u32,
                residual,
            };
            self.at += 1;
            copy.into.link(link);
        }
        Ok(())
    }
}

/// Returns how many events (or links) each row has, which of the group's are theirs, and how many the group
/// has in all.
fn nested(
    group: &Group<'_>,
    column: u32,
    rows: Range<usize>,
) -> Result<(Vec<u64>, Range<usize>, usize), Failure> {
    let counts = group.ints(column, group.rows())?.all();
    let sum = |counts: &[u64]| {
        let sum = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        usize::try_from(sum)
            .map_err(|_| (Broken("too many events or links"), super::layout::Place::default()))
    };
    let (before, within, all) = (sum(&counts[..rows.start])?, sum(&counts[rows.clone()])?, sum(&counts)?);
    // A group holds at most what came in batches; beyond that the column is not what was written.
    if (1 << 32) <= all {
        return Err(group.misfit(column));
    }
    Ok((counts[rows].to_vec(), before..before + within, all))
}
