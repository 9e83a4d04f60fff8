//! Facts about figures, attribute names, and the predicates they need.

use std::ops::Bound;

use span::{DurationNanos, SpanKind, StatusCode, Tenant, UnixNanos, ValueRef};

use super::{Engine, Sketch, found, keep, one, where_all, write};
use crate::{
    Dimension, LabelKind, Measure, Measured, Panel, Predicate, Search, Steps, StoreError, Within, bucket,
};

fn measure(engine: &dyn Engine, search: Search, panels: Vec<Panel>) -> Measured {
    let measure = Measure { search, panels, traces: true, cells_max: 100 };
    engine.measure(&measure).expect("the engine counts")
}

/// Tells a panel: labels, step, spans, failed spans.
fn tell(measured: &Measured, panel: usize) -> String {
    let cells = measured.panels[panel].cells.iter().map(|cell| {
        let labels: Vec<&str> = cell.labels.iter().map(|label| label.text.as_str()).collect();
        format!("{}@{} {}/{}", labels.join("+"), cell.step, cell.cell.spans, cell.cell.errors)
    });
    cells.collect::<Vec<_>>().join(", ")
}

fn by(dimensions: &[Dimension]) -> Panel {
    Panel { by: dimensions.to_vec(), ..Panel::default() }
}

fn of_key(within: Within, key: &str) -> Dimension {
    Dimension::Attribute { within, key: key.to_owned() }
}

fn has(within: Within, key: &str) -> Predicate {
    Predicate::Has { within, key: key.to_owned() }
}

/// Four spans in three services; one failed by its status, one by an attribute.
fn shop(engine: &dyn Engine) {
    let cart = Sketch {
        id: 11,
        parent: 1,
        kind: SpanKind::Client,
        status: StatusCode::Error,
        attributes: &[("code", ValueRef::Int(500)), ("user", ValueRef::Str(b"ann"))],
        ..one("cart", "load", 1, 20)
    };
    let flag = Sketch {
        attributes: &[("error", ValueRef::Bool(true)), ("code", ValueRef::Int(200))],
        of_resource: &[("region", ValueRef::Str(b"eu"))],
        ..one("pay", "POST", 2, 30)
    };
    let event = Sketch {
        of_event: &[("attempt", ValueRef::Double(2.5)), ("user", ValueRef::Str(b"bob"))],
        ..one("cart", "GET", 3, 40)
    };
    keep(engine, &[one("web", "GET", 1, 10), cart, flag, event]);
}

pub(super) fn attributes_within(engine: &dyn Engine) {
    shop(engine);
    let user = |within| found(engine, where_all(&[has(within, "user")]));
    assert_eq!(user(Within::Anywhere), [3, 1]);
    assert_eq!((user(Within::Span), user(Within::Event)), (vec![1], vec![3]));
    assert_eq!((user(Within::SpanOrResource), user(Within::Resource)), (vec![1], vec![]));
    assert_eq!((user(Within::Scope), user(Within::Link)), (vec![], vec![]));
    let region = |within| found(engine, where_all(&[has(within, "region")]));
    assert_eq!((region(Within::SpanOrResource), region(Within::Span)), (vec![2], vec![]));
}

pub(super) fn attributes_compare(engine: &dyn Engine) {
    shop(engine);
    let between = |key: &str, least, most| {
        let key = key.to_owned();
        found(engine, where_all(&[Predicate::Between { within: Within::Anywhere, key, least, most }]))
    };
    assert_eq!(between("code", Bound::Included(200.0), Bound::Excluded(500.0)), [2]);
    assert_eq!(between("code", Bound::Excluded(200.0), Bound::Unbounded), [1]);
    assert_eq!(between("attempt", Bound::Unbounded, Bound::Excluded(2.6)), [3]);
    assert_eq!(between("user", Bound::Unbounded, Bound::Unbounded), [0; 0]);
    let not = |predicate| Predicate::Not(Box::new(predicate));
    assert_eq!(found(engine, where_all(&[not(has(Within::Anywhere, "code"))])), [3, 1]);
    assert_eq!(found(engine, where_all(&[not(Predicate::Root)])), [1]);
    let service = |name: &str| Predicate::Service(name.to_owned());
    assert_eq!(found(engine, where_all(&[Predicate::Root, not(service("web"))])), [3, 2]);
    assert_eq!(found(engine, where_all(&[not(service("nobody"))])), [3, 2, 1]);
}

pub(super) fn arrived_later(engine: &dyn Engine) {
    for (low, received) in [(1, 100), (2, 200), (3, 300)] {
        let mut write = write(&one("cart", "GET", low, 10 * low));
        write.received = UnixNanos(received);
        engine.write(&[write]).expect("the engine takes writes");
    }
    let after = |time| {
        found(engine, Search { arrived_after: Some(UnixNanos(time)), ..Search::all(Tenant::default()) })
    };
    assert_eq!(after(300), [0; 0]);
    assert!(after(199).starts_with(&[3, 2]), "what arrived later is there");
    assert!(after(299).starts_with(&[3]), "what arrived later is there");
}

pub(super) fn counted_by_dimensions(engine: &dyn Engine) {
    shop(engine);
    let code = of_key(Within::Span, "code");
    let panels = vec![
        by(&[Dimension::Service]),
        by(&[Dimension::Service, Dimension::Name, Dimension::Kind]),
        by(&[Dimension::Status]),
        by(&[code]),
        by(&[of_key(Within::Anywhere, "user")]),
        by(&[of_key(Within::SpanOrResource, "region"), Dimension::Service]),
    ];
    let all = measure(engine, Search::all(Tenant::default()), panels.clone());
    assert_eq!((all.spans, all.errors), (4, 2));
    assert_eq!(tell(&all, 0), "cart@0 2/1, pay@0 1/1, web@0 1/0");
    assert_eq!(
        tell(&all, 1),
        "cart+GET+server@0 1/0, cart+load+client@0 1/1, pay+POST+server@0 1/1, web+GET+server@0 1/0"
    );
    assert_eq!(tell(&all, 2), "error@0 2/2, unset@0 2/0");
    assert_eq!(tell(&all, 3), "200@0 1/1, 500@0 1/1");
    assert_eq!(all.panels[3].cells[0].labels[0].kind, LabelKind::Int);
    assert_eq!(tell(&all, 4), "ann@0 1/1, bob@0 1/0");
    assert_eq!(tell(&all, 5), "eu+pay@0 1/1");
    let some = measure(engine, where_all(&[Predicate::Service("cart".to_owned())]), panels);
    assert_eq!((some.spans, some.errors), (2, 1));
    assert_eq!((tell(&some, 0), tell(&some, 3)), ("cart@0 2/1".to_owned(), "500@0 1/1".to_owned()));
}

pub(super) fn divided_into_steps(engine: &dyn Engine) {
    shop(engine);
    let steps = Some(Steps { start: UnixNanos(15), step: DurationNanos(10), count: 2 });
    let panels = vec![Panel { by: vec![Dimension::Service], steps, durations: false }];
    let all = measure(engine, Search::all(Tenant::default()), panels.clone());
    assert_eq!(all.spans, 4);
    assert_eq!(tell(&all, 0), "cart@0 1/1, pay@1 1/1");
    let search = Search { start_max: UnixNanos(29), ..Search::all(Tenant::default()) };
    let some = measure(engine, search, panels);
    assert_eq!((some.spans, tell(&some, 0)), (2, "cart@0 1/1".to_owned()));
}

pub(super) fn durations_by_bucket(engine: &dyn Engine) {
    let long = |low, duration| Sketch { duration, ..one("cart", "GET", low, low) };
    keep(engine, &[long(1, 0), long(2, 3), long(3, 1_000_000), long(4, 1_000_001), long(5, u64::MAX / 2)]);
    let panels = vec![Panel { durations: true, ..Panel::default() }];
    let all = measure(engine, Search::all(Tenant::default()), panels);
    let durations: Vec<(u8, u64)> = all.panels[0].cells[0].cell.durations.iter().collect();
    let of = |duration| bucket(DurationNanos(duration));
    assert_eq!(durations, [(of(0), 1), (of(3), 1), (of(1_000_000), 2), (of(u64::MAX / 2), 1)]);
    assert_eq!(all.panels[0].cells[0].cell.error_durations.count(), 0);
    keep(engine, &[Sketch { status: StatusCode::Error, ..long(6, 500) }]);
    let panels = vec![Panel { durations: true, ..Panel::default() }];
    let all = measure(engine, Search::all(Tenant::default()), panels);
    let failed: Vec<(u8, u64)> = all.panels[0].cells[0].cell.error_durations.iter().collect();
    assert_eq!(failed, [(of(500), 1)]);
}

pub(super) fn last_value_counts(engine: &dyn Engine) {
    let twice = Sketch {
        attributes: &[
            ("k", ValueRef::Str(b"first")),
            ("k", ValueRef::Int(7)),
            ("j", ValueRef::Int(1)),
            ("j", ValueRef::Int(2)),
        ],
        of_resource: &[("k", ValueRef::Str(b"resource"))],
        ..one("cart", "GET", 1, 1)
    };
    let other = Sketch { of_resource: &[("k", ValueRef::Str(b"resource"))], ..one("cart", "GET", 2, 2) };
    keep(engine, &[twice, other]);
    let panels = vec![by(&[of_key(Within::SpanOrResource, "k")]), by(&[of_key(Within::Span, "j")])];
    let all = measure(engine, Search::all(Tenant::default()), panels);
    assert_eq!(tell(&all, 0), "resource@0 1/0, 7@0 1/0");
    assert_eq!(tell(&all, 1), "2@0 1/0");
}

pub(super) fn cells_have_a_limit(engine: &dyn Engine) {
    let names: Vec<String> = (0..130).map(|n| format!("op {n}")).collect();
    for (low, name) in names.iter().enumerate() {
        keep(engine, &[one("cart", name, 1 + low as u64, 1)]);
    }
    let all = measure(engine, Search::all(Tenant::default()), vec![by(&[Dimension::Name])]);
    assert_eq!(all.panels[0].cells.len(), 100);
    assert_eq!((all.panels[0].others.spans, all.spans), (30, 130));
}

pub(super) fn traces_are_counted(engine: &dyn Engine) {
    shop(engine);
    let all = measure(engine, Search::all(Tenant::default()), Vec::new());
    assert_eq!((all.traces, all.traces_more), (3, false));
    let cart = measure(engine, where_all(&[Predicate::Service("cart".to_owned())]), Vec::new());
    assert_eq!(cart.traces, 2);
}

pub(super) fn names_are_listed(engine: &dyn Engine) {
    shop(engine);
    let list = |search: &Search| {
        let names = engine.attribute_names(search).expect("the engine lists");
        let name = |name: &crate::AttributeName| {
            format!("{:?} {} {:?} {}", name.within, name.key, name.kinds, name.spans)
        };
        names.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(
        list(&Search::all(Tenant::default())),
        [
            "Span code [Int] 2",
            "Span error [Bool] 1",
            "Span user [String] 1",
            "Resource region [String] 1",
            "Resource service.name [String] 4",
            "Event attempt [Double] 1",
            "Event user [String] 1",
        ]
    );
    let pay = where_all(&[Predicate::Service("pay".to_owned())]);
    assert_eq!(
        list(&pay),
        [
            "Span code [Int] 1",
            "Span error [Bool] 1",
            "Resource region [String] 1",
            "Resource service.name [String] 1"
        ]
    );
    assert_eq!(list(&Search { start_max: UnixNanos(10), ..pay }), [""; 0]);
}

pub(super) fn stop_ends_count(engine: &dyn Engine) {
    shop(engine);
    let search = Search::all(Tenant::default());
    search.stop.raise();
    let measure = Measure { search: search.clone(), panels: Vec::new(), traces: false, cells_max: 1 };
    assert!(matches!(engine.measure(&measure), Err(StoreError::Stopped)));
    assert!(matches!(engine.attribute_names(&search), Err(StoreError::Stopped)));
}
