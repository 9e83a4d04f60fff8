// Moments and ranges of time. What the server calls nanoseconds since 1970 does not fit a number, so it stays
// text (or a bigint for a moment); everything drawn is milliseconds or an offset from the first of them.

/** A moment as the address bar has it: `now`, `now-15m`, or milliseconds since 1970. */
export type Edge = string;

export interface Range {
  from: Edge;
  to: Edge;
}

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 7 * 86_400e3 };

export const PRESETS: readonly (readonly [string, string])[] = [
  ['now-15m', 'Last 15 min'],
  ['now-1h', 'Last 1 h'],
  ['now-6h', 'Last 6 h'],
  ['now-1d', 'Last 24 h'],
  ['now-7d', 'Last 7 days'],
  ['now-30d', 'Last 30 days'],
];

/** Milliseconds since 1970 of an edge; `null` where it is none. */
export function edgeMs(edge: Edge, nowMs: number): number | null {
  const relative = /^now(?:-(\d+)([smhdw]))?$/.exec(edge);
  if (relative) return nowMs - (relative[1] ? Number(relative[1]) * UNITS[relative[2]] : 0);
  if (/^\d{1,15}(\.\d+)?$/.test(edge)) return Number(edge);
  const parsed = Date.parse(edge);
  return Number.isNaN(parsed) ? null : parsed;
}

export function isRelative(range: Range): boolean {
  return range.from.startsWith('now') || range.to.startsWith('now');
}

/** Both ends in milliseconds; the last hour where the address says nothing usable. */
export function rangeMs(range: Range, nowMs: number): { from: number; to: number } {
  const to = edgeMs(range.to, nowMs) ?? nowMs;
  const from = edgeMs(range.from, nowMs) ?? to - 3600e3;
  return from < to ? { from, to } : { from: to - 1, to };
}

/** Fixes a relative range, for a link that means the same tomorrow. */
export function frozen(range: Range, nowMs: number): Range {
  const { from, to } = rangeMs(range, nowMs);
  return { from: String(Math.floor(from)), to: String(Math.ceil(to)) };
}

export function rangeLabel(range: Range, utc: boolean): string {
  const preset = PRESETS.find(([from]) => from === range.from && range.to === 'now');
  if (preset) return preset[1];
  const from = edgeMs(range.from, 0);
  const day = from === null ? '' : fmtDay(from, utc);
  const side = (edge: Edge) => {
    const ms = edge.startsWith('now') ? null : edgeMs(edge, 0);
    if (ms === null) return edge;
    const clock = fmtClock(ms, utc).replace(/:00$/, '');
    return edge === range.to && fmtDay(ms, utc) === day ? clock : `${fmtDay(ms, utc)} ${clock}`;
  };
  return `${side(range.from)} – ${side(range.to)}`;
}

function fmtDay(ms: number, utc: boolean): string {
  const p = parts(ms, utc);
  return `${p.d} ${MONTHS[p.mo]}`;
}

/** Milliseconds as the decimal nanoseconds that the server asks for. */
export function nanosOf(ms: number): string {
  return (BigInt(Math.floor(ms * 1000)) * 1000n).toString();
}

/** Decimal nanoseconds as milliseconds, with what a double keeps of the rest. */
export function msOf(nanos: string): number {
  const whole = BigInt(nanos);
  return Number(whole / 1_000_000n) + Number(whole % 1_000_000n) / 1e6;
}

function two(value: number): string {
  return value.toString().padStart(2, '0');
}

interface Parts {
  y: number;
  mo: number;
  d: number;
  h: number;
  mi: number;
  s: number;
  ms: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function parts(ms: number, utc: boolean): Parts {
  const date = new Date(ms);
  return utc
    ? { y: date.getUTCFullYear(), mo: date.getUTCMonth(), d: date.getUTCDate(), h: date.getUTCHours(), mi: date.getUTCMinutes(), s: date.getUTCSeconds(), ms: date.getUTCMilliseconds() }
    : { y: date.getFullYear(), mo: date.getMonth(), d: date.getDate(), h: date.getHours(), mi: date.getMinutes(), s: date.getSeconds(), ms: date.getMilliseconds() };
}

/** `21 Sep 2026 14:13:20.000` */
export function fmtMoment(ms: number, utc: boolean): string {
  const p = parts(ms, utc);
  return `${p.d} ${MONTHS[p.mo]} ${p.y} ${two(p.h)}:${two(p.mi)}:${two(p.s)}.${p.ms.toString().padStart(3, '0')}`;
}

/** `14:13:20` */
export function fmtClock(ms: number, utc: boolean): string {
  const p = parts(ms, utc);
  return `${two(p.h)}:${two(p.mi)}:${two(p.s)}`;
}

/** A short label on a time axis that spans `spanMs`. */
export function fmtTick(ms: number, spanMs: number, utc: boolean): string {
  const p = parts(ms, utc);
  if (spanMs > 2 * 86_400e3) return `${p.d} ${MONTHS[p.mo]}`;
  if (spanMs > 10 * 60e3) return `${two(p.h)}:${two(p.mi)}`;
  return `${two(p.h)}:${two(p.mi)}:${two(p.s)}`;
}

/** How long ago: `12 s ago`, `3 min ago`. */
export function fmtAgo(ms: number, nowMs: number): string {
  const age = Math.max(0, nowMs - ms) / 1e3;
  if (age < 60) return `${Math.floor(age)} s ago`;
  if (age < 3600) return `${Math.floor(age / 60)} min ago`;
  if (age < 2 * 86_400) return `${Math.floor(age / 3600)} h ago`;
  return `${Math.floor(age / 86_400)} days ago`;
}

/** The zone that local times are in: `UTC+2`. */
export function zoneName(utc: boolean): string {
  if (utc) return 'UTC';
  const minutes = -new Date().getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(size / 60)}${size % 60 ? `:${two(size % 60)}` : ''}`;
}
