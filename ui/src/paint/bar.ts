// How a span's bar looks: backgrounds as text, set through the CSSOM.

import type { CriticalPath } from '../model/critical_path';
import { children, type Trace } from '../model/trace';

const STRETCHES_MAX = 40;

/** Full tone where the span itself works, a paler one while a child runs. */
export function barBackground(trace: Trace, row: number, colour: string): string {
  const length = trace.duration[row];
  if (trace.childCount[row] === 0 || length === 0 || trace.self[row] >= length * 0.98) return colour;
  const pale = `color-mix(in srgb, ${colour} 62%, var(--bg))`;
  const start = trace.start[row];
  const stops: string[] = [];
  let reached = 0;
  for (const child of children(trace, row, STRETCHES_MAX)) {
    const from = Math.max(reached, trace.start[child] - start) / length;
    const until = Math.min(length, trace.start[child] + trace.duration[child] - start) / length;
    if (until <= from || until * length <= reached) continue;
    if (reached / length < from) stops.push(`${colour} ${percent(reached / length)} ${percent(from)}`);
    stops.push(`${pale} ${percent(from)} ${percent(until)}`);
    reached = until * length;
  }
  if (reached < length) stops.push(`${colour} ${percent(reached / length)} 100%`);
  return stops.length > 1 ? `linear-gradient(90deg, ${stops.join(', ')})` : colour;
}

/** Where of its bar a span was on the critical path; empty where never. */
export function pathBackground(trace: Trace, path: CriticalPath, row: number): string {
  const segments = path.ofRow.get(row);
  const length = trace.duration[row];
  if (!segments) return '';
  if (length === 0) return 'var(--crit)';
  const start = trace.start[row];
  const stops: string[] = [];
  let reached = 0;
  for (const at of segments.slice(0, STRETCHES_MAX)) {
    const { from, until } = path.segments[at];
    const [left, right] = [(from - start) / length, (until - start) / length];
    if (reached < left) stops.push(`transparent ${percent(reached)} ${percent(left)}`);
    stops.push(`var(--crit) ${percent(left)} ${percent(right)}`);
    reached = right;
  }
  if (reached < 1) stops.push(`transparent ${percent(reached)} 100%`);
  return stops.length === 1 ? 'var(--crit)' : `linear-gradient(90deg, ${stops.join(', ')})`;
}

function percent(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 100}%`;
}
