// The state of one open trace: what is selected, folded, filtered, zoomed. Judgements are the model's.

import { ask } from '../data/client';
import type { Built } from '../data/skeleton.worker';
import type { Finding, SpanDetail } from '../data/wire';
import { assign } from '../model/colour';
import { matches, rowsOf } from '../model/filter';
import { rowsAfter } from '../model/growth';
import type { Opened } from '../model/opened';
import { open, runFrom, visibleRows } from '../model/rows';
import { type Adjusted, adjusted, shifts } from '../model/skew';
import type { Trace } from '../model/trace';
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

export type Only = '' | 'errors' | 'critical' | 'matches';

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

  /** Where an old row is, after the view took over another's state. */
  carried: ((row: number) => number) | null = null;

  constructor(
    /** The trace as it was sent, whatever this view makes of its clocks. */
    readonly sent: Opened,
    readonly origin: Origin,
    readonly findings: Finding[],
    select: number,
    /** Its clocks adjusted; `null` shows them as they were sent. */
    readonly clocks: Adjusted | null = null,
  ) {
    const opened = clocks?.opened ?? sent;
    this.trace = opened.trace;
    this.path = opened.path;
    this.colours = assign(this.trace.services);
    this.errors = opened.errors;
    this.slow = opened.slow;
    this.zoomTo = Math.max(1, this.trace.end);
    this.collapsed = opened.collapsed.slice();
    this.select(this.trace.rowOf[select] ?? opened.guilty);
  }

  /** How far each clock would be put forward; `null` where all agree. */
  readonly shift = $derived.by(() => shifts(this.sent.trace));

  /** The same trace, with its clocks adjusted or as they were sent. */
  withClocks(adjust: boolean): TraceView {
    const clocks = adjust && this.shift ? adjusted(this.sent.trace, this.shift) : null;
    const other = new TraceView(this.sent, this.origin, this.findings, this.trace.source[this.selected] ?? -1, clocks);
    other.#carry(this, (row) => other.trace.rowOf[this.trace.source[row]]);
    return other;
  }

  /** Takes over from a view of the same trace before it grew. */
  continues(before: TraceView): TraceView {
    const next = before.clocks ? this.withClocks(true) : this;
    const rows = rowsAfter(before.sent.trace, this.sent.trace);
    next.#carry(before, (row) => {
      const at = rows[before.sent.trace.rowOf[before.trace.source[row]]] ?? -1;
      return at < 0 ? -1 : next.trace.rowOf[this.sent.trace.source[at]];
    });
    return next;
  }

  /** What the reader did to another view of this trace is done to this one. */
  #carry(from: TraceView, rowOf: (row: number) => number): void {
    const rows = Int32Array.from(from.trace.source, (_, row) => rowOf(row));
    const since = Number(BigInt(from.trace.t0) - BigInt(this.trace.t0));
    this.carried = (row) => rows[row] ?? -1;
    rows.forEach((row, old) => {
      if (row >= 0) this.collapsed[row] = from.collapsed[old];
    });
    this.opened = new Set([...from.opened].map(this.carried).filter((row) => row >= 0));
    this.details = new Map([...from.details].flatMap(([old, detail]) => (rows[old] < 0 ? [] : [[rows[old], { ...detail, row: this.trace.source[rows[old]] }] as const])));
    const hidden = new Set([...from.hide].map((at) => from.trace.services[at]));
    this.hide = new Set(this.trace.services.flatMap((service, at) => (hidden.has(service) ? [at] : [])));
    this.filter = from.filter;
    this.only = from.only;
    this.focus = this.carried(from.focus);
    if (from.zoomFrom > 0 || from.zoomTo < from.trace.end) this.zoom(from.zoomFrom + since, from.zoomTo + since);
    this.fold += 1;
    if (this.carried(from.selected) >= 0) this.selected = this.carried(from.selected);
  }

  #only(): Uint8Array | null {
    if (this.only === 'errors') return Uint8Array.from(this.trace.flags, (flags) => flags & 1);
    if (this.only === 'critical') return Uint8Array.from(this.path.time, (time) => (time > 0 ? 1 : 0));
    return this.only === 'matches' ? this.marks : null;
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
    const at = this.rows.at(first);
    // What was selected inside a group that shuts is selected as the group.
    if (!opened.has(first) && this.#shown(this.selected) !== this.selected && this.rows.at(this.selected) >= 0) this.selected = this.rows.span[at];
  }

  /** The span some rows on. The head of an open group is no span of its own, and is passed over. */
  near(at: number, by: number): number {
    const last = this.rows.length - 1;
    let to = Math.min(last, Math.max(0, at + by));
    if (this.rows.group[to] && this.opened.has(this.rows.span[to])) to = by < 0 && to > 0 ? to - 1 : to + 1;
    return this.rows.span[Math.min(last, to)];
  }

  /** The open group that the selected row belongs to, by its first span; -1 without one. */
  get openGroup(): number {
    const at = this.rows.at(this.selected);
    for (let head = at - 1; head >= 0; head -= 1) {
      const first = this.rows.span[head];
      if (this.trace.depth[first] < this.trace.depth[this.selected]) return -1;
      if (this.rows.group[head] && this.opened.has(first) && this.trace.parent[first] === this.trace.parent[this.selected]) {
        return runFrom(this.trace, first).end > this.selected ? first : -1;
      }
    }
    return -1;
  }

  /** Unfolds what is folded and in sight, or folds the deepest level that is open. */
  foldLevel(by: 1 | -1): void {
    const { depth, childCount } = this.trace;
    if (by > 0) {
      for (const row of this.rows.span) this.collapsed[row] = 0;
    } else {
      let deepest = 0;
      for (const row of this.rows.span) if (childCount[row] && !this.collapsed[row]) deepest = Math.max(deepest, depth[row]);
      for (const row of this.rows.span) if (depth[row] === deepest && deepest > 0 && childCount[row]) this.collapsed[row] = 1;
    }
    this.fold += 1;
    const at = this.rows.at(this.selected);
    if (at >= 0) this.selected = this.rows.span[at];
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
export function viewOf({ skeleton, opened }: Built, select: number | null): TraceView {
  const path = `api/tw/traces/${skeleton.traceId}`;
  const origin: Origin = {
    local: false,
    href: (id, span) => to(`/trace/${id}`, { span }),
    details: async (rows) => (await ask<{ spans: SpanDetail[] }>(`${path}/spans`, { rows: rows.join(',') })).spans,
    find: async (text) => (await ask<{ rows: number[] }>(`${path}/find`, { text })).rows,
  };
  return new TraceView(opened, origin, skeleton.findings, select ?? skeleton.select.row);
}
