// The shapes of `/api/tw/*`, as docs/api.yaml has them. Moments are decimal strings of nanoseconds.

export type Nanos = number;

export interface Finding {
  kind: 'error' | 'slowest_self' | 'critical_path' | 'repeated' | 'sequential' | 'gap' | 'orphans' | 'clock_skew';
  row: number;
  rows: number[];
  count: number;
  ns: Nanos;
  share: number;
  title: string;
  service?: string;
  operation?: string;
  message?: string;
  parts?: { service: string; ns: Nanos; share: number }[];
}

export interface Skeleton {
  traceId: string;
  watermark: string;
  t0: string;
  durationNs: Nanos;
  spanCount: number;
  errorCount: number;
  orphanCount: number;
  depth: number;
  root: number | null;
  select: { row: number; why: string };
  services: string[];
  operations: { service: number; name: string; kind: string }[];
  columns: { parent: number[]; start: number[]; duration: number[]; operation: number[]; flags: number[] };
  findings: Finding[];
  missing: string[];
}

export interface Attribute {
  key: string;
  type: string;
  text: string;
}

export interface SpanDetail {
  row: number;
  spanId: string;
  parentSpanId: string | null;
  service: string;
  name: string;
  kind: string;
  start: string;
  durationNs: Nanos;
  selfNs: Nanos;
  flags: number;
  status: { code: string; message: string };
  traceState: string;
  attributes: Attribute[];
  attributesDropped: number;
  events: { name: string; time: string; offsetNs: number; attributes: Attribute[]; attributesDropped: number }[];
  eventsDropped: number;
  links: { traceId: string; spanId: string; traceState: string; attributes: Attribute[] }[];
  linksDropped: number;
  resource: { attributes: Attribute[]; schemaUrl: string };
  scope: { name: string; version: string; attributes: Attribute[]; schemaUrl: string };
}

export interface TraceLine {
  type: 'trace';
  traceId: string;
  start: string;
  durationNs: Nanos;
  spans: number;
  errors: number;
  orphans: number;
  root: { service: string; operation: string } | null;
  matched: number;
  matchedSpanId: string;
  error: { service: string; operation: string } | null;
  services: { name: string; spans: number; errors: number; ns: Nanos }[];
}

export interface SpanLine {
  type: 'span';
  traceId: string;
  spanId: string;
  service: string;
  name: string;
  kind: string;
  start: string;
  durationNs: Nanos;
  failed: boolean;
  message: string;
  traceNs: Nanos;
}

export interface ValueCount {
  text: string;
  type: string;
  count: number;
  errors: number;
}

export interface Heatmap {
  start: string;
  stepNs: Nanos;
  bounds: Nanos[];
  cells: [number, number, number, number][];
}

export interface SummaryLine {
  type: 'summary';
  from: string;
  to: string;
  after: string | null;
  traces?: { count: number; exact: boolean };
  spans?: number;
  errors?: number;
  histogram?: { start: string; stepNs: Nanos; counts: number[]; errors: number[] };
  durations?: { p50Ns: Nanos; p95Ns: Nanos; p99Ns: Nanos };
  heatmap?: Heatmap;
  facets?: { key: string; values: ValueCount[]; others: number }[];
  missing: string[];
}

export type SearchLine =
  | TraceLine
  | SpanLine
  | SummaryLine
  | { type: 'progress'; scanned: number; traces: number }
  | { type: 'error'; error: string; hint: string };

export interface Red {
  spans: number;
  rate: number;
  errors: number;
  errorShare: number;
  p50Ns: Nanos;
  p95Ns: Nanos;
  p99Ns: Nanos;
  sparkline: { counts: number[]; errors: number[]; p95Ns: Nanos[] };
}

export interface Services {
  from: string;
  to: string;
  stepNs: Nanos;
  total: Red;
  services: (Red & { name: string; over: string })[];
  missing: string[];
}

/** `durations` comes where one operation was asked for: [lower bound, spans] of each bucket. */
export type Operation = Red & { name: string; kind: string; totalNs: Nanos; durations?: [Nanos, number][] };

export interface Operations {
  from: string;
  to: string;
  stepNs: Nanos;
  service: string;
  operations: Operation[];
  missing: string[];
}

export interface AttributeNames {
  attributes: { key: string; scope: string; query: string; types: string[]; count: number }[];
}

export interface AttributeValues {
  key: string;
  values: ValueCount[];
}

export interface Group {
  spans: number;
  errors: number;
  p50Ns: Nanos;
  p95Ns: Nanos;
  p99Ns: Nanos;
}

export interface DifferingValue {
  text: string;
  type: string;
  /** Of the selected spans, and of the rest. */
  counts: [number, number];
  difference: number;
}

export interface Differences {
  selected: Group;
  rest: Group;
  attributes: { key: string; score: number; has: [number, number]; values: DifferingValue[] }[];
  others: number;
  missing: string[];
}

export interface Live {
  watermark: string;
  traces: TraceLine[];
  missing: string[];
}

export interface Status {
  version: string;
  now: string;
  startedAt: string;
  state: string;
  ailment?: string;
  ever: boolean;
  listeners: { name: string; what: string; on: boolean; addresses: string[] }[];
  ingest: { spans: number; requests: number; spansPerSecond: number; waitingBytes: number };
  drops: { cause: string; count: number; unit: string }[];
  storage: { engine: string; lines: [string, string][]; spans: number; bytes: number; walBytes: number; memoryBytes: number; segments: number; retentionNs: number | null; retentionBytes: number | null };
  queries: { asked: number; answered: number; refused: number; failed: number; slow: number };
}

export interface Edge {
  parent: string;
  child: string;
  calls: number;
  rate: number;
  errors: number;
  errorShare: number;
  p50Ns: Nanos;
  p95Ns: Nanos;
  sampleTraceId: string;
  errorTraceId: string | null;
}

export interface Dependencies {
  from: string;
  to: string;
  covered: string;
  traces: number;
  services: { name: string; spans: number; errors: number; entries: number; selfNs: Nanos }[];
  edges: Edge[];
  missing: string[];
}
