// What was imported: in this page's memory, until it is reloaded or told to forget.

import { assemble, byTrace, type LocalTrace, rowsWith } from '../data/assemble';
import { ImportError, readFile, type Sent } from '../data/import';
import { columnsOf } from '../model/columns';
import { openedOf } from '../model/opened';
import { to } from './route.svelte';
import { type Origin, TraceView } from './trace_view.svelte';

export interface ImportedFile {
  name: string;
  bytes: number;
  format: string;
  spans: number;
  traces: number;
  missing: string[];
  /** Why it could not be read; empty where it was. */
  error: string;
}

/** Text beyond this does not fit a browser's string. */
const BYTES_MAX = 400 * 1024 * 1024;

let files = $state.raw<ImportedFile[]>([]);
let traces = $state.raw<ReadonlyMap<string, LocalTrace>>(new Map());
let reading = $state('');
let spans: Sent[] = [];

export const imported = {
  get files() {
    return files;
  },
  get traces() {
    return traces;
  },
  /** The name of the file that is being read. */
  get reading() {
    return reading;
  },
};

async function textOf(file: File): Promise<string> {
  if (file.size > BYTES_MAX) throw new ImportError('it is larger than 400 MiB; split it by lines');
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (first === 0x1f && second === 0x8b) throw new ImportError('it is compressed with gzip; unpack it first');
  return file.text();
}

async function readIn(file: File): Promise<ImportedFile> {
  const seen = { name: file.name, bytes: file.size, format: '', spans: 0, traces: 0, missing: [], error: '' };
  try {
    const read = readFile(await textOf(file));
    spans = spans.concat(read.spans);
    return { ...seen, format: read.format, spans: read.spans.length, traces: new Set(read.spans.map(({ traceId }) => traceId)).size, missing: read.missing };
  } catch (why) {
    return { ...seen, error: why instanceof Error ? why.message : String(why) };
  }
}

/** Reads files one after the other; traces with spans in several files become whole. */
export async function importFiles(list: readonly File[]): Promise<void> {
  for (const file of list) {
    reading = file.name;
    const read = await readIn(file);
    files = [read, ...files.filter((other) => other.name !== file.name || other.bytes !== file.size)];
  }
  const groups = byTrace(spans);
  traces = new Map([...groups].map(([id, own]) => [id, assemble(id, own)]));
  spans = [...groups.values()].flat();
  reading = '';
}

export function forgetImported(): void {
  files = [];
  traces = new Map();
  spans = [];
}

/** Opens an imported trace; the span that is named, else the guilty one. */
export function importedView(trace: LocalTrace, spanId: string | null): TraceView {
  const origin: Origin = {
    local: true,
    href: (id, span) => to(`/${traces.has(id) ? 'import' : 'trace'}/${id}`, { span }),
    details: (rows) => Promise.resolve(rows.map((row) => trace.details[row])),
    find: (text) => Promise.resolve(rowsWith(trace, text)),
  };
  const { skeleton } = trace;
  const row = trace.details.find((one) => one.spanId === spanId)?.row ?? skeleton.select.row;
  return new TraceView(openedOf(columnsOf(skeleton)), origin, skeleton.findings, row);
}
