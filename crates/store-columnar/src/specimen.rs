//! Spans for tests and simulations: wild ones, in which everything that can be odd is, from a seed.

#[cfg(test)]
use std::collections::BTreeSet;
use std::ops::Bound;
#[cfg(test)]
use std::sync::Arc;

use span::{
    BatchBuilder, DurationNanos, EventRow, LinkRow, PackedWriter, ResourceRow, Rows, ScopeRow, SpanBatch,
    SpanId, SpanKind, SpanRow, StatusCode, Tenant, Text, TraceId, UnixNanos, ValueRef,
};
use store::{Predicate, Search, Within};
#[cfg(test)]
use {
    span::{SpanRef, TraceKey},
    store::{
        Detail, Dimension, Measure, MemoryStore, NameTally, Panel, Steps, Tally, TracePrefix,
        TraceReader as _, TraceWriter as _, Write,
    },
};

#[cfg(test)]
use crate::part::Part;

/// Splitmix64: the same seed, the same numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Makes the dice of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Returns any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Tells whether something that happens once in `count` times happens now.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// Returns one of several.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

pub(crate) const KEYS: &[&str] = &["a", "b", "error", "http.status_code", "k", "", "service.name", "z.z"];
pub(crate) const WORDS: &[&str] =
    &["", "true", "TRUE", "7", "-3", "0.5", "x", "cart", "auth", "/w==", "aGk=", "NaN", "[1]", "{\"k\":7}"];

/// Returns a batch of up to 60 spans of few traces.
#[cfg(test)]
pub(crate) fn wild_batch(dice: &mut Dice) -> SpanBatch {
    wild_batch_of(dice, &mut |dice| {
        (TraceId::from_halves(dice.below(2), dice.below(12)), SpanId::from_u64(dice.below(30)))
    })
}

/// Returns a batch of up to 60 spans with these ids.
pub fn wild_batch_of(dice: &mut Dice, ids: &mut dyn FnMut(&mut Dice) -> (TraceId, SpanId)) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    for _ in 0..1 + dice.below(3) {
        let attributes = wild_attributes(dice, &mut builder, 4);
        let row = ResourceRow {
            attributes,
            dropped_attributes_count: wild_count(dice),
            schema_url: wild_text(dice, &mut builder),
            residual: wild_residual(dice, &mut builder),
        };
        let resource = builder.resource(row);
        let attributes = wild_attributes(dice, &mut builder, 2);
        let row = ScopeRow {
            name: wild_text(dice, &mut builder),
            version: wild_text(dice, &mut builder),
            attributes,
            dropped_attributes_count: wild_count(dice),
            schema_url: wild_text(dice, &mut builder),
            residual: wild_residual(dice, &mut builder),
        };
        let scope = builder.scope(row);
        for _ in 0..1 + dice.below(20) {
            let ids = ids(dice);
            wild_span(dice, &mut builder, ids, [resource, scope]);
        }
    }
    builder.finish()
}

fn wild_span(
    dice: &mut Dice,
    builder: &mut BatchBuilder,
    (trace_id, span_id): (TraceId, SpanId),
    [resource, scope]: [u32; 2],
) {
    let attributes = wild_attributes(dice, builder, 6);
    let mark = builder.mark();
    for _ in 0..[0, 0, 0, 1, 2][dice.below(5) as usize] {
        let row = EventRow {
            attributes: wild_attributes(dice, builder, 3),
            time: wild_time(dice),
            name: wild_text(dice, builder),
            dropped_attributes_count: wild_count(dice),
            residual: wild_residual(dice, builder),
        };
        builder.event(row);
    }
    for _ in 0..[0, 0, 0, 1, 2][dice.below(5) as usize] {
        let row = LinkRow {
            attributes: wild_attributes(dice, builder, 2),
            trace_id: TraceId::from_halves(dice.below(2), dice.below(9)),
            span_id: SpanId::from_u64(dice.below(9)),
            flags: wild_count(dice),
            trace_state: wild_text(dice, builder),
            dropped_attributes_count: wild_count(dice),
            residual: wild_residual(dice, builder),
        };
        builder.link(row);
    }
    let row = SpanRow {
        trace_id,
        span_id,
        parent_span_id: SpanId::from_u64(dice.below(30)),
        start: wild_time(dice),
        end: wild_time(dice),
        resource,
        scope,
        name: wild_text(dice, builder),
        kind: dice.pick(&SpanKind::ALL),
        status_code: dice.pick(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error]),
        status_message: wild_text(dice, builder),
        flags: dice.pick(&[0, 0x101, u32::MAX]),
        trace_state: wild_text(dice, builder),
        attributes,
        events: builder.events_since(mark),
        links: builder.links_since(mark),
        dropped_attributes_count: wild_count(dice),
        dropped_events_count: wild_count(dice),
        dropped_links_count: wild_count(dice),
        residual: wild_residual(dice, builder),
    };
    builder.span(row);
}

fn wild_count(dice: &mut Dice) -> u32 {
    dice.pick(&[0, 0, 0, 1, 300, u32::MAX])
}

fn wild_time(dice: &mut Dice) -> UnixNanos {
    UnixNanos(match dice.below(12) {
        0 => 0,
        1 => u64::MAX,
        2 => dice.roll(),
        3..6 => dice.below(40),
        _ => 1_700_000_000_000_000_000 + dice.below(4_000_000_000),
    })
}

fn wild_bytes(dice: &mut Dice) -> Vec<u8> {
    match dice.below(40) {
        0 => vec![0xff],
        1 => vec![0xc3, 0x28, dice.roll() as u8],
        2 => vec![b'q'; 5_000 + dice.below(3) as usize],
        3..6 => dice.roll().to_string().into_bytes(),
        _ => dice.pick(WORDS).as_bytes().to_vec(),
    }
}

fn wild_text(dice: &mut Dice, builder: &mut BatchBuilder) -> Text {
    if dice.one_in(3) { Text::EMPTY } else { builder.text(&wild_bytes(dice)).expect("a wild batch is small") }
}

/// Returns a field that no version of OTLP has, mostly none.
fn wild_residual(dice: &mut Dice, builder: &mut BatchBuilder) -> Text {
    match dice.one_in(4) {
        true => {
            let field = [0xc0, 0xbb, 0x01, dice.below(0x80) as u8];
            builder.text(&field).expect("a wild batch is small")
        }
        false => Text::EMPTY,
    }
}

fn wild_attributes(dice: &mut Dice, builder: &mut BatchBuilder, count_max: u64) -> Rows {
    let mark = builder.mark();
    for _ in 0..dice.below(count_max + 1) {
        let key = if dice.one_in(50) { wild_bytes(dice) } else { dice.pick(KEYS).as_bytes().to_vec() };
        let bytes = wild_bytes(dice);
        let mut packed = PackedWriter::new();
        let value = match dice.below(12) {
            0 => ValueRef::Empty,
            1 => ValueRef::Bool(dice.one_in(2)),
            2..4 => ValueRef::Int(dice.pick(&[0, 7, -3, 200, i64::MIN, i64::MAX])),
            4 => ValueRef::Int(dice.roll() as i64),
            5 => ValueRef::Double(dice.pick(&[0.5, 7.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, 1e300])),
            6 => ValueRef::Bytes(&bytes),
            7 => {
                packed.item(ValueRef::Int(1));
                ValueRef::Array(packed.packed().list())
            }
            8 => {
                packed.entry(b"k", ValueRef::Int(7));
                ValueRef::Map(packed.packed().map())
            }
            _ => ValueRef::Str(&bytes),
        };
        builder.push(&key, value).expect("a wild batch is small");
    }
    builder.since(mark)
}

/// Tells everything of a span.
#[cfg(test)]
pub(crate) fn tell(span: SpanRef<'_>) -> String {
    use std::fmt::Write as _;
    let row = span.row();
    let list = |all: &mut dyn Iterator<Item = (&[u8], ValueRef<'_>)>| {
        let one = |(key, value): (&[u8], ValueRef<'_>)| {
            let bits = crate::value_kind::bits_of(value);
            format!("{:?}={:?}/{bits:x}", key.escape_ascii().to_string(), value)
        };
        all.map(one).collect::<Vec<_>>().join(" ")
    };
    let mut out = format!(
        "{} {} {} {:?} {:?} {} {:?} {:?} {} {:x} {} {:?} {}\n",
        span.trace_id(),
        span.span_id(),
        span.parent_span_id(),
        span.start(),
        span.end(),
        span.name().escape_ascii(),
        span.kind(),
        span.status_code(),
        span.status_message().escape_ascii(),
        row.flags,
        span.trace_state().escape_ascii(),
        (row.dropped_attributes_count, row.dropped_events_count, row.dropped_links_count),
        span.residual().escape_ascii(),
    );
    let resource = span.resource();
    let (url, rest) = (resource.schema_url().escape_ascii(), resource.residual().escape_ascii());
    let dropped = resource.row().dropped_attributes_count;
    writeln!(out, " resource {url} {rest} {dropped} {}", list(&mut resource.attributes())).unwrap();
    let scope = span.scope();
    let (name, version) = (scope.name().escape_ascii(), scope.version().escape_ascii());
    let (url, rest) = (scope.schema_url().escape_ascii(), scope.residual().escape_ascii());
    let dropped = scope.row().dropped_attributes_count;
    writeln!(out, " scope {name} {version} {url} {rest} {dropped} {}", list(&mut scope.attributes()))
        .unwrap();
    writeln!(out, " attributes {}", list(&mut span.attributes())).unwrap();
    for event in span.events() {
        let (name, rest) = (event.name().escape_ascii(), event.residual().escape_ascii());
        let dropped = event.row().dropped_attributes_count;
        writeln!(out, " event {:?} {name} {rest} {dropped} {}", event.time(), list(&mut event.attributes()))
            .unwrap();
    }
    for link in span.links() {
        let (state, rest) = (link.trace_state().escape_ascii(), link.residual().escape_ascii());
        let numbers = (link.row().flags, link.row().dropped_attributes_count);
        let ids = (link.trace_id(), link.span_id());
        writeln!(out, " link {ids:?} {state} {rest} {numbers:?} {}", list(&mut link.attributes())).unwrap();
    }
    out
}

/// Tells everything of all spans, in an order of their own.
#[cfg(test)]
pub(crate) fn retell(batches: &[SpanBatch]) -> Vec<String> {
    let mut told: Vec<String> = batches.iter().flat_map(|batch| batch.spans()).map(tell).collect();
    told.sort();
    told
}

/// Returns a search that finds some of what [`wild_batch_of`] makes.
pub fn wild_search(dice: &mut Dice) -> Search {
    let mut search = Search::all(Tenant::default());
    for _ in 0..dice.pick(&[0, 1, 1, 1, 2]) {
        search.filter.all.push(wild_predicate(dice, 2));
    }
    if dice.one_in(4) {
        search.start_min = wild_time(dice);
        search.start_max = wild_time(dice);
    }
    search
}

const WITHIN: [Within; 9] = [
    Within::Anywhere,
    Within::Anywhere,
    Within::Anywhere,
    Within::Resource,
    Within::Span,
    Within::SpanOrResource,
    Within::Scope,
    Within::Event,
    Within::Link,
];

fn wild_predicate(dice: &mut Dice, depth: u64) -> Predicate {
    let text = |dice: &mut Dice| match dice.below(10) {
        0 => dice.pick(&["missing-service-name", "service-name-wrong-type", "empty-service-name"]).to_owned(),
        1 => dice.pick(&["empty-span-name", "invalid-span-name"]).to_owned(),
        2 => dice.pick(&["Infinity", "200", "1e+300", "-0", "{\"k\":7}", "9223372036854775807"]).to_owned(),
        _ => dice.pick(WORDS).to_owned(),
    };
    let duration = |dice: &mut Dice| DurationNanos(dice.pick(&[0, 1, 17, 1_000_000_000, u64::MAX]));
    let within = |dice: &mut Dice| dice.pick(&WITHIN);
    let key = |dice: &mut Dice| dice.pick(KEYS).to_owned();
    match dice.below(22) {
        0 => Predicate::Service(text(dice)),
        1 => Predicate::Name(text(dice)),
        2 => Predicate::Kind(dice.pick(&SpanKind::ALL)),
        3 => Predicate::Status(StatusCode::Error),
        4 => Predicate::StatusMessage(text(dice)),
        5 => Predicate::Failed(dice.one_in(2)),
        6 => Predicate::DurationMin(duration(dice)),
        7 => Predicate::DurationMax(duration(dice)),
        8 => Predicate::ScopeName(text(dice)),
        9 => Predicate::ScopeVersion(text(dice)),
        10 => Predicate::TraceState(text(dice)),
        11 => Predicate::EventName(text(dice)),
        12 if 0 < depth => {
            Predicate::Any((0..dice.below(3)).map(|_| wild_predicate(dice, depth - 1)).collect())
        }
        13 => Predicate::tag(dice.pick(KEYS), &text(dice)),
        14 => Predicate::Root,
        15 if 0 < depth => Predicate::Not(Box::new(wild_predicate(dice, depth - 1))),
        16 => Predicate::Has { within: within(dice), key: key(dice) },
        17 | 18 => {
            let bound = |dice: &mut Dice| {
                let number = dice.pick(&[-3.0, 0.0, 0.5, 7.0, 200.0, 1e18, f64::INFINITY]);
                dice.pick(&[Bound::Included(number), Bound::Excluded(number), Bound::Unbounded])
            };
            let (least, most) = (bound(dice), bound(dice));
            Predicate::Between { within: within(dice), key: key(dice), least, most }
        }
        _ => Predicate::Attribute { within: within(dice), key: key(dice), text: text(dice) },
    }
}

/// Returns the keys that the reference engine finds.
#[cfg(test)]
pub(crate) fn model_matches(model: &MemoryStore, search: &Search) -> Vec<TraceKey> {
    let mut cursor = model.search(search.clone()).unwrap();
    std::iter::from_fn(|| cursor.next().unwrap()).map(|trace| trace.key()).collect()
}

/// Returns a reference engine that holds the batches.
#[cfg(test)]
pub(crate) fn model_of(batches: &[SpanBatch]) -> MemoryStore {
    let model = MemoryStore::new(usize::MAX);
    for batch in batches {
        let write = Write { tenant: Tenant::default(), received: UnixNanos(1), batch: batch.clone() };
        model.write(&[write]).unwrap();
    }
    model
}

/// Fails unless the part answers as the reference engine does.
#[cfg(test)]
pub(crate) fn check_part(part: &Arc<dyn Part>, batches: &[SpanBatch], dice: &mut Dice) {
    let model = model_of(batches);
    let tenant = Tenant::default();
    for _ in 0..40 {
        let search = wild_search(dice);
        let found: Vec<TraceKey> = part.clone().matches(&search).map(|key| key.unwrap()).collect();
        assert_eq!(found, model_matches(&model, &search), "{search:?}");
    }
    for _ in 0..5 {
        check_figures(part, batches, dice);
    }
    let mut services = BTreeSet::new();
    part.services(&mut services).unwrap();
    assert!(services.iter().eq(&model.services(&tenant).unwrap()));
    for service in services {
        let mut operations = BTreeSet::new();
        part.operations(&service, &mut operations).unwrap();
        assert!(operations.iter().eq(&model.operations(&tenant, &service).unwrap()));
    }
    for prefix in ["00000000", "0000000000000001", "0000000000000000000000000000000a", "abcdef"] {
        let prefix = TracePrefix::new(prefix).unwrap();
        for limit in [0, 3, 100] {
            let ids = part.ids_with_prefix(prefix, limit).unwrap();
            assert_eq!(ids, model.ids_with_prefix(&tenant, prefix, limit).unwrap());
        }
    }
    for low in 0..16 {
        let id = TraceId::from_halves(0, low);
        let start = model.trace(&tenant, id).unwrap().map(|trace| trace.start());
        assert_eq!(part.fragment_start(id).unwrap(), start);
    }
}

/// Fails unless the part counts as one would by hand.
#[cfg(test)]
fn check_figures(part: &Arc<dyn Part>, batches: &[SpanBatch], dice: &mut Dice) {
    let search = wild_search(dice);
    let panels = (0..dice.below(3)).map(|_| wild_panel(dice)).collect();
    let measure = Measure { search: search.clone(), panels, traces: true, cells_max: usize::MAX };
    let (mut counted, mut expected) = (Tally::new(&measure), Tally::new(&measure));
    let (mut names, mut expected_names) = (NameTally::default(), NameTally::default());
    for slice in 0..part.slices() {
        part.measure(&measure, slice, &mut counted, &mut Err).unwrap();
        part.names(&search, slice, &mut names, &mut Err).unwrap();
    }
    // Of spans that were sent twice any may be left, so the part's own are counted.
    let ids: BTreeSet<TraceId> =
        batches.iter().flat_map(|batch| batch.spans()).map(|span| span.trace_id()).collect();
    for id in ids {
        let mut builder = BatchBuilder::new();
        part.fragment(id, Detail::Whole, &mut builder).unwrap();
        for span in builder.finish().spans().filter(|span| search.accepts(*span)) {
            expected.add(span);
            expected_names.add(span);
        }
    }
    assert_eq!(format!("{:#?}", counted.finish()), format!("{:#?}", expected.finish()), "{measure:?}");
    assert_eq!(names.finish(), expected_names.finish(), "{search:?}");
}

#[cfg(test)]
fn wild_panel(dice: &mut Dice) -> Panel {
    let mut by = Vec::new();
    for _ in 0..dice.below(3) {
        by.push(match dice.below(8) {
            0 => Dimension::Service,
            1 => Dimension::Name,
            2 => Dimension::Kind,
            3 => Dimension::Status,
            _ => Dimension::Attribute { within: dice.pick(&WITHIN), key: dice.pick(KEYS).to_owned() },
        });
    }
    let step = DurationNanos(dice.pick(&[1, 5, 1_000, u64::MAX / 8]));
    let steps = Steps { start: wild_time(dice), step, count: dice.pick(&[1, 7, 100]) };
    Panel { by, steps: dice.one_in(2).then_some(steps), durations: dice.one_in(2) }
}
