// A trace summed up by service and operation.

import { isError, nameOf, serviceOf, type Trace } from './trace';

export interface Sum {
  service: string;
  name: string;
  count: number;
  total: number;
  self: number;
  p50: number;
  p95: number;
  max: number;
  errors: number;
}

export function statistics(trace: Trace): Sum[] {
  const groups = new Map<number, { sum: Sum; durations: number[] }>();
  for (let row = 0; row < trace.length; row += 1) {
    const key = trace.service[row] * trace.names.length + trace.name[row];
    let group = groups.get(key);
    if (!group) {
      group = { sum: { service: serviceOf(trace, row), name: nameOf(trace, row), count: 0, total: 0, self: 0, p50: 0, p95: 0, max: 0, errors: 0 }, durations: [] };
      groups.set(key, group);
    }
    group.sum.count += 1;
    group.sum.total += trace.duration[row];
    group.sum.self += trace.self[row];
    group.sum.errors += isError(trace, row) ? 1 : 0;
    group.durations.push(trace.duration[row]);
  }
  return [...groups.values()].map(({ sum, durations }) => {
    durations.sort((a, b) => a - b);
    const at = (share: number) => durations[Math.min(durations.length - 1, Math.floor(durations.length * share))];
    return { ...sum, p50: at(0.5), p95: at(0.95), max: durations[durations.length - 1] };
  });
}
