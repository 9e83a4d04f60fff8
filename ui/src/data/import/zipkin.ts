// Zipkin's v2 JSON: a list of spans as reporters send it, or the list of traces that its API answers.

import { attribute, type Fields, fieldsOf, idOf, isFields, leave, listOf, microsOf, type Read, type Sent, textOf } from './sent';

const KINDS: Record<string, string> = { CLIENT: 'client', SERVER: 'server', PRODUCER: 'producer', CONSUMER: 'consumer' };

function isSpan(value: unknown): value is Fields {
  return isFields(value) && 'traceId' in value && 'id' in value;
}

/** `null` where the document is something else. */
export function readZipkin(document: unknown): Read | null {
  const list = isFields(document) ? [document] : listOf(document).flat();
  if (!list.some(isSpan)) return null;
  const read: Read = { spans: [], left: new Map() };
  for (const span of list) {
    if (isFields(span)) take(read, span);
    else leave(read.left, 'that are no objects');
  }
  return read;
}

function endpoint(value: unknown, prefix: string): Sent['attributes'] {
  const { ipv4, ipv6, port } = fieldsOf(value);
  const address = textOf(ipv4 || ipv6);
  return [...(address ? [attribute(`${prefix}.address`, address)] : []), ...(address && port ? [attribute(`${prefix}.port`, port, 'int')] : [])];
}

function take(read: Read, span: Fields): void {
  const [traceId, spanId] = [idOf(span.traceId, 32), idOf(span.id, 16)];
  if (!traceId || !spanId) return leave(read.left, traceId ? 'without a span id' : 'without a trace id');
  const tags = Object.entries(fieldsOf(span.tags)).map(([key, value]) => attribute(key, textOf(value)));
  // Any `error` but "false" is a failure, and its value the reason where it is one.
  const error = tags.find(({ key }) => key === 'error');
  const failed = error !== undefined && error.text.toLowerCase() !== 'false';
  const annotations = listOf(span.annotations).map(fieldsOf).map((one) => ({ name: textOf(one.value), at: microsOf(one.timestamp) }));
  const startAt = microsOf(span.timestamp) ?? annotations.find(({ at }) => at !== null)?.at ?? null;
  const kind = KINDS[textOf(span.kind).toUpperCase()] ?? 'internal';
  const service = textOf(fieldsOf(span.localEndpoint).serviceName) || 'unknown_service';
  const remote = textOf(fieldsOf(span.remoteEndpoint).serviceName);
  read.spans.push({
    traceId,
    spanId,
    parentSpanId: idOf(span.parentId, 16) || null,
    service,
    name: textOf(span.name),
    kind,
    startAt,
    durationNs: Math.max(0, Number(microsOf(span.duration) ?? 0n)),
    status: { code: failed ? 'error' : 'unset', message: failed && error.text.toLowerCase() !== 'true' ? error.text : '' },
    traceState: '',
    attributes: [...tags, ...(remote ? [attribute('peer.service', remote)] : []), ...endpoint(span.remoteEndpoint, 'network.peer')],
    attributesDropped: 0,
    events: annotations.map(({ name, at }) => ({ name, time: (at ?? startAt ?? 0n).toString(), offsetNs: at !== null && startAt !== null ? Number(at - startAt) : 0, attributes: [], attributesDropped: 0 })),
    eventsDropped: 0,
    links: [],
    linksDropped: 0,
    resource: { attributes: [attribute('service.name', service), ...endpoint(span.localEndpoint, 'network.local')], schemaUrl: '' },
    scope: { name: '', version: '', attributes: [], schemaUrl: '' },
    shared: span.shared === true,
  });
}
