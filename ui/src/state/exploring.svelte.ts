// The state of the Traces page: what its address asks, the list, the figures of the whole search, and what sets a
// chosen group of its spans apart.

import { untrack } from 'svelte';

import { ask } from '../data/client';
import type { Differences, SummaryLine } from '../data/wire';
import { nanosOf } from '../model/moment';
import { boxOf, boxParts, type Chosen, chosenOf, chosenQuery, narrowed } from '../model/selection';
import { app, asked, Asked } from './app.svelte';
import { route } from './route.svelte';
import { Searching } from './searching.svelte';

export const COLUMNS = 120;

export class Exploring {
  /** What is listed: all of the search, or what is in the box. */
  found = new Searching();
  differing = new Asked<Differences>();
  #beyond = new Searching();
  #whole = $state.raw<SummaryLine | null>(null);
  #wholeOf = '';

  q = $derived(route.params.get('q') ?? '');
  rows = $derived<'traces' | 'spans'>(route.params.get('rows') === 'spans' ? 'spans' : 'traces');
  boxText = $derived(route.params.get('box') ?? '');
  box = $derived(boxOf(this.boxText));
  chosen = $derived<Chosen | null>(chosenOf(route.params.get('vs')) ?? (this.box ? 'box' : null));
  sum = $derived(this.found.summary);
  error = $derived(this.found.error ?? this.#beyond.error);
  /** The figures of the search without its box. */
  whole = $derived(this.box ? this.#whole : (this.found.summary ?? this.#whole));
  nothing = $derived(!this.found.running && this.found.summary !== null && this.found.error === null && this.found.traces.length + this.found.spans.length === 0);

  constructor() {
    $effect(() => {
      void [app.range.from, app.range.to, app.turn, this.q, this.boxText, this.rows];
      untrack(() => void this.#look());
    });
    $effect(() => {
      const [chosen, whole] = [this.chosen, this.whole];
      void [this.q, this.boxText];
      if (chosen && whole) untrack(() => this.#compare(chosen, whole));
    });
    $effect(() => () => {
      this.found.stop();
      this.#beyond.stop();
      this.differing.stop();
    });
  }

  /** The question behind the list; a box narrows its times and durations. */
  params() {
    const times = this.box ? { from: nanosOf(this.box.from), to: nanosOf(this.box.to) } : asked();
    return { q: this.box ? narrowed(this.q, boxParts(this.box)) : this.q, ...times, limit: 100, rows: this.rows, buckets: COLUMNS };
  }

  more(): void {
    void this.found.run({ ...this.params(), after: this.sum?.after, summary: false }, true);
  }

  async #look(): Promise<void> {
    const key = JSON.stringify([app.range.from, app.range.to, app.turn, this.q]);
    const boxed = this.box !== null;
    const list = this.found.run(this.params());
    if (boxed && this.#wholeOf !== key) {
      await this.#beyond.run({ q: this.q, ...asked(), limit: 0, buckets: COLUMNS });
      this.#whole = this.#beyond.summary;
    } else if (!boxed) {
      this.#beyond.stop();
      await list;
      if (!this.found.running && !this.found.error) this.#whole = this.found.summary;
    }
    this.#wholeOf = key;
  }

  #compare(chosen: Chosen, whole: SummaryLine): void {
    const box = chosen === 'box' ? this.box : null;
    const times = box ? { from: nanosOf(box.from), to: nanosOf(box.to) } : { from: whole.from, to: whole.to };
    const q = chosenQuery(this.q, chosen, box, whole.durations?.p95Ns ?? 0);
    void this.differing.ask((signal) => ask('api/tw/differences', { q, ...times, against: this.q, againstFrom: whole.from, againstTo: whole.to }, signal));
  }
}
