//! Where the time of a trace went.
//!
//! The critical path splits the root's time among spans: every nanosecond belongs to the span that the
//! answer was waiting for. It is walked from the end: what finished last under a span held it up, before
//! that whatever finished last before *that* began, and so on; time under no child is the span's own.
//!
//! ```text
//! root  |==============================|      owns . and -
//! a         |=======|                         on the path: finished before b began
//! b                  |=========|              on the path: finished last
//! c           |=====|                         not: a finished later
//!       ....                    -------
//! ```
//!
//! Children that outlast their parent are cut to it. A consumer under a producer does not block it and
//! is left out. Two children that touch, or overlap by less than a hundredth of their parent, count as
//! one after the other: clocks of one host are not better than that.

use span::{DurationNanos, SpanKind, Trace, UnixNanos};

use crate::Tree;

/// The critical path of a trace, under its main root.
#[derive(Clone, Debug)]
pub struct CriticalPath {
    /// Time on the path, by row.
    on_path: Vec<u64>,
    segments: Vec<Segment>,
}

/// A stretch of time that belongs to one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The span's row in the trace's batch.
    pub row: usize,
    /// Where the stretch begins.
    pub from: UnixNanos,
    /// Where it ends.
    pub until: UnixNanos,
}

/// A span that is being walked: what of its time is not given away yet.
struct Walk {
    row: usize,
    from: u64,
    until: u64,
    /// Overlap that is forgiven.
    slack: u64,
    /// Nothing was given away yet: a child may reach beyond the end, and is cut.
    fresh: bool,
    /// Its children, the next to look at last.
    children: Vec<usize>,
}

impl CriticalPath {
    /// Walks the path. `tree` is the trace's own.
    pub fn of(trace: &Trace, tree: &Tree) -> Self {
        let mut path = Self { on_path: vec![0; tree.len()], segments: Vec::new() };
        let Some(root) = tree.main_root() else { return path };
        let span = trace.batch().span(root);
        let mut walks = vec![Walk::of(trace, tree, root, span.start().0, span.end().0)];
        while let Some(walk) = walks.last_mut() {
            let Some(child) = walk.children.pop() else {
                let Walk { row, from, until, .. } = *walk;
                path.give(row, from, until);
                walks.pop();
                continue;
            };
            let span = trace.batch().span(child);
            if walk.until.saturating_add(walk.slack) < span.end().0 && !walk.fresh {
                continue; // It ran beside the one that was taken.
            }
            let until = span.end().0.min(walk.until);
            let from = span.start().0.max(walk.from);
            if until < from || span.start().0 >= walk.until && span.start() != span.end() {
                continue; // It lies outside of what is left.
            }
            let (row, rest) = (walk.row, walk.until);
            walk.until = from;
            walk.fresh = false;
            path.give(row, until, rest);
            walks.push(Walk::of(trace, tree, child, from, until));
        }
        path.segments.reverse();
        path
    }

    /// Returns how much of the root's time belongs to the span in `row`.
    pub fn time(&self, row: usize) -> DurationNanos {
        DurationNanos(self.on_path[row])
    }

    /// Returns the path from the root's start to its end, without gaps.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the row of the span that most of the time belongs to; of equals the last on the path.
    pub fn bottleneck(&self) -> Option<usize> {
        let mut best: Option<usize> = None;
        for segment in &self.segments {
            if best.is_none_or(|best| self.on_path[best] <= self.on_path[segment.row]) {
                best = Some(segment.row);
            }
        }
        best
    }

    fn give(&mut self, row: usize, from: u64, until: u64) {
        if from < until {
            self.on_path[row] += until - from;
            self.segments.push(Segment { row, from: UnixNanos(from), until: UnixNanos(until) });
        }
    }
}

impl Walk {
    fn of(trace: &Trace, tree: &Tree, row: usize, from: u64, until: u64) -> Self {
        let producer = trace.batch().span(row).kind() == SpanKind::Producer;
        let blocks = |child: &usize| !(producer && trace.batch().span(*child).kind() == SpanKind::Consumer);
        let mut children: Vec<usize> = tree.children(row).filter(blocks).collect();
        children.sort_by_key(|child| (trace.batch().span(*child).end(), *child));
        Self { row, from, until, slack: until.saturating_sub(from) / 100, fresh: true, children }
    }
}

impl Tree {
    /// Returns the time of the span in `row` during which none of its children ran.
    pub fn self_time(&self, trace: &Trace, row: usize) -> DurationNanos {
        let span = trace.batch().span(row);
        let mut covered = 0;
        let mut reached = span.start().0;
        for child in self.children(row) {
            let child = trace.batch().span(child);
            let until = child.end().min(span.end()).0;
            let from = child.start().0.max(reached);
            if from < until {
                covered += until - from;
                reached = until;
            }
        }
        DurationNanos(span.duration().0.saturating_sub(covered))
    }
}

#[cfg(test)]
mod tests {
    use store::conformance::Sketch;

    use super::*;
    use crate::tree::tests::{at, trace};

    /// Draws the path: ids with their stretch in milliseconds, then the bottleneck.
    fn draw(sketches: &[Sketch<'_>]) -> String {
        let trace = trace(sketches);
        let tree = Tree::of(&trace);
        let path = CriticalPath::of(&trace, &tree);
        let id = |row: usize| trace.batch().span(row).span_id().to_u64();
        let mut text = String::new();
        for segment in path.segments() {
            let (from, until) = (segment.from.0 as f64 / 1e6, segment.until.0 as f64 / 1e6);
            text += &format!("{}:{from}-{until} ", id(segment.row));
        }
        text + &path.bottleneck().map_or_else(|| "none".to_owned(), |row| format!("!{}", id(row)))
    }

    #[test]
    fn slow_leaf_is_the_bottleneck_not_its_parent() {
        let gateway = at(1, 0, 0, 1_200);
        let (database, processing, model) = (at(2, 1, 50, 150), at(3, 1, 200, 1_000), at(4, 3, 230, 980));
        assert_eq!(
            draw(&[gateway, database, processing, model]),
            "1:0-50 2:50-150 1:150-200 3:200-230 4:230-980 3:980-1000 1:1000-1200 !4"
        );
    }

    #[test]
    fn touching_siblings_are_one_after_the_other() {
        assert_eq!(draw(&[at(1, 0, 0, 100), at(2, 1, 0, 50), at(3, 1, 50, 100)]), "2:0-50 3:50-100 !3");
        assert_eq!(draw(&[at(1, 0, 0, 100), at(2, 1, 0, 51), at(3, 1, 50, 100)]), "2:0-50 3:50-100 !3");
    }

    #[test]
    fn parallel_sibling_is_not_on_the_path() {
        let all = [at(1, 0, 0, 100), at(2, 1, 10, 40), at(3, 1, 30, 45), at(4, 1, 50, 90)];
        assert_eq!(draw(&all), "1:0-30 3:30-45 1:45-50 4:50-90 1:90-100 !1");
    }

    #[test]
    fn overflowing_children_are_cut() {
        assert_eq!(draw(&[at(1, 0, 10, 20), at(2, 1, 5, 30)]), "2:10-20 !2");
        assert_eq!(draw(&[at(1, 0, 10, 20), at(2, 1, 30, 40)]), "1:10-20 !1");
        assert_eq!(draw(&[at(1, 0, 10, 20), at(2, 1, 1, 5)]), "1:10-20 !1");
    }

    #[test]
    fn consumers_do_not_block_producers() {
        let producer = Sketch { kind: SpanKind::Producer, ..at(1, 0, 0, 10) };
        let consumer = Sketch { kind: SpanKind::Consumer, ..at(2, 1, 2, 9) };
        assert_eq!(draw(&[producer, consumer]), "1:0-10 !1");
    }

    #[test]
    fn spans_without_length_end_the_walk() {
        assert_eq!(draw(&[at(1, 0, 5, 5), at(2, 1, 5, 5), at(3, 2, 5, 5)]), "none");
        assert_eq!(draw(&[at(1, 0, 0, 9), at(2, 1, 4, 4), at(3, 2, 4, 4)]), "1:0-4 1:4-9 !1");
    }

    #[test]
    fn path_is_as_long_as_its_root() {
        // A small generator of forests: every shape of overlap turns up.
        let mut state = 1_u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for _ in 0..300 {
            let mut all = vec![at(1, 0, 100, 100 + next(900))];
            for id in 2..=20 {
                let start = next(1_000);
                all.push(at(id, 1 + next(id - 1), start, start + next(300)));
            }
            let trace = trace(&all);
            let tree = Tree::of(&trace);
            let path = CriticalPath::of(&trace, &tree);
            let root = trace.batch().span(tree.main_root().unwrap());
            let total: u64 = (0..tree.len()).map(|row| path.time(row).0).sum();
            assert_eq!(total, root.duration().0);
            let mut reached = root.start();
            for segment in path.segments() {
                assert_eq!(segment.from, reached);
                reached = segment.until;
            }
        }
    }

    #[test]
    fn long_chain_is_walked_without_recursion() {
        let chain: Vec<_> = (1..=20_000).map(|id| at(id, id - 1, id, 40_001 - id)).collect();
        let trace = trace(&chain);
        let path = CriticalPath::of(&trace, &Tree::of(&trace));
        assert_eq!(path.segments().len(), 2 * 20_000 - 1);
    }

    #[test]
    fn self_time_leaves_out_every_child() {
        let trace = trace(&[at(1, 0, 0, 100), at(2, 1, 10, 40), at(3, 1, 30, 50), at(4, 1, 90, 120)]);
        assert_eq!(Tree::of(&trace).self_time(&trace, 0), DurationNanos(50_000_000));
    }
}
