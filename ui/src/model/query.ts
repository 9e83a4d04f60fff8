// A query as chips: TraceQL's one spanset of comparisons, taken apart at `&&` and put together again.

interface Part {
  text: string;
  /** Where it stands in the query, both ends of what lies between `{`, `&&` and `}`. */
  from: number;
  to: number;
}

/** The text taken apart at `&&`, whether it is whole or still being written; `whole` where all is closed and alone. */
function placed(query: string): { parts: Part[]; whole: boolean } {
  const open = /^\s*\{?/.exec(query)![0].length;
  const close = /\}\s*$/.exec(query);
  let end = query.length;
  const parts: Part[] = [];
  let from = open;
  let quote = '';
  let braces = false;
  for (let at = open; at < query.length; at += 1) {
    const sign = query[at];
    if (quote) {
      if (sign === '\\' && quote === '"') at += 1;
      else if (sign === quote) quote = '';
    } else if (sign === '"' || sign === '`') quote = sign;
    else if (close && at === close.index) {
      end = at;
      break;
    } else if (sign === '&' && query[at + 1] === '&') {
      parts.push({ text: query.slice(from, at).trim(), from, to: at });
      from = at + 2;
      at += 1;
    } else if (sign === '{' || sign === '}') braces = true;
  }
  parts.push({ text: query.slice(from, end).trim(), from, to: end });
  return { parts, whole: quote === '' && !braces };
}

/** The comparisons of `{ a && b }`; `null` where the text is something else. */
export function partsOf(query: string): string[] | null {
  if (!/^\s*(?:\{[\s\S]*\})?\s*$/.test(query)) return null;
  const { parts, whole } = placed(query);
  return whole ? parts.map(({ text }) => text).filter(Boolean) : null;
}

export function queryOf(parts: readonly string[]): string {
  return parts.length ? `{ ${parts.join(' && ')} }` : '';
}

/** Adds a comparison, or takes it away where it is there. */
export function toggled(query: string, part: string): string {
  const parts = partsOf(query) ?? [];
  return queryOf(parts.includes(part) ? parts.filter((other) => other !== part) : [...parts, part]);
}

export function has(query: string, part: string): boolean {
  return partsOf(query)?.includes(part) ?? false;
}

export function equals(key: string, value: { text: string; type: string }): string {
  return `${key} = ${value.type === 'string' ? JSON.stringify(value.text) : value.text}`;
}

const KEY = String.raw`(?:[a-z]*\."[^"]*"|[\w.\-/:@#]+)`;
const KEY_WRITTEN = /^([\w.\-/:@#]*)$/;
const OPERATOR_WRITTEN = new RegExp(`^(${KEY})\\s+([!<>=]*)$`);
const VALUE_WRITTEN = new RegExp(`^(${KEY})\\s*(?:!=|>=|<=|=|>|<)\\s*(?:"((?:[^"\\\\]|\\\\.)*)|([^\\s"]*))$`);
const WHOLE = new RegExp(`^${KEY}\\s*(?:!=|>=|<=|=|>|<)\\s*(?:"(?:[^"\\\\]|\\\\.)*"|[^\\s"]+)\\s*$`);

export interface Writing {
  what: 'key' | 'operator' | 'value' | 'joint';
  /** The key that the operator or value belongs to. */
  key: string;
  prefix: string;
  /** Where the text that a suggestion takes the place of begins. */
  from: number;
  /** The other conditions: what is suggested must be found together with them. */
  others: string;
}

/** What is being written where the cursor stands; `null` where nothing can be suggested. */
export function writing(query: string, cursor: number): Writing | null {
  const { parts } = placed(query);
  const part = parts.find(({ from, to }) => from <= cursor && cursor <= to);
  if (!part) return null;
  const others = queryOf(parts.filter((other) => other !== part).map(({ text }) => text).filter((text) => WHOLE.test(text)));
  const begun = query.slice(part.from, cursor).trimStart();
  const answer = (what: Writing['what'], key: string, prefix: string, length = prefix.length): Writing => ({ what, key, prefix, from: cursor - length, others });
  const key = KEY_WRITTEN.exec(begun);
  if (key) return answer('key', '', key[1]);
  const operator = OPERATOR_WRITTEN.exec(begun);
  if (operator) return answer('operator', operator[1], operator[2]);
  const value = VALUE_WRITTEN.exec(begun);
  if (value) return value[2] === undefined ? answer('value', value[1], value[3]) : answer('value', value[1], value[2], value[2].length + 1);
  return WHOLE.test(begun) && /\s$/.test(begun) ? answer('joint', '', '') : null;
}
