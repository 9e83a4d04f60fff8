// A query as chips: TraceQL's one spanset of comparisons, taken apart at `&&` and put together again.

/** The comparisons of `{ a && b }`; `null` where the text is something else. */
export function partsOf(query: string): string[] | null {
  const inside = /^\s*(?:\{([\s\S]*)\})?\s*$/.exec(query);
  if (!inside) return null;
  const parts: string[] = [];
  let part = '';
  let quote = '';
  const text = inside[1] ?? '';
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quote) {
      part += sign;
      if (sign === '\\' && quote === '"') part += text[++at] ?? '';
      else if (sign === quote) quote = '';
    } else if (sign === '&' && text[at + 1] === '&') {
      parts.push(part.trim());
      part = '';
      at += 1;
    } else {
      if (sign === '"' || sign === '`') quote = sign;
      part += sign;
    }
  }
  parts.push(part.trim());
  return quote ? null : parts.filter(Boolean);
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

/** What is being written where the cursor stands: a key, or a value of one. */
export function writing(query: string, cursor: number): { key: string; prefix: string; from: number; value: boolean } | null {
  const before = query.slice(0, cursor);
  const value = /([\w.\-/:@#]+|[a-z]+\."[^"]+")\s*(?:!=|>=|<=|=|>|<)\s*"?([^"&{}=<>!]*)$/.exec(before);
  if (value) return { key: value[1], prefix: value[2].trim(), from: cursor - value[2].length - (before[cursor - value[2].length - 1] === '"' ? 1 : 0), value: true };
  const key = /(?:^|[{&\s])([\w.\-/:@#]*)$/.exec(before);
  return key ? { key: '', prefix: key[1], from: cursor - key[1].length, value: false } : null;
}
