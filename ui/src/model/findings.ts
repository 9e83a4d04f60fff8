// What a trace has to say for itself: computed answers that replace scrolling.
//
// Each finding names the rows it speaks of, the first of them being where a click leads. Nothing here knows a
// view; the same findings head the page of an imported file.

import { type CriticalPath, pathByService } from './critical_path';
import { fmtDuration, fmtShare } from './duration';
import { ERROR, nameOf, ORPHAN, serviceOf, type Trace } from './trace';

export type FindingKind = 'error' | 'self' | 'path' | 'repeated' | 'serial' | 'gap' | 'orphan' | 'skew';

export interface Finding {
  kind: FindingKind;
  /** The strong words. */
  title: string;
  /** What follows them, quieter. */
  note: string;
  rows: number[];
  /** The key that leads there, if one does. */
  key?: string;
}

/** As many siblings of one operation make a repetition. */
const REPEATED_MIN = 5;
/** A gap is worth a word from this share of its span. */
const GAP_SHARE_MIN = 0.2;
const SERIAL_MIN = 3;
/** Starts before the caller by more than this are a clock's fault, not rounding. */
const SKEW_NS_MIN = 1_000_000;

const CLIENT = 3;
const SERVER = 2;

/** Root causes first: failed spans without a failed child, the deepest first, then by start; then the rest by start. */
export function errorRows(trace: Trace): number[] {
  const rows: number[] = [];
  for (let row = 0; row < trace.length; row += 1) if (trace.flags[row] & ERROR) rows.push(row);
  const isCause = (row: number) => trace.errorsBelow[row] === 0;
  return rows.sort((a, b) => {
    if (isCause(a) !== isCause(b)) return isCause(a) ? -1 : 1;
    if (isCause(a) && trace.depth[a] !== trace.depth[b]) return trace.depth[b] - trace.depth[a];
    return trace.start[a] - trace.start[b] || a - b;
  });
}

/** The span with the most self time; on the critical path where there is one. */
export function slowestSelf(trace: Trace, path: CriticalPath): number {
  let best = path.bottleneck;
  if (best >= 0) return best;
  for (let row = 0; row < trace.length; row += 1) if (best < 0 || trace.self[best] < trace.self[row]) best = row;
  return best;
}

/** The span that the page opens with: the root cause of the failure, else where the time went. */
export function guilty(trace: Trace, path: CriticalPath): number {
  const errors = errorRows(trace);
  return errors.length ? errors[0] : slowestSelf(trace, path);
}

interface Family {
  rows: number[];
  sum: number;
}

/** Siblings by parent, service, operation and kind, those that repeat, the costliest first. */
export function repeated(trace: Trace): Family[] {
  const families = new Map<string, Family>();
  for (let row = 0; row < trace.length; row += 1) {
    const up = trace.parent[row];
    if (up < 0) continue;
    const key = `${up} ${trace.service[row]} ${trace.name[row]} ${trace.kind[row]}`;
    const family = families.get(key);
    if (family) {
      family.rows.push(row);
      family.sum += trace.duration[row];
    } else families.set(key, { rows: [row], sum: trace.duration[row] });
  }
  return [...families.values()].filter(({ rows }) => REPEATED_MIN <= rows.length).sort((a, b) => b.sum - a.sum);
}

/** Parents whose remote calls ran strictly one after the other, though different calls: they could run beside each other. */
function serial(trace: Trace): { rows: number[]; saved: number }[] {
  const found: { rows: number[]; saved: number }[] = [];
  const calls = new Map<number, number[]>();
  for (let row = 0; row < trace.length; row += 1) {
    if (trace.kind[row] !== CLIENT || trace.parent[row] < 0) continue;
    const list = calls.get(trace.parent[row]);
    if (list) list.push(row);
    else calls.set(trace.parent[row], [row]);
  }
  for (const [up, rows] of calls) {
    const operations = new Set(rows.map((row) => nameOf(trace, row)));
    if (rows.length < SERIAL_MIN || operations.size < SERIAL_MIN) continue;
    let total = 0;
    let longest = 0;
    let inOrder = true;
    rows.forEach((row, at) => {
      const before = rows[at - 1];
      if (at > 0 && trace.start[row] < trace.start[before] + trace.duration[before]) inOrder = false;
      total += trace.duration[row];
      longest = Math.max(longest, trace.duration[row]);
    });
    const saved = total - longest;
    if (inOrder && saved > trace.end * 0.1 && saved > trace.duration[up] * 0.2) found.push({ rows, saved });
  }
  return found.sort((a, b) => b.saved - a.saved);
}

/** Stretches of a span with children during which none of them ran. */
function gaps(trace: Trace): { row: number; length: number }[] {
  const reached = trace.start.slice();
  const longest = new Float64Array(trace.length);
  for (let row = 0; row < trace.length; row += 1) {
    const up = trace.parent[row];
    if (up < 0) continue;
    longest[up] = Math.max(longest[up], trace.start[row] - reached[up]);
    reached[up] = Math.max(reached[up], trace.start[row] + trace.duration[row]);
  }
  const found: { row: number; length: number }[] = [];
  for (let row = 0; row < trace.length; row += 1) {
    if (trace.childCount[row] === 0) continue;
    const length = Math.max(longest[row], trace.start[row] + trace.duration[row] - reached[row]);
    if (length > trace.duration[row] * GAP_SHARE_MIN && length > trace.end * GAP_SHARE_MIN) found.push({ row, length });
  }
  return found.sort((a, b) => b.length - a.length);
}

/** Server spans that start before the call they answer, by service. */
export function skewed(trace: Trace): Map<string, { rows: number[]; by: number }> {
  const found = new Map<string, { rows: number[]; by: number }>();
  for (let row = 0; row < trace.length; row += 1) {
    const up = trace.parent[row];
    if (up < 0 || trace.service[up] === trace.service[row] || trace.kind[row] !== SERVER) continue;
    const by = trace.start[up] - trace.start[row];
    if (by < SKEW_NS_MIN) continue;
    const service = serviceOf(trace, row);
    const of = found.get(service) ?? { rows: [], by: 0 };
    of.rows.push(row);
    of.by = Math.max(of.by, by);
    found.set(service, of);
  }
  return found;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function title(trace: Trace, row: number): string {
  return `${serviceOf(trace, row)} · ${nameOf(trace, row)}`;
}

/** All findings, in the order in which they matter. */
export function findings(trace: Trace, path: CriticalPath): Finding[] {
  const found: Finding[] = [];
  if (trace.length === 0) return found;
  const errors = errorRows(trace);
  if (errors.length) {
    const first = title(trace, errors[0]);
    const words = errors.length === 1 ? `1 error: ${first}` : `${errors.length} errors, first: ${first}`;
    found.push({ kind: 'error', title: words, note: '', rows: errors, key: 'n' });
  }
  const slow = slowestSelf(trace, path);
  const share = trace.end > 0 ? trace.self[slow] / trace.end : 0;
  found.push({
    kind: 'self',
    title: `Slowest self time: ${title(trace, slow)}`,
    note: `${fmtDuration(trace.self[slow])}, ${fmtShare(Math.min(1, share))}`,
    rows: [slow],
    key: 'm',
  });
  const shares = pathByService(trace, path);
  if (path.ofRow.size > 1) {
    const total = shares.reduce((sum, one) => sum + one.time, 0);
    const top = shares.slice(0, 2).map((one) => `${one.service} ${fmtShare(total ? one.time / total : 0)}`);
    found.push({ kind: 'path', title: 'Critical path', note: `${plural(path.ofRow.size, 'span')}, ${top.join(', ')}`, rows: [...path.ofRow.keys()], key: 'c' });
  }
  for (const family of repeated(trace).slice(0, 2)) {
    const row = family.rows[0];
    found.push({ kind: 'repeated', title: `${family.rows.length}× ${title(trace, row)}`, note: `repeated, ${fmtDuration(family.sum)}`, rows: family.rows });
  }
  const [calls] = serial(trace);
  if (calls) {
    found.push({ kind: 'serial', title: `${calls.rows.length} calls one after another`, note: `together they would save up to ${fmtDuration(calls.saved)}`, rows: calls.rows });
  }
  const [gap] = gaps(trace);
  if (gap) found.push({ kind: 'gap', title: `${fmtDuration(gap.length)} without a child`, note: `in ${title(trace, gap.row)}`, rows: [gap.row] });
  if (trace.orphanCount) {
    const rows = [...trace.roots].filter((row) => trace.flags[row] & ORPHAN);
    found.push({ kind: 'orphan', title: `${plural(trace.orphanCount, 'span')} without ${trace.orphanCount === 1 ? 'its' : 'their'} parent`, note: '', rows });
  }
  for (const [service, skew] of skewed(trace)) {
    found.push({ kind: 'skew', title: `Clock of ${service}`, note: `starts ${fmtDuration(skew.by)} before its caller`, rows: skew.rows });
  }
  return found;
}
