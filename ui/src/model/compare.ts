// Two traces as one tree, by time: spans are the same call when their parents are, and service, operation, kind
// and occurrence agree. What only one of them has stays in its place.

import { children, isError, nameOf, serviceOf, type Trace } from './trace';

export interface Pair {
  /** Rows, -1 where a side has none. */
  a: number;
  b: number;
  depth: number;
  service: string;
  name: string;
  /** B's self time less A's: positive is slower. */
  delta: number;
  error: boolean;
}

interface Level {
  as: number[];
  bs: number[];
  depth: number;
}

function pairUp(a: Trace, b: Trace, { as, bs }: Level): [number, number][] {
  const key = (trace: Trace, row: number) => `${serviceOf(trace, row)}\u0000${nameOf(trace, row)}\u0000${trace.kind[row]}`;
  const waiting = new Map<string, number[]>();
  for (const row of bs) {
    const of = key(b, row);
    const list = waiting.get(of);
    if (list) list.push(row);
    else waiting.set(of, [row]);
  }
  const pairs: [number, number][] = as.map((row) => [row, waiting.get(key(a, row))?.shift() ?? -1]);
  for (const rows of waiting.values()) for (const row of rows) pairs.push([-1, row]);
  const start = ([x, y]: [number, number]) => (x >= 0 ? a.start[x] : b.start[y]);
  return pairs.sort((one, two) => start(one) - start(two));
}

export function compare(a: Trace, b: Trace): Pair[] {
  const found: Pair[] = [];
  const stack: { a: number; b: number; depth: number }[] = [];
  const push = (level: Level) => {
    for (const [x, y] of pairUp(a, b, level).reverse()) stack.push({ a: x, b: y, depth: level.depth });
  };
  push({ as: [...a.roots], bs: [...b.roots], depth: 0 });
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [trace, row] = next.a >= 0 ? [a, next.a] : [b, next.b];
    found.push({
      ...next,
      service: serviceOf(trace, row),
      name: nameOf(trace, row),
      delta: (next.b >= 0 ? b.self[next.b] : 0) - (next.a >= 0 ? a.self[next.a] : 0),
      error: (next.a >= 0 && isError(a, next.a)) || (next.b >= 0 && isError(b, next.b)),
    });
    push({ as: next.a >= 0 ? children(a, next.a) : [], bs: next.b >= 0 ? children(b, next.b) : [], depth: next.depth + 1 });
  }
  return found;
}

/** Where the difference lies: self time by operation, the largest change first. */
export function blame(pairs: readonly Pair[]): { service: string; name: string; delta: number; calls: number }[] {
  const sums = new Map<string, { service: string; name: string; delta: number; calls: number }>();
  for (const pair of pairs) {
    const key = `${pair.service}\u0000${pair.name}`;
    const sum = sums.get(key) ?? { service: pair.service, name: pair.name, delta: 0, calls: 0 };
    sum.delta += pair.delta;
    sum.calls += (pair.b >= 0 ? 1 : 0) - (pair.a >= 0 ? 1 : 0);
    sums.set(key, sum);
  }
  return [...sums.values()].sort((x, y) => Math.abs(y.delta) - Math.abs(x.delta));
}
