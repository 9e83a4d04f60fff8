//! Comparisons to predicates.
//!
//! An attribute that is absent fulfils no comparison; `!=` is therefore "there, and not equal". A status of
//! `error` is any protocol's way of saying that a span failed.

use std::ops::Bound;

use span::text_form::double_text;
use span::{DurationNanos, StatusCode};
use store::{Predicate, SpanFilter, Within};

use crate::{Comparison, Field, Operator, Value};

pub(crate) fn filter(comparisons: &[Comparison]) -> SpanFilter {
    let mut all = Vec::new();
    for Comparison { field, operator, value } in comparisons {
        plan(field, *operator, value, &mut all);
    }
    SpanFilter { all }
}

fn plan(field: &Field, operator: Operator, value: &Value, all: &mut Vec<Predicate>) {
    let text = || text_of(value);
    let equal = match field {
        Field::Duration => return duration(operator, value, all),
        Field::Parent => Predicate::Root,
        Field::Name => Predicate::Name(text()),
        Field::StatusMessage => Predicate::StatusMessage(text()),
        Field::EventName => Predicate::EventName(text()),
        Field::ScopeName => Predicate::ScopeName(text()),
        Field::ScopeVersion => Predicate::ScopeVersion(text()),
        Field::Kind => match value {
            Value::Kind(kind) => Predicate::Kind(*kind),
            _ => never(),
        },
        Field::Status => match value {
            Value::Status(StatusCode::Error) => Predicate::Failed(true),
            Value::Status(code) => {
                let other = [Predicate::Failed(true), not(Predicate::Status(*code))];
                not(Predicate::Any(other.to_vec()))
            }
            _ => never(),
        },
        field if field.is_service() && matches!(value, Value::Text(_)) => Predicate::Service(text()),
        Field::Attribute { within, key } => return attribute(*within, key, operator, value, all),
    };
    all.push(if operator == Operator::NotEqual { not(equal) } else { equal });
}

fn attribute(within: Within, key: &str, operator: Operator, value: &Value, all: &mut Vec<Predicate>) {
    let has = || Predicate::Has { within, key: key.to_owned() };
    let equal = || Predicate::Attribute { within, key: key.to_owned(), text: text_of(value) };
    let number = match value {
        Value::Int(number) => *number as f64,
        Value::Double(number) => *number,
        Value::Duration(duration) => duration.0 as f64,
        _ => f64::NAN,
    };
    let between = |least, most| Predicate::Between { within, key: key.to_owned(), least, most };
    match (operator, value) {
        (Operator::Equal, Value::Nil) => all.push(not(has())),
        (Operator::NotEqual, Value::Nil) => all.push(has()),
        (Operator::Equal, _) => all.push(equal()),
        (Operator::NotEqual, _) => all.extend([has(), not(equal())]),
        (Operator::Greater, _) => all.push(between(Bound::Excluded(number), Bound::Unbounded)),
        (Operator::GreaterOrEqual, _) => all.push(between(Bound::Included(number), Bound::Unbounded)),
        (Operator::Less, _) => all.push(between(Bound::Unbounded, Bound::Excluded(number))),
        (Operator::LessOrEqual, _) => all.push(between(Bound::Unbounded, Bound::Included(number))),
    }
}

fn duration(operator: Operator, value: &Value, all: &mut Vec<Predicate>) {
    let ns = match value {
        Value::Duration(duration) => duration.0,
        _ => 0,
    };
    let least = |ns: Option<u64>| ns.map_or_else(never, |ns| Predicate::DurationMin(DurationNanos(ns)));
    let most = |ns: Option<u64>| ns.map_or_else(never, |ns| Predicate::DurationMax(DurationNanos(ns)));
    let (above, below) = (ns.checked_add(1), ns.checked_sub(1));
    match operator {
        Operator::Equal => all.extend([least(Some(ns)), most(Some(ns))]),
        Operator::NotEqual => all.push(Predicate::Any(vec![least(above), most(below)])),
        Operator::Greater => all.push(least(above)),
        Operator::GreaterOrEqual => all.push(least(Some(ns))),
        Operator::Less => all.push(most(below)),
        Operator::LessOrEqual => all.push(most(Some(ns))),
    }
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn never() -> Predicate {
    Predicate::Any(Vec::new())
}

/// Returns the text that values are compared with.
fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => double_text(*number),
        Value::Duration(duration) => duration.0.to_string(),
        Value::Bool(on) => on.to_string(),
        Value::Status(_) | Value::Kind(_) | Value::Nil => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use span::{SpanKind, ValueRef};
    use store::conformance::{Sketch, one, write};

    use super::*;
    use crate::Query;

    /// Tells which of the spans below fulfil a query, by id.
    fn check(text: &str) -> Vec<u64> {
        let filter = Query::parse(text).unwrap().filter();
        let spans = [
            Sketch { duration: 100, attributes: &[("n", ValueRef::Int(7))], ..one("web", "GET", 1, 1) },
            Sketch { duration: 200, attributes: &[("n", ValueRef::Double(7.5))], ..one("web", "PUT", 2, 1) },
            Sketch {
                duration: 300,
                parent: 1,
                kind: SpanKind::Client,
                status: StatusCode::Error,
                of_resource: &[("n", ValueRef::Str(b"7"))],
                of_event: &[("k", ValueRef::Bool(true))],
                ..one("pay", "GET", 3, 1)
            },
            Sketch { attributes: &[("error", ValueRef::Bool(true))], duration: 0, ..one("pay", "", 4, 1) },
        ];
        let accepts = |sketch: &&Sketch<'_>| filter.accepts(write(sketch).batch.span(0));
        spans.iter().filter(accepts).map(|sketch| sketch.id).collect()
    }

    #[test]
    fn every_comparison_means_what_it_says() {
        assert_eq!(check("{ }"), [1, 2, 3, 4]);
        assert_eq!(check(r#"{ resource.service.name = "web" }"#), [1, 2]);
        assert_eq!(check(r#"{ resource.service.name != "web" && name != "" }"#), [3, 4]);
        assert_eq!(check(r#"{ name = "GET" && kind != client }"#), [1]);
        assert_eq!((check("{ status = error }"), check("{ status != error }")), (vec![3, 4], vec![1, 2]));
        assert_eq!((check("{ status = unset }"), check("{ status = ok }")), (vec![1, 2], vec![]));
        assert_eq!(
            (check("{ duration > 100ns }"), check("{ duration >= 100ns }")),
            (vec![2, 3], vec![1, 2, 3])
        );
        assert_eq!((check("{ duration < 100ns }"), check("{ duration <= 0 }")), (vec![4], vec![4]));
        assert_eq!((check("{ duration < 0 }"), check("{ duration = 200ns }")), (vec![], vec![2]));
        assert_eq!(check("{ duration != 200ns }"), [1, 3, 4]);
        assert_eq!(check("{ nestedSetParent < 0 }"), [1, 2, 4]);
        assert_eq!((check("{ .n = 7 }"), check("{ span.n = 7 }")), (vec![1, 3], vec![1]));
        assert_eq!((check("{ .n != 7 }"), check("{ .n = nil }")), (vec![2], vec![4]));
        assert_eq!(
            (check("{ .n > 7 }"), check("{ .n >= 7 }"), check("{ .n < 7.5 }")),
            (vec![2], vec![1, 2], vec![1])
        );
        assert_eq!((check("{ .n = 7.5 }"), check("{ .n != nil }")), (vec![2], vec![1, 2, 3]));
        assert_eq!((check("{ event.k = true }"), check("{ span.k = true }")), (vec![3], vec![]));
        assert_eq!(check(r#"{ event:name = "retry" && instrumentation:name = "otel.lib" }"#), [3]);
    }
}
