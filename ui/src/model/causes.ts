// Failing traces by the operation where their failure begins.

export interface FailingTrace {
  traceId: string;
  start: string;
  error: { service: string; operation: string } | null;
}

export interface Cause {
  service: string;
  operation: string;
  traces: number;
  /** Milliseconds since 1970 of the first and the last of them. */
  first: number;
  last: number;
  newest: FailingTrace;
  /** Traces by part of the window; empty without one. */
  counts: number[];
}

/** The causes in the order in which they were met; `columns` parts of the window are counted. */
export function causesOf(traces: readonly FailingTrace[], window: { from: number; to: number } | null, columns: number): Cause[] {
  const found = new Map<string, Cause>();
  for (const trace of traces) {
    if (!trace.error) continue;
    const key = JSON.stringify([trace.error.service, trace.error.operation]);
    const at = Number(BigInt(trace.start) / 1000n) / 1000;
    const one = found.get(key) ?? { ...trace.error, traces: 0, first: at, last: at, newest: trace, counts: window ? new Array<number>(columns).fill(0) : [] };
    found.set(key, one);
    one.traces += 1;
    one.first = Math.min(one.first, at);
    if (at > one.last) [one.last, one.newest] = [at, trace];
    if (window) one.counts[Math.min(columns - 1, Math.max(0, Math.floor(((at - window.from) / (window.to - window.from)) * columns)))] += 1;
  }
  return [...found.values()];
}
