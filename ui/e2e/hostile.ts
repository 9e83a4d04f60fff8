// A trace whose every text wants to be something else than text.

export const CORPUS = [
  '<script>window.ran = 1</script>',
  '"><img src=x onerror="window.ran = 1">',
  "javascript:window.ran=1//'",
  '{{constructor.constructor("window.ran=1")()}}',
  '<svg/onload=window.ran=1>',
  '\u202Etxet desrever\u202C',
  `long ${'x'.repeat(10_000)}`,
];

export const HOSTILE_ID = 'bad0bad0bad0bad0bad0bad0bad0bad0';

const value = (text: string) => ({ stringValue: text });

export function hostileTrace(): unknown {
  const at = (ms: number) => (BigInt(Date.now() + ms) * 1_000_000n).toString();
  const attributes = CORPUS.flatMap((text, index) => [{ key: `v${index}`, value: value(text) }, { key: text.slice(0, 200), value: value('key') }]);
  const spans = CORPUS.map((text, index) => ({
    traceId: HOSTILE_ID,
    spanId: `00000000000000${(index + 16).toString(16)}`,
    parentSpanId: index ? '0000000000000010' : '',
    name: text.slice(0, 500),
    kind: 2,
    startTimeUnixNano: at(-900 + index),
    endTimeUnixNano: at(-100 + index),
    attributes,
    traceState: `k=${text.slice(0, 200)}`,
    links: [{ traceId: HOSTILE_ID, spanId: '0000000000000010', traceState: text.slice(0, 200), attributes }],
    status: { code: 2, message: text },
    events: [{ name: 'exception', timeUnixNano: at(-500), attributes: [{ key: 'exception.type', value: value(text) }, { key: 'exception.message', value: value(text) }, { key: 'exception.stacktrace', value: value(text) }] }, { name: text.slice(0, 500), timeUnixNano: at(-400), attributes }],
  }));
  return { resourceSpans: CORPUS.map((text, index) => ({ resource: { attributes: [{ key: 'service.name', value: value(text.slice(0, 500)) }, ...attributes] }, schemaUrl: text.slice(0, 500), scopeSpans: [{ scope: { name: text.slice(0, 500), version: text.slice(0, 500), attributes }, schemaUrl: text.slice(0, 500), spans: [spans[index]] }] })) };
}
