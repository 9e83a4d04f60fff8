//! Which span of a trace lies under which.
//!
//! A span's parent is the span whose id it names. Four things go wrong with that in the field, and each
//! has one answer here:
//!
//! - Zipkin's client and server halves share an id: the server half lies under the client half, and the
//!   children of the id under the server half;
//! - the parent is not stored: the span is an orphan, and a root of its own;
//! - spans name each other in a circle, or themselves: the earliest of the circle is a root;
//! - an id occurs more than once otherwise: the earliest span has the children.

use hashbrown::HashMap;
use span::{SpanId, SpanKind, SpanRef, Trace};

/// The spans of a trace as a forest. Rows are those of the trace's batch, and so in order of start;
/// children and roots keep that order.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The parent's row, or [`NONE`].
    parents: Vec<u32>,
    /// Where the children of each row begin in `children`; one more than there are rows.
    children_start: Vec<u32>,
    children: Vec<u32>,
    roots: Vec<u32>,
    orphans: Vec<bool>,
}

const NONE: u32 = u32::MAX;

/// The spans that carry one id.
#[derive(Clone, Copy)]
struct Bearers {
    first: u32,
    client: u32,
    server: u32,
}

impl Tree {
    /// Resolves the parents of a trace.
    pub fn of(trace: &Trace) -> Self {
        let bearers = bearers(trace);
        let mut orphans = vec![false; trace.batch().len()];
        let mut parents: Vec<u32> = Vec::with_capacity(orphans.len());
        for (row, span) in trace.spans().enumerate() {
            parents.push(match parent_of(row as u32, span, &bearers) {
                Parent::None => NONE,
                Parent::Absent => {
                    orphans[row] = true;
                    NONE
                }
                Parent::At(parent) => parent,
            });
        }
        break_circles(&mut parents);
        let (children_start, children) = children_of(&parents);
        let roots = (0..parents.len() as u32).filter(|row| parents[*row as usize] == NONE).collect();
        Self { parents, children_start, children, roots, orphans }
    }

    /// Returns how many spans there are.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Tells whether there are no spans.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// Returns the row of a span's parent.
    pub fn parent(&self, row: usize) -> Option<usize> {
        (self.parents[row] != NONE).then_some(self.parents[row] as usize)
    }

    /// Returns the rows of a span's children, by start.
    pub fn children(&self, row: usize) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator + '_ {
        let range = self.children_start[row] as usize..self.children_start[row + 1] as usize;
        self.children[range].iter().map(|child| *child as usize)
    }

    /// Returns the rows without a parent, by start.
    pub fn roots(&self) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator + '_ {
        self.roots.iter().map(|root| *root as usize)
    }

    /// Tells whether a span names a parent that is not in the trace.
    pub fn is_orphan(&self, row: usize) -> bool {
        self.orphans[row]
    }

    /// Returns the root that stands for the whole trace: the earliest one that is no orphan, else the
    /// earliest.
    pub fn main_root(&self) -> Option<usize> {
        self.roots().find(|row| !self.is_orphan(*row)).or_else(|| self.roots().next())
    }

    /// Returns all rows with their depth, parents before children.
    pub fn pre_order(&self) -> Vec<(usize, usize)> {
        let mut visited = Vec::with_capacity(self.len());
        let mut waiting: Vec<(usize, usize)> = self.roots().rev().map(|root| (root, 0)).collect();
        while let Some((row, depth)) = waiting.pop() {
            visited.push((row, depth));
            waiting.extend(self.children(row).rev().map(|child| (child, depth + 1)));
        }
        visited
    }
}

enum Parent {
    None,
    Absent,
    At(u32),
}

fn bearers(trace: &Trace) -> HashMap<SpanId, Bearers, foldhash::fast::RandomState> {
    let mut bearers: HashMap<SpanId, Bearers, _> =
        HashMap::with_capacity_and_hasher(trace.batch().len(), foldhash::fast::RandomState::default());
    for (row, span) in trace.spans().enumerate() {
        let row = row as u32;
        let of_id =
            bearers.entry(span.span_id()).or_insert(Bearers { first: row, client: NONE, server: NONE });
        let half = match span.kind() {
            SpanKind::Client => &mut of_id.client,
            SpanKind::Server => &mut of_id.server,
            _ => continue,
        };
        *half = row.min(*half);
    }
    bearers
}

fn parent_of(
    row: u32,
    span: SpanRef<'_>,
    bearers: &HashMap<SpanId, Bearers, foldhash::fast::RandomState>,
) -> Parent {
    if span.kind() == SpanKind::Server
        && let Some(of_id) = bearers.get(&span.span_id())
        && of_id.client != NONE
    {
        return Parent::At(of_id.client);
    }
    if span.parent_span_id().is_none() {
        return Parent::None;
    }
    let Some(of_id) = bearers.get(&span.parent_span_id()) else { return Parent::Absent };
    let shared = of_id.client != NONE && of_id.server != NONE;
    let parent = if shared { of_id.server } else { of_id.first };
    if parent == row { Parent::None } else { Parent::At(parent) }
}

/// Makes the first row of each circle a root. Each row is walked over at most twice.
fn break_circles(parents: &mut [u32]) {
    const UNSEEN: u32 = 0;
    let mut seen_in = vec![UNSEEN; parents.len()];
    for start in 0..parents.len() {
        let walk = start as u32 + 1;
        let mut row = start;
        while seen_in[row] == UNSEEN {
            seen_in[row] = walk;
            if parents[row] == NONE {
                break;
            }
            row = parents[row] as usize;
        }
        if seen_in[row] != walk || parents[row] == NONE {
            continue;
        }
        // The walk met itself: `row` lies on a circle.
        let mut first = row;
        let mut member = parents[row] as usize;
        while member != row {
            first = first.min(member);
            member = parents[member] as usize;
        }
        parents[first] = NONE;
    }
}

/// Turns parents into lists of children, by counting.
fn children_of(parents: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; parents.len() + 1];
    for parent in parents.iter().filter(|parent| **parent != NONE) {
        starts[*parent as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut children = vec![0_u32; *starts.last().expect("there is one more than rows") as usize];
    for (row, parent) in parents.iter().enumerate().filter(|(_, parent)| **parent != NONE) {
        let place = &mut next[*parent as usize];
        children[*place as usize] = row as u32;
        *place += 1;
    }
    (starts, children)
}

#[cfg(test)]
pub(crate) mod tests {
    use span::TraceId;
    use store::conformance::{Sketch, one, write};

    use super::*;

    /// Puts sketches of one trace together.
    pub(crate) fn trace(sketches: &[Sketch<'_>]) -> Trace {
        let batches: Vec<_> = sketches.iter().map(|sketch| write(sketch).batch).collect();
        let spans = batches.iter().flat_map(|batch| batch.spans());
        Trace::assemble(TraceId::from_halves(0, 1), spans).unwrap().unwrap()
    }

    /// Returns a span of trace 1; times in milliseconds.
    pub(crate) fn at<'a>(id: u64, parent: u64, start: u64, end: u64) -> Sketch<'a> {
        let duration = (end - start) * 1_000_000;
        Sketch { id, parent, duration, kind: SpanKind::Internal, ..one("shop", "step", 1, start * 1_000_000) }
    }

    /// Draws the forest: ids, indented by dots, orphans with a question mark.
    fn draw(sketches: &[Sketch<'_>]) -> String {
        let trace = trace(sketches);
        let tree = Tree::of(&trace);
        let line = |(row, depth): (usize, usize)| {
            let mark = if tree.is_orphan(row) { "?" } else { "" };
            format!("{}{}{mark}", ".".repeat(depth), trace.batch().span(row).span_id().to_u64())
        };
        tree.pre_order().into_iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn children_lie_under_parents_by_start() {
        assert_eq!(draw(&[at(1, 0, 0, 9), at(3, 1, 5, 6), at(2, 1, 1, 2), at(4, 3, 5, 6)]), "1 .2 .3 ..4");
    }

    #[test]
    fn orphans_are_roots() {
        assert_eq!(draw(&[at(2, 7, 0, 9), at(1, 0, 1, 2), at(3, 2, 3, 4)]), "2? .3 1");
        let trace = trace(&[at(2, 7, 0, 9), at(1, 0, 1, 2)]);
        assert_eq!(Tree::of(&trace).main_root(), Some(1));
    }

    #[test]
    fn circles_are_cut_at_their_earliest() {
        assert_eq!(draw(&[at(1, 1, 0, 1)]), "1");
        assert_eq!(draw(&[at(1, 2, 5, 6), at(2, 3, 1, 2), at(3, 1, 3, 4), at(4, 1, 7, 8)]), "2 .1 ..3 ..4");
    }

    #[test]
    fn halves_with_one_id_lie_under_each_other() {
        let client = Sketch { kind: SpanKind::Client, ..at(2, 1, 1, 8) };
        let server = Sketch { kind: SpanKind::Server, service: Some("stock"), ..at(2, 1, 2, 7) };
        assert_eq!(draw(&[at(1, 0, 0, 9), client, server, at(3, 2, 3, 4)]), "1 .2 ..2 ...3");
    }

    #[test]
    fn chain_of_any_length_is_walked() {
        let chain: Vec<_> = (1..=20_000).map(|id| at(id, id - 1, id, id)).collect();
        let tree = Tree::of(&trace(&chain));
        assert_eq!(tree.pre_order().last(), Some(&(19_999, 19_999)));
    }
}
