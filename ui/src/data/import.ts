// Files of spans, read in the browser: nothing of them is sent anywhere.
//
// A file is one JSON document or one per line. The format shows in what the document holds, never in the file's
// name. What cannot be read is refused with the reason; spans that cannot be taken are counted.

import { readJaeger } from './import/jaeger';
import { readOtlp } from './import/otlp';
import { ImportError, isFields, leave, type Sent } from './import/sent';
import { readZipkin } from './import/zipkin';

export { ImportError, type Sent } from './import/sent';

export interface Imported {
  format: 'OTLP' | 'Jaeger' | 'Zipkin';
  spans: Sent[];
  /** What was not taken, in words. */
  missing: string[];
}

/** JSON whose whole numbers beyond a double's 53 bits stay exact: as text. */
function parse(text: string): unknown {
  const long = /[:,[]\s*-?\d{16,}/.test(text);
  return JSON.parse(long ? text.replace(/"[^"\\]*(?:\\[^][^"\\]*)*"|-?\d{16,}(?![\d.eE])/g, (part) => (part[0] === '"' ? part : `"${part}"`)) : text);
}

function reason(why: unknown): string {
  return why instanceof Error ? why.message.replace(/^JSON\.parse: /, '') : String(why);
}

/** The documents of a file. */
function documents(text: string): unknown[] {
  try {
    return [parse(text)];
  } catch (why) {
    const lines = text.split('\n');
    try {
      parse(lines[0]);
    } catch {
      throw new ImportError(`it is no JSON: ${reason(why)}`);
    }
    return lines.flatMap((line, at) => {
      if (!line.trim()) return [];
      try {
        return [parse(line)];
      } catch (fault) {
        throw new ImportError(`line ${at + 1} is no JSON: ${reason(fault)}`);
      }
    });
  }
}

function strange(document: unknown): ImportError {
  if (Array.isArray(document)) return new ImportError(document.length ? 'its list holds neither Zipkin spans nor traces' : 'its list is empty');
  if (!isFields(document)) return new ImportError('it holds no object');
  if ('resourceLogs' in document || 'resourceMetrics' in document) return new ImportError(`it holds OTLP ${'resourceLogs' in document ? 'logs' : 'metrics'}; only traces are shown`);
  const keys = Object.keys(document).slice(0, 5).map((key) => `"${key.slice(0, 40)}"`);
  return new ImportError(`it is neither OTLP, Jaeger nor Zipkin v2 JSON: ${keys.length ? `its keys are ${keys.join(', ')}` : 'it is empty'}`);
}

function readOne(document: unknown): Imported {
  const otlp = isFields(document) ? readOtlp(document) : null;
  const jaeger = otlp ? null : readJaeger(isFields(document) ? document : { data: document });
  const read = otlp ?? jaeger ?? readZipkin(document);
  if (!read || (!otlp && Array.isArray(document) && document.length === 0)) throw strange(document);
  const missing = [...read.left].map(([why, count]) => `${count} span${count === 1 ? '' : 's'} ${why}`);
  return { format: otlp ? 'OTLP' : jaeger ? 'Jaeger' : 'Zipkin', spans: read.spans, missing };
}

/** Reads a file's text. Throws an `ImportError` that says what is wrong with it. */
export function readFile(text: string): Imported {
  if (!text.trim()) throw new ImportError('it is empty');
  const parts = documents(text.replace(/^\uFEFF/, '')).map(readOne);
  const left = new Map<string, number>();
  for (const part of parts) for (const words of part.missing) leave(left, words);
  const spans = parts.flatMap((part) => part.spans);
  const missing = [...left].map(([words, times]) => (times > 1 ? `${words}, on each of ${times} lines` : words));
  if (!spans.length) throw new ImportError(missing.length ? `none of its spans can be taken: ${missing.join('; ')}` : 'it holds no spans');
  return { format: parts[0].format, spans, missing };
}
