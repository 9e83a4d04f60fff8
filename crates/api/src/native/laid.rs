//! A trace laid out: its spans in depth-first pre-order, which is how our API numbers rows.

use insight::{CriticalPath, Findings, Tree};
use span::{SpanRef, Trace};

/// What `flags` of a span is the sum of.
pub(super) mod flag {
    pub(in crate::native) const FAILED: u32 = 1;
    pub(in crate::native) const ROOT_CAUSE: u32 = 2;
    pub(in crate::native) const ORPHAN: u32 = 4;
    pub(in crate::native) const REMOTE: u32 = 8;
    pub(in crate::native) const SKEWED: u32 = 16;
    pub(in crate::native) const CRITICAL: u32 = 32;
    pub(in crate::native) const EVENTS: u32 = 64;
    pub(in crate::native) const LINKS: u32 = 128;
    pub(in crate::native) const EXCEPTION: u32 = 256;
}

/// A trace, its forest, and what is worth knowing of it. *Places* are rows of its batch; *rows* are
/// numbers in pre-order, which are what clients see.
pub(super) struct Laid {
    pub(super) trace: Trace,
    pub(super) tree: Tree,
    pub(super) path: CriticalPath,
    pub(super) findings: Findings,
    /// By row: its place.
    pub(super) places: Vec<usize>,
    /// By place: its row.
    pub(super) rows: Vec<usize>,
    /// Levels.
    pub(super) depth: usize,
}

impl Laid {
    pub(super) fn of(trace: Trace) -> Self {
        let tree = Tree::of(&trace);
        let path = CriticalPath::of(&trace, &tree);
        let findings = Findings::of(&trace, &tree, &path, store::failed);
        let mut rows = vec![0; tree.len()];
        let (mut places, mut depth) = (Vec::with_capacity(tree.len()), 0);
        for (row, (place, level)) in tree.pre_order().into_iter().enumerate() {
            rows[place] = row;
            places.push(place);
            depth = depth.max(level + 1);
        }
        Self { trace, tree, path, findings, places, rows, depth }
    }

    /// Returns about how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.trace.batch().bytes() + 100 * self.places.len()
    }

    pub(super) fn span(&self, place: usize) -> SpanRef<'_> {
        self.trace.batch().span(place)
    }

    /// Returns the row of a span's parent; -1 for a root, -2 where the parent is not stored.
    pub(super) fn parent(&self, place: usize) -> i64 {
        match self.tree.parent(place) {
            Some(parent) => self.rows[parent] as i64,
            None if self.tree.is_orphan(place) => -2,
            None => -1,
        }
    }

    pub(super) fn flags(&self, place: usize) -> u32 {
        let span = self.span(place);
        let service = |place| self.span(place).resource().service();
        let remote = self.tree.parent(place).is_some_and(|parent| service(parent) != service(place));
        let says = [
            (flag::FAILED, store::failed(span)),
            (flag::ROOT_CAUSE, self.findings.root_causes[place]),
            (flag::ORPHAN, self.tree.is_orphan(place)),
            (flag::REMOTE, remote),
            (flag::SKEWED, self.findings.skewed[place]),
            (flag::CRITICAL, self.path.time(place).0 != 0),
            (flag::EVENTS, span.events().len() != 0),
            (flag::LINKS, span.links().len() != 0),
            (flag::EXCEPTION, span.events().any(|event| event.name() == b"exception")),
        ];
        says.into_iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag).sum()
    }
}

/// Returns a text that changes whenever the trace does: a trace only grows, and a span of it never changes.
pub(super) fn watermark(trace: &Trace) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for span in trace.spans() {
        for number in [span.span_id().to_u64(), span.start().0, span.end().0, span.kind() as u64] {
            hash = (hash ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }
    format!("{}-{hash:016x}", trace.batch().len())
}
