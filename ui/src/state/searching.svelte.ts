// A search under way: traces or spans as they come, how far it is, and the sum at its end.

import { AskError, search, type Value } from '../data/client';
import type { SpanLine, SummaryLine, TraceLine } from '../data/wire';

export class Searching {
  traces = $state.raw<TraceLine[]>([]);
  spans = $state.raw<SpanLine[]>([]);
  summary = $state.raw<SummaryLine | null>(null);
  error = $state.raw<AskError | null>(null);
  scanned = $state(0);
  running = $state(false);
  #giveUp: AbortController | null = null;

  /** Asks anew; what was found before stays in sight until the first line of the answer. */
  async run(params: Record<string, Value>, more = false): Promise<void> {
    this.#giveUp?.abort();
    const own = new AbortController();
    this.#giveUp = own;
    this.running = true;
    this.error = null;
    this.scanned = 0;
    const found: TraceLine[] = more ? [...this.traces] : [];
    const spans: SpanLine[] = more ? [...this.spans] : [];
    let shown = 0;
    try {
      for await (const line of search(params, own.signal)) {
        if (line.type === 'trace') found.push(line);
        else if (line.type === 'span') spans.push(line);
        else if (line.type === 'progress') this.scanned = line.scanned;
        else if (line.type === 'error') this.error = new AskError(500, line.error, line.hint);
        else this.summary = more && this.summary ? { ...this.summary, after: line.after, missing: line.missing } : line;
        const now = performance.now();
        if (now - shown > 100) {
          shown = now;
          this.traces = [...found];
          this.spans = [...spans];
        }
      }
      this.traces = found;
      this.spans = spans;
    } catch (why) {
      if (own.signal.aborted) return;
      this.error = why instanceof AskError ? why : new AskError(0, String(why), '');
    }
    if (this.#giveUp === own) this.running = false;
  }

  stop(): void {
    this.#giveUp?.abort();
    this.running = false;
  }
}
