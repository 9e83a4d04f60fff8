// The state of one open trace: what is selected, folded, filtered, zoomed. Judgements are the model's.

import { ask, columnsOf } from '../data/client';
import type { Finding, Skeleton, SpanDetail } from '../data/wire';
import { assign } from '../model/colour';
import { criticalPath } from '../model/critical_path';
import { matches, rowsOf } from '../model/filter';
import { errorRows, guilty, slowestSelf } from '../model/findings';
import { collapsedAtFirst, open, visibleRows } from '../model/rows';
import { buildTrace, type Columns, type Trace } from '../model/trace';
import { to } from './route.svelte';

/** Where details come from. */
export interface Origin {
  /** The trace is in this page's memory: the server is asked nothing about it. */
  local: boolean;
  /** Where a span of another trace is shown. */
  href: (traceId: string, spanId: string) => string;
  details: (rows: number[]) => Promise<SpanDetail[]>;
  find: (text: string) => Promise<number[]>;
}

export type Only = '' | 'errors' | 'critical';

export class TraceView {
  readonly trace: Trace;
  readonly path;
  readonly colours;
  readonly errors: number[];
  readonly slow: number;
  selected = $state(-1);
  collapsed: Uint8Array;
  opened = $state.raw<ReadonlySet<number>>(new Set());
  fold = $state(0);
  filter = $state('');
  found = $state.raw<ReadonlySet<number> | undefined>(undefined);
  only = $state<Only>('');
  hide = $state.raw<ReadonlySet<number>>(new Set());
  focus = $state(-1);
  zoomFrom = $state(0);
  zoomTo = $state(1);
  details = $state.raw<ReadonlyMap<number, SpanDetail>>(new Map());
  detailError = $state('');
  #wanted = new Set<number>();

  marks: Uint8Array | null = $derived.by(() => matches(this.trace, this.filter, this.found));
  matchRows: number[] = $derived.by(() => (this.marks ? rowsOf(this.marks) : []));
  rows = $derived.by(() => {
    void this.fold;
    return visibleRows(this.trace, { collapsed: this.collapsed, opened: this.opened, only: this.#only(), hidden: this.hide, focus: this.focus });
  });

  constructor(
    columns: Columns,
    readonly origin: Origin,
    readonly findings: Finding[],
    select: number,
  ) {
    this.trace = buildTrace(columns);
    this.path = criticalPath(this.trace);
    this.colours = assign(this.trace.services);
    this.errors = errorRows(this.trace);
    this.slow = slowestSelf(this.trace, this.path);
    this.zoomTo = Math.max(1, this.trace.end);
    this.collapsed = collapsedAtFirst(this.trace, [...this.errors.slice(0, 500), ...this.path.ofRow.keys()]);
    this.select(this.trace.rowOf[select] ?? guilty(this.trace, this.path).row);
  }

  #only(): Uint8Array | null {
    if (this.only === 'errors') return Uint8Array.from(this.trace.flags, (flags) => flags & 1);
    if (this.only === 'critical') return Uint8Array.from(this.path.time, (time) => (time > 0 ? 1 : 0));
    return null;
  }

  select(row: number): void {
    if (row < 0) return;
    if (this.#shown(row) !== row) {
      open(this.trace, this.collapsed, row);
      this.fold += 1;
      if (this.#shown(row) !== row) this.#openGroups(row);
    }
    this.selected = row;
  }

  #shown(row: number): number {
    const at = this.rows.at(row);
    return at < 0 || this.rows.group[at] ? -1 : this.rows.span[at];
  }

  /** Opens the group rows that stand for a span and its ancestors. */
  #openGroups(row: number): void {
    for (let pass = 0; pass < 8 && this.#shown(row) !== row; pass += 1) {
      let low = 0;
      let high = this.rows.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.rows.span[middle] <= row) low = middle + 1;
        else high = middle;
      }
      const at = low - 1;
      if (at < 0 || !this.rows.group[at]) return;
      this.opened = new Set([...this.opened, this.rows.span[at]]);
    }
  }

  toggle(row: number): void {
    this.collapsed[row] = this.collapsed[row] ? 0 : 1;
    this.fold += 1;
  }

  toggleGroup(first: number): void {
    const opened = new Set(this.opened);
    if (!opened.delete(first)) opened.add(first);
    this.opened = opened;
  }

  foldAll(shut: boolean): void {
    for (let row = 0; row < this.trace.length; row += 1) {
      this.collapsed[row] = shut && this.trace.childCount[row] > 0 && this.trace.depth[row] > 0 ? 1 : 0;
    }
    this.fold += 1;
    if (shut) this.selected = this.rows.span[Math.max(0, this.rows.at(this.selected))];
  }

  /** The next or previous of some rows, going round. */
  step(rows: readonly number[], by: 1 | -1): void {
    if (!rows.length) return;
    const at = rows.indexOf(this.selected);
    this.select(rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length]);
  }

  zoom(from: number, to: number): void {
    const end = Math.max(1, this.trace.end);
    const size = Math.min(end, Math.max(to - from, Math.min(10, end)));
    const start = Math.min(Math.max(0, from), end - size);
    this.zoomFrom = start;
    this.zoomTo = start + size;
  }

  zoomBy(factor: number): void {
    const span = this.zoomTo - this.zoomFrom;
    const row = this.selected;
    const middle = row < 0 ? this.zoomFrom + span / 2 : Math.min(this.zoomTo, Math.max(this.zoomFrom, this.trace.start[row] + this.trace.duration[row] / 2));
    const left = (middle - this.zoomFrom) * factor;
    this.zoom(middle - left, middle - left + span * factor);
  }

  pan(share: number): void {
    const by = (this.zoomTo - this.zoomFrom) * share;
    this.zoom(this.zoomFrom + by, this.zoomTo + by);
  }

  /** Fetches what is not there yet of some rows, 200 at a time. */
  async need(rows: readonly number[]): Promise<void> {
    const missing = rows.filter((row) => row >= 0 && !this.details.has(row) && !this.#wanted.has(row)).slice(0, 200);
    if (!missing.length) return;
    for (const row of missing) this.#wanted.add(row);
    try {
      const spans = await this.origin.details(missing.map((row) => this.trace.source[row]));
      const details = new Map(this.details);
      for (const span of spans) details.set(this.trace.rowOf[span.row], span);
      this.details = details;
      this.detailError = '';
    } catch (why) {
      this.detailError = why instanceof Error ? why.message : String(why);
      for (const row of missing) this.#wanted.delete(row);
    }
  }
}

/** Opens a stored trace; `select` is a row of the skeleton. */
export function viewOf(skeleton: Skeleton, select: number | null): TraceView {
  const path = `api/tw/traces/${skeleton.traceId}`;
  const origin: Origin = {
    local: false,
    href: (id, span) => to(`/trace/${id}`, { span }),
    details: async (rows) => (await ask<{ spans: SpanDetail[] }>(`${path}/spans`, { rows: rows.join(',') })).spans,
    find: async (text) => (await ask<{ rows: number[] }>(`${path}/find`, { text })).rows,
  };
  return new TraceView(columnsOf(skeleton), origin, skeleton.findings, select ?? skeleton.select.row);
}
