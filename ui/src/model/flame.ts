// A flame graph by time: depth is the lane, siblings that overlap get lanes of their own, so nothing is drawn over.
//
// A span takes the first lane of its depth that is free over its whole time; lanes remember their last end. So a
// lane's spans come by start and end by end, and what lies at a moment is found by halving.

import type { Trace } from './trace';

/** A depth has at most so many lanes; what runs beside more than that shares the last one, and is counted. */
const LANES_MAX = 256;

export interface Flame {
  lane: Int32Array;
  lanes: number;
  /** Rows lane by lane, each by start; lane `n` is `order[from[n]]` to `order[from[n + 1] - 1]`. */
  order: Int32Array;
  from: Int32Array;
  /** Spans that share a lane with one that runs at the same time. */
  over: number;
}

export function flame(trace: Trace): Flame {
  const order = Int32Array.from(trace.source.keys()).sort((a, b) => trace.depth[a] - trace.depth[b] || trace.start[a] - trace.start[b] || a - b);
  const lane = new Int32Array(trace.length);
  const ends: number[] = [];
  let lanes = 0;
  let base = 0;
  let depth = 0;
  let over = 0;
  for (const row of order) {
    if (trace.depth[row] !== depth) {
      depth = trace.depth[row];
      base = lanes;
      ends.length = 0;
    }
    let at = ends.findIndex((end) => end <= trace.start[row]);
    if (at < 0) {
      over += ends.length < LANES_MAX ? 0 : 1;
      at = Math.min(ends.length, LANES_MAX - 1);
    }
    ends[at] = Math.max(ends[at] ?? 0, trace.start[row] + trace.duration[row]);
    lane[row] = base + at;
    lanes = Math.max(lanes, base + at + 1);
  }
  return { lane, lanes, ...byLane(order, lane, lanes), over };
}

/** Rows by lane, by counting: within a lane they keep the order in which they come. */
function byLane(rows: Int32Array, lane: Int32Array, lanes: number): { order: Int32Array; from: Int32Array } {
  const from = new Int32Array(lanes + 1);
  for (const row of rows) from[lane[row] + 1] += 1;
  for (let at = 1; at <= lanes; at += 1) from[at] += from[at - 1];
  const next = from.slice();
  const order = new Int32Array(rows.length);
  for (const row of rows) order[next[lane[row]]++] = row;
  return { order, from };
}

/** The span of a lane at a moment, or the nearest that begins or ends within `slack` of it; -1 where none does. */
export function spanAt(trace: Trace, { order, from }: Flame, lane: number, moment: number, slack: number): number {
  let low = from[lane] ?? 0;
  let high = from[lane + 1] ?? 0;
  const end = high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trace.start[order[middle]] + trace.duration[order[middle]] < moment - slack) low = middle + 1;
    else high = middle;
  }
  return low < end && trace.start[order[low]] <= moment + slack ? order[low] : -1;
}
