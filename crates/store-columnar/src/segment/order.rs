//! The order of rows: traces by start, the spans of a trace in depth-first pre-order.
//!
//! Then everything below a span stands right behind it: with the number of its descendants, parent,
//! child, ancestor, descendant and sibling are tests of row ranges. Siblings stand by start.
//!
//! Senders may say anything. Of several spans with the parent's id, the first that is no client's is
//! the parent (the server half of a call shares its id with the client half in Zipkin). A span whose
//! parent is not here stands at the top, and so does the earliest span of a circle.

use span::{SpanId, SpanKind, UnixNanos};

use super::layout::Sizes;
use crate::rows::read::visible_traces;
use crate::rows::table::{NO_ROW, SpanLine, Table};

/// Where all rows go.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Rows of the head, in their new order.
    pub(super) rows: Vec<u32>,
    /// How many rows before it each row's parent stands; 0 where it has none here.
    pub(super) parents: Vec<u32>,
    /// How many rows behind each row are its descendants.
    pub(super) descendants: Vec<u32>,
    /// Traces by start; of equal starts the greater id first, so that backwards is the order of listings.
    pub(super) traces: Vec<TraceRun>,
    pub(super) groups: Vec<GroupRun>,
}

/// The rows of one trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceRun {
    /// The trace's number in the head.
    pub(super) trace: u32,
    /// The start of its earliest row.
    pub(super) start: UnixNanos,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// The rows of one group: whole traces, or a piece of a single one.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupRun {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) trace_first: usize,
    pub(super) trace_count: usize,
    pub(super) continues: bool,
}

/// What a merge wants otherwise than a freeze: repeats collapse, and a trace may come in pieces.
pub(super) struct Repeats<'a> {
    /// By resource of the table: which ones agree.
    pub(super) resources: &'a [u32],
    /// The latest trace, where it is a piece of a larger one.
    pub(super) piece: Option<Piece<'a>>,
}

/// A piece of a trace that is too large to be ordered at once.
pub(super) struct Piece<'a> {
    /// The start of the whole trace.
    pub(super) start: UnixNanos,
    /// Whether pieces came before.
    pub(super) continues: bool,
    /// Tells whether no piece before has a row's span.
    pub(super) is_new: &'a mut dyn FnMut(&SpanLine) -> bool,
}

impl Order {
    /// Orders the rows below the watermark.
    pub(super) fn of(table: &Table, watermark: u32, sizes: &Sizes) -> Self {
        Self::with(table, watermark, sizes, None)
    }

    /// Orders all rows of a table, of each span only the row that came first.
    pub(super) fn merged(table: &Table, sizes: &Sizes, repeats: Repeats<'_>) -> Self {
        Self::with(table, table.spans.len() as u32, sizes, Some(repeats))
    }

    fn with(table: &Table, watermark: u32, sizes: &Sizes, mut repeats: Option<Repeats<'_>>) -> Self {
        let visible = visible_traces(table, watermark);
        let mut lists = Lists::of(table, watermark, visible.len());
        let mut traces: Vec<TraceRun> = (0..visible.len() as u32)
            .map(|trace| TraceRun { trace, start: lists.start(table, trace), first: 0, count: 0 })
            .collect();
        let piece = repeats.as_mut().and_then(|repeats| repeats.piece.as_mut());
        let piece = piece.and_then(|piece| Some((traces.last_mut()?, piece)));
        let piece = piece.map(|(run, piece)| {
            run.start = piece.start;
            (run.trace, piece.continues)
        });
        traces.sort_unstable_by(|a, b| {
            let id = |run: &TraceRun| visible[run.trace as usize].id;
            a.start.cmp(&b.start).then_with(|| id(b).cmp(&id(a)))
        });
        let mut order = Self::default();
        let mut family = Family::default();
        for run in &mut traces {
            run.first = order.rows.len();
            let mut rows = lists.rows(run.trace);
            if let Some(repeats) = &mut repeats {
                rows = repeats.drop_from(table, rows, piece.is_some_and(|(trace, _)| trace == run.trace));
            }
            if !rows.is_empty() {
                family.order(table, rows, &mut order);
            }
            run.count = order.rows.len() - run.first;
        }
        traces.retain(|run| run.count != 0);
        order.groups = cut(&traces, sizes, piece);
        order.traces = traces;
        order
    }
}

impl Repeats<'_> {
    /// Returns the rows of a trace that are no repeats of others.
    fn drop_from<'r>(&mut self, table: &Table, rows: &'r mut [u32], is_piece: bool) -> &'r mut [u32] {
        let resources = self.resources;
        let identity = |row: u32| {
            let line = &table.spans[row as usize];
            (line.start, line.span_id, line.kind, line.name, resources[line.resource as usize])
        };
        let mut kept = rows.len();
        if 1 < rows.len() {
            rows.sort_unstable_by_key(|row| (identity(*row), *row));
            kept = 1;
            for at in 1..rows.len() {
                if identity(rows[at]) != identity(rows[kept - 1]) {
                    rows[kept] = rows[at];
                    kept += 1;
                }
            }
        }
        if let Some(piece) = self.piece.as_mut().filter(|_| is_piece) {
            let all = std::mem::take(&mut kept);
            for at in 0..all {
                if (piece.is_new)(&table.spans[rows[at] as usize]) {
                    rows[kept] = rows[at];
                    kept += 1;
                }
            }
        }
        &mut rows[..kept]
    }
}

/// The rows of each trace, in order of arrival.
struct Lists {
    rows: Vec<u32>,
    /// Where each trace's rows end.
    ends: Vec<u32>,
}

impl Lists {
    fn of(table: &Table, watermark: u32, traces: usize) -> Self {
        let spans = &table.spans[..watermark as usize];
        let mut ends = vec![0_u32; traces + 1];
        for line in spans {
            ends[line.trace as usize + 1] += 1;
        }
        for at in 1..ends.len() {
            ends[at] += ends[at - 1];
        }
        let mut rows = vec![NO_ROW; spans.len()];
        for (row, line) in spans.iter().enumerate() {
            let at = &mut ends[line.trace as usize];
            rows[*at as usize] = row as u32;
            *at += 1;
        }
        Self { rows, ends }
    }

    fn rows(&mut self, trace: u32) -> &mut [u32] {
        let first = trace.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        &mut self.rows[first as usize..self.ends[trace as usize] as usize]
    }

    fn start(&mut self, table: &Table, trace: u32) -> UnixNanos {
        let starts = self.rows(trace).iter().map(|row| table.spans[*row as usize].start);
        starts.min().expect("a visible trace has a visible row")
    }
}

/// Closes a group at each trace's end once it has enough rows. A piece of a trace has groups of its own,
/// whose first goes on where pieces came before.
fn cut(traces: &[TraceRun], sizes: &Sizes, piece: Option<(u32, bool)>) -> Vec<GroupRun> {
    let (group_rows, trace_rows_max) = (sizes.group_rows, sizes.trace_rows_max());
    let mut groups: Vec<GroupRun> = Vec::new();
    let mut open: Option<GroupRun> = None;
    for (at, run) in traces.iter().enumerate() {
        let piece = piece.filter(|(trace, _)| *trace == run.trace);
        let alone = trace_rows_max < run.count || piece.is_some();
        if let Some(group) = open
            && (group_rows <= group.count || alone || trace_rows_max < group.count + run.count)
        {
            groups.push(group);
            open = None;
        }
        if alone {
            for first in (0..run.count).step_by(group_rows) {
                groups.push(GroupRun {
                    first: run.first + first,
                    count: group_rows.min(run.count - first),
                    trace_first: at,
                    trace_count: 1,
                    continues: first != 0 || piece.is_some_and(|(_, continues)| continues),
                });
            }
            continue;
        }
        let group = open.get_or_insert(GroupRun {
            first: run.first,
            count: 0,
            trace_first: at,
            trace_count: 0,
            continues: false,
        });
        group.count += run.count;
        group.trace_count += 1;
    }
    groups.extend(open);
    groups
}

/// One trace being ordered; kept for its memory.
#[derive(Default)]
struct Family {
    /// Ids with the row (by start) that has them; sorted.
    ids: Vec<(SpanId, bool, u32)>,
    /// By row by start: parent, first child, next sibling, place in the new order.
    parent: Vec<u32>,
    child: Vec<u32>,
    sibling: Vec<u32>,
    place: Vec<u32>,
}

const NOBODY: u32 = u32::MAX;

impl Family {
    /// Appends a trace's rows in pre-order.
    fn order(&mut self, table: &Table, rows: &mut [u32], order: &mut Order) {
        rows.sort_unstable_by_key(|row| (table.spans[*row as usize].start, *row));
        if let [row] = rows {
            order.rows.push(*row);
            order.parents.push(0);
            order.descendants.push(0);
            return;
        }
        self.find_parents(table, rows);
        self.link();
        let first = order.rows.len();
        for root in 0..rows.len() as u32 {
            if self.parent[root as usize] == NOBODY {
                self.descend(root, rows, order);
            }
        }
        // Whoever is left stands in a circle, or below one.
        for root in 0..rows.len() as u32 {
            if self.place[root as usize] == NOBODY {
                self.cut_off(root);
                self.descend(root, rows, order);
            }
        }
        for at in (first..order.rows.len()).rev() {
            let parent = order.parents[at] as usize;
            if parent != 0 {
                order.descendants[at - parent] += order.descendants[at] + 1;
            }
        }
    }

    fn find_parents(&mut self, table: &Table, rows: &[u32]) {
        self.ids.clear();
        for (at, row) in rows.iter().enumerate() {
            let line = &table.spans[*row as usize];
            self.ids.push((line.span_id, line.kind == SpanKind::Client, at as u32));
        }
        self.ids.sort_unstable();
        self.parent.clear();
        for (at, row) in rows.iter().enumerate() {
            let id = table.spans[*row as usize].parent_span_id;
            let found = self.ids.partition_point(|(known, _, _)| *known < id);
            let parent = match self.ids.get(found) {
                Some((known, _, parent)) if *known == id && !id.is_none() && *parent as usize != at => {
                    *parent
                }
                _ => NOBODY,
            };
            self.parent.push(parent);
        }
    }

    fn link(&mut self) {
        let count = self.parent.len();
        for list in [&mut self.child, &mut self.sibling, &mut self.place] {
            list.clear();
            list.resize(count, NOBODY);
        }
        // From the latest on, so that each list begins with the earliest.
        for at in (0..count).rev() {
            let parent = self.parent[at] as usize;
            if parent < count {
                self.sibling[at] = std::mem::replace(&mut self.child[parent], at as u32);
            }
        }
    }

    /// Takes a row from its parent.
    fn cut_off(&mut self, row: u32) {
        let parent = std::mem::replace(&mut self.parent[row as usize], NOBODY) as usize;
        let after = std::mem::replace(&mut self.sibling[row as usize], NOBODY);
        if self.child[parent] == row {
            self.child[parent] = after;
            return;
        }
        let mut at = self.child[parent] as usize;
        while self.sibling[at] != row {
            at = self.sibling[at] as usize;
        }
        self.sibling[at] = after;
    }

    /// Appends a row and all below it.
    fn descend(&mut self, root: u32, rows: &[u32], order: &mut Order) {
        let mut at = root;
        loop {
            let place = order.rows.len() as u32;
            self.place[at as usize] = place;
            let parent = self.parent[at as usize];
            order.rows.push(rows[at as usize]);
            order.parents.push(if parent == NOBODY { 0 } else { place - self.place[parent as usize] });
            order.descendants.push(0);
            if self.child[at as usize] != NOBODY {
                at = self.child[at as usize];
                continue;
            }
            while self.sibling[at as usize] == NOBODY {
                if at == root {
                    return;
                }
                at = self.parent[at as usize];
            }
            at = self.sibling[at as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;
    use store::conformance::{Sketch, one, write};

    /// Orders spans given as (id, parent, start) of one trace; tells ids, parents and descendants.
    fn check(spans: &[(u64, u64, u64)]) -> Vec<(u64, u32, u32)> {
        let rows = Rows::new();
        for (id, parent, start) in spans {
            let sketch = Sketch { id: *id, parent: *parent, ..one("cart", "GET", 1, *start) };
            rows.push(&write(&sketch).batch, UnixNanos(1));
        }
        let snapshot = rows.snapshot();
        let (table, watermark) = snapshot.table();
        let order = Order::of(&table, watermark, &Sizes::USUAL);
        let tell = |at: usize| {
            let id = table.spans[order.rows[at] as usize].span_id.to_u64();
            (id, order.parents[at], order.descendants[at])
        };
        (0..order.rows.len()).map(tell).collect()
    }

    #[test]
    fn everything_below_a_span_stands_right_behind_it() {
        let spans = [(5, 2, 50), (1, 0, 10), (3, 1, 40), (2, 1, 20), (4, 2, 30)];
        assert_eq!(check(&spans), [(1, 0, 4), (2, 1, 2), (4, 1, 0), (5, 2, 0), (3, 4, 0)]);
    }

    #[test]
    fn strangers_and_circles_stand_at_the_top() {
        assert_eq!(check(&[(1, 9, 10), (2, 1, 20)]), [(1, 0, 1), (2, 1, 0)]);
        assert_eq!(check(&[(1, 1, 10), (2, 1, 20)]), [(1, 0, 1), (2, 1, 0)]);
        let circle = [(3, 2, 30), (1, 3, 10), (2, 1, 20), (4, 1, 40), (7, 0, 1)];
        assert_eq!(check(&circle), [(7, 0, 0), (1, 0, 3), (2, 1, 1), (3, 1, 0), (4, 3, 0)]);
    }

    #[test]
    fn a_deep_trace_needs_no_stack() {
        let spans: Vec<_> = (1..=20_000).map(|id| (id, id - 1, id)).collect();
        let ordered = check(&spans);
        assert_eq!((ordered[0], ordered[19_999]), ((1, 0, 19_999), (20_000, 1, 0)));
    }

    #[test]
    fn groups_end_with_a_trace_unless_it_is_large() {
        let run = |count, first| TraceRun { trace: 0, start: UnixNanos(0), first, count };
        let traces = [run(4_000, 0), run(500, 4_000), run(9_000, 4_500), run(7, 13_500)];
        let groups: Vec<_> = cut(&traces, &Sizes::USUAL, None)
            .iter()
            .map(|g| (g.first, g.count, g.trace_first, g.continues))
            .collect();
        assert_eq!(
            groups,
            [
                (0, 4_500, 0, false),
                (4_500, 4_096, 2, false),
                (8_596, 4_096, 2, true),
                (12_692, 808, 2, true),
                (13_500, 7, 3, false)
            ]
        );
    }
}
