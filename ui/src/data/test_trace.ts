// A trace to try with: two services, sent as any program would send it.

function hex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Sends it and returns what came of it, in words. */
export async function sendTestTrace(): Promise<string> {
  const traceId = hex(16);
  const [root, child] = [hex(8), hex(8)];
  const at = (back: number) => (BigInt(Date.now() - back) * 1_000_000n).toString();
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const span = (service: string, spanId: string, parentSpanId: string, name: string, kind: number, from: number, until: number) => ({
    resource: { attributes: [text('service.name', service)] },
    scopeSpans: [{ scope: { name: 'tracewell-ui' }, spans: [{ traceId, spanId, parentSpanId, name, kind, startTimeUnixNano: at(from), endTimeUnixNano: at(until), attributes: [text('test', 'sent by the page')] }] }],
  });
  const body = { resourceSpans: [span('test-client', root, '', 'GET /hello', 3, 120, 0), span('test-server', child, root, 'GET /hello', 2, 100, 20)] };
  try {
    const reply = await fetch(new URL('api/otlp/v1/traces', document.baseURI), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return reply.ok ? 'acknowledged' : `the server answered ${reply.status}: ${(await reply.text()).slice(0, 120)}`;
  } catch {
    return 'the server cannot be reached';
  }
}
