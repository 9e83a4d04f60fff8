// Files as exporters, servers and UIs write them; and those that nobody can read.

import { describe, expect, it } from 'vitest';

import { assemble, byTrace, rowsWith } from './assemble';
import { readFile } from './import';

const ID = '5b8efff798038103d269b633813fc60c';
const otlpSpan = (spanId: string, parentSpanId: string, more = {}) => ({ traceId: ID.toUpperCase(), spanId, parentSpanId, name: 'op', kind: 2, startTimeUnixNano: '1544712660000000001', endTimeUnixNano: '1544712661000000003', ...more });
const otlp = (...spans: unknown[]) => ({ resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }] }, scopeSpans: [{ scope: { name: 'lib', version: '1' }, spans }] }] });
const read = (document: unknown) => readFile(JSON.stringify(document));
const refusal = (text: string) => {
  try {
    readFile(text);
  } catch (why) {
    return (why as Error).message;
  }
  return '';
};
const open = (document: unknown) => {
  const [[id, spans]] = byTrace(read(document).spans);
  return assemble(id, spans);
};

describe('OTLP JSON', () => {
  const values = { a: { stringValue: 'x' }, b: { boolValue: false }, c: { intValue: '9223372036854775807' }, d: { doubleValue: 0.5 }, e: { bytesValue: 'AQI=' }, f: { arrayValue: { values: [{ stringValue: 'p' }, { intValue: '9007199254740993' }, {}] } }, g: { kvlistValue: { values: [{ key: 'z', value: { intValue: 1 } }, { key: 'k', value: { boolValue: true } }] } }, h: {} };
  const attributes = Object.entries(values).map(([key, value]) => ({ key, value }));

  it('keeps typed values, and whole numbers to the last digit', () => {
    const [span] = read(otlp(otlpSpan('00000000000000a1', '', { attributes }))).spans;
    expect(span.attributes.map(({ type, text }) => `${type} ${text}`)).toEqual(['string x', 'bool false', 'int 9223372036854775807', 'double 0.5', 'bytes AQI=', 'array ["p",9007199254740993,null]', 'map {"k":true,"z":1}', 'empty ']);
    expect([span.traceId, span.service, span.kind, span.startAt, span.durationNs, span.scope.name]).toEqual([ID, 'cart', 'server', 1544712660000000001n, 1_000_000_002, 'lib']);
  });

  it('reads numbers where others write strings, and names where others write numbers', () => {
    const text = JSON.stringify(otlp(otlpSpan('a1', '', { kind: 'SPAN_KIND_CLIENT', status: { code: 'STATUS_CODE_ERROR', message: 'id "1544712660000000009" failed' } }))).replace(/"(15447126\d+)"/g, '$1');
    const [span] = readFile(text).spans;
    expect([span.startAt, span.durationNs, span.kind, span.status.code, span.spanId]).toEqual([1544712660000000001n, 1_000_000_002, 'client', 'error', '00000000000000a1']);
    expect(span.status.message).toBe('id "1544712660000000009" failed');
  });

  it('comes one document a line, and as an answer of API v3', () => {
    const lines = [otlp(otlpSpan('a1', '')), otlp(otlpSpan('a2', 'a1'))].map((one) => JSON.stringify(one)).join('\r\n');
    expect(readFile(`\uFEFF${lines}\n\n`)).toMatchObject({ format: 'OTLP', spans: [{ spanId: '00000000000000a1' }, { parentSpanId: '00000000000000a1' }] });
    expect(read({ result: otlp(otlpSpan('a1', '')) }).spans.length).toBe(1);
    expect(refusal(`${lines}\n{"resourceSpans":[`)).toMatch(/^line 3 is no JSON: /);
  });

  it('marks what names a parent that is not there, and opens on the failure', () => {
    const trace = open(otlp(otlpSpan('a1', ''), otlpSpan('a2', 'a1', { status: { code: 2, message: 'no' }, events: [{ name: 'exception', timeUnixNano: '1544712660500000001', attributes: [{ key: 'exception.message', value: { stringValue: 'Broken Pipe' } }] }] }), otlpSpan('a3', 'ff')));
    const { skeleton, line, details } = trace;
    expect([skeleton.orphanCount, skeleton.errorCount, skeleton.depth, details[skeleton.select.row].spanId]).toEqual([1, 1, 2, '00000000000000a2']);
    expect(details[skeleton.select.row].events[0].offsetNs).toBe(500_000_000);
    expect(skeleton.findings[0]).toMatchObject({ kind: 'error', title: 'cart · op failed: no', rows: [skeleton.select.row] });
    expect(line).toMatchObject({ traceId: ID, start: '1544712660000000001', spans: 3, errors: 1, root: { service: 'cart', operation: 'op' } });
    expect(rowsWith(trace, 'broken p')).toEqual([skeleton.select.row]);
  });

  it('counts what it leaves out, and cuts circles', () => {
    expect(read(otlp(otlpSpan('a1', ''), otlpSpan('', ''), otlpSpan('a2', '', { traceId: '00' }))).missing).toEqual(['1 span without a span id', '1 span without a trace id']);
    const { skeleton } = open(otlp(otlpSpan('a1', 'a3'), otlpSpan('a2', 'a1'), otlpSpan('a3', 'a2'), otlpSpan('a4', 'a4')));
    expect([skeleton.spanCount, skeleton.orphanCount, skeleton.root]).toEqual([4, 2, null]);
  });

  it('takes base64 ids, as older exporters write them', () => {
    expect(read(otlp(otlpSpan('7uGbfsPBsXM=', '', { traceId: 'W47/95gDgQPSabYzgT/GDA==' }))).spans[0]).toMatchObject({ traceId: ID, spanId: 'eee19b7ec3c1b173' });
  });
});

describe('Jaeger JSON', () => {
  const tag = (key: string, value: unknown, type = 'string') => ({ key, type, value });
  const span = (spanID: string, references: unknown[], more = {}) => ({ traceID: 'abc1', spanID, operationName: 'GET', references, startTime: 1700000000000001, duration: 1500, tags: [], logs: [], processID: 'p1', warnings: null, ...more });
  const child = (spanID: string, refType = 'CHILD_OF', traceID = 'abc1') => ({ refType, traceID, spanID });
  const trace = (...spans: unknown[]) => ({ traceID: 'abc1', spans, processes: { p1: { serviceName: 'shop', tags: [tag('hostname', 'box')] } } });

  it('puts tags into the fields that stand for them', () => {
    const tags = [tag('span.kind', 'client'), tag('error', true, 'bool'), tag('otel.status_description', 'no'), tag('otel.scope.name', 'lib'), tag('n', 9007199254740993n.toString(), 'int64'), tag('f', 0.25, 'float64'), tag('raw', '/w==', 'binary')];
    const text = JSON.stringify({ data: [trace(span('1', [], { tags, logs: [{ timestamp: 1700000000000501, fields: [tag('event', 'exception'), tag('exception.message', 'boom')] }] }))], total: 0, errors: null });
    const [one] = readFile(text.replace('"9007199254740993"', '9007199254740993')).spans;
    expect(one).toMatchObject({ traceId: '0000000000000000000000000000abc1', spanId: '0000000000000001', service: 'shop', kind: 'client', status: { code: 'error', message: 'no' }, startAt: 1700000000000001000n, durationNs: 1_500_000, scope: { name: 'lib' } });
    expect(one.attributes.map(({ key, type, text: words }) => `${key} ${type} ${words}`)).toEqual(['n int 9007199254740993', 'f double 0.25', 'raw bytes /w==']);
    expect(one.events).toMatchObject([{ name: 'exception', offsetNs: 500_000, attributes: [{ key: 'exception.message', text: 'boom' }] }]);
  });

  it('hangs spans under what they are children of, and links to the rest', () => {
    const { spans } = read(trace(span('1', []), span('2', [child('9', 'FOLLOWS_FROM', 'def'), child('1')]), span('3', [child('1', 'FOLLOWS_FROM')]), span('4', [], { parentSpanID: '3' })));
    expect(spans.map(({ parentSpanId }) => parentSpanId && Number(parentSpanId))).toEqual([null, 1, 1, 3]);
    expect(spans[1].links).toMatchObject([{ traceId: '00000000000000000000000000000def', spanId: '0000000000000009' }]);
  });

  it('says what a server refused', () => {
    expect(refusal('{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}')).toBe("it is a server's refusal: trace not found");
    expect(refusal('{"data":[],"total":0}')).toBe('it holds no spans');
  });
});

describe('Zipkin v2 JSON', () => {
  const call = { traceId: '00000000000000010000000000000002', id: '3', kind: 'CLIENT', name: 'get', timestamp: 1700000000000000, duration: 2000, localEndpoint: { serviceName: 'web', ipv4: '10.0.0.1' }, remoteEndpoint: { serviceName: 'api', port: 80 }, tags: { 'http.path': '/', error: '500' }, annotations: [{ timestamp: 1700000000000100, value: 'ws' }] };
  const answer = { traceId: call.traceId, id: '3', kind: 'SERVER', name: 'get', shared: true, timestamp: 1700000000000500, duration: 1000, localEndpoint: { serviceName: 'api' } };
  const below = { traceId: call.traceId, id: '4', parentId: '3', name: 'work', timestamp: 1700000000000600, duration: 10, localEndpoint: { serviceName: 'api' } };

  it('reads a list, a list of lists and one span', () => {
    expect([[call, answer], [[call], [answer]], call].map((one) => [read(one).format, read(one).spans.length])).toEqual([['Zipkin', 2], ['Zipkin', 2], ['Zipkin', 1]]);
    const [one] = read([call]).spans;
    expect(one).toMatchObject({ service: 'web', kind: 'client', status: { code: 'error', message: '500' }, durationNs: 2_000_000, events: [{ name: 'ws', offsetNs: 100_000 }] });
    expect(one.attributes.map(({ key, text }) => `${key}=${text}`)).toEqual(['http.path=/', 'error=500', 'peer.service=api']);
  });

  it('hangs the answer under its call, and what it did under the answer', () => {
    const { skeleton, details } = open([below, answer, call]);
    expect(details.map(({ kind }) => kind)).toEqual(['client', 'server', 'internal']);
    expect([skeleton.columns.parent, skeleton.orphanCount]).toEqual([[-1, 0, 1], 0]);
  });

  it('takes spans without a time, and says where they are drawn', () => {
    const { skeleton, details } = open([call, { traceId: call.traceId, id: '5', parentId: '3' }]);
    expect([details[1].start, skeleton.missing.length]).toEqual(['1700000000000000000', 1]);
  });
});

describe('any file', () => {
  it('says why it cannot be read', () => {
    expect(refusal('')).toBe('it is empty');
    expect(refusal('<html>')).toMatch(/^it is no JSON: /);
    expect(refusal('[]')).toBe('its list is empty');
    expect(refusal('[1]')).toBe('its list holds neither Zipkin spans nor traces');
    expect(refusal('7')).toBe('it holds no object');
    expect(refusal('{"foo":1,"bar":2}')).toBe('it is neither OTLP, Jaeger nor Zipkin v2 JSON: its keys are "foo", "bar"');
    expect(refusal('{"resourceLogs":[]}')).toBe('it holds OTLP logs; only traces are shown');
    expect(refusal('{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}')).toBe('none of its spans can be taken: 1 span without a trace id');
  });

  it('may come twice: each span is there once', () => {
    const { spans } = read(otlp(otlpSpan('a1', ''), otlpSpan('a2', 'a1')));
    expect([...byTrace([...spans, ...spans]).values()].map((own) => own.length)).toEqual([2]);
  });
});
