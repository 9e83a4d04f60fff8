//! Clocks of different hosts, made to agree with who called whom.
//!
//! A span of another host than its parent's must have run while its parent ran. If it is longer than
//! the parent, only its start is pulled up; if it fits inside, nothing is done; else it is centred, as
//! if the network took as long there as back. Spans of one host move together.

use std::collections::HashMap;
use std::time::Duration;

use insight::Tree;
use span::{SpanRef, Trace, ValueRef};

use super::{Changes, change_of};
use crate::question::duration_text;

/// How far a span and those of its host below it are moved.
#[derive(Clone, Default)]
struct Skew {
    shift: i64,
    host: String,
}

pub(super) fn plan(trace: &Trace, skew_max: Duration, changes: &mut Changes) {
    let tree = Tree::of(trace);
    let shift_max = i64::try_from(skew_max.as_nanos()).unwrap_or(i64::MAX);
    let mut skews: HashMap<usize, Skew> = HashMap::new();
    // Where spans are once moved.
    let mut times: Vec<(i64, i64)> =
        trace.spans().map(|span| (nanos(span.start().0), nanos(span.end().0))).collect();
    for (row, _) in tree.pre_order() {
        let span = trace.batch().span(row);
        let host = host_of(span);
        let skew = match tree.parent(row) {
            None => Skew { shift: 0, host },
            Some(parent) => {
                let of_parent = skews.get(&parent).cloned().unwrap_or_default();
                if host != of_parent.host || host.is_empty() {
                    Skew { shift: shift_of(times[row], times[parent]), host }
                } else {
                    of_parent
                }
            }
        };
        if tree.is_orphan(row) {
            let parent = span.parent_span_id();
            let warning =
                format!("parent span ID={parent} is not in the trace; skipping clock skew adjustment");
            change_of(trace, changes, row).warnings.push(warning);
        }
        if skew.shift != 0 {
            let change = change_of(trace, changes, row);
            let shift = duration_text(skew.shift);
            if shift_max < skew.shift.saturating_abs() {
                let max = duration_text(shift_max);
                change.warnings.push(format!(
                    "max clock skew adjustment delta of {max} exceeded; not applying calculated delta of {shift}"
                ));
            } else {
                change.shift = skew.shift;
                change.warnings.push(format!("This span's timestamps were adjusted by {shift}"));
                times[row].0 = times[row].0.saturating_add(skew.shift);
                times[row].1 = times[row].1.saturating_add(skew.shift);
            }
        }
        skews.insert(row, skew);
    }
}

fn shift_of(child: (i64, i64), parent: (i64, i64)) -> i64 {
    let duration = |(start, end): (i64, i64)| end.saturating_sub(start);
    if duration(parent) < duration(child) {
        return parent.0.saturating_sub(child.0).max(0);
    }
    if parent.0 <= child.0 && child.1 <= parent.1 {
        return 0;
    }
    let latency = duration(parent).saturating_sub(duration(child)) / 2;
    parent.0.saturating_add(latency).saturating_sub(child.0)
}

/// Returns what tells the span's host from others, or nothing.
fn host_of(span: SpanRef<'_>) -> String {
    let resource = span.resource();
    let text = |value: ValueRef<'_>| value.text_form().into_owned();
    if let Some(id) = resource.attribute(b"host.id") {
        return text(id);
    }
    match resource.attribute(b"host.ip") {
        Some(ValueRef::Array(list)) => {
            if let Some(first) = list.iter().next() {
                return text(first);
            }
        }
        Some(ip @ ValueRef::Str(_)) => return text(ip),
        _ => {}
    }
    resource.attribute(b"host.name").map(text).unwrap_or_default()
}

fn nanos(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
