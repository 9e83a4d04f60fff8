// Finding spans inside a trace: `duration>5ms svc:cart error charge`. All words must hold.
//
// What needs attributes the client does not have is the server's to find; its rows come in as `extra`.

import { parseDuration } from './duration';
import { ERROR, KINDS, type Trace } from './trace';

export interface Term {
  /** How the term was written. */
  text: string;
  holds: (trace: Trace, row: number) => boolean;
  /** Free text: also looked for in attributes, by the server. */
  free: boolean;
}

function compare(operator: string, left: number, right: number): boolean {
  switch (operator) {
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    default:
      return left === right;
  }
}

function words(text: string): string[] {
  return [...text.matchAll(/[^\s":]+:"[^"]*"|"[^"]*"|\S+/g)].map(([word]) => word);
}

function within(texts: readonly string[], needle: string): Uint8Array {
  const lower = needle.toLowerCase();
  return Uint8Array.from(texts, (text) => (text.toLowerCase().includes(lower) ? 1 : 0));
}

function termOf(trace: Trace, word: string): Term {
  const size = /^(duration|self|dur)(>=|<=|>|<|=)(.+)$/.exec(word);
  const limit = size && parseDuration(size[3]);
  if (size && limit !== null) {
    const column = size[1] === 'self' ? trace.self : trace.duration;
    return { text: word, free: false, holds: (_, row) => compare(size[2], column[row], limit) };
  }
  if (word === 'error') return { text: word, free: false, holds: (of, row) => (of.flags[row] & ERROR) !== 0 };
  const field = /^(svc|service|op|name|kind):"?([^"]*)"?$/.exec(word);
  if (field?.[1] === 'kind') {
    return { text: word, free: false, holds: (of, row) => KINDS[of.kind[row]]?.startsWith(field[2]) ?? false };
  }
  if (field) {
    const ofService = field[1] === 'svc' || field[1] === 'service';
    const hits = within(ofService ? trace.services : trace.names, field[2]);
    return { text: word, free: false, holds: (of, row) => hits[ofService ? of.service[row] : of.name[row]] === 1 };
  }
  const needle = word.replace(/^"|"$/g, '');
  const services = within(trace.services, needle);
  const names = within(trace.names, needle);
  return { text: needle, free: true, holds: (of, row) => services[of.service[row]] === 1 || names[of.name[row]] === 1 };
}

export function terms(trace: Trace, text: string): Term[] {
  return words(text).map((word) => termOf(trace, word));
}

/** Returns one mark for each row, or `null` where the text asks for nothing. */
export function matches(trace: Trace, text: string, extra?: ReadonlySet<number>): Uint8Array | null {
  const all = terms(trace, text);
  if (all.length === 0) return null;
  const marks = new Uint8Array(trace.length);
  for (let row = 0; row < trace.length; row += 1) {
    marks[row] = all.every((term) => term.holds(trace, row) || (term.free && extra?.has(row))) ? 1 : 0;
  }
  return marks;
}

export function rowsOf(marks: Uint8Array): number[] {
  const rows: number[] = [];
  for (let row = 0; row < marks.length; row += 1) if (marks[row]) rows.push(row);
  return rows;
}
