// A box drawn on the heatmap, and other groups of spans that are held against the rest.

import { partsOf, queryOf } from './query';

/** Milliseconds since 1970 and nanoseconds; 0 where a side of the durations is open. */
export interface Box {
  from: number;
  to: number;
  low: number;
  high: number;
}

/** `t0,t1,d0,d1` as the address has it; `null` where it is none. */
export function boxOf(text: string | null): Box | null {
  const numbers = (text ?? '').split(',').map(Number);
  const [from, to, low, high] = numbers;
  return text && numbers.length === 4 && numbers.every((number) => Number.isFinite(number) && number >= 0) && from < to && (high === 0 || low < high) ? { from, to, low, high } : null;
}

export function boxText({ from, to, low, high }: Box): string {
  return [Math.floor(from), Math.ceil(to), Math.round(low), Math.round(high)].join(',');
}

/** The comparisons that a box adds. */
export function boxParts({ low, high }: Box): string[] {
  return [...(low > 0 ? [`duration >= ${Math.round(low)}ns`] : []), ...(high > 0 ? [`duration < ${Math.round(high)}ns`] : [])];
}

/** Adds comparisons to a query; one that cannot be taken apart stays as it is. */
export function narrowed(query: string, parts: readonly string[]): string {
  const own = partsOf(query);
  return own ? queryOf([...own, ...parts.filter((part) => !own.includes(part))]) : query;
}

/** What may be held against the rest of a search: what failed, what is slow, or a box. */
export type Chosen = 'failed' | 'slow' | 'box';

export function chosenOf(text: string | null): Chosen | null {
  return text === 'failed' || text === 'slow' || text === 'box' ? text : null;
}

/** The query of a chosen group; `slowNs` is from where on a span counts as slow. */
export function chosenQuery(query: string, chosen: Chosen, box: Box | null, slowNs: number): string {
  if (chosen === 'failed') return narrowed(query, ['status = error']);
  if (chosen === 'slow') return narrowed(query, [`duration >= ${Math.round(slowNs)}ns`]);
  return box ? narrowed(query, boxParts(box)) : query;
}
