// Numbers as people read them: always with a unit, three significant digits, exact values on demand.

const STEPS: readonly (readonly [number, string])[] = [
  [1, 'ns'],
  [1e3, 'µs'],
  [1e6, 'ms'],
  [1e9, 's'],
  [60e9, 'min'],
  [3600e9, 'h'],
  [86_400e9, 'd'],
];

/** Three significant digits without an exponent: `69.1`, `881`, `0.12`. */
function digits(value: number): string {
  if (value >= 99.95) return Math.round(value).toString();
  if (value >= 9.995) return value.toFixed(1).replace(/\.0$/, '');
  return value.toFixed(2).replace(/\.?0+$/, '');
}

/** A duration in nanoseconds: `69.1 ms`, `881 µs`, `1.2 s`. */
export function fmtDuration(ns: number): string {
  if (!Number.isFinite(ns)) return '–';
  const sign = ns < 0 ? '−' : '';
  const size = Math.abs(ns);
  if (size === 0) return '0 ns';
  let step = STEPS[0];
  for (const next of STEPS) if (size >= next[0] * 0.9995) step = next;
  return `${sign}${digits(size / step[0])} ${step[1]}`;
}

/** The same, whole: `69 123 456 ns`. */
export function fmtExact(ns: number): string {
  return `${Math.round(ns).toString().replace(/\B(?=(\d{3})+$)/g, ' ')} ns`;
}

/** A count with thousands set apart, whole. */
export function fmtCount(count: number): string {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count in few characters: `12.3k`, `4.1M`. */
export function fmtShort(count: number): string {
  if (count < 10_000) return fmtCount(count);
  if (count < 1e6) return `${digits(count / 1e3)}k`;
  if (count < 1e9) return `${digits(count / 1e6)}M`;
  return `${digits(count / 1e9)}G`;
}

/** A rate per second, with the unit that keeps it readable. */
export function fmtRate(perSecond: number): string {
  if (perSecond === 0) return '0/s';
  if (perSecond >= 1) return `${perSecond < 1000 ? digits(perSecond) : fmtShort(perSecond)}/s`;
  if (perSecond * 60 >= 1) return `${digits(perSecond * 60)}/min`;
  return `${digits(perSecond * 3600)}/h`;
}

/** A share of one as per cent: `0.4 %`, `34 %`. */
export function fmtShare(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.01) return '<0.01 %';
  return `${digits(percent)} %`;
}

/** Bytes in binary units. */
export function fmtBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${digits(value)} ${units[unit]}`;
}

/** Reads `250ms`, `1.5 s`, `3µs` into nanoseconds; `null` where it is none. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|min|h|d)\s*$/.exec(text);
  if (!match) return null;
  const unit = { us: 'µs', m: 'min' }[match[2]] ?? match[2];
  const step = STEPS.find(([, name]) => name === unit);
  return step ? Number(match[1]) * step[0] : null;
}

/** Round places on a linear axis from `from` to `to`, about `wanted` of them. */
export function niceTicks(from: number, to: number, wanted: number): number[] {
  const span = to - from;
  if (!(span > 0) || wanted < 1) return [from];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 10 * power;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step * 1e-9; tick += step) ticks.push(tick);
  return ticks;
}
