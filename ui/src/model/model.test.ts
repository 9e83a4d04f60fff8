// The model's own laws, on hand-made traces and on random forests.

import { describe, expect, it } from 'vitest';

import { assign, slotOf } from './colour';
import { causesOf } from './causes';
import { compare, blame } from './compare';
import { criticalPath } from './critical_path';
import { fmtDuration, parseDuration } from './duration';
import { matches, rowsOf } from './filter';
import { errorRows, guilty } from './findings';
import { flame, spanAt } from './flame';
import { partsOf, queryOf, toggled, writing } from './query';
import { collapsedAtFirst, visibleRows } from './rows';
import { buildTrace, type Columns, type Trace } from './trace';

type Span = [id: number, parent: number, start: number, end: number, more?: { error?: boolean; service?: string; name?: string; kind?: number }];

function trace(spans: Span[]): Trace {
  const services = [...new Set(spans.map(([, , , , more]) => more?.service ?? 'a'))].sort();
  const names = [...new Set(spans.map(([, , , , more]) => more?.name ?? 'op'))];
  const at = new Map(spans.map(([id], row) => [id, row]));
  const columns: Columns = {
    id: 'x', t0: '0', services, names,
    parent: spans.map(([, parent]) => at.get(parent) ?? -1),
    start: spans.map(([, , start]) => start),
    duration: spans.map(([, , start, end]) => end - start),
    service: spans.map(([, , , , more]) => services.indexOf(more?.service ?? 'a')),
    name: spans.map(([, , , , more]) => names.indexOf(more?.name ?? 'op')),
    kind: spans.map(([, , , , more]) => more?.kind ?? 1),
    flags: spans.map(([, , , , more]) => (more?.error ? 1 : 0)),
  };
  return buildTrace(columns);
}

const shape = (of: Trace, more = {}) => visibleRows(of, { collapsed: new Uint8Array(of.length), opened: new Set(), only: null, hidden: new Set(), focus: -1, ...more });

describe('trace', () => {
  it('puts rows into pre-order and sums up subtrees', () => {
    const of = trace([[1, 0, 0, 100], [2, 1, 10, 40], [3, 1, 50, 60], [4, 2, 15, 20, { error: true }]]);
    expect([...of.source]).toEqual([0, 1, 3, 2]);
    expect([...of.size]).toEqual([4, 2, 1, 1]);
    expect([...of.depth]).toEqual([0, 1, 2, 1]);
    expect([...of.errorsBelow]).toEqual([1, 1, 0, 0]);
  });

  it('leaves children out of self time once, however they overlap', () => {
    expect(trace([[1, 0, 0, 100], [2, 1, 10, 40], [3, 1, 30, 50], [4, 1, 90, 120]]).self[0]).toBe(50);
  });

  it('survives a chain of fifty thousand', () => {
    const of = trace(Array.from({ length: 50_000 }, (_, at): Span => [at + 1, at, at, 100_000 - at]));
    expect(of.depthMax).toBe(49_999);
    expect(criticalPath(of).segments.length).toBe(2 * 50_000 - 1);
  });
});

describe('critical path', () => {
  const draw = (spans: Span[]) => {
    const of = trace(spans);
    const path = criticalPath(of);
    const id = (row: number) => spans[of.source[row]][0];
    return `${path.segments.map(({ row, from, until }) => `${id(row)}:${from}-${until}`).join(' ')} !${id(path.bottleneck)}`;
  };
  // The same traces and the same answers as in the server's `insight::critical_path`.
  it('agrees with the server', () => {
    expect(draw([[1, 0, 0, 1200], [2, 1, 50, 150], [3, 1, 200, 1000], [4, 3, 230, 980]])).toBe('1:0-50 2:50-150 1:150-200 3:200-230 4:230-980 3:980-1000 1:1000-1200 !4');
    expect(draw([[1, 0, 0, 100], [2, 1, 0, 50], [3, 1, 50, 100]])).toBe('2:0-50 3:50-100 !3');
    expect(draw([[1, 0, 0, 100], [2, 1, 0, 51], [3, 1, 50, 100]])).toBe('2:0-50 3:50-100 !3');
    expect(draw([[1, 0, 0, 100], [2, 1, 10, 40], [3, 1, 30, 45], [4, 1, 50, 90]])).toBe('1:0-30 3:30-45 1:45-50 4:50-90 1:90-100 !1');
    expect(draw([[1, 0, 10, 20], [2, 1, 5, 30]])).toBe('2:10-20 !2');
  });

  it('is as long as its root, on any forest', () => {
    let state = 1;
    const next = (bound: number) => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) % bound;
    for (let pass = 0; pass < 200; pass += 1) {
      const spans: Span[] = [[1, 0, 100, 100 + 900]];
      for (let id = 2; id <= 20; id += 1) {
        const start = next(1000);
        spans.push([id, 1 + next(id - 1), start, start + next(300)]);
      }
      const of = trace(spans);
      const path = criticalPath(of);
      expect(path.time.reduce((sum, time) => sum + time, 0)).toBe(900);
      expect(of.size[of.mainRoot] >= 1 && of.self.every((self) => self >= 0)).toBe(true);
    }
  });
});

describe('findings', () => {
  it('begin with the earliest error that no failed span explains', () => {
    const of = trace([[1, 0, 0, 100, { error: true }], [2, 1, 10, 90, { error: true }], [3, 2, 20, 30, { error: true }], [4, 1, 15, 17, { error: true }]]);
    expect(errorRows(of).map((row) => of.source[row] + 1)).toEqual([4, 3, 1, 2]);
    expect(of.source[guilty(of, criticalPath(of)).row]).toBe(3);
  });
});

describe('rows', () => {
  it('skips folded subtrees and keeps ancestors of what is filtered', () => {
    const of = trace([[1, 0, 0, 100], [2, 1, 10, 40], [3, 2, 15, 20], [4, 1, 50, 60, { name: 'other' }]]);
    const collapsed = new Uint8Array(4);
    collapsed[1] = 1;
    expect([...shape(of, { collapsed }).span]).toEqual([0, 1, 3]);
    const only = matches(of, 'op:other')!;
    const rows = shape(of, { only });
    expect([[...rows.span], rows.hidden]).toEqual([[0, 3], 2]);
  });

  it('puts many siblings of one operation into one row that opens', () => {
    const spans: Span[] = [[1, 0, 0, 1000]];
    for (let id = 2; id <= 70; id += 1) spans.push([id, 1, id, id + 1, { name: 'SELECT' }]);
    const of = trace(spans);
    const rows = shape(of);
    expect([rows.length, rows.group[1]]).toEqual([2, 69]);
    expect(shape(of, { opened: new Set([1]) }).length).toBe(71);
    expect(shape(of, { opened: new Set([1]) }).span[70]).toBe(69);
    expect(shape(of, { opened: new Set([1]) }).at(1)).toBe(2);
  });

  it('opens a huge trace folded but for what matters', () => {
    const of = trace(Array.from({ length: 3000 }, (_, at): Span => [at + 1, at, at, 9000 - at]));
    expect(shape(of, { collapsed: collapsedAtFirst(of, []) }).length).toBe(6);
    expect(shape(of, { collapsed: collapsedAtFirst(of, [2999]) }).length).toBe(3000);
  });
});

describe('filter, flame, compare', () => {
  const of = trace([[1, 0, 0, 9e6], [2, 1, 1e6, 7e6, { service: 'cart', error: true }], [3, 1, 2e6, 3e6, { name: 'Charge' }]]);
  it('takes durations, services, errors and words', () => {
    const found = (text: string) => rowsOf(matches(of, text)!);
    expect([found('duration>5ms'), found('svc:cart'), found('error'), found('charge'), found('duration>5ms svc:cart')]).toEqual([[0, 1], [1], [1], [2], [1]]);
    expect(matches(of, ' ')).toBe(null);
  });
  it('gives overlapping siblings lanes of their own', () => {
    const shape = flame(of);
    expect([[...shape.lane], shape.over]).toEqual([[0, 1, 2], 0]);
    expect([spanAt(of, shape, 0, 5e6, 0), spanAt(of, shape, 2, 5e6, 0), spanAt(of, shape, 2, 2.5e6, 0), spanAt(of, shape, 2, 3.1e6, 0.2e6), spanAt(of, shape, 9, 1, 0)]).toEqual([0, -1, 2, 2, -1]);
  });
  it('counts what has to share a lane', () => {
    const many = trace([[1, 0, 0, 1000], ...Array.from({ length: 300 }, (_, at): Span => [at + 2, 1, at, 900])]);
    expect([flame(many).lanes, flame(many).over]).toEqual([257, 44]);
  });
  it('pairs equal calls and blames the operation that grew', () => {
    const other = trace([[1, 0, 0, 15e6], [2, 1, 1e6, 14e6, { service: 'cart' }], [3, 1, 14e6, 15e6, { name: 'Charge' }], [4, 1, 14e6, 15e6, { name: 'Charge' }]]);
    const pairs = compare(of, other);
    expect(pairs.map(({ a, b }) => [a, b])).toEqual([[0, 0], [1, 1], [2, 2], [-1, 3]]);
    expect(blame(pairs)[0]).toMatchObject({ service: 'cart', delta: 7e6, calls: 0 });
  });
});

describe('causes', () => {
  it('count failing traces where they begin, over time', () => {
    const failing = (traceId: string, ms: number, operation: string | null) => ({ traceId, start: `${ms}000000`, error: operation === null ? null : { service: 'a', operation } });
    const found = causesOf([failing('1', 50, 'x'), failing('2', 99, 'x'), failing('3', 10, 'y'), failing('4', 20, null)], { from: 0, to: 100 }, 4);
    expect(found.map(({ operation, traces, first, last, newest, counts }) => [operation, traces, first, last, newest.traceId, counts])).toEqual([['x', 2, 50, 99, '2', [0, 0, 1, 1]], ['y', 1, 10, 10, '3', [1, 0, 0, 0]]]);
  });
});

describe('words', () => {
  it('says durations with three digits and reads them again', () => {
    expect([0, 1, 881e3, 69.123e6, 999.6e6, 1.2e9, 61e9, -5e6].map(fmtDuration)).toEqual(['0 ns', '1 ns', '881 µs', '69.1 ms', '1 s', '1.2 s', '1.02 min', '−5 ms']);
    expect([parseDuration('250ms'), parseDuration('1.5 s'), parseDuration('3us'), parseDuration('x')]).toEqual([250e6, 1.5e9, 3000, null]);
  });
  it('takes queries apart and puts them together', () => {
    expect(partsOf('{ a = "x && y" && b > 1 }')).toEqual(['a = "x && y"', 'b > 1']);
    expect(partsOf('{ a } >> { b }')).not.toEqual(['a']);
    expect(queryOf([])).toBe('');
    expect(toggled(toggled('', 'status = error'), 'status = error')).toBe('');
  });
  it('knows what is being written', () => {
    expect(writing('{ resource.se', 13)).toMatchObject({ what: 'key', prefix: 'resource.se' });
    expect(writing('{ status = er', 13)).toMatchObject({ what: 'value', key: 'status', prefix: 'er' });
  });
});

describe('colour', () => {
  it('is the same for everybody and different within a view', () => {
    const services = ['cart', 'payment', 'frontend', 'auth', 'catalog', 'email', 'search', 'ledger', 'user', 'fraud', 'ad', 'currency', 'more'];
    const colours = assign(services);
    expect([...colours]).toEqual([...assign([...services].reverse())]);
    expect(new Set([...colours.values()].slice(0, 12).map(({ slot }) => slot)).size).toBe(12);
    expect(colours.get('user')!.striped).toBe(true);
    expect(assign(['cart']).get('cart')!.slot).toBe(slotOf('cart'));
  });
});
