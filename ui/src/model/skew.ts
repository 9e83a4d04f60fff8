// Clocks of different hosts, made to agree with who called whom: a way of looking, never a change of what is stored.
//
// The answering half of a call runs on another host than the calling half. Where it lies outside the call it is
// centred in it, as if the network took as long there as back; where it is longer than the call only its start is
// pulled up. Everything below it that is no call's answer moves with it. These are Jaeger's rules, applied where two
// hosts are certain: under a client's span.

import { type Opened, openedOf } from './opened';
import type { Trace } from './trace';

const SERVER = 2;
const CLIENT = 3;

/** By row: how far its clock is put forward, in nanoseconds; `null` where all clocks agree. */
export function shifts(trace: Trace): Float64Array | null {
  const shift = new Float64Array(trace.length);
  let any = false;
  for (let row = 0; row < trace.length; row += 1) {
    const up = trace.parent[row];
    if (up < 0) continue;
    const answers = trace.kind[row] === SERVER && trace.kind[up] === CLIENT;
    shift[row] = answers ? shiftOf(trace, row, up, shift[up]) : shift[up];
    any ||= shift[row] !== 0;
  }
  return any ? shift : null;
}

/** `moved` is how far the call itself was put forward. */
function shiftOf(trace: Trace, row: number, up: number, moved: number): number {
  const start = trace.start[up] + moved;
  const [length, room] = [trace.duration[row], trace.duration[up]];
  if (room < length) return Math.max(0, start - trace.start[row]);
  if (start <= trace.start[row] && trace.start[row] + length <= start + room) return 0;
  return start + Math.floor((room - length) / 2) - trace.start[row];
}

export interface Adjusted {
  opened: Opened;
  /** How many spans moved, and how far at most. */
  spans: number;
  most: number;
}

/** Builds the trace anew with its clocks adjusted. Its spans keep the numbers by which the sender knows them. */
export function adjusted(trace: Trace, shift: Float64Array): Adjusted {
  let spans = 0;
  let most = 0;
  let first = Infinity;
  const start = Float64Array.from(trace.start, (at, row) => {
    if (shift[row] !== 0) spans += 1;
    most = Math.max(most, Math.abs(shift[row]));
    first = Math.min(first, at + shift[row]);
    return at + shift[row];
  });
  for (let row = 0; row < start.length; row += 1) start[row] -= first;
  const { id, services, names, parent, duration, service, name, kind, flags } = trace;
  const t0 = (BigInt(trace.t0) + BigInt(first)).toString();
  const opened = openedOf({ id, t0, services, names, parent, start, duration, service, name, kind, flags });
  const { source, rowOf } = opened.trace;
  for (let row = 0; row < source.length; row += 1) {
    source[row] = trace.source[source[row]];
    rowOf[source[row]] = row;
  }
  return { opened, spans, most };
}
