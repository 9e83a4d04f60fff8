// The address bar is the state: where the page is, and what it was asked.

import { address } from '../data/client';

export interface Place {
  /** Without the base and without a slash at its end: `/`, `/trace/abc`. */
  path: string;
  params: URLSearchParams;
}

function base(): string {
  return new URL(document.baseURI).pathname.replace(/\/$/, '');
}

function here(): Place {
  const { pathname, search } = window.location;
  const path = pathname.startsWith(base()) ? pathname.slice(base().length) : pathname;
  return redirected(path.replace(/(.)\/+$/, '$1') || '/', new URLSearchParams(search));
}

const quoted = (text: string) => JSON.stringify(text);

/** Jaeger's and Zipkin's own addresses, as ours. */
export function redirected(path: string, params: URLSearchParams): Place {
  const none = new URLSearchParams();
  const zipkin = /^\/zipkin\/traces\/([^/]+)$/.exec(path);
  if (zipkin) return { path: `/trace/${zipkin[1]}`, params: none };
  if (path === '/monitor') return { path: '/services', params: none };
  if (path === '/dependencies' || path === '/zipkin/dependency') return { path: '/map', params: none };
  if (path === '/zipkin') return { path: '/traces', params: none };
  if (path.startsWith('/trace/') && params.has('uiFind')) {
    params.set('f', params.get('uiFind')!);
    params.delete('uiFind');
  }
  return path === '/search' ? { path: '/traces', params: ofJaegerSearch(params) } : { path, params };
}

function ofJaegerSearch(params: URLSearchParams): URLSearchParams {
  const terms: string[] = [];
  const service = params.get('service');
  const operation = params.get('operation');
  if (service) terms.push(`resource.service.name = ${quoted(service)}`);
  if (operation && operation !== 'all') terms.push(`name = ${quoted(operation)}`);
  for (const [key, sign] of [['minDuration', '>='], ['maxDuration', '<=']]) {
    const value = params.get(key);
    if (value && /^[\d.]+(ns|us|µs|ms|s|m|h)$/.test(value)) terms.push(`duration ${sign} ${value.replace('µ', 'u')}`);
  }
  try {
    const tags = JSON.parse(params.get('tags') ?? '{}') as Record<string, unknown>;
    for (const [key, value] of Object.entries(tags)) {
      const field = `.${/^[\w.\-/:@#]+$/.test(key) ? key : quoted(key)}`;
      terms.push(key === 'error' && String(value) === 'true' ? 'status = error' : `${field} = ${quoted(String(value))}`);
    }
  } catch {
    // Tags that are no JSON ask for nothing.
  }
  const asked = new URLSearchParams();
  if (terms.length) asked.set('q', `{ ${terms.join(' && ')} }`);
  const lookback = params.get('lookback');
  if (lookback && /^\d+[smhdw]$/.test(lookback)) asked.set('from', `now-${lookback}`);
  else if (params.get('start') && params.get('end')) {
    asked.set('from', String(Math.floor(Number(params.get('start')) / 1000)));
    asked.set('to', String(Math.ceil(Number(params.get('end')) / 1000)));
  }
  return asked;
}

let place = $state.raw<Place>({ path: '/', params: new URLSearchParams() });

export const route = {
  get path(): string {
    return place.path;
  },
  get params(): URLSearchParams {
    return place.params;
  },
};

/** A link inside the UI. */
export function to(path: string, params: Record<string, string | number | null | undefined> = {}): string {
  return address(`./${path.replace(/^\//, '')}`, params);
}

// Where each entry of the history was scrolled to, by a number that the entry keeps.
const positions = new Map<number, number>();
let entry = 0;
let last = 0;

function push(href: string): void {
  positions.set(entry, window.scrollY);
  entry = last += 1;
  window.history.pushState({ entry }, '', href);
}

export function go(href: string): void {
  push(href);
  place = here();
  window.scrollTo(0, 0);
}

/** Scrolls back to where an entry was, as soon as the page is long enough; the reader's own move ends that. */
function restore(y: number): void {
  let frames = 240;
  const stop = () => (frames = 0);
  const moves = ['wheel', 'pointerdown', 'keydown', 'touchstart'] as const;
  for (const move of moves) window.addEventListener(move, stop, { once: true, passive: true });
  const look = () => {
    if (frames > 0 && document.documentElement.scrollHeight - window.innerHeight >= y) {
      window.scrollTo(0, y);
      stop();
    }
    frames -= 1;
    if (frames > 0) requestAnimationFrame(look);
    else for (const move of moves) window.removeEventListener(move, stop);
  };
  requestAnimationFrame(look);
}

/** Changes parameters of this page; only a step is one in the history. `null` takes one away. */
export function refine(changes: Record<string, string | null>, step = false): void {
  const params = new URLSearchParams(place.params);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(key);
    else params.set(key, value);
  }
  if (params.toString() === place.params.toString()) return;
  const text = params.toString();
  const href = to(place.path) + (text ? `?${text}` : '');
  if (step) push(href);
  else window.history.replaceState(window.history.state, '', href);
  place = { path: place.path, params };
}

function clicked(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== window.location.origin) return;
  const path = link.pathname.startsWith(base()) ? link.pathname.slice(base().length) : null;
  if (path === null || path.startsWith('/api/') || link.getAttribute('href')?.startsWith('#')) return;
  event.preventDefault();
  go(link.href);
}

export function startRouting(): void {
  const first = here();
  const text = first.params.toString();
  place = first;
  // After a reload the entries before and behind still have their numbers.
  const kept = window.history.state as { entry?: number } | null;
  entry = kept?.entry ?? 0;
  last = Math.max(entry, Math.floor(performance.timeOrigin));
  window.history.replaceState({ entry }, '', to(first.path) + (text ? `?${text}` : ''));
  window.addEventListener('scrollend', () => positions.set(entry, window.scrollY));
  window.addEventListener('popstate', ({ state }) => {
    entry = (state as { entry?: number } | null)?.entry ?? 0;
    place = here();
    restore(positions.get(entry) ?? 0);
  });
  document.addEventListener('click', clicked);
}
