// Where one duration stands among those of its operation.

/** A bucket of durations as it is drawn: all figures are shares of the chart. */
export interface Bar {
  left: number;
  width: number;
  height: number;
}

export interface Standing {
  bars: Bar[];
  /** Where the duration itself is. */
  mark: number;
  /** The share of the others that took less. */
  slowerThan: number;
}

/** The server's buckets are quarters of an octave: the highest bit of a duration and the two below it. */
const end = (bound: number) => bound + (bound < 4 ? 1 : 2 ** (Math.floor(Math.log2(bound)) - 2));

/** `durations` are [lower bound, spans] in ascending order, nothing in between; the chart is logarithmic. */
export function standing(durations: [number, number][], ns: number): Standing | null {
  const total = durations.reduce((sum, [, spans]) => sum + spans, 0);
  if (total < 2) return null;
  const most = Math.max(...durations.map(([, spans]) => spans));
  const low = Math.log(Math.max(1, Math.min(durations[0][0], ns)));
  const high = Math.log(Math.max(end(durations[durations.length - 1][0]), ns, 2));
  const place = (value: number) => (Math.log(Math.max(1, value)) - low) / (high - low || 1);
  const bars = durations.map(([bound, spans]) => ({ left: place(bound), width: place(end(bound)) - place(bound), height: spans / most }));
  const own = durations.findLastIndex(([bound]) => bound <= ns);
  const below = durations.slice(0, Math.max(0, own)).reduce((sum, [, spans]) => sum + spans, 0);
  // Within its own bucket they are taken to lie evenly.
  const [bound, spans] = own < 0 ? [ns, 0] : durations[own];
  const beside = spans * Math.min(1, (ns - bound) / (end(bound) - bound));
  return { bars, mark: place(ns), slowerThan: (below + beside) / total };
}

/** `slower than 93 %`, from the side that says more; tenths where only they tell. */
export function verdict(slowerThan: number): string {
  const [word, share] = slowerThan < 0.5 ? ['faster', 1 - slowerThan] : ['slower', slowerThan];
  const percent = share * 100;
  return `${word} than ${percent > 99 ? Math.min(99.9, Math.floor(percent * 10) / 10) : Math.floor(percent)} %`;
}
