// Asking the server. Every question can be given up; every failure says what failed and what to do.

import type { SearchLine } from './wire';

export { columnsOf } from '../model/columns';

export class AskError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string,
    readonly column?: number,
    readonly ids?: string[],
  ) {
    super(message);
  }
}

export type Value = string | number | boolean | null | undefined;

/** An address below the page's base. Empty values are left away. */
export function address(path: string, params: Record<string, Value> = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return new URL(path + (text ? `?${text}` : ''), document.baseURI).href;
}

async function failure(reply: Response): Promise<AskError> {
  const text = await reply.text();
  try {
    const body = JSON.parse(text) as { error?: string; hint?: string; column?: number; ids?: string[] };
    if (body.error) return new AskError(reply.status, body.error, body.hint ?? '', body.column, body.ids);
  } catch {
    // Not JSON: a proxy's own page, or Jaeger's plain text.
  }
  return new AskError(reply.status, `the server answered ${reply.status}`, text.slice(0, 200));
}

async function send(path: string, params: Record<string, Value>, signal?: AbortSignal, headers?: Record<string, string>): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(address(path, params), { signal, headers });
  } catch (why) {
    if (signal?.aborted) throw why;
    throw new AskError(0, 'the server cannot be reached', 'It may be restarting. Try again in a moment.');
  }
  if (!reply.ok && reply.status !== 304) throw await failure(reply);
  return reply;
}

export async function ask<T>(path: string, params: Record<string, Value> = {}, signal?: AbortSignal): Promise<T> {
  return (await send(path, params, signal)).json() as Promise<T>;
}

/** An answer as it came; `null` where it is still the one that `tag` names. */
export async function askBytes(path: string, params: Record<string, Value>, tag?: string, signal?: AbortSignal): Promise<ArrayBuffer | null> {
  const reply = await send(path, params, signal, tag ? { 'if-none-match': `"${tag}"` } : undefined);
  return reply.status === 304 ? null : reply.arrayBuffer();
}

/** A search, line by line as they come. */
export async function* search(params: Record<string, Value>, signal: AbortSignal): AsyncGenerator<SearchLine> {
  const reply = await send('api/tw/search', params, signal);
  const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line) yield JSON.parse(line) as SearchLine;
  }
  if (rest) yield JSON.parse(rest) as SearchLine;
}
