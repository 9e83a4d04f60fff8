//! What is worth knowing of a trace before anybody scrolls: the answers, with the row of the guilty span.
//!
//! 1. *Errors*: a failed span with no failed span below it is a root cause; the failures above it only pass it on.
//! 2. *Time*: the span with the most time of its own, and whom the answer waited for, by service.
//! 3. *Patterns*: one call repeated, calls in a row that need not be, stretches in which nothing is recorded.
//! 4. *Truth*: spans whose parent never came, and clocks that disagree.
//!
//! Rows are those of the trace's batch. Deliberately absent: sentences, and any judgement that needs another trace.

mod patterns;
mod truth;

use span::{DurationNanos, SpanRef, Trace};

use crate::{CriticalPath, Tree};

/// All findings of a trace, most important first: errors, then by the time they stand for.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The findings.
    pub all: Vec<Finding>,
    /// By row: failed, and no span below it failed.
    pub root_causes: Vec<bool>,
    /// By row: its clock disagrees with its parent's.
    pub skewed: Vec<bool>,
    /// By row: time in which none of its children ran.
    pub self_times: Vec<DurationNanos>,
    /// The span to look at first; `None` where there are no spans.
    pub guilty: Option<Guilty>,
}

/// The span to look at first, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guilty {
    /// Its row.
    pub row: usize,
    /// Whether it is a root cause; else it is the slowest by itself.
    pub failed: bool,
}

/// One thing worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The span to go to.
    pub row: usize,
    /// All spans that belong to it, ascending.
    pub rows: Vec<usize>,
    /// The time it stands for.
    pub time: DurationNanos,
    /// Time by service, most first; only of the critical path.
    pub parts: Vec<(String, DurationNanos)>,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Root causes; the row is the earliest.
    Error,
    /// The span with the most time of its own, on the critical path.
    SlowestSelf,
    /// Whom the answer waited for; the row is the bottleneck.
    CriticalPath,
    /// Children of one span with one service, operation and kind; the row is the first.
    Repeated,
    /// Calls of one span, one after the other; the time is what doing them side by side would save.
    Sequential,
    /// A stretch in which the waiting span has no child; the row is that span.
    Gap,
    /// Spans whose parent is not stored; the row is the first.
    Orphans,
    /// Spans whose clock disagrees with their parent's; the time is the largest difference.
    ClockSkew,
}

/// What the judgements share.
struct Case<'a> {
    trace: &'a Trace,
    tree: &'a Tree,
    path: &'a CriticalPath,
    total: DurationNanos,
}

impl Findings {
    /// Judges a trace. `tree` and `path` are its own; `failed` says which spans count as errors.
    pub fn of(trace: &Trace, tree: &Tree, path: &CriticalPath, failed: impl Fn(SpanRef<'_>) -> bool) -> Self {
        let case = Case { trace, tree, path, total: trace.end().since(trace.start()) };
        let root_causes = root_causes(trace, tree, failed);
        let self_times: Vec<DurationNanos> = (0..tree.len()).map(|row| tree.self_time(trace, row)).collect();
        let (skewed, skew) = truth::clock_skew(&case);
        let mut all = Vec::new();
        all.extend(case.slowest_self(&self_times));
        all.extend(case.critical_path());
        all.extend(patterns::repeated(&case));
        all.extend(patterns::sequential(&case));
        all.extend(patterns::gap(&case));
        all.extend(truth::orphans(&case));
        all.extend(skew);
        all.sort_by_key(|finding| (std::cmp::Reverse(finding.time), finding.kind));
        let error = case.error(&root_causes);
        let slowest = all.iter().find(|finding| finding.kind == FindingKind::SlowestSelf);
        let guilty = match (&error, slowest) {
            (Some(error), _) => Some(Guilty { row: error.row, failed: true }),
            (None, Some(slowest)) => Some(Guilty { row: slowest.row, failed: false }),
            (None, None) => tree.main_root().map(|row| Guilty { row, failed: false }),
        };
        if let Some(error) = error {
            all.insert(0, error);
        }
        Self { all, root_causes, skewed, self_times, guilty }
    }
}

impl Finding {
    fn new(kind: FindingKind, row: usize, rows: Vec<usize>, time: DurationNanos) -> Self {
        Self { kind, row, rows, time, parts: Vec::new() }
    }
}

impl Case<'_> {
    fn span(&self, row: usize) -> SpanRef<'_> {
        self.trace.batch().span(row)
    }

    fn error(&self, root_causes: &[bool]) -> Option<Finding> {
        let rows: Vec<usize> = (0..self.tree.len()).filter(|row| root_causes[*row]).collect();
        let first = *rows.first()?;
        Some(Finding::new(FindingKind::Error, first, rows, self.span(first).duration()))
    }

    /// Finds the span with the most time of its own: one that the answer waited for, if there is any.
    fn slowest_self(&self, self_times: &[DurationNanos]) -> Option<Finding> {
        let waited_for = |row: &usize| self.path.time(*row).0 != 0;
        let slowest = |rows: &mut dyn Iterator<Item = usize>| {
            rows.max_by_key(|row| (self_times[*row], std::cmp::Reverse(*row)))
        };
        let row = slowest(&mut (0..self.tree.len()).filter(waited_for))
            .or_else(|| slowest(&mut (0..self.tree.len())))?;
        let time = self_times[row];
        (time.0 != 0).then(|| Finding::new(FindingKind::SlowestSelf, row, vec![row], time))
    }

    fn critical_path(&self) -> Option<Finding> {
        let rows: Vec<usize> = (0..self.tree.len()).filter(|row| self.path.time(*row).0 != 0).collect();
        let mut services: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
        for row in &rows {
            *services.entry(self.span(*row).resource().service()).or_default() += self.path.time(*row).0;
        }
        let mut parts: Vec<(String, DurationNanos)> =
            services.into_iter().map(|(name, time)| (name.to_owned(), DurationNanos(time))).collect();
        parts.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        let time = parts.first()?.1;
        Some(Finding {
            parts,
            ..Finding::new(FindingKind::CriticalPath, self.path.bottleneck()?, rows, time)
        })
    }
}

/// Tells of each row whether it failed by itself: no span below it did.
pub fn root_causes(trace: &Trace, tree: &Tree, failed: impl Fn(SpanRef<'_>) -> bool) -> Vec<bool> {
    let mut below = vec![false; tree.len()];
    let mut causes = vec![false; tree.len()];
    // Parents come before their children in pre-order: backwards, everything below is known.
    for (row, _) in tree.pre_order().into_iter().rev() {
        let here = failed(trace.batch().span(row));
        causes[row] = here && !below[row];
        if let Some(parent) = tree.parent(row) {
            below[parent] |= here || below[row];
        }
    }
    causes
}

#[cfg(test)]
pub(crate) mod tests {
    use span::{SpanKind, StatusCode};
    use store::conformance::Sketch;

    use super::*;
    use crate::tree::tests::{at, trace};

    /// Tells the findings: kind, id of the span, ids of all, milliseconds; then the guilty one.
    pub(crate) fn check(sketches: &[Sketch<'_>]) -> String {
        let trace = trace(sketches);
        let tree = Tree::of(&trace);
        let path = CriticalPath::of(&trace, &tree);
        let findings = Findings::of(&trace, &tree, &path, |span| span.status_code() == StatusCode::Error);
        let id = |row: usize| trace.batch().span(row).span_id().to_u64();
        let mut lines = Vec::new();
        for finding in &findings.all {
            let rows: Vec<u64> = finding.rows.iter().map(|row| id(*row)).collect();
            lines.push(format!(
                "{:?} {} {rows:?} {}",
                finding.kind,
                id(finding.row),
                finding.time.0 as f64 / 1e6
            ));
        }
        let guilty = findings.guilty.map(|guilty| (id(guilty.row), guilty.failed));
        lines.push(format!("{guilty:?}"));
        lines.join("\n")
    }

    /// Tells the findings of one kind.
    pub(crate) fn only(kind: FindingKind, sketches: &[Sketch<'_>]) -> Vec<String> {
        let word = format!("{kind:?} ");
        check(sketches).lines().filter_map(|line| line.strip_prefix(&word)).map(str::to_owned).collect()
    }

    fn failed<'a>(sketch: Sketch<'a>) -> Sketch<'a> {
        Sketch { status: StatusCode::Error, ..sketch }
    }

    #[test]
    fn root_cause_is_the_failure_below_which_nothing_failed() {
        let all =
            [failed(at(1, 0, 0, 100)), at(2, 1, 10, 60), failed(at(3, 2, 20, 50)), failed(at(4, 1, 5, 9))];
        assert_eq!(only(FindingKind::Error, &all), ["4 [4, 3] 4"]);
        assert!(check(&all).ends_with("Some((4, true))"));
    }

    #[test]
    fn without_errors_the_slowest_of_the_path_is_guilty() {
        let worker = at(5, 1, 0, 90);
        let all = [at(1, 0, 0, 100), at(2, 1, 10, 98), at(3, 2, 12, 97), worker];
        assert_eq!(only(FindingKind::SlowestSelf, &all), ["3 [3] 85"]);
        assert!(check(&all).ends_with("Some((3, false))"));
    }

    #[test]
    fn critical_path_is_told_by_service() {
        let other = Sketch { service: Some("db"), kind: SpanKind::Server, ..at(2, 1, 20, 90) };
        let trace = trace(&[at(1, 0, 0, 100), other]);
        let tree = Tree::of(&trace);
        let findings = Findings::of(&trace, &tree, &CriticalPath::of(&trace, &tree), |_| false);
        let path = findings.all.iter().find(|finding| finding.kind == FindingKind::CriticalPath).unwrap();
        let parts: Vec<(&str, u64)> =
            path.parts.iter().map(|(name, time)| (name.as_str(), time.0 / 1_000_000)).collect();
        assert_eq!(parts, [("db", 70), ("shop", 30)]);
        assert_eq!((path.row, &path.rows[..]), (1, &[0, 1][..]));
    }

    #[test]
    fn a_span_without_length_is_guilty_only_for_want_of_others() {
        assert_eq!(check(&[at(1, 0, 5, 5)]), "Some((1, false))");
    }
}
