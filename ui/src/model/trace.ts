// One trace as columns: everything that is drawn or judged reads from these typed arrays.
//
// Rows are put into depth-first pre-order once, when the trace is built. From then on the subtree of row r is
// the range [r, r + size[r]), a parent always stands before its children, and every analysis is one pass
// forwards or backwards without recursion (a trace may be one chain of a million spans).
//
// Times are nanoseconds from the trace's first start: exact in a double for 104 days.

export const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** What a row's flags say. */
export const ERROR = 1;
export const ORPHAN = 2;
export const EVENTS = 4;
export const LINKS = 8;

/** What a trace is built from, in the order in which it came. `parent` is a row, or -1. */
export interface Columns {
  id: string;
  /** Nanoseconds since 1970 of offset 0, decimal. */
  t0: string;
  services: readonly string[];
  names: readonly string[];
  parent: ArrayLike<number>;
  start: ArrayLike<number>;
  duration: ArrayLike<number>;
  service: ArrayLike<number>;
  name: ArrayLike<number>;
  kind: ArrayLike<number>;
  flags: ArrayLike<number>;
}

export interface Trace {
  readonly id: string;
  readonly t0: string;
  readonly length: number;
  readonly services: readonly string[];
  readonly names: readonly string[];
  /** Row as the sender numbered it, for asking about it; and the way back. */
  readonly source: Int32Array;
  readonly rowOf: Int32Array;
  readonly parent: Int32Array;
  readonly start: Float64Array;
  readonly duration: Float64Array;
  readonly service: Int32Array;
  readonly name: Int32Array;
  readonly kind: Uint8Array;
  readonly flags: Uint8Array;
  readonly depth: Int32Array;
  /** Rows of the subtree, itself included. */
  readonly size: Int32Array;
  readonly childCount: Int32Array;
  /** Time during which no child ran. */
  readonly self: Float64Array;
  /** Failed spans below, itself left out. */
  readonly errorsBelow: Int32Array;
  readonly roots: Int32Array;
  /** The root that stands for the whole: the earliest that is no orphan; -1 in an empty trace. */
  readonly mainRoot: number;
  /** The end of the latest span. */
  readonly end: number;
  readonly depthMax: number;
  readonly errorCount: number;
  readonly orphanCount: number;
}

/** Children of every row as one flat list, by start. Roots hang under row `length`. */
function childrenOf(columns: Columns, count: number): { from: Int32Array; list: Int32Array } {
  const from = new Int32Array(count + 2);
  const parentOf = (row: number) => (columns.parent[row] < 0 ? count : columns.parent[row]);
  for (let row = 0; row < count; row += 1) from[parentOf(row) + 1] += 1;
  for (let row = 1; row < from.length; row += 1) from[row] += from[row - 1];
  const next = from.slice();
  const list = new Int32Array(count);
  // Rows that came by start fill their parent's list by start; only others need sorting.
  let sorted = true;
  for (let row = 1; row < count && sorted; row += 1) sorted = columns.start[row - 1] <= columns.start[row];
  for (let row = 0; row < count; row += 1) {
    const parent = parentOf(row);
    list[next[parent]] = row;
    next[parent] += 1;
  }
  if (!sorted) {
    for (let row = 0; row <= count; row += 1) {
      if (from[row + 1] - from[row] > 1) {
        list.subarray(from[row], from[row + 1]).sort((a, b) => columns.start[a] - columns.start[b] || a - b);
      }
    }
  }
  return { from, list };
}

function preOrder(columns: Columns, count: number): Int32Array {
  const { from, list } = childrenOf(columns, count);
  const source = new Int32Array(count);
  const stack = new Int32Array(count + 1);
  let top = 0;
  for (let at = from[count + 1] - 1; at >= from[count]; at -= 1) stack[top++] = list[at];
  let row = 0;
  while (top > 0) {
    const old = stack[--top];
    source[row++] = old;
    for (let at = from[old + 1] - 1; at >= from[old]; at -= 1) stack[top++] = list[at];
  }
  return source;
}

/** Builds the trace and everything that one pass can say about it. */
export function buildTrace(columns: Columns): Trace {
  const count = columns.start.length;
  const source = preOrder(columns, count);
  const rowOf = new Int32Array(count);
  for (let row = 0; row < count; row += 1) rowOf[source[row]] = row;
  const parent = new Int32Array(count);
  const start = new Float64Array(count);
  const duration = new Float64Array(count);
  const service = new Int32Array(count);
  const name = new Int32Array(count);
  const kind = new Uint8Array(count);
  const flags = new Uint8Array(count);
  const depth = new Int32Array(count);
  let end = 0;
  let depthMax = 0;
  let errorCount = 0;
  let orphanCount = 0;
  for (let row = 0; row < count; row += 1) {
    const old = source[row];
    parent[row] = columns.parent[old] < 0 ? -1 : rowOf[columns.parent[old]];
    start[row] = columns.start[old];
    duration[row] = columns.duration[old];
    service[row] = columns.service[old];
    name[row] = columns.name[old];
    kind[row] = columns.kind[old];
    flags[row] = columns.flags[old];
    depth[row] = parent[row] < 0 ? 0 : depth[parent[row]] + 1;
    end = Math.max(end, start[row] + duration[row]);
    depthMax = Math.max(depthMax, depth[row]);
    if (flags[row] & ERROR) errorCount += 1;
    if (flags[row] & ORPHAN) orphanCount += 1;
  }
  const { size, childCount, errorsBelow } = sums(parent, flags);
  const roots = Int32Array.from(parent.keys()).filter((row) => parent[row] < 0);
  const main = roots.find((row) => !(flags[row] & ORPHAN)) ?? (roots.length ? roots[0] : -1);
  return {
    id: columns.id,
    t0: columns.t0,
    length: count,
    services: columns.services,
    names: columns.names,
    source,
    rowOf,
    parent,
    start,
    duration,
    service,
    name,
    kind,
    flags,
    depth,
    size,
    childCount,
    self: selfTimes(parent, start, duration),
    errorsBelow,
    roots,
    mainRoot: main,
    end,
    depthMax,
    errorCount,
    orphanCount,
  };
}

/** What adds up from the leaves: one pass backwards, because parents stand before children. */
function sums(parent: Int32Array, flags: Uint8Array) {
  const count = parent.length;
  const size = new Int32Array(count).fill(1);
  const childCount = new Int32Array(count);
  const errorsBelow = new Int32Array(count);
  for (let row = count - 1; row >= 0; row -= 1) {
    const up = parent[row];
    if (up < 0) continue;
    size[up] += size[row];
    childCount[up] += 1;
    errorsBelow[up] += errorsBelow[row] + (flags[row] & ERROR ? 1 : 0);
  }
  return { size, childCount, errorsBelow };
}

/** Self time: children come by start, so what they cover is known by how far they have reached. */
function selfTimes(parent: Int32Array, start: Float64Array, duration: Float64Array): Float64Array {
  const count = parent.length;
  const reached = start.slice();
  const self = duration.slice();
  for (let row = 0; row < count; row += 1) {
    const up = parent[row];
    if (up < 0) continue;
    const until = Math.min(start[row] + duration[row], start[up] + duration[up]);
    const from = Math.max(start[row], reached[up]);
    if (from < until) {
      self[up] -= until - from;
      reached[up] = until;
    }
  }
  return self;
}

/** Rows of the direct children, by start; the first `most` of them. */
export function children(trace: Trace, row: number, most = Infinity): number[] {
  const found: number[] = [];
  const until = row + trace.size[row];
  for (let child = row + 1; child < until && found.length < most; child += trace.size[child]) found.push(child);
  return found;
}

export function serviceOf(trace: Trace, row: number): string {
  return trace.services[trace.service[row]];
}

export function nameOf(trace: Trace, row: number): string {
  return trace.names[trace.name[row]];
}

export function isError(trace: Trace, row: number): boolean {
  return (trace.flags[row] & ERROR) !== 0;
}
