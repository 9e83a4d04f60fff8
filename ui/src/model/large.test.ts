// What holds for traces that are large, that grow, and whose clocks disagree.

import { describe, expect, it } from 'vitest';

import { mayGrow, rowsAfter } from './growth';
import { openedOf } from './opened';
import { drawnAt, scaleOf, SPACE_MAX } from './scroll';
import { adjusted, shifts } from './skew';
import { buildTrace, type Columns } from './trace';

type Span = [parent: number, start: number, end: number, kind?: number, service?: number, name?: number];

function columns(spans: Span[], t0 = '1000', services = ['a', 'b'], names = ['x', 'y']): Columns {
  return {
    id: 'x', t0, services, names,
    parent: spans.map(([parent]) => parent), start: spans.map(([, start]) => start), duration: spans.map(([, start, end]) => end - start),
    service: spans.map(([, , , , service]) => service ?? 0), name: spans.map(([, , , , , name]) => name ?? 0), kind: spans.map(([, , , kind]) => kind ?? 1), flags: spans.map(() => 0),
  };
}

describe('a list longer than a box can be', () => {
  it('is scrolled one to one while it fits', () => {
    const scale = scaleOf(12_000_000, 600);
    expect([scale.space, scale.ratio, scale.topMax, drawnAt(4800, 4000, scale)]).toEqual([12_000_000, 1, 11_999_400, 4800]);
  });
  it('is reached to its last row beyond', () => {
    const [content, view] = [40_000_000, 600];
    const scale = scaleOf(content, view);
    expect(scale.space).toBe(SPACE_MAX);
    const bottom = SPACE_MAX - view;
    expect(bottom * scale.ratio).toBeCloseTo(scale.topMax, 3);
    expect(drawnAt(content - 24, scale.topMax, scale) - bottom).toBeCloseTo(view - 24, 3);
    expect(drawnAt(1_000_000, 1_000_000, scale)).toBeLessThan(1_000_000);
  });
  it('needs no room where nothing is', () => {
    expect(scaleOf(0, 600)).toEqual({ space: 0, ratio: 1, topMax: 0 });
  });
});

describe('half a million spans', () => {
  it('are built in one pass after another, never in pairs', () => {
    const spans = Array.from({ length: 500_000 }, (_, at): Span => [at === 0 ? -1 : at % 7 === 0 ? 0 : at - 1, at, at + 5]);
    const { trace, collapsed } = openedOf(columns(spans));
    expect([trace.length, collapsed.length, trace.size[0]]).toEqual([500_000, 500_000, 500_000]);
  });
});

describe('a trace that grows', () => {
  it('keeps its spans, whatever comes before, between and behind them', () => {
    const before = buildTrace(columns([[-1, 0, 50], [0, 10, 20], [0, 10, 20], [0, 30, 40, 1, 1]], '1100'));
    const after = buildTrace(columns([[-1, 0, 300, 1, 1, 0], [0, 100, 150, 1, 1, 1], [1, 110, 120, 1, 1, 1], [1, 110, 120, 1, 1, 1], [1, 115, 116], [1, 130, 140, 1, 0, 1]], '1000', ['b', 'a'], ['y', 'x']));
    expect([...rowsAfter(before, after)]).toEqual([1, 2, 3, 5]);
  });
  it('says so where a span is not there any more', () => {
    expect([...rowsAfter(buildTrace(columns([[-1, 0, 50], [0, 1, 2]])), buildTrace(columns([[-1, 0, 50]])))]).toEqual([0, -1]);
  });
  it('is watched for a minute, an incomplete one longer', () => {
    expect([mayGrow(0, false, 59_000), mayGrow(0, false, 61_000), mayGrow(0, true, 61_000), mayGrow(0, true, 3_600_000)]).toEqual([true, false, true, false]);
  });
});

describe('clocks', () => {
  const CLIENT = 3;
  const SERVER = 2;
  it('are left alone where they agree', () => {
    expect(shifts(buildTrace(columns([[-1, 0, 100], [0, 10, 90, CLIENT], [1, 20, 80, SERVER, 1]])))).toBe(null);
  });
  it('put an answer into the middle of its call, and what is below it with it', () => {
    // The call takes 90, its answer 60: 15 to go, 15 to come back.
    const of = buildTrace(columns([[-1, 20, 120], [0, 25, 115, CLIENT], [1, 0, 60, SERVER, 1], [2, 5, 55, 1, 1]]));
    const { opened, spans, most } = adjusted(of, shifts(of)!);
    const { trace } = opened;
    expect([spans, most, trace.t0]).toEqual([2, 40, '1020']);
    expect([...trace.rowOf].map((row) => trace.start[row])).toEqual([0, 5, 20, 25]);
  });
  it('only pull up the start of an answer that outlasts its call', () => {
    const of = buildTrace(columns([[-1, 0, 100], [0, 20, 40, CLIENT], [1, 5, 95, SERVER, 1]]));
    expect([...shifts(of)!]).toEqual([0, 0, 15]);
    const late = buildTrace(columns([[-1, 0, 100], [0, 20, 40, CLIENT], [1, 25, 95, SERVER, 1]]));
    expect(shifts(late)).toBe(null);
  });
  it('never move the numbers by which the server knows the spans', () => {
    const of = buildTrace(columns([[-1, 20, 120], [0, 25, 115, CLIENT], [1, 0, 60, SERVER, 1], [0, 21, 24]]));
    const { trace } = adjusted(of, shifts(of)!).opened;
    expect([...trace.source].sort()).toEqual([0, 1, 2, 3]);
    expect(trace.start[trace.rowOf[3]]).toBe(1);
  });
});
