// Where the time of a trace went: the critical path splits the main root's time among spans.
//
// Walked from the end: what finished last under a span held it up; before that whatever finished last before
// *that* began, and so on; time under no child is the span's own. The rules are those of the server's
// `insight` crate, and both are tested on the same traces: children are cut to their parent, a consumer
// under a producer does not block it, an overlap of less than a hundredth of the parent is forgiven.

import { children, type Trace } from './trace';

const PRODUCER = 4;
const CONSUMER = 5;

export interface Segment {
  row: number;
  from: number;
  until: number;
}

export interface CriticalPath {
  /** Time on the path, by row. */
  time: Float64Array;
  /** From the root's start to its end, without gaps. */
  segments: Segment[];
  /** Which segments belong to a row: indexes into `segments`. */
  ofRow: Map<number, number[]>;
  /** The span that most of the time belongs to, -1 in an empty trace. */
  bottleneck: number;
}

interface Walk {
  row: number;
  from: number;
  until: number;
  slack: number;
  fresh: boolean;
  /** The next to look at last. */
  waiting: number[];
}

function walkOf(trace: Trace, row: number, from: number, until: number): Walk {
  const producer = trace.kind[row] === PRODUCER;
  const ends = (child: number) => trace.start[child] + trace.duration[child];
  const waiting = children(trace, row)
    .filter((child) => !(producer && trace.kind[child] === CONSUMER))
    .sort((a, b) => ends(a) - ends(b) || a - b);
  return { row, from, until, slack: Math.floor(Math.max(0, until - from) / 100), fresh: true, waiting };
}

export function criticalPath(trace: Trace): CriticalPath {
  const time = new Float64Array(trace.length);
  const segments: Segment[] = [];
  const give = (row: number, from: number, until: number) => {
    if (from < until) {
      time[row] += until - from;
      segments.push({ row, from, until });
    }
  };
  const root = trace.mainRoot;
  const walks: Walk[] = [];
  if (root >= 0) walks.push(walkOf(trace, root, trace.start[root], trace.start[root] + trace.duration[root]));
  while (walks.length > 0) {
    const walk = walks[walks.length - 1];
    const child = walk.waiting.pop();
    if (child === undefined) {
      give(walk.row, walk.from, walk.until);
      walks.pop();
      continue;
    }
    const start = trace.start[child];
    const end = start + trace.duration[child];
    if (walk.until + walk.slack < end && !walk.fresh) continue; // It ran beside the one that was taken.
    const until = Math.min(end, walk.until);
    const from = Math.max(start, walk.from);
    if (until < from || (start >= walk.until && start !== end)) continue; // Outside of what is left.
    const rest = walk.until;
    walk.until = from;
    walk.fresh = false;
    give(walk.row, until, rest);
    walks.push(walkOf(trace, child, from, until));
  }
  segments.reverse();
  return { time, segments, ofRow: byRow(segments), bottleneck: bottleneckOf(segments, time) };
}

function byRow(segments: Segment[]): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  segments.forEach((segment, at) => {
    const list = rows.get(segment.row);
    if (list) list.push(at);
    else rows.set(segment.row, [at]);
  });
  return rows;
}

/** Of equals the last on the path. */
function bottleneckOf(segments: Segment[], time: Float64Array): number {
  let best = -1;
  for (const { row } of segments) if (best < 0 || time[best] <= time[row]) best = row;
  return best;
}

/** Time on the path by service, the most first. */
export function pathByService(trace: Trace, path: CriticalPath): { service: string; time: number; spans: number }[] {
  const sums = new Map<number, { time: number; spans: number }>();
  for (const row of path.ofRow.keys()) {
    const sum = sums.get(trace.service[row]) ?? { time: 0, spans: 0 };
    sum.time += path.time[row];
    sum.spans += 1;
    sums.set(trace.service[row], sum);
  }
  return [...sums]
    .map(([service, sum]) => ({ service: trace.services[service], ...sum }))
    .sort((a, b) => b.time - a.time || (a.service < b.service ? -1 : 1));
}
