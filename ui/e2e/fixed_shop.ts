// One hour of a shop that never changes: the same ids, times and failures on every machine, for pictures that are
// compared. Small on purpose, and apart from `tracewell generate`, so that the shop there may grow.

/** The moment at which all pictures are taken. */
export const NOW = Date.UTC(2026, 8, 21, 14);

/** The window that all of it lies in, as an address has it. */
export const HOUR = `from=${NOW - 3600e3}&to=${NOW}`;

/** A trace with a failure below it, and one without. */
export const FAILED_ID = 'fa11ed00000000000000000000000001';
export const FINE_ID = 'f14e0000000000000000000000000001';

type Attributes = Record<string, string | number>;

interface Call {
  service: string;
  name: string;
  kind: 1 | 2 | 3;
  /** Milliseconds after the parent's start, and how long. */
  at: number;
  ms: number;
  attributes?: Attributes;
  failed?: string;
  calls?: Call[];
}

/** A stream of numbers from 0 to 1 that is the same everywhere (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const HOSTS: Record<string, string[]> = { frontend: ['web-1', 'web-2'], catalog: ['node-3', 'node-7'], payment: ['node-4', 'node-5'] };

function lookUp(slow: boolean, between: (low: number, high: number) => number): Call {
  const ms = slow ? between(400, 900) : between(4, 20);
  return { service: 'catalog', name: 'GET /products/{id}', kind: 2, at: between(1, 3), ms: ms + 6, attributes: { 'http.route': '/products/{id}', 'http.response.status_code': 200 }, calls: [
    { service: 'catalog', name: 'SELECT products', kind: 3, at: 2, ms, attributes: { 'db.system.name': 'postgresql', 'db.query.text': 'SELECT * FROM products WHERE id = $1' } },
  ] };
}

function charge(failed: boolean, card: string, between: (low: number, high: number) => number): Call {
  const ms = between(18, 60);
  const said = failed ? 'card declined by issuer' : undefined;
  return { service: 'checkout', name: 'Charge', kind: 3, at: 22, ms: ms + 4, failed: said, calls: [
    { service: 'payment', name: 'POST /charge', kind: 2, at: 1, ms: ms + 1, failed: said, attributes: { 'http.route': '/charge', 'http.response.status_code': failed ? 402 : 200, 'card.kind': card }, calls: [
      { service: 'fraud', name: 'Score', kind: 2, at: 2, ms: ms * 0.4, attributes: { 'score.model': 'v3' } },
      { service: 'payment', name: 'INSERT charges', kind: 3, at: 3 + ms * 0.5, ms: ms * 0.3, attributes: { 'db.system.name': 'postgresql' } },
    ] },
  ] };
}

function request(index: number, next: () => number): Call {
  const between = (low: number, high: number) => low + next() * (high - low);
  const region = next() < 0.3 ? 'eu-north' : 'eu-west';
  if (index % 3 === 2) {
    const card = next() < 0.25 ? 'amex' : 'visa';
    const failed = card === 'amex' && next() < 0.7;
    const calls = [{ service: 'cart', name: 'GET /cart', kind: 2 as const, at: 2, ms: between(4, 16), attributes: { 'http.route': '/cart' } }, charge(failed, card, between), { service: 'email', name: 'send receipt', kind: 3 as const, at: 95, ms: between(3, 9) }];
    const code = failed ? 500 : 200;
    return { service: 'frontend', name: 'POST /checkout', kind: 2, at: 0, ms: between(115, 150), failed: failed ? 'checkout failed' : undefined, attributes: { 'http.route': '/checkout', 'http.response.status_code': code, 'user.region': region }, calls: [
      { service: 'checkout', name: 'POST /orders', kind: 2, at: 2, ms: 110, failed: failed ? 'payment failed' : undefined, attributes: { 'http.route': '/orders', 'http.response.status_code': code }, calls },
    ] };
  }
  const slow = next() < 0.08;
  const product = lookUp(slow, between);
  return { service: 'frontend', name: index % 3 === 1 ? 'GET /product' : 'GET /cart', kind: 2, at: 0, ms: product.ms + between(6, 12), attributes: { 'http.route': index % 3 === 1 ? '/product' : '/cart', 'http.response.status_code': 200, 'user.region': region }, calls: index % 3 === 1 ? [product] : [
    { service: 'cart', name: 'GET /cart', kind: 2, at: 1.5, ms: product.ms + 2, attributes: { 'http.route': '/cart' }, calls: [{ service: 'cart', name: 'HGETALL', kind: 3, at: 1, ms: 2.4, attributes: { 'db.system.name': 'redis' } }, { ...product, at: 4, ms: Math.max(1, product.ms - 4) }] },
  ] };
}

const value = (of: string | number) => (typeof of === 'number' ? { intValue: String(of) } : { stringValue: of });
const listed = (attributes: Attributes) => Object.entries(attributes).map(([key, of]) => ({ key, value: value(of) }));

function spansOf(traceId: string, root: Call, startMs: number, host: (service: string, slow: boolean) => string): unknown[] {
  const resources: unknown[] = [];
  let count = 0;
  const walk = (call: Call, parent: string, start: number) => {
    const spanId = (count += 1).toString(16).padStart(16, '0');
    const nanos = (ms: number) => (BigInt(startMs) * 1_000_000n + BigInt(Math.round(ms * 1e6))).toString();
    const events = call.failed ? [{ name: 'exception', timeUnixNano: nanos(start + call.ms * 0.8), attributes: listed({ 'exception.type': 'PaymentError', 'exception.message': call.failed, 'exception.stacktrace': `PaymentError: ${call.failed}\n  at charge (payment.ts:42)\n  at order (checkout.ts:17)` }) }] : [];
    resources.push({
      resource: { attributes: listed({ 'service.name': call.service, 'service.version': call.service === 'payment' ? '2.4.1' : '1.8.0', 'host.name': host(call.service, call.ms > 300) }) },
      scopeSpans: [{ scope: { name: 'fixed-shop', version: '1.0.0' }, spans: [{ traceId, spanId, parentSpanId: parent, name: call.name, kind: call.kind, startTimeUnixNano: nanos(start), endTimeUnixNano: nanos(start + call.ms), attributes: listed(call.attributes ?? {}), status: call.failed ? { code: 2, message: call.failed } : {}, events }] }],
    });
    for (const child of call.calls ?? []) walk(child, spanId, start + child.at);
  };
  walk(root, '', 0);
  return resources;
}

/** All of it, as one OTLP request. */
export function fixedShop(): unknown {
  const next = numbers(5);
  const resourceSpans: unknown[] = [];
  const named = new Map<boolean, string>();
  for (let index = 0; index < 240; index += 1) {
    const root = request(index, next);
    const failed = root.failed !== undefined;
    let id = `5eed${index.toString(16).padStart(28, '0')}`;
    if (root.name === 'POST /checkout' && !named.has(failed)) named.set(failed, (id = failed ? FAILED_ID : FINE_ID));
    const host = (service: string, slow: boolean) => (HOSTS[service] ?? [`${service}-1`])[slow || next() < 0.4 ? (HOSTS[service]?.length ?? 1) - 1 : 0];
    resourceSpans.push(...spansOf(id, root, NOW - 3550e3 + index * 14_700 + Math.floor(next() * 9000), host));
  }
  return { resourceSpans };
}
