// OTLP as JSON: what exporters, the collector's file exporter and Jaeger's API v3 write.

import { KINDS } from '../../model/trace';
import type { Attribute } from '../wire';
import { attribute, countOf, type Fields, fieldsOf, idOf, leave, listOf, type Read, type Sent, textOf, wholeOf } from './sent';

const DEPTH_MAX = 64;
const STATUS = ['unset', 'ok', 'error'];
const STATUS_NAMES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/** Spans by resource, by scope. `null` where the document is something else. */
export function readOtlp(document: Fields): Read | null {
  const resources = document.resourceSpans ?? fieldsOf(document.result).resourceSpans;
  if (!Array.isArray(resources)) return null;
  const read: Read = { spans: [], left: new Map() };
  for (const group of resources.map(fieldsOf)) {
    const resource = fieldsOf(group.resource);
    const of = { attributes: attributes(resource.attributes), schemaUrl: textOf(group.schemaUrl) };
    for (const scoped of listOf(group.scopeSpans ?? group.instrumentationLibrarySpans).map(fieldsOf)) {
      const scope = fieldsOf(scoped.scope ?? scoped.instrumentationLibrary);
      const by = { name: textOf(scope.name), version: textOf(scope.version), attributes: attributes(scope.attributes), schemaUrl: textOf(scoped.schemaUrl) };
      for (const span of listOf(scoped.spans)) take(read, fieldsOf(span), of, by);
    }
  }
  return read;
}

function take(read: Read, span: Fields, resource: Sent['resource'], scope: Sent['scope']): void {
  const [traceId, spanId] = [idOf(span.traceId, 32), idOf(span.spanId, 16)];
  if (!traceId || !spanId) return leave(read.left, traceId ? 'without a span id' : 'without a trace id');
  const startAt = wholeOf(span.startTimeUnixNano);
  const end = wholeOf(span.endTimeUnixNano);
  const status = fieldsOf(span.status);
  read.spans.push({
    traceId,
    spanId,
    parentSpanId: idOf(span.parentSpanId, 16) || null,
    service: resource.attributes.find(({ key }) => key === 'service.name')?.text || 'unknown_service',
    name: textOf(span.name),
    kind: kindOf(span.kind),
    startAt: startAt || null,
    durationNs: startAt && end && end > startAt ? Number(end - startAt) : 0,
    status: { code: STATUS[typeof status.code === 'string' ? Math.max(0, STATUS_NAMES.indexOf(status.code)) : Number(status.code ?? 0)] ?? 'unset', message: textOf(status.message) },
    traceState: textOf(span.traceState),
    attributes: attributes(span.attributes),
    attributesDropped: countOf(span.droppedAttributesCount),
    events: listOf(span.events).map((one) => {
      const event = fieldsOf(one);
      const time = wholeOf(event.timeUnixNano) ?? startAt ?? 0n;
      return { name: textOf(event.name), time: time.toString(), offsetNs: Number(time - (startAt ?? time)), attributes: attributes(event.attributes), attributesDropped: countOf(event.droppedAttributesCount) };
    }),
    eventsDropped: countOf(span.droppedEventsCount),
    links: listOf(span.links).map((one) => {
      const link = fieldsOf(one);
      return { traceId: idOf(link.traceId, 32), spanId: idOf(link.spanId, 16), traceState: textOf(link.traceState), attributes: attributes(link.attributes) };
    }),
    linksDropped: countOf(span.droppedLinksCount),
    resource,
    scope,
    shared: false,
  });
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') {
    const word = value.replace('SPAN_KIND_', '').toLowerCase();
    return (KINDS as readonly string[]).includes(word) ? word : 'unspecified';
  }
  return KINDS[Number(value ?? 0)] ?? 'unspecified';
}

function attributes(value: unknown): Attribute[] {
  return listOf(value).map((one) => {
    const { key, value: held } = fieldsOf(one);
    const [type, plain] = valueOf(fieldsOf(held), 0);
    return attribute(textOf(key), plain, type);
  });
}

/** A typed value: its type's word, and the value as plain data. */
function valueOf(value: Fields, depth: number): [type: string, plain: unknown] {
  if (depth > DEPTH_MAX) return ['empty', null];
  if ('stringValue' in value) return ['string', textOf(value.stringValue)];
  if ('boolValue' in value) return ['bool', value.boolValue === true];
  if ('intValue' in value) return ['int', wholeOf(value.intValue) ?? textOf(value.intValue)];
  if ('doubleValue' in value) return ['double', typeof value.doubleValue === 'string' && Number.isFinite(Number(value.doubleValue)) ? Number(value.doubleValue) : value.doubleValue];
  if ('bytesValue' in value) return ['bytes', textOf(value.bytesValue)];
  if ('arrayValue' in value) return ['array', listOf(fieldsOf(value.arrayValue).values).map((item) => valueOf(fieldsOf(item), depth + 1)[1])];
  if ('kvlistValue' in value) {
    const held = listOf(fieldsOf(value.kvlistValue).values).map(fieldsOf);
    return ['map', Object.fromEntries(held.map((one) => [textOf(one.key), valueOf(fieldsOf(one.value), depth + 1)[1]]))];
  }
  return ['empty', null];
}
