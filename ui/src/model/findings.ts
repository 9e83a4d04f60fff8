// What a trace has to say for itself: computed answers that replace scrolling.
//
// The server says the same of stored traces (`crates/insight/src/findings`), in the same words: this is for traces
// that it never saw. Both are held against `crates/api/fixtures/findings.json`. Each finding names the rows it
// speaks of and the one where a click leads. Earlier comes first everywhere: by start, then as the spans came.

import type { Finding } from '../data/wire';
import { type CriticalPath, pathByService } from './critical_path';
import { children, ERROR, nameOf, ORPHAN, serviceOf, type Trace } from './trace';

/** So many children with one operation are a repetition. */
const REPEATS_MIN = 5;
/** So many calls in a row might run side by side. */
const CALLS_MIN = 3;
/** What running them side by side must save, as a part of the trace. */
const SAVED_SHARE_MIN = 10;
/** What a stretch without a child must take, as a part of the trace. */
const GAP_SHARE_MIN = 5;
/** The most findings of one kind: the first few are what anybody acts on. */
const FINDINGS_MAX = 3;

const SERVER = 2;
const CLIENT = 3;

const KINDS: readonly Finding['kind'][] = ['error', 'slowest_self', 'critical_path', 'repeated', 'sequential', 'gap', 'orphans', 'clock_skew'];

const earlier = (trace: Trace) => (a: number, b: number) => trace.start[a] - trace.start[b] || trace.source[a] - trace.source[b];
const endOf = (trace: Trace, row: number) => trace.start[row] + trace.duration[row];

/** Root causes first: failures with no failure below them; then the failures that only pass them on. */
export function errorRows(trace: Trace): number[] {
  const rows: number[] = [];
  for (let row = 0; row < trace.length; row += 1) if (trace.flags[row] & ERROR) rows.push(row);
  const passedOn = (row: number) => (trace.errorsBelow[row] === 0 ? 0 : 1);
  const before = earlier(trace);
  return rows.sort((a, b) => passedOn(a) - passedOn(b) || before(a, b));
}

/** The span with the most time of its own: one that the answer waited for, if there is any; -1 in an empty trace. */
export function slowestSelf(trace: Trace, path: CriticalPath): number {
  const before = earlier(trace);
  const slowest = (holds: (row: number) => boolean) => {
    let best = -1;
    for (let row = 0; row < trace.length; row += 1) {
      if (!holds(row)) continue;
      if (best < 0 || trace.self[best] < trace.self[row] || (trace.self[best] === trace.self[row] && before(row, best) < 0)) best = row;
    }
    return best;
  };
  const waitedFor = slowest((row) => path.time[row] > 0);
  return waitedFor >= 0 ? waitedFor : slowest(() => true);
}

/** The span that the page opens with: the root cause of the failure, else where the time went. */
export function guilty(trace: Trace, path: CriticalPath): { row: number; why: 'error' | 'slowest_self' } {
  const [first] = errorRows(trace);
  if (first !== undefined) return { row: first, why: 'error' };
  const slowest = slowestSelf(trace, path);
  return { row: slowest >= 0 && trace.self[slowest] > 0 ? slowest : trace.mainRoot, why: 'slowest_self' };
}

interface Found {
  kind: Finding['kind'];
  row: number;
  rows: number[];
  ns: number;
}

function family(found: Found[], trace: Trace): Found[] {
  const before = earlier(trace);
  return found.sort((a, b) => b.ns - a.ns || before(a.row, b.row)).slice(0, FINDINGS_MAX);
}

const lasting = (trace: Trace, rows: readonly number[]) => rows.reduce((sum, row) => sum + trace.duration[row], 0);

/** Children of one span that do the same again and again. */
function repeated(trace: Trace): Found[] {
  const found: Found[] = [];
  for (let parent = 0; parent < trace.length; parent += 1) {
    if (trace.childCount[parent] < REPEATS_MIN) continue;
    const alike = new Map<string, number[]>();
    for (const row of children(trace, parent)) {
      const key = `${trace.service[row]} ${trace.name[row]} ${trace.kind[row]}`;
      const rows = alike.get(key);
      if (rows) rows.push(row);
      else alike.set(key, [row]);
    }
    for (const rows of alike.values()) if (REPEATS_MIN <= rows.length) found.push({ kind: 'repeated', row: rows[0], rows, ns: lasting(trace, rows) });
  }
  return family(found, trace);
}

/** Calls of one span that begin only when the one before has ended. Calls that are all alike are a repetition. */
function sequential(trace: Trace): Found[] {
  const found: Found[] = [];
  const judge = (run: number[]) => {
    const alike = run.every((row) => trace.name[row] === trace.name[run[0]] && trace.service[row] === trace.service[run[0]]);
    if (run.length < CALLS_MIN || (alike && REPEATS_MIN <= run.length)) return;
    const saved = lasting(trace, run) - run.reduce((longest, row) => Math.max(longest, trace.duration[row]), 0);
    if (Math.floor(trace.end / SAVED_SHARE_MIN) < saved) found.push({ kind: 'sequential', row: run[0], rows: run, ns: saved });
  };
  for (let parent = 0; parent < trace.length; parent += 1) {
    if (trace.childCount[parent] < CALLS_MIN) continue;
    let run: number[] = [];
    for (const row of children(trace, parent)) {
      if (trace.kind[row] !== CLIENT) continue;
      if (run.length && trace.start[row] < endOf(trace, run[run.length - 1])) {
        judge(run);
        run = [];
      }
      run.push(row);
    }
    judge(run);
  }
  return family(found, trace);
}

/** The longest stretch of the critical path on which a span that has children waits for none of them. */
function gap(trace: Trace, path: CriticalPath): Found[] {
  let best: Found | null = null;
  for (const { row, from, until } of path.segments) {
    if (trace.childCount[row] && (!best || best.ns < until - from)) best = { kind: 'gap', row, rows: [row], ns: until - from };
  }
  return best && Math.floor(trace.end / GAP_SHARE_MIN) < best.ns ? [best] : [];
}

function orphans(trace: Trace): Found[] {
  const rows = [...trace.roots].filter((row) => trace.flags[row] & ORPHAN).sort(earlier(trace));
  return rows.length ? [{ kind: 'orphans', row: rows[0], rows, ns: 0 }] : [];
}

/** Server halves of calls that lie outside their client halves. One that ends late may be right: it is told only where it would have fitted. */
function skewed(trace: Trace): Found[] {
  const rows: number[] = [];
  let worst = { row: -1, by: 0 };
  for (let row = 0; row < trace.length; row += 1) {
    const up = trace.parent[row];
    if (up < 0 || trace.kind[up] !== CLIENT || trace.kind[row] !== SERVER) continue;
    const early = Math.max(0, trace.start[up] - trace.start[row]);
    const late = Math.max(0, endOf(trace, row) - endOf(trace, up));
    const by = trace.duration[row] <= trace.duration[up] ? Math.max(early, late) : early;
    if (by === 0) continue;
    rows.push(row);
    if (worst.by < by || (worst.by === by && earlier(trace)(row, worst.row) < 0)) worst = { row, by };
  }
  return rows.length ? [{ kind: 'clock_skew', row: worst.row, rows: rows.sort(earlier(trace)), ns: worst.by }] : [];
}

/** A length of time with three digits, as the server words it. */
function told(ns: number): string {
  if (ns < 1000) return `${ns} ns`;
  const [number, unit] = ns < 1e6 ? [ns / 1e3, 'µs'] : ns < 1e9 ? [ns / 1e6, 'ms'] : [ns / 1e9, 's'];
  return `${number.toFixed(number >= 100 ? 0 : number >= 10 ? 1 : 2)} ${unit}`;
}

function titleOf(trace: Trace, { kind, row, rows, ns }: Found, top: string, message: string): string {
  const named = `${serviceOf(trace, row)} · ${nameOf(trace, row)}`;
  const percent = (100 * (trace.end ? Math.min(1, ns / trace.end) : 0)).toFixed(0);
  const up = trace.parent[row];
  switch (kind) {
    case 'error':
      return `${named} failed${message ? `: ${message}` : ''}${rows.length > 1 ? ` (and ${rows.length - 1} more)` : ''}`;
    case 'slowest_self':
      return `${named} took ${told(ns)} by itself, ${percent} % of the trace`;
    case 'critical_path':
      return `${top} holds ${percent} % of the critical path`;
    case 'repeated':
      return `${rows.length} × ${named}${up < 0 ? '' : ` under ${nameOf(trace, up)}`}, ${told(ns)} together`;
    case 'sequential':
      return `${rows.length} calls one after the other, from ${named}: side by side they would save ${told(ns)}`;
    case 'gap':
      return `${named} did something for ${told(ns)} that no span tells`;
    case 'orphans':
      return rows.length === 1 ? '1 span whose parent never came' : `${rows.length} spans whose parent never came`;
    case 'clock_skew':
      return `the clock of ${serviceOf(trace, row)} is off by at least ${told(ns)}`;
  }
}

/** All findings, errors first, then by the time they stand for. `messageOf` says why a span failed. */
export function findings(trace: Trace, path: CriticalPath, messageOf: (row: number) => string): Finding[] {
  if (trace.length === 0) return [];
  const slow = slowestSelf(trace, path);
  const shares = pathByService(trace, path);
  const causes = errorRows(trace).filter((row) => trace.errorsBelow[row] === 0);
  const others: Found[] = [
    ...(trace.self[slow] > 0 ? [{ kind: 'slowest_self' as const, row: slow, rows: [slow], ns: trace.self[slow] }] : []),
    ...(shares.length ? [{ kind: 'critical_path' as const, row: path.bottleneck, rows: [...path.ofRow.keys()], ns: shares[0].time }] : []),
    ...repeated(trace), ...sequential(trace), ...gap(trace, path), ...orphans(trace), ...skewed(trace),
  ];
  others.sort((a, b) => b.ns - a.ns || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  if (causes.length) others.unshift({ kind: 'error', row: causes[0], rows: causes, ns: trace.duration[causes[0]] });
  const share = (ns: number) => (trace.end ? Math.min(1, ns / trace.end) : 0);
  return others.map((one) => {
    const { kind, row, ns } = one;
    const rows = one.rows.map((at) => trace.source[at]).sort((a, b) => a - b);
    const message = kind === 'error' ? messageOf(row) : '';
    return {
      kind, ns, share: share(ns), rows, row: trace.source[row], count: rows.length,
      title: titleOf(trace, one, shares[0]?.service ?? '', [...message].slice(0, 200).join('')),
      service: serviceOf(trace, row), operation: nameOf(trace, row),
      ...(kind === 'error' ? { message } : {}),
      ...(kind === 'critical_path' ? { parts: shares.map(({ service, time }) => ({ service, ns: time, share: share(time) })) } : {}),
    };
  });
}
