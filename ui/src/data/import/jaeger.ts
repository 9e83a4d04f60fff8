// Jaeger's JSON: what its UI downloads and its API answers. Tags that carry what OpenTelemetry has fields for
// go into those fields, as the server does it.

import { KINDS } from '../../model/trace';
import type { Attribute } from '../wire';
import { attribute, type Fields, fieldsOf, idOf, ImportError, isFields, leave, listOf, microsOf, type Read, type Sent, textOf } from './sent';

const TYPES: Record<string, string> = { string: 'string', bool: 'bool', int64: 'int', float64: 'double', binary: 'bytes' };

/** The traces of an answer, or one trace alone. `null` where the document is something else. */
export function readJaeger(document: Fields): Read | null {
  const [why] = listOf(document.errors).map(fieldsOf);
  if ('data' in document && !listOf(document.data).length && why) throw new ImportError(`it is a server's refusal: ${textOf(why.msg) || 'without a reason'}`);
  const traces = 'data' in document ? (Array.isArray(document.data) ? document.data : [document.data]) : [document];
  if (!traces.every((trace) => isFields(trace) && Array.isArray(trace.spans))) return null;
  const read: Read = { spans: [], left: new Map() };
  for (const trace of traces.map(fieldsOf)) {
    const processes = new Map(Object.entries(fieldsOf(trace.processes)).map(([key, process]) => [key, resourceOf(fieldsOf(process))]));
    for (const span of listOf(trace.spans).map(fieldsOf)) {
      take(read, span, textOf(trace.traceID), isFields(span.process) ? resourceOf(span.process) : processes.get(textOf(span.processID)));
    }
  }
  return read;
}

function tag(value: unknown): Attribute {
  const { key, type, value: held } = fieldsOf(value);
  return attribute(textOf(key), held, TYPES[textOf(type).toLowerCase()]);
}

function resourceOf(process: Fields): Attribute[] {
  const name = textOf(process.serviceName);
  return [...(name ? [attribute('service.name', name)] : []), ...listOf(process.tags).map(tag)];
}

/** Takes tags out by key where `fits`, and returns the first's text. */
function takeOut(tags: Attribute[], key: string, fits: (text: string) => boolean = () => true): string {
  const at = tags.findIndex((one) => one.key === key && fits(one.text));
  return at < 0 ? '' : tags.splice(at, 1)[0].text;
}

function statusOf(tags: Attribute[]): Sent['status'] {
  const failed = takeOut(tags, 'error', (text) => text.toLowerCase() === 'true');
  const code = takeOut(tags, 'otel.status_code', (text) => /^(ok|error|unset)$/i.test(text)).toLowerCase();
  const message = takeOut(tags, 'otel.status_description');
  return { code: failed ? 'error' : code || 'unset', message };
}

function take(read: Read, span: Fields, of: string, process: Attribute[] | undefined): void {
  const [traceId, spanId] = [idOf(span.traceID ?? of, 32), idOf(span.spanID, 16)];
  if (!traceId || !spanId) return leave(read.left, traceId ? 'without a span id' : 'without a trace id');
  const startAt = microsOf(span.startTime);
  const references = listOf(span.references).map(fieldsOf).map((one) => ({ follows: one.refType === 'FOLLOWS_FROM', traceId: idOf(one.traceID, 32), spanId: idOf(one.spanID, 16) }));
  const near = references.filter((one) => one.traceId === traceId && one.spanId);
  const up = near.find((one) => !one.follows) ?? near[0];
  const tags = listOf(span.tags).map(tag);
  const status = statusOf(tags);
  const kind = takeOut(tags, 'span.kind', (text) => (KINDS as readonly string[]).includes(text.toLowerCase())).toLowerCase();
  const traceState = takeOut(tags, 'w3c.tracestate');
  const name = takeOut(tags, 'otel.scope.name') || takeOut(tags, 'otel.library.name');
  const version = name ? takeOut(tags, 'otel.scope.version') || takeOut(tags, 'otel.library.version') : '';
  for (const warning of listOf(span.warnings)) tags.push(attribute('jaeger.warning', textOf(warning)));
  read.spans.push({
    traceId,
    spanId,
    parentSpanId: up?.spanId ?? (idOf(span.parentSpanID, 16) || null),
    service: process?.find(({ key }) => key === 'service.name')?.text || 'unknown_service',
    name: textOf(span.operationName),
    kind: kind || 'unspecified',
    startAt,
    durationNs: Math.max(0, Number(microsOf(span.duration) ?? 0n)),
    status,
    traceState,
    attributes: tags,
    attributesDropped: 0,
    events: listOf(span.logs).map((one) => eventOf(fieldsOf(one), startAt)),
    eventsDropped: 0,
    links: references.filter((one) => one !== up && one.spanId).map((one) => ({ traceId: one.traceId, spanId: one.spanId, traceState: '', attributes: [] })),
    linksDropped: 0,
    resource: { attributes: process ?? [], schemaUrl: '' },
    scope: { name, version, attributes: [], schemaUrl: '' },
    shared: false,
  });
}

function eventOf(log: Fields, startAt: bigint | null): Sent['events'][number] {
  const time = microsOf(log.timestamp) ?? startAt ?? 0n;
  const fields = listOf(log.fields).map(tag);
  const message = fields.find(({ key }) => key === 'message')?.text ?? '';
  return { name: takeOut(fields, 'event') || message, time: time.toString(), offsetNs: Number(time - (startAt ?? time)), attributes: fields, attributesDropped: 0 };
}
