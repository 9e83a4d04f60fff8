// What all pages share: theme, time range, zone, and one loader for every question.

import { AskError } from '../data/client';
import { frozen, nanosOf, type Range, rangeMs } from '../model/moment';
import { refine, route } from './route.svelte';

// Storage may be forbidden; then nothing is remembered.
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}

let theme = $state<'light' | 'dark'>('light');
let keys = $state(stored('keys') !== '0');
let utc = $state(stored('utc') === '1');
/** The range that pages without one in their address start with. */
let lastRange = $state.raw<Range>({ from: 'now-1h', to: 'now' });
let turn = $state(0);
let notice = $state('');

export const app = {
  get theme() {
    return theme;
  },
  get utc() {
    return utc;
  },
  /** Whether single keys mean something; Ctrl K and Enter always do. */
  get keys() {
    return keys;
  },
  get range(): Range {
    const from = route.params.get('from');
    return from ? { from, to: route.params.get('to') ?? 'now' } : lastRange;
  },
  /** Counts up when the reader asks for fresh data. */
  get turn() {
    return turn;
  },
  get notice() {
    return notice;
  },
};

export function startTheme(): void {
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const chosen = stored('theme');
    theme = chosen === 'dark' || chosen === 'light' ? chosen : system.matches ? 'dark' : 'light';
    document.documentElement.dataset.theme = theme;
  };
  system.addEventListener('change', apply);
  apply();
}

export function switchTheme(): void {
  theme = theme === 'dark' ? 'light' : 'dark';
  store('theme', theme);
  document.documentElement.dataset.theme = theme;
}

export function switchKeys(): void {
  keys = !keys;
  store('keys', keys ? '1' : '0');
}

export function switchZone(): void {
  utc = !utc;
  store('utc', utc ? '1' : '0');
}

export function setRange(range: Range, step = true): void {
  lastRange = range;
  refine({ from: range.from, to: range.to === 'now' ? null : range.to }, step);
}

export function refresh(): void {
  turn += 1;
}

export function say(words: string): void {
  notice = words;
  setTimeout(() => {
    if (notice === words) notice = '';
  }, 2500);
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    say(text);
  }
}

/** Copies this page's address with its times fixed. */
export function share(): void {
  const href = new URL(window.location.href);
  if (/^\/(trace|status)(\/|$)/.test(route.path)) return void copy(href.href, 'Link');
  const range = frozen(app.range, Date.now());
  href.searchParams.set('from', range.from);
  href.searchParams.set('to', range.to);
  void copy(href.href, 'Link with fixed times');
}

/** The range in nanoseconds, as the server asks for it. */
export function asked(): { from: string; to: string } {
  const { from, to } = rangeMs(app.range, Date.now());
  return { from: nanosOf(from), to: nanosOf(to) };
}

/** One question and its answer; asking anew gives the old one up and keeps its answer meanwhile. */
export class Asked<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<AskError | null>(null);
  loading = $state(false);
  #giveUp: AbortController | null = null;

  async ask(question: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#giveUp?.abort();
    const own = new AbortController();
    this.#giveUp = own;
    this.loading = true;
    try {
      const data = await question(own.signal);
      if (own.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (why) {
      if (own.signal.aborted) return;
      this.error = why instanceof AskError ? why : new AskError(0, String(why), '');
    }
    if (this.#giveUp === own) this.loading = false;
  }

  stop(): void {
    this.#giveUp?.abort();
    this.loading = false;
  }
}
