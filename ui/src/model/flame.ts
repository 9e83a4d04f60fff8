// A flame graph by time: depth is the lane, siblings that overlap get lanes of their own, so nothing is drawn over.
//
// A span takes the first lane below its parent's that is free over its whole time. Rows come in pre-order and
// siblings by start, so one pass suffices; lanes remember their last end.

import type { Trace } from './trace';

export interface Flame {
  lane: Int32Array;
  lanes: number;
}

export function flame(trace: Trace): Flame {
  const order = Int32Array.from({ length: trace.length }, (_, row) => row).sort((a, b) => trace.depth[a] - trace.depth[b] || trace.start[a] - trace.start[b] || a - b);
  const lane = new Int32Array(trace.length);
  const ends: number[] = [];
  let lanes = 0;
  let base = 0;
  let depth = 0;
  for (const row of order) {
    if (trace.depth[row] !== depth) {
      depth = trace.depth[row];
      base = lanes;
      ends.length = 0;
    }
    let at = ends.findIndex((end) => end <= trace.start[row]);
    if (at < 0) at = Math.min(ends.length, 63);
    ends[at] = trace.start[row] + trace.duration[row];
    lane[row] = base + at;
    lanes = Math.max(lanes, base + at + 1);
  }
  return { lane, lanes };
}
