// A trace that has grown: which row of the new one each old row is.
//
// Spans never change once they are stored, so a span is known by its moment, length and name; equal ones are
// matched in the order in which they stand. The first start may have moved, and tables may be in another order.

import { nameOf, serviceOf, type Trace } from './trace';

/** What tells a span from others; `since` moves it to the other trace's first start. */
function sign(trace: Trace, row: number, since: number): string {
  return `${trace.start[row] + since} ${trace.duration[row]} ${trace.kind[row]} ${serviceOf(trace, row)} ${nameOf(trace, row)}`;
}

/** By row of `before`: its row in `after`, or -1. */
export function rowsAfter(before: Trace, after: Trace): Int32Array {
  const since = Number(BigInt(before.t0) - BigInt(after.t0));
  const places = new Map<string, number[]>();
  for (let row = after.length - 1; row >= 0; row -= 1) {
    const key = sign(after, row, 0);
    const rows = places.get(key);
    if (rows) rows.push(row);
    else places.set(key, [row]);
  }
  const rows = new Int32Array(before.length).fill(-1);
  for (let row = 0; row < before.length; row += 1) rows[row] = places.get(sign(before, row, since))?.pop() ?? -1;
  return rows;
}

/** After its end a trace is watched this long for more; one that is visibly incomplete longer. */
const FRESH_MS = 60_000;
const INCOMPLETE_MS = 15 * 60_000;

/** Whether more spans of a trace may still arrive. */
export function mayGrow(endMs: number, incomplete: boolean, nowMs: number): boolean {
  return nowMs - endMs < (incomplete ? INCOMPLETE_MS : FRESH_MS);
}
