// Asking the server. Every question can be given up; every failure says what failed and what to do.

import { KINDS, type Columns, ERROR, EVENTS, LINKS, ORPHAN } from '../model/trace';
import type { SearchLine, Skeleton } from './wire';

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

async function send(path: string, params: Record<string, Value>, signal?: AbortSignal): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(address(path, params), { signal });
  } catch (why) {
    if (signal?.aborted) throw why;
    throw new AskError(0, 'the server cannot be reached', 'It may be restarting. Try again in a moment.');
  }
  if (!reply.ok) throw await failure(reply);
  return reply;
}

export async function ask<T>(path: string, params: Record<string, Value> = {}, signal?: AbortSignal): Promise<T> {
  return (await send(path, params, signal)).json() as Promise<T>;
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

/** A skeleton's columns as the model takes them: offsets summed up, operations taken apart. */
export function columnsOf(skeleton: Skeleton): Columns {
  const { parent, start, duration, operation, flags } = skeleton.columns;
  const names: string[] = [];
  const places = new Map<string, number>();
  const nameOf = skeleton.operations.map(({ name }) => {
    const place = places.get(name) ?? names.push(name) - 1;
    places.set(name, place);
    return place;
  });
  const kindOf = skeleton.operations.map(({ kind }) => Math.max(0, (KINDS as readonly string[]).indexOf(kind)));
  const offsets = new Float64Array(start.length);
  let sum = 0;
  for (let row = 0; row < start.length; row += 1) {
    sum += start[row];
    offsets[row] = sum;
  }
  return {
    id: skeleton.traceId,
    t0: skeleton.t0,
    services: skeleton.services,
    names,
    parent,
    start: offsets,
    duration,
    service: operation.map((at) => skeleton.operations[at].service),
    name: operation.map((at) => nameOf[at]),
    kind: operation.map((at) => kindOf[at]),
    flags: flags.map((bits) => (bits & 1 ? ERROR : 0) | (bits & 4 ? ORPHAN : 0) | (bits & 64 ? EVENTS : 0) | (bits & 128 ? LINKS : 0)),
  };
}
