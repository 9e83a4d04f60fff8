//! The head's tables: what spans look like once interned.
//!
//! Everything is append-only but two things of a trace: its latest row and its earliest start.
//! Rows of one trace are chained, each to the one that came before it.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use span::{EventRef, LinkRef, ResourceRef, ScopeRef, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};

use super::interner::{Interner, TextId};
use super::shapes::{Field, ShapeId, Shapes};

/// No row: the end of a trace's chain.
pub(crate) const NO_ROW: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) texts: Interner,
    pub(crate) shapes: Shapes,
    /// Values of attributes; each owner's stand together, see [`Field`].
    pub(crate) words: Vec<u32>,
    pub(crate) spans: Vec<SpanLine>,
    /// What few spans have. The first is what most spans have.
    pub(crate) extras: Distinct<Extra>,
    /// Events and links of the spans that have any; the first is of all others.
    pub(crate) nested: Vec<Nested>,
    pub(crate) events: Vec<EventLine>,
    pub(crate) links: Vec<LinkLine>,
    pub(crate) resources: Origins,
    pub(crate) scopes: Origins,
    pub(crate) traces: Vec<TraceLine>,
    /// When batches arrived, each with its first row; both ascend.
    arrivals: Vec<(UnixNanos, u32)>,
    trace_ids: HashMap<TraceId, u32, RandomState>,
}

/// A span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanLine {
    pub(crate) span_id: SpanId,
    pub(crate) parent_span_id: SpanId,
    pub(crate) start: UnixNanos,
    pub(crate) end: UnixNanos,
    /// Index into `traces`.
    pub(crate) trace: u32,
    /// The trace's row before this one, or [`NO_ROW`].
    pub(crate) before: u32,
    pub(crate) resource: u32,
    pub(crate) scope: u32,
    pub(crate) name: TextId,
    pub(crate) attributes: Attributes,
    pub(crate) extra: u32,
    pub(crate) nested: u32,
    pub(crate) kind: SpanKind,
    pub(crate) status_code: StatusCode,
}

/// Attributes of one owner.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) shape: ShapeId,
    /// Where the values begin in `words`.
    pub(crate) words: u32,
}

/// The fields of a span that are alike on most spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Extra {
    pub(crate) flags: u32,
    pub(crate) status_message: TextId,
    pub(crate) trace_state: TextId,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) dropped_events_count: u32,
    pub(crate) dropped_links_count: u32,
    pub(crate) residual: TextId,
}

/// Runs of `events` and `links`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nested {
    pub(crate) event_first: u32,
    pub(crate) event_count: u32,
    pub(crate) link_first: u32,
    pub(crate) link_count: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EventLine {
    pub(crate) time: UnixNanos,
    pub(crate) name: TextId,
    pub(crate) attributes: Attributes,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) residual: TextId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkLine {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) flags: u32,
    pub(crate) trace_state: TextId,
    pub(crate) attributes: Attributes,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) residual: TextId,
}

/// A resource or a scope; a resource has no name and no version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) name: TextId,
    pub(crate) version: TextId,
    pub(crate) attributes: Attributes,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) schema_url: TextId,
    pub(crate) residual: TextId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceLine {
    pub(crate) id: TraceId,
    /// The row that came first. Ascends over `traces`.
    pub(crate) row_first: u32,
    /// The row that came last: where the chain begins.
    pub(crate) row_last: u32,
    /// The earliest start of all its rows.
    pub(crate) start: UnixNanos,
}

/// Values, each once; the first is the default.
#[derive(Debug)]
pub(crate) struct Distinct<T> {
    values: Vec<T>,
    ids: HashMap<T, u32, RandomState>,
    last: u32,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            texts: Interner::new(),
            shapes: Shapes::new(),
            words: Vec::new(),
            spans: Vec::new(),
            extras: Distinct::new(),
            nested: vec![Nested::default()],
            events: Vec::new(),
            links: Vec::new(),
            resources: Origins::default(),
            scopes: Origins::default(),
            traces: Vec::new(),
            arrivals: Vec::new(),
            trace_ids: HashMap::default(),
        }
    }

    /// Returns the index of a trace, if it has rows.
    pub(crate) fn trace(&self, id: TraceId) -> Option<u32> {
        self.trace_ids.get(&id).copied()
    }

    /// Notes that what is pushed from here on arrived at `received`. A clock that steps back is held.
    pub(super) fn arrive(&mut self, received: UnixNanos) {
        let last = self.arrivals.last().map_or(UnixNanos::MIN, |(time, _)| *time);
        if last < received || self.arrivals.is_empty() {
            self.arrivals.push((received, self.spans.len() as u32));
        }
    }

    /// Returns the first row that arrived after a point in time.
    pub(crate) fn row_after(&self, time: Option<UnixNanos>) -> u32 {
        let Some(time) = time else { return 0 };
        let at = self.arrivals.partition_point(|(arrived, _)| *arrived <= time);
        self.arrivals.get(at).map_or(NO_ROW, |(_, row)| *row)
    }

    /// Returns the fields of a list of attributes, and its values.
    pub(crate) fn fields(&self, attributes: Attributes) -> (&[Field], &[u32]) {
        (self.shapes.fields(attributes.shape), &self.words[attributes.words as usize..])
    }

    /// Returns the events of a span.
    pub(crate) fn events_of(&self, line: &SpanLine) -> &[EventLine] {
        let nested = self.nested[line.nested as usize];
        &self.events[nested.event_first as usize..][..nested.event_count as usize]
    }

    /// Returns the links of a span.
    pub(crate) fn links_of(&self, line: &SpanLine) -> &[LinkLine] {
        let nested = self.nested[line.nested as usize];
        &self.links[nested.link_first as usize..][..nested.link_count as usize]
    }

    /// Returns the memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.bytes()
            + self.shapes.bytes()
            + 4 * self.words.capacity()
            + self.spans.capacity() * size_of::<SpanLine>()
            + self.extras.values.capacity() * 3 * size_of::<Extra>()
            + self.nested.capacity() * size_of::<Nested>()
            + self.events.capacity() * size_of::<EventLine>()
            + self.links.capacity() * size_of::<LinkLine>()
            + (self.resources.len() + self.scopes.len()) * 3 * size_of::<Origin>()
            + self.traces.capacity() * size_of::<TraceLine>()
            + self.arrivals.capacity() * size_of::<(UnixNanos, u32)>()
            + self.trace_ids.capacity() * (size_of::<TraceId>() + 5)
    }

    /// Appends a span to its trace's chain and returns its row.
    pub(super) fn push_span(&mut self, id: TraceId, mut line: SpanLine) -> u32 {
        let row = u32::try_from(self.spans.len()).expect("the head is frozen long before 4G spans");
        let fresh = self.traces.len() as u32;
        line.trace = *self.trace_ids.entry(id).or_insert(fresh);
        if line.trace == fresh {
            self.traces.push(TraceLine { id, row_first: row, row_last: NO_ROW, start: line.start });
        }
        let trace = &mut self.traces[line.trace as usize];
        line.before = std::mem::replace(&mut trace.row_last, row);
        trace.start = trace.start.min(line.start);
        self.spans.push(line);
        row
    }

    pub(super) fn push_event(&mut self, event: EventRef<'_>) {
        let words = self.words.len() as u32;
        let shape = self.shapes.take(&mut self.texts, event.attributes(), &mut self.words);
        self.events.push(EventLine {
            time: event.time(),
            name: self.texts.intern(event.name()),
            attributes: Attributes { shape, words },
            dropped_attributes_count: event.row().dropped_attributes_count,
            residual: self.texts.intern(event.residual()),
        });
    }

    pub(super) fn push_link(&mut self, link: LinkRef<'_>) {
        let words = self.words.len() as u32;
        let shape = self.shapes.take(&mut self.texts, link.attributes(), &mut self.words);
        self.links.push(LinkLine {
            trace_id: link.trace_id(),
            span_id: link.span_id(),
            flags: link.row().flags,
            trace_state: self.texts.intern(link.trace_state()),
            attributes: Attributes { shape, words },
            dropped_attributes_count: link.row().dropped_attributes_count,
            residual: self.texts.intern(link.residual()),
        });
    }

    /// Returns the index of a resource, equal ones sharing theirs.
    pub(super) fn take_resource(&mut self, resource: ResourceRef<'_>) -> u32 {
        let words = self.words.len() as u32;
        let shape = self.shapes.take(&mut self.texts, resource.attributes(), &mut self.words);
        let origin = Origin {
            name: 0,
            version: 0,
            attributes: Attributes { shape, words },
            dropped_attributes_count: resource.row().dropped_attributes_count,
            schema_url: self.texts.intern(resource.schema_url()),
            residual: self.texts.intern(resource.residual()),
        };
        self.resources.take(origin, &mut self.words)
    }

    /// Returns the index of a scope, equal ones sharing theirs.
    pub(super) fn take_scope(&mut self, scope: ScopeRef<'_>) -> u32 {
        let words = self.words.len() as u32;
        let shape = self.shapes.take(&mut self.texts, scope.attributes(), &mut self.words);
        let origin = Origin {
            name: self.texts.intern(scope.name()),
            version: self.texts.intern(scope.version()),
            attributes: Attributes { shape, words },
            dropped_attributes_count: scope.row().dropped_attributes_count,
            schema_url: self.texts.intern(scope.schema_url()),
            residual: self.texts.intern(scope.residual()),
        };
        self.scopes.take(origin, &mut self.words)
    }
}

/// Origins, each once.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    lines: Vec<Origin>,
    /// By all that makes an origin itself, its values included.
    ids: HashMap<Box<[u32]>, u32, RandomState>,
}

impl Origins {
    /// Returns the index of `origin`, equal ones sharing theirs. Its values are the last of `words`;
    /// where an equal one is known they are taken back.
    fn take(&mut self, origin: Origin, words: &mut Vec<u32>) -> u32 {
        let mut key = vec![
            origin.attributes.shape,
            origin.name,
            origin.version,
            origin.dropped_attributes_count,
            origin.schema_url,
            origin.residual,
        ];
        key.extend_from_slice(&words[origin.attributes.words as usize..]);
        let fresh = self.lines.len() as u32;
        let id = *self.ids.entry(key.into_boxed_slice()).or_insert(fresh);
        if id == fresh {
            self.lines.push(origin);
        } else {
            words.truncate(origin.attributes.words as usize);
        }
        id
    }

    pub(crate) fn get(&self, id: u32) -> &Origin {
        &self.lines[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }
}

impl<T: Copy + Default + Eq + std::hash::Hash> Distinct<T> {
    fn new() -> Self {
        Self { values: vec![T::default()], ids: HashMap::from_iter([(T::default(), 0)]), last: 0 }
    }

    /// Returns the number of `value`, a new one where it was never seen.
    pub(super) fn take(&mut self, value: T) -> u32 {
        if self.values[self.last as usize] != value {
            let fresh = self.values.len() as u32;
            self.last = *self.ids.entry(value).or_insert(fresh);
            if self.last == fresh {
                self.values.push(value);
            }
        }
        self.last
    }

    pub(crate) fn get(&self, id: u32) -> T {
        self.values[id as usize]
    }
}
