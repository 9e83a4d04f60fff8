// Which rows the waterfall shows, in order.
//
// Rows come in pre-order, so a collapsed subtree is skipped by its size and the whole answer is one pass. A
// long run of siblings of one operation becomes one group row until it is opened. Rows that a filter leaves
// out keep their ancestors, and what is not shown is counted, never dropped in silence.

import { ERROR, type Trace } from './trace';

/** Siblings of one operation beyond this many stand in one row. */
export const GROUP_MIN = 50;

/** Beyond this many spans a trace opens collapsed, but for what matters. */
export const OPEN_MAX = 2000;
const OPEN_DEPTH = 5;

export interface Shape {
  collapsed: Uint8Array;
  /** Keys of group rows that were opened: the first row of the group. */
  opened: ReadonlySet<number>;
  /** Only these rows and their ancestors; `null` shows all. */
  only: Uint8Array | null;
  /** Services that are left out. */
  hidden: ReadonlySet<number>;
  /** Only the subtree of this row; -1 shows all. */
  focus: number;
}

export interface Rows {
  /** The span of each row; of a group its first. */
  span: Int32Array;
  /** How many siblings a row stands for: 0 for a plain row. */
  group: Int32Array;
  length: number;
  /** Spans that no row shows, folded subtrees left aside. */
  hidden: number;
  /** The row that shows a span, or the nearest ancestor's; -1 where none does. */
  at: (span: number) => number;
}

/** Which spans start folded: below a depth in a huge trace, except on the way to what matters. */
export function collapsedAtFirst(trace: Trace, keep: Iterable<number>): Uint8Array {
  const collapsed = new Uint8Array(trace.length);
  if (trace.length <= OPEN_MAX) return collapsed;
  for (let row = 0; row < trace.length; row += 1) {
    if (trace.depth[row] >= OPEN_DEPTH && trace.childCount[row] > 0) collapsed[row] = 1;
  }
  for (const row of keep) open(trace, collapsed, row);
  return collapsed;
}

/** Unfolds all ancestors of a span. */
export function open(trace: Trace, collapsed: Uint8Array, span: number): void {
  for (let up = trace.parent[span]; up >= 0; up = trace.parent[up]) collapsed[up] = 0;
}

/** Marks rows that a filter keeps, with all their ancestors. */
function withAncestors(trace: Trace, only: Uint8Array): Uint8Array {
  const shown = only.slice();
  for (let row = trace.length - 1; row >= 0; row -= 1) {
    if (shown[row] && trace.parent[row] >= 0) shown[trace.parent[row]] = 1;
  }
  return shown;
}

/** How many siblings from `row` on are of one kind, and where they end. */
export function runFrom(trace: Trace, row: number): { count: number; end: number } {
  const up = trace.parent[row];
  const until = up < 0 ? trace.length : up + trace.size[up];
  let count = 0;
  let at = row;
  while (at < until && trace.name[at] === trace.name[row] && trace.service[at] === trace.service[row] && trace.kind[at] === trace.kind[row]) {
    count += 1;
    at += trace.size[at];
  }
  return { count, end: at };
}

export function visibleRows(trace: Trace, shape: Shape): Rows {
  // An open group has a row of its own before its spans.
  const most = trace.length + Math.ceil(trace.length / GROUP_MIN);
  const span = new Int32Array(most);
  const group = new Int32Array(most);
  const shown = shape.only ? withAncestors(trace, shape.only) : null;
  let length = 0;
  let hidden = 0;
  const from = shape.focus >= 0 ? shape.focus : 0;
  const until = shape.focus >= 0 ? shape.focus + trace.size[shape.focus] : trace.length;
  hidden += trace.length - (until - from);
  let groupOf = -1;
  let groupEnd = -1;
  for (let row = from; row < until; ) {
    if ((shown && !shown[row]) || shape.hidden.has(trace.service[row])) {
      hidden += 1;
      row += 1;
      continue;
    }
    const up = trace.parent[row];
    const first = up < 0 || row === up + 1 || runStarts(trace, row);
    if (!shown && up >= 0 && first && !(row < groupEnd && up === groupOf)) {
      const run = runFrom(trace, row);
      if (GROUP_MIN < run.count) {
        span[length] = row;
        group[length] = run.count;
        length += 1;
        if (!shape.opened.has(row)) {
          row = run.end;
          continue;
        }
        groupOf = up;
        groupEnd = run.end;
      }
    }
    span[length] = row;
    length += 1;
    row += shape.collapsed[row] ? trace.size[row] : 1;
  }
  const spans = span.slice(0, length);
  return { span: spans, group: group.slice(0, length), length, hidden, at: finder(trace, spans) };
}

/** Whether the sibling before a row is of another kind. A sibling's subtree ends where the row begins. */
function runStarts(trace: Trace, row: number): boolean {
  let before = row - 1;
  const depth = trace.depth[row];
  while (trace.depth[before] > depth) before = trace.parent[before];
  if (trace.depth[before] < depth) return true;
  return trace.name[before] !== trace.name[row] || trace.service[before] !== trace.service[row] || trace.kind[before] !== trace.kind[row];
}

function finder(trace: Trace, spans: Int32Array): (span: number) => number {
  return (wanted) => {
    for (let row = wanted; row >= 0; row = trace.parent[row]) {
      let low = 0;
      let high = spans.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (spans[middle] < row) low = middle + 1;
        else high = middle;
      }
      // An opened group and its first span have the same number: the span's own row comes second.
      if (low + 1 < spans.length && spans[low + 1] === row) return low + 1;
      if (low < spans.length && spans[low] === row) return low;
    }
    return -1;
  };
}

export interface Group {
  p50: number;
  max: number;
  errors: number;
  from: number;
  until: number;
}

/** Groups are looked at on each frame, and may be of a hundred thousand: each is summed up once. */
const summed = new WeakMap<Trace, Map<number, Group>>();

/** What a group row says: median, longest, failures, and its stretch of time. */
export function groupOf(trace: Trace, first: number): Group {
  const groups = summed.get(trace) ?? new Map<number, Group>();
  summed.set(trace, groups);
  const group = groups.get(first) ?? sumUp(trace, first);
  groups.set(first, group);
  return group;
}

function sumUp(trace: Trace, first: number): Group {
  const { count, end } = runFrom(trace, first);
  const lengths = new Float64Array(count);
  let errors = 0;
  let until = 0;
  for (let row = first, at = 0; row < end; row += trace.size[row], at += 1) {
    lengths[at] = trace.duration[row];
    if (trace.flags[row] & ERROR) errors += 1;
    until = Math.max(until, trace.start[row] + trace.duration[row]);
  }
  lengths.sort();
  return { p50: lengths[count >> 1], max: lengths[count - 1], errors, from: trace.start[first], until };
}
