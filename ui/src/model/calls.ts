// One trace as a graph of who called whom: a box for each service (or operation), never one for each span.
//
// A call is a span under a parent in another box. What stays inside its box is the box's own work and draws
// nothing. Boxes come in the order in which they are first met, so that the entry stands first; beyond what
// can be read at once those with the least self time are left out, and counted.

import { isError, nameOf, serviceOf, type Trace } from './trace';

/** More boxes than this are not drawn at once. */
export const BOXES_MAX = 150;

export type By = 'service' | 'operation';

export interface Box {
  key: string;
  service: string;
  /** The operation; empty where boxes are services. */
  operation: string;
  spans: number;
  errors: number;
  self: number;
  /** The span to look at: the first failure that began here, else the first failure, else the most self time. */
  row: number;
  /** 2 where that failure began here, 1 where it is passed on, 0 without one. */
  rank: number;
}

export interface Call {
  parent: string;
  child: string;
  count: number;
  errors: number;
  /** How long the called spans took together. */
  total: number;
}

export interface CallGraph {
  boxes: Box[];
  calls: Call[];
  /** Boxes that are not drawn. */
  left: number;
  boxOf: (row: number) => string;
}

export function callGraph(trace: Trace, by: By): CallGraph {
  const boxOf = (row: number) => (by === 'service' ? `${trace.service[row]}` : `${trace.service[row]} ${trace.name[row]}`);
  const boxes = new Map<string, Box>();
  const calls = new Map<string, Call>();
  for (let row = 0; row < trace.length; row += 1) {
    const key = boxOf(row);
    count(trace, row, boxed(boxes, trace, row, key, by));
    const up = trace.parent[row];
    if (up < 0) continue;
    const parent = boxOf(up);
    if (parent === key) continue;
    const edge = `${parent}>${key}`;
    const call = calls.get(edge) ?? { parent, child: key, count: 0, errors: 0, total: 0 };
    calls.set(edge, call);
    call.count += 1;
    call.errors += isError(trace, row) ? 1 : 0;
    call.total += trace.duration[row];
  }
  const all = [...boxes.values()];
  if (all.length <= BOXES_MAX) return { boxes: all, calls: [...calls.values()], left: 0, boxOf };
  const kept = new Set([...all].sort((a, b) => b.self - a.self).slice(0, BOXES_MAX));
  const drawn = new Set([...kept].map(({ key }) => key));
  return {
    boxes: all.filter((box) => kept.has(box)),
    calls: [...calls.values()].filter(({ parent, child }) => drawn.has(parent) && drawn.has(child)),
    left: all.length - BOXES_MAX,
    boxOf,
  };
}

function boxed(boxes: Map<string, Box>, trace: Trace, row: number, key: string, by: By): Box {
  const known = boxes.get(key);
  if (known) return known;
  const box: Box = { key, service: serviceOf(trace, row), operation: by === 'service' ? '' : nameOf(trace, row), spans: 0, errors: 0, self: 0, row, rank: -1 };
  boxes.set(key, box);
  return box;
}

function count(trace: Trace, row: number, box: Box): void {
  box.spans += 1;
  box.self += trace.self[row];
  const failed = isError(trace, row);
  if (failed) box.errors += 1;
  const rank = failed ? (trace.errorsBelow[row] === 0 ? 2 : 1) : 0;
  const better = rank === 0 ? trace.self[box.row] < trace.self[row] : trace.start[row] < trace.start[box.row];
  if (box.rank < rank || (box.rank === rank && better)) {
    box.row = row;
    box.rank = rank;
  }
}

/** The box that an arrow key leads to: right and left along calls, up and down among boxes of one column. */
export function beside(placed: readonly { name: string; x: number; y: number }[], graph: CallGraph, from: string, key: string): string | null {
  const at = placed.find(({ name }) => name === from);
  if (!at) return placed[0]?.name ?? null;
  const near = (names: Set<string>) =>
    placed.filter(({ name }) => names.has(name)).sort((a, b) => Math.abs(a.y - at.y) - Math.abs(b.y - at.y) || Math.abs(a.x - at.x) - Math.abs(b.x - at.x))[0]?.name ?? null;
  if (key === 'ArrowRight') return near(new Set(graph.calls.filter(({ parent }) => parent === from).map(({ child }) => child)));
  if (key === 'ArrowLeft') return near(new Set(graph.calls.filter(({ child }) => child === from).map(({ parent }) => parent)));
  const down = key === 'ArrowDown';
  const column = placed.filter(({ x, y }) => Math.abs(x - at.x) < 1 && (down ? y > at.y : y < at.y));
  return column.sort((a, b) => (down ? a.y - b.y : b.y - a.y))[0]?.name ?? null;
}
