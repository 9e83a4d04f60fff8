// The call graph of a trace: what is a box, what is a call, where a box and an arrow lead.

import { describe, expect, it } from 'vitest';

import { beside, BOXES_MAX, callGraph } from './calls';
import { buildTrace } from './trace';

type Span = [parent: number, start: number, end: number, service: number, name: number, failed?: boolean];

function trace(spans: Span[], services = ['cart', 'db', 'web'], names = ['GET', 'SELECT', 'INSERT']) {
  return buildTrace({
    id: 'x', t0: '0', services, names,
    parent: spans.map(([parent]) => parent),
    start: spans.map(([, start]) => start),
    duration: spans.map(([, start, end]) => end - start),
    service: spans.map(([, , , service]) => service),
    name: spans.map(([, , , , name]) => name),
    kind: spans.map(() => 1),
    flags: spans.map(([, , , , , failed]) => (failed ? 1 : 0)),
  });
}

const shop = trace([[-1, 0, 100, 2, 0], [0, 10, 40, 0, 0], [1, 12, 20, 1, 1], [1, 22, 30, 1, 2, true], [0, 50, 90, 0, 0], [4, 55, 60, 0, 1]]);

describe('call graph', () => {
  it('has a box for each service and one line for all calls between two', () => {
    const { boxes, calls, left } = callGraph(shop, 'service');
    expect(boxes.map(({ service, spans, errors, self }) => [service, spans, errors, self])).toEqual([['web', 1, 0, 30], ['cart', 3, 0, 54], ['db', 2, 1, 16]]);
    expect(calls.map(({ parent, child, count, errors, total }) => [parent, child, count, errors, total])).toEqual([['2', '0', 2, 0, 70], ['0', '1', 2, 1, 16]]);
    expect(left).toBe(0);
  });

  it('tells operations apart where asked', () => {
    const { boxes } = callGraph(shop, 'operation');
    expect(boxes.map(({ service, operation }) => `${service} ${operation}`)).toEqual(['web GET', 'cart GET', 'db SELECT', 'db INSERT', 'cart SELECT']);
  });

  it('leads from a box to its failure, else to its slowest span', () => {
    const { boxes } = callGraph(shop, 'service');
    expect(boxes.map(({ row, rank }) => [shop.source[row], rank])).toEqual([[0, 0], [4, 0], [3, 2]]);
  });

  it('leaves out the boxes with the least time and says how many', () => {
    const many = BOXES_MAX + 10;
    const names = Array.from({ length: many }, (_, at) => `op ${at}`);
    const of = trace(names.map((_, at): Span => [at ? 0 : -1, at, at ? at + 1 + at : 10_000, 0, at]), ['cart'], names);
    const graph = callGraph(of, 'operation');
    expect([graph.boxes.length, graph.left, graph.boxes.some(({ operation }) => operation === 'op 1')]).toEqual([BOXES_MAX, 10, false]);
    expect(graph.calls.every(({ child }) => graph.boxes.some(({ key }) => key === child))).toBe(true);
  });

  it('is walked with arrows: along calls, and up and down a column', () => {
    const graph = callGraph(shop, 'service');
    const placed = [{ name: '2', x: 0, y: 0 }, { name: '0', x: 100, y: 0 }, { name: '1', x: 200, y: 0 }, { name: '9', x: 100, y: 50 }];
    expect(['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp'].map((key) => beside(placed, graph, '0', key))).toEqual(['1', '2', '9', null]);
  });
});
