// Imported spans as traces: the answers that the server would give about them, made in the browser.

import { columnsOf } from '../model/columns';
import { criticalPath } from '../model/critical_path';
import { findings, guilty } from '../model/findings';
import { buildTrace, KINDS, nameOf, serviceOf, type Trace } from '../model/trace';
import type { Sent } from './import';
import type { Skeleton, SpanDetail, TraceLine } from './wire';

/** A whole trace in memory. */
export interface LocalTrace {
  skeleton: Skeleton;
  line: TraceLine;
  details: SpanDetail[];
}

/** So many spans of one id are looked at when a parent is chosen; honest traces have two. */
const TWINS_MAX = 8;

/** Spans by trace id, each span once however often it was imported. */
export function byTrace(spans: readonly Sent[]): Map<string, Sent[]> {
  const traces = new Map<string, Map<string, Sent>>();
  for (const span of spans) {
    const of = traces.get(span.traceId) ?? new Map<string, Sent>();
    traces.set(span.traceId, of);
    of.set(`${span.spanId} ${span.kind} ${span.service} ${span.startAt ?? ''} ${span.name}`, span);
  }
  return new Map([...traces].map(([id, of]) => [id, [...of.values()]]));
}

/** Which row each row hangs under, or -1; and which rows name a parent that is not there. */
function parentsOf(spans: readonly Sent[]): { parent: number[]; orphan: boolean[] } {
  const rows = new Map<string, number[]>();
  spans.forEach(({ spanId }, row) => {
    const twins = rows.get(spanId);
    if (!twins) rows.set(spanId, [row]);
    else if (twins.length < TWINS_MAX) twins.push(row);
  });
  const answers = (row: number) => spans[row].shared || spans[row].kind === 'server';
  const parent = spans.map((span, row) => {
    // Both ends of a Zipkin call have one id: the answer hangs under the call.
    const twins = rows.get(span.spanId) ?? [];
    const call = answers(row) ? twins.find((other) => other !== row && !answers(other)) : undefined;
    if (call !== undefined) return call;
    const above = span.parentSpanId ? (rows.get(span.parentSpanId) ?? []).filter((other) => other !== row) : [];
    return above.find((other) => spans[other].service === span.service && answers(other)) ?? above.find(answers) ?? above[0] ?? -1;
  });
  const orphan = spans.map((span, row) => parent[row] < 0 && span.parentSpanId !== null);
  // A circle has no root: it is cut where it is met first.
  const seen = new Int32Array(spans.length);
  for (let from = 0; from < spans.length; from += 1) {
    let row = from;
    while (row >= 0 && seen[row] === 0) {
      seen[row] = from + 1;
      const up = parent[row];
      if (up >= 0 && seen[up] === from + 1) {
        parent[row] = -1;
        orphan[row] = true;
      }
      row = up;
    }
  }
  return { parent, orphan };
}

/** Places of equal texts. */
class Table {
  readonly list: string[] = [];
  readonly #at = new Map<string, number>();
  place(text: string): number {
    const at = this.#at.get(text) ?? this.list.push(text) - 1;
    this.#at.set(text, at);
    return at;
  }
}

const before = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Builds a trace of spans that share an id; there is at least one. */
export function assemble(id: string, sent: readonly Sent[], missing: readonly string[] = []): LocalTrace {
  const least = sent.reduce<bigint | null>((first, { startAt }) => (startAt !== null && (first === null || startAt < first) ? startAt : first), null) ?? 0n;
  const at = (span: Sent) => Number((span.startAt ?? least) - least);
  const spans = [...sent].sort((a, b) => at(a) - at(b) || before(a.spanId, b.spanId) || (KINDS as readonly string[]).indexOf(a.kind) - (KINDS as readonly string[]).indexOf(b.kind) || before(a.name, b.name));
  const { parent, orphan } = parentsOf(spans);
  const services = new Table();
  for (const name of [...new Set(spans.map(({ service }) => service))].sort()) services.place(name);
  const operations = new Table();
  const operation = spans.map((span) => operations.place(JSON.stringify([services.place(span.service), span.name, span.kind])));
  const flags = spans.map((span, row) => (span.status.code === 'error' ? 1 : 0) | (orphan[row] ? 4 : 0) | (span.events.length ? 64 : 0) | (span.links.length ? 128 : 0));
  const bare: Skeleton = {
    traceId: id, watermark: '', t0: least.toString(), durationNs: 0, spanCount: spans.length, errorCount: 0, orphanCount: 0, depth: 0, root: null, select: { row: 0, why: '' },
    services: services.list,
    operations: operations.list.map((key) => {
      const [service, name, kind] = JSON.parse(key) as [number, string, string];
      return { service, name, kind: (KINDS as readonly string[]).includes(kind) ? kind : 'unspecified' };
    }),
    columns: { parent, start: spans.map((span, row) => at(span) - (row ? at(spans[row - 1]) : 0)), duration: spans.map(({ durationNs }) => durationNs), operation, flags },
    findings: [],
    missing: [...missing, ...(spans.some(({ startAt }) => startAt === null) ? ['Spans without a start are drawn at the start of the trace'] : [])],
  };
  const trace = buildTrace(columnsOf(bare));
  const path = criticalPath(trace);
  const culprit = guilty(trace, path);
  const root = trace.mainRoot >= 0 && !orphan[trace.source[trace.mainRoot]] ? trace.source[trace.mainRoot] : null;
  const skeleton: Skeleton = {
    ...bare, root,
    durationNs: trace.end, errorCount: trace.errorCount, orphanCount: trace.orphanCount, depth: trace.depthMax + 1,
    select: { row: trace.source[culprit.row], why: culprit.why },
    findings: findings(trace, path, (row) => messageOf(spans[trace.source[row]])),
  };
  return { skeleton, line: lineOf(skeleton, trace), details: spans.map((span, row) => detailOf(span, row, flags[row], trace, least)) };
}

/** What a failed span says: its status message, else its exception, as the server takes it. */
function messageOf({ status, events, attributes }: Sent): string {
  if (status.message) return status.message;
  const exceptions = events.filter(({ name }) => name === 'exception').flatMap((event) => event.attributes);
  const said = (list: readonly { key: string; text: string }[], key: string) => list.find((one) => one.key === key)?.text;
  return said(exceptions, 'exception.message') ?? said(exceptions, 'exception.type') ?? said(attributes, 'error.message') ?? said(attributes, 'error.type') ?? '';
}

function lineOf(skeleton: Skeleton, trace: Trace): TraceLine {
  const services = trace.services.map((name) => ({ name, spans: 0, errors: 0, ns: 0 }));
  for (let row = 0; row < trace.length; row += 1) {
    const one = services[trace.service[row]];
    one.spans += 1;
    one.errors += trace.flags[row] & 1;
    one.ns += trace.self[row];
  }
  const named = (row: number) => ({ service: serviceOf(trace, row), operation: nameOf(trace, row) });
  return {
    type: 'trace', traceId: skeleton.traceId, start: skeleton.t0, durationNs: trace.end, spans: trace.length, errors: trace.errorCount, orphans: trace.orphanCount,
    root: skeleton.root === null ? null : named(trace.rowOf[skeleton.root]), matched: 0, matchedSpanId: '',
    error: trace.errorCount ? named(trace.rowOf[skeleton.select.row]) : null, services: services.sort((a, b) => b.ns - a.ns),
  };
}

function detailOf(span: Sent, row: number, flags: number, trace: Trace, least: bigint): SpanDetail {
  const { traceId: _, startAt, shared: __, ...rest } = span;
  return { row, ...rest, start: (startAt ?? least).toString(), selfNs: trace.self[trace.rowOf[row]], flags };
}

/** Rows whose words hold a text, as the server looks for it: in names, attributes, events and messages. */
export function rowsWith(trace: LocalTrace, text: string): number[] {
  const wanted = text.toLowerCase();
  const holds = (list: readonly { key: string; text: string }[]) => list.some((one) => one.key.toLowerCase().includes(wanted) || one.text.toLowerCase().includes(wanted));
  return trace.details
    .filter((span) => [span.spanId, span.service, span.name, span.status.message].some((words) => words.toLowerCase().includes(wanted)) || holds(span.attributes) || holds(span.resource.attributes) || span.events.some((event) => event.name.toLowerCase().includes(wanted) || holds(event.attributes)))
    .map(({ row }) => row);
}
