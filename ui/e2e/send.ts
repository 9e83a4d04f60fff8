// Hand-made traces: a few spans, sent as OTLP.

import type { Server } from './server';

export interface Span {
  id: number;
  parent?: number;
  /** Milliseconds after the trace's begin. */
  from: number;
  until: number;
  name?: string;
  /** As OTLP numbers them: 1 internal, 2 server, 3 client. */
  kind?: number;
  service?: string;
  failed?: boolean;
}

export const hex = (value: number, size: number): string => value.toString(16).padStart(size, '0');

/** Sends spans of one trace; `begin` is in milliseconds since 1970. Returns the trace's id. */
export async function send(server: Server, trace: number, begin: number, spans: readonly Span[]): Promise<string> {
  const traceId = hex(trace, 32);
  const nanos = (ms: number) => `${BigInt(Math.round((begin + ms) * 1000)) * 1000n}`;
  await server.send({
    resourceSpans: spans.map(({ id, parent, from, until, name, kind, service, failed }) => ({
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service ?? 'shop' } }] },
      scopeSpans: [{ spans: [{
        traceId, spanId: hex(id, 16), parentSpanId: parent ? hex(parent, 16) : '', name: name ?? `step ${id}`, kind: kind ?? 1,
        startTimeUnixNano: nanos(from), endTimeUnixNano: nanos(until), status: failed ? { code: 2, message: 'no' } : {},
      }] }],
    })),
  });
  return traceId;
}
