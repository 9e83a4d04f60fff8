// Watches a trace that may still be arriving: asks whether it changed, ever more rarely while it does not.
//
// Nothing is asked while the page is hidden or the reader said no, and nothing more after a quiet minute.

import { readTrace } from '../data/skeleton';
import type { Built } from '../data/skeleton.worker';
import type { Skeleton } from '../data/wire';
import { mayGrow } from '../model/growth';
import { msOf } from '../model/moment';

const FIRST_MS = 2000;
const LAST_MS = 10_000;
const QUIET_MS = 60_000;

export type Phase = 'done' | 'watching' | 'held';

export class Growing {
  phase = $state<Phase>('done');
  /** Spans that came since the page was opened, and when the last of them came; 0 before any. */
  added = $state(0);
  last = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ask = new AbortController();

  /** Begins with what the page shows; `take` is called with each newer state. */
  start(shown: Skeleton, take: (built: Built) => void): void {
    this.stop();
    this.added = 0;
    this.last = 0;
    const end = msOf(shown.t0) + shown.durationNs / 1e6;
    if (!mayGrow(end, shown.root === null || shown.orphanCount > 0, Date.now())) return;
    this.phase = 'watching';
    this.#ask = new AbortController();
    this.#wait(shown, FIRST_MS, 0, take);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#ask.abort();
    this.phase = 'done';
  }

  hold(): void {
    this.phase = this.phase === 'held' ? 'watching' : 'held';
  }

  #wait(shown: Skeleton, ms: number, quiet: number, take: (built: Built) => void): void {
    this.#timer = setTimeout(() => void this.#look(shown, ms, quiet, take), ms);
  }

  async #look(shown: Skeleton, ms: number, quiet: number, take: (built: Built) => void): Promise<void> {
    if (this.phase === 'held' || document.hidden) return this.#wait(shown, ms, quiet, take);
    const { signal } = this.#ask;
    // A question that fails is asked again: the page shows what it has meanwhile.
    const built = await readTrace(shown.traceId, {}, shown.watermark, signal).catch(() => null);
    if (signal.aborted) return;
    if (!built) {
      if (QUIET_MS <= quiet + ms) return this.stop();
      return this.#wait(shown, Math.min(LAST_MS, ms * 1.5), quiet + ms, take);
    }
    this.added += Math.max(0, built.skeleton.spanCount - shown.spanCount);
    this.last = Date.now();
    take(built);
    this.#wait(built.skeleton, FIRST_MS, 0, take);
  }
}
