//! Shapes of waste among the children of one span.

use std::cmp::Reverse;

use hashbrown::HashMap;
use span::{DurationNanos, SpanKind};

use super::{Case, Finding, FindingKind};

/// So many children with one operation are a repetition.
const REPEATS_MIN: usize = 5;
/// So many calls in a row might run side by side.
const CALLS_MIN: usize = 3;
/// What running them side by side must save, as a part of the trace.
const SAVED_SHARE_MIN: u64 = 10;
/// What a stretch without a child must take, as a part of the trace.
const GAP_SHARE_MIN: u64 = 5;
/// The most findings of one kind: the first few are what anybody acts on.
const FINDINGS_MAX: usize = 3;

/// What children have in common: service, operation, kind.
type Alike<'a> = (&'a str, &'a [u8], SpanKind);

/// Finds children of one span that do the same again and again.
pub(super) fn repeated(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for parent in 0..case.tree.len() {
        if case.tree.children(parent).len() < REPEATS_MIN {
            continue;
        }
        let mut alike: HashMap<Alike<'_>, Vec<usize>, foldhash::fast::RandomState> = HashMap::default();
        for row in case.tree.children(parent) {
            let span = case.span(row);
            alike.entry((span.resource().service(), span.name(), span.kind())).or_default().push(row);
        }
        for rows in alike.into_values().filter(|rows| REPEATS_MIN <= rows.len()) {
            let time = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(case.span(*row).duration().0));
            found.push(Finding::new(FindingKind::Repeated, rows[0], rows, DurationNanos(time)));
        }
    }
    most_time(found)
}

/// Finds calls of one span that begin only when the one before has ended, though nobody says they must.
/// Calls that are all alike are a repetition, and told as one.
pub(super) fn sequential(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for parent in 0..case.tree.len() {
        if case.tree.children(parent).len() < CALLS_MIN {
            continue;
        }
        let is_call = |row: &usize| case.span(*row).kind() == SpanKind::Client;
        let calls: Vec<usize> = case.tree.children(parent).filter(is_call).collect();
        let mut run: Vec<usize> = Vec::new();
        for row in calls {
            if run.last().is_some_and(|last| case.span(row).start() < case.span(*last).end()) {
                found.extend(judge_run(case, &run));
                run.clear();
            }
            run.push(row);
        }
        found.extend(judge_run(case, &run));
    }
    most_time(found)
}

fn judge_run(case: &Case<'_>, run: &[usize]) -> Option<Finding> {
    if run.len() < CALLS_MIN || run.iter().all(|row| alike(case, *row, run[0])) && REPEATS_MIN <= run.len() {
        return None;
    }
    let times = || run.iter().map(|row| case.span(*row).duration().0);
    let sum = times().fold(0_u64, u64::saturating_add);
    let saved = sum - times().max().unwrap_or_default();
    let worth = case.total.0 / SAVED_SHARE_MIN < saved;
    worth.then(|| Finding::new(FindingKind::Sequential, run[0], run.to_vec(), DurationNanos(saved)))
}

fn alike(case: &Case<'_>, one: usize, other: usize) -> bool {
    let (one, other) = (case.span(one), case.span(other));
    one.name() == other.name() && one.resource().service() == other.resource().service()
}

/// Finds the longest stretch of the critical path on which a span that has children waits for none of them.
pub(super) fn gap(case: &Case<'_>) -> Option<Finding> {
    let has_children = |row: usize| case.tree.children(row).len() != 0;
    let waiting = case.path.segments().iter().filter(|segment| has_children(segment.row));
    let longest = waiting.max_by_key(|segment| (segment.until.since(segment.from), Reverse(segment.from)))?;
    let time = longest.until.since(longest.from);
    let worth = case.total.0 / GAP_SHARE_MIN < time.0;
    worth.then(|| Finding::new(FindingKind::Gap, longest.row, vec![longest.row], time))
}

fn most_time(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| (Reverse(finding.time), finding.row));
    found.truncate(FINDINGS_MAX);
    found
}

#[cfg(test)]
mod tests {
    use store::conformance::Sketch;

    use super::super::tests::only;
    use super::*;
    use crate::tree::tests::at;

    fn call(id: u64, start: u64, end: u64, name: &str) -> Sketch<'_> {
        Sketch { kind: SpanKind::Client, name, ..at(id, 1, start, end) }
    }

    #[test]
    fn five_of_a_kind_under_one_span_are_a_repetition() {
        let mut all = vec![at(1, 0, 0, 100)];
        all.extend((0..4).map(|n| call(n + 2, 10 * n, 10 * n + 5, "SELECT")));
        assert!(only(FindingKind::Repeated, &all).is_empty());
        all.push(call(6, 50, 55, "SELECT"));
        all.push(call(7, 60, 65, "INSERT"));
        assert_eq!(only(FindingKind::Repeated, &all), ["2 [2, 3, 4, 5, 6] 25"]);
    }

    #[test]
    fn calls_in_a_row_are_told_with_what_they_cost() {
        let root = at(1, 0, 0, 100);
        let all = [root, call(2, 0, 20, "a"), call(3, 20, 50, "b"), call(4, 55, 85, "c")];
        assert_eq!(only(FindingKind::Sequential, &all), ["2 [2, 3, 4] 50"]);
    }

    #[test]
    fn calls_side_by_side_and_steps_of_one_service_are_fine() {
        let root = || at(1, 0, 0, 100);
        let beside = [root(), call(2, 0, 30, "a"), call(3, 10, 50, "b"), call(4, 55, 85, "c")];
        assert!(only(FindingKind::Sequential, &beside).is_empty());
        let steps = [root(), at(2, 1, 0, 30), at(3, 1, 30, 50), at(4, 1, 55, 85)];
        assert!(only(FindingKind::Sequential, &steps).is_empty());
        let short = [root(), call(2, 0, 3, "a"), call(3, 10, 12, "b"), call(4, 20, 85, "c")];
        assert!(only(FindingKind::Sequential, &short).is_empty());
    }

    #[test]
    fn a_fifth_of_the_trace_without_a_child_is_a_gap() {
        let all = [at(1, 0, 0, 100), at(2, 1, 0, 30), at(3, 1, 55, 99)];
        assert_eq!(only(FindingKind::Gap, &all), ["1 [1] 25"]);
        let busy = [at(1, 0, 0, 100), at(2, 1, 0, 45), at(3, 1, 55, 99)];
        assert!(only(FindingKind::Gap, &busy).is_empty());
    }
}
