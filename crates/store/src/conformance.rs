//! The suite that every engine runs, unchanged.
//!
//! [`run`] makes a fresh engine for each fact below and panics with the fact's name when it does not
//! hold. Facts use only the contract, so what passes here can be put under the same APIs.

#![expect(clippy::unwrap_used, reason = "a suite speaks by panicking")]

mod figures;
mod sketch;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use span::{DurationNanos, SpanKind, StatusCode, Tenant, TraceId, TraceKey, UnixNanos, ValueRef};

use crate::{
    Detail, Operation, Predicate, Search, SpanFilter, StoreError, TracePrefix, TraceReader, TraceWriter,
};

use self::sketch::batch;
pub use self::sketch::{Sketch, one, write};

/// An engine, both ways.
pub trait Engine: TraceWriter + TraceReader {}
impl<E: TraceWriter + TraceReader> Engine for E {}

type Fact = (&'static str, fn(&dyn Engine));

const FACTS: &[Fact] = &[
    ("a written span is visible at once", written_is_visible),
    ("an absent trace is none", absent_is_none),
    ("a trace is whole across writes", whole_across_writes),
    ("a retried batch collapses", retry_collapses),
    ("everything of a span comes back", everything_comes_back),
    ("search is newest first, ties by id", newest_first),
    ("a token goes on where the page ended", token_goes_on),
    ("all predicates hold on one span", one_span_fulfils_all),
    ("the window is inclusive and of the span", window_is_inclusive),
    ("tags match leniently typed, everywhere", tags_match_everywhere),
    ("errors are found in every spelling", errors_in_every_spelling),
    ("durations are inclusive bounds of a span", durations_are_inclusive),
    ("a listing places a trace by its earliest span", placed_by_earliest_span),
    ("prefixes list ids in order, up to a limit", prefixes_list_ids),
    ("services and operations are distinct and sorted", services_and_operations),
    ("unnamed services and operations have names", unnamed_have_names),
    ("tenants do not see each other", tenants_are_apart),
    ("a raised stop ends the search", stop_ends_search),
    ("a skeleton knows ids, names, times and status", skeleton_knows),
    ("extreme times are data", extreme_times),
    ("inexact predicates return a superset", inexact_is_superset),
    ("attributes are looked for where they are asked for", figures::attributes_within),
    ("attributes are there, between bounds, or not", figures::attributes_compare),
    ("what arrived later is found", figures::arrived_later),
    ("spans are counted by what they have in common", figures::counted_by_dimensions),
    ("time is divided into steps", figures::divided_into_steps),
    ("durations are counted by bucket", figures::durations_by_bucket),
    ("of a repeated attribute the last value counts", figures::last_value_counts),
    ("cells have a limit, and the rest is others", figures::cells_have_a_limit),
    ("distinct traces are counted", figures::traces_are_counted),
    ("attribute names are listed with their counts", figures::names_are_listed),
    ("a raised stop ends a count", figures::stop_ends_count),
];

/// Runs every fact against a fresh engine.
pub fn run<E: Engine>(mut make: impl FnMut() -> E) {
    for (name, fact) in FACTS {
        let engine = make();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| fact(&engine))) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("(no message)");
            let told = format!("does not hold: {name}\n{text}");
            resume_unwind(Box::new(told));
        }
    }
}

fn keep(engine: &dyn Engine, sketches: &[Sketch<'_>]) {
    for sketch in sketches {
        engine.write(&[write(sketch)]).expect("the engine takes writes");
    }
}

fn id(low: u64) -> TraceId {
    TraceId::from_halves(0, low)
}

/// Returns the low halves of the ids that a search finds, in its order.
fn found(engine: &dyn Engine, search: Search) -> Vec<u64> {
    let mut cursor = engine.search(search).expect("the search begins");
    let mut ids = Vec::new();
    while let Some(trace) = cursor.next().expect("the search goes on") {
        ids.push(trace.id().low());
    }
    ids
}

fn where_all(all: &[Predicate]) -> Search {
    Search { filter: SpanFilter { all: all.to_vec() }, ..Search::all(Tenant::default()) }
}

fn found_by_tag(engine: &dyn Engine, key: &str, value: &str) -> Vec<u64> {
    found(engine, where_all(&[Predicate::tag(key, value)]))
}

fn spans_of(engine: &dyn Engine, low: u64) -> Vec<u64> {
    let trace = engine.trace(&Tenant::default(), id(low)).expect("the read succeeds");
    trace.iter().flat_map(|trace| trace.spans()).map(|span| span.span_id().to_u64()).collect()
}

fn written_is_visible(engine: &dyn Engine) {
    for low in 1..=20 {
        keep(engine, &[one("cart", "GET", low, low)]);
        assert_eq!(spans_of(engine, low), [low]);
        assert_eq!(found(engine, Search::all(Tenant::default())).first(), Some(&low));
    }
}

fn absent_is_none(engine: &dyn Engine) {
    assert!(engine.trace(&Tenant::default(), id(1)).unwrap().is_none());
    keep(engine, &[one("cart", "GET", 7, 7)]);
    assert!(engine.trace(&Tenant::default(), id(1)).unwrap().is_none());
    assert!(engine.trace(&Tenant::default(), TraceId::from_halves(7, 7)).unwrap().is_none());
}

fn whole_across_writes(engine: &dyn Engine) {
    let part = |id, start| Sketch { id, parent: id - 1, ..one("cart", "GET", 1, start) };
    keep(engine, &[part(3, 30), one("cart", "GET", 2, 1), part(1, 10), part(2, 20)]);
    assert_eq!(spans_of(engine, 1), [1, 2, 3]);
}

fn retry_collapses(engine: &dyn Engine) {
    let first = one("cart", "GET", 1, 10);
    let half = Sketch { kind: SpanKind::Client, ..first.clone() };
    keep(engine, &[first.clone(), first, half]);
    assert_eq!(spans_of(engine, 1).len(), 2);
    assert_eq!(found(engine, Search::all(Tenant::default())), [1]);
}

fn everything_comes_back(engine: &dyn Engine) {
    let sketch = Sketch {
        attributes: &[
            ("n", ValueRef::Int(-3)),
            ("d", ValueRef::Double(0.5)),
            ("raw", ValueRef::Bytes(b"\xff")),
        ],
        of_event: &[("again", ValueRef::Bool(true))],
        status: StatusCode::Error,
        kind: SpanKind::Consumer,
        parent: 9,
        ..one("cart", "GET /", 1, 5)
    };
    let written = batch(&sketch);
    keep(engine, &[sketch]);
    let trace = engine.trace(&Tenant::default(), id(1)).unwrap().expect("the trace is stored");
    let (read, sent) = (trace.batch().span(0), written.span(0));
    assert!(read.attributes().eq(sent.attributes()));
    assert!(read.resource().attributes().eq(sent.resource().attributes()));
    assert_eq!(read.scope().name(), sent.scope().name());
    assert_eq!((read.start(), read.end(), read.kind()), (sent.start(), sent.end(), sent.kind()));
    assert_eq!((read.parent_span_id(), read.status_code()), (sent.parent_span_id(), sent.status_code()));
    let (read, sent) = (read.events().next().unwrap(), sent.events().next().unwrap());
    assert_eq!((read.name(), read.time()), (sent.name(), sent.time()));
    assert!(read.attributes().eq(sent.attributes()));
}

fn newest_first(engine: &dyn Engine) {
    keep(engine, &[(1, 50), (2, 90), (4, 70), (3, 70)].map(|(low, start)| one("cart", "GET", low, start)));
    assert_eq!(found(engine, Search::all(Tenant::default())), [2, 3, 4, 1]);
}

fn token_goes_on(engine: &dyn Engine) {
    keep(engine, &[(1, 50), (2, 90), (4, 70), (3, 70)].map(|(low, start)| one("cart", "GET", low, start)));
    let after = Some(TraceKey { start: UnixNanos(70), id: id(3) });
    assert_eq!(found(engine, Search { after, ..Search::all(Tenant::default()) }), [4, 1]);
}

fn one_span_fulfils_all(engine: &dyn Engine) {
    let slow = Sketch { duration: 500, ..one("cart", "GET", 1, 1) };
    let other = Sketch { id: 2, ..one("auth", "LOGIN", 1, 2) };
    keep(engine, &[slow, other]);
    let service = |name: &str| Predicate::Service(name.to_owned());
    let long = Predicate::DurationMin(DurationNanos(500));
    assert_eq!(found(engine, where_all(&[service("cart"), long.clone()])), [1]);
    assert_eq!(found(engine, where_all(&[service("auth"), long])), [0; 0]);
    assert_eq!(found(engine, where_all(&[service("auth"), Predicate::Name("GET".to_owned())])), [0; 0]);
    assert_eq!(found(engine, where_all(&[service("nobody")])), [0; 0]);
}

fn window_is_inclusive(engine: &dyn Engine) {
    keep(engine, &[(1, 10), (2, 20), (3, 30)].map(|(low, start)| one("cart", "GET", low, start)));
    keep(engine, &[Sketch { id: 9, ..one("cart", "PUT", 1, 25) }]);
    let window = |min, max| Search {
        start_min: UnixNanos(min),
        start_max: UnixNanos(max),
        ..Search::all(Tenant::default())
    };
    assert_eq!(found(engine, window(20, 30)), [3, 2, 1]);
    assert_eq!(found(engine, window(10, 20)), [2, 1]);
    assert_eq!(found(engine, window(11, 19)), [0; 0]);
    let put =
        Search { filter: SpanFilter { all: vec![Predicate::Name("PUT".to_owned())] }, ..window(10, 20) };
    assert_eq!(found(engine, put), [0; 0]);
}

fn tags_match_everywhere(engine: &dyn Engine) {
    let of_span = Sketch {
        attributes: &[("n", ValueRef::Int(123)), ("ok", ValueRef::Bool(true)), ("d", ValueRef::Double(1.0))],
        ..one("cart", "GET", 1, 10)
    };
    let of_others = Sketch {
        of_resource: &[("n", ValueRef::Str(b"123")), ("region", ValueRef::Str(b"eu"))],
        of_event: &[("attempt", ValueRef::Int(2)), ("empty", ValueRef::Str(b""))],
        ..one("cart", "GET", 2, 20)
    };
    keep(engine, &[of_span, of_others]);
    let by = |key, value| found_by_tag(engine, key, value);
    assert_eq!(by("n", "123"), [2, 1]);
    assert_eq!((by("ok", "true"), by("d", "1")), (vec![1], vec![1]));
    assert_eq!((by("attempt", "2"), by("empty", "")), (vec![2], vec![2]));
    assert_eq!((by("resource.region", "eu"), by("region", "eu")), (vec![2], vec![2]));
    assert_eq!((by("resource.n", "123"), by("n", "12")), (vec![2], vec![]));
    assert_eq!((by("event", "retry"), by("otel.scope.name", "otel.lib")), (vec![2], vec![2, 1]));
    assert_eq!((by("span.kind", "Server"), by("span.kind", "client")), (vec![2, 1], vec![]));
    assert_eq!(by("absent", ""), [0; 0]);
}

fn errors_in_every_spelling(engine: &dyn Engine) {
    let status = Sketch { status: StatusCode::Error, ..one("cart", "GET", 1, 10) };
    let flag = Sketch { attributes: &[("error", ValueRef::Bool(true))], ..one("cart", "GET", 2, 20) };
    let word = Sketch { attributes: &[("error", ValueRef::Str(b"true"))], ..one("cart", "GET", 3, 30) };
    let text = Sketch { attributes: &[("error", ValueRef::Str(b"timeout"))], ..one("cart", "GET", 4, 40) };
    keep(engine, &[status, flag, word, text, one("cart", "GET", 5, 50)]);
    assert_eq!(found_by_tag(engine, "error", "true"), [3, 2, 1]);
    assert_eq!(found_by_tag(engine, "error", "false"), [5, 4]);
    assert_eq!(found_by_tag(engine, "error", "timeout"), [4]);
    assert_eq!(found_by_tag(engine, "otel.status_code", "ERROR"), [1]);
}

fn durations_are_inclusive(engine: &dyn Engine) {
    keep(engine, &[1_u64, 2, 3].map(|low| Sketch { duration: 10 * low, ..one("cart", "GET", low, low) }));
    let between = |min, max| {
        let bounds = [Predicate::DurationMin(DurationNanos(min)), Predicate::DurationMax(DurationNanos(max))];
        found(engine, where_all(&bounds))
    };
    assert_eq!(between(20, 30), [3, 2]);
    assert_eq!(between(10, 10), [1]);
    assert_eq!(between(11, 19), [0; 0]);
}

fn placed_by_earliest_span(engine: &dyn Engine) {
    let late = |low, start| Sketch { id: 99, ..one("cart", "LATE", low, start) };
    keep(engine, &[one("cart", "GET", 1, 10), one("cart", "GET", 2, 20), late(1, 500), late(2, 400)]);
    assert_eq!(found(engine, where_all(&[Predicate::Name("LATE".to_owned())])), [2, 1]);
    keep(engine, &[Sketch { id: 98, ..one("cart", "EARLY", 2, 5) }]);
    assert_eq!(found(engine, where_all(&[Predicate::Name("LATE".to_owned())])), [1, 2]);
}

fn prefixes_list_ids(engine: &dyn Engine) {
    let high = 0xabcd_ef00_0000_0000;
    for low in [high | 3, high | 1, high | 2, 0xabcd_ee00_0000_0000, 7] {
        keep(engine, &[one("cart", "GET", low, 1)]);
    }
    let prefix = TracePrefix::new("0000000000000000abcdef").unwrap();
    let ids = |limit| {
        let ids = engine.ids_with_prefix(&Tenant::default(), prefix, limit).unwrap();
        ids.into_iter().map(|id| id.low() & 0xff).collect::<Vec<_>>()
    };
    assert_eq!(ids(10), [1, 2, 3]);
    assert_eq!(ids(2), [1, 2]);
}

fn services_and_operations(engine: &dyn Engine) {
    let client = Sketch { kind: SpanKind::Client, ..one("cart", "GET", 3, 3) };
    keep(engine, &[one("cart", "PUT", 1, 1), one("auth", "LOGIN", 2, 2), client, one("cart", "GET", 4, 4)]);
    keep(engine, &[one("cart", "GET", 5, 5)]);
    let tenant = Tenant::default();
    assert_eq!(engine.services(&tenant).unwrap(), ["auth", "cart"]);
    let operation = |name: &str, kind| Operation { name: name.to_owned(), kind };
    assert_eq!(
        engine.operations(&tenant, "cart").unwrap(),
        [
            operation("GET", SpanKind::Server),
            operation("GET", SpanKind::Client),
            operation("PUT", SpanKind::Server)
        ]
    );
    assert!(engine.operations(&tenant, "nobody").unwrap().is_empty());
}

fn unnamed_have_names(engine: &dyn Engine) {
    keep(engine, &[Sketch { service: None, ..one("", "", 1, 1) }, one("", "", 2, 2)]);
    let tenant = Tenant::default();
    assert_eq!(engine.services(&tenant).unwrap(), ["empty-service-name", "missing-service-name"]);
    let named = Predicate::Name("empty-span-name".to_owned());
    let missing = Predicate::Service("missing-service-name".to_owned());
    assert_eq!(found(engine, where_all(&[named, missing])), [1]);
}

fn tenants_are_apart(engine: &dyn Engine) {
    let mut other = write(&one("secret", "GET", 1, 1));
    other.tenant = Tenant::new("other").unwrap();
    engine.write(&[other.clone(), write(&one("cart", "GET", 2, 2))]).unwrap();
    assert_eq!(engine.services(&Tenant::default()).unwrap(), ["cart"]);
    assert_eq!(found(engine, Search::all(Tenant::default())), [2]);
    assert!(engine.trace(&Tenant::default(), id(1)).unwrap().is_none());
    assert!(engine.trace(&other.tenant, id(1)).unwrap().is_some());
}

fn stop_ends_search(engine: &dyn Engine) {
    keep(engine, &[one("cart", "GET", 1, 1), one("cart", "GET", 2, 2)]);
    let search = Search::all(Tenant::default());
    let stop = search.stop.clone();
    let mut cursor = engine.search(search).unwrap();
    assert!(cursor.next().unwrap().is_some());
    stop.raise();
    assert!(matches!(cursor.next(), Err(StoreError::Stopped)));
}

fn skeleton_knows(engine: &dyn Engine) {
    let sketch = Sketch { status: StatusCode::Error, parent: 7, ..one("cart", "GET", 1, 5) };
    keep(engine, &[sketch]);
    let search = Search { detail: Detail::Skeleton, ..Search::all(Tenant::default()) };
    let trace = engine.search(search).unwrap().next().unwrap().expect("the trace is found");
    let span = trace.batch().span(0);
    assert_eq!((span.resource().service(), span.operation()), ("cart", "GET"));
    assert_eq!((span.span_id().to_u64(), span.parent_span_id().to_u64()), (1, 7));
    assert_eq!((span.start(), span.end()), (UnixNanos(5), UnixNanos(15)));
    assert_eq!((span.kind(), span.status_code()), (SpanKind::Server, StatusCode::Error));
}

fn extreme_times(engine: &dyn Engine) {
    let backwards = Sketch { duration: 0, ..one("cart", "GET", 2, u64::MAX) };
    keep(engine, &[one("cart", "GET", 1, 0), backwards]);
    assert_eq!(found(engine, Search::all(Tenant::default())), [2, 1]);
    assert_eq!(spans_of(engine, 2), [2]);
}

fn inexact_is_superset(engine: &dyn Engine) {
    let tagged = Sketch { attributes: &[("k", ValueRef::Str(b"v"))], ..one("cart", "GET", 1, 1) };
    keep(engine, &[tagged, one("auth", "PUT", 2, 2)]);
    let exact = engine.capabilities().exact;
    for predicate in [Predicate::tag("k", "v"), Predicate::Service("cart".to_owned())] {
        let ids = found(engine, where_all(std::slice::from_ref(&predicate)));
        assert!(ids.contains(&1), "{predicate:?}");
        assert!(!exact(&predicate) || ids == [1], "{predicate:?} is not exact");
    }
}
