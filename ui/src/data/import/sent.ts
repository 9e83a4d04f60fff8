// A span of an imported file in one shape, whatever the format; and what every reader of a format needs.

import type { Attribute, SpanDetail } from '../wire';

/** A span as its file has it: what the server would tell about it, less what only the whole trace knows. */
export interface Sent extends Omit<SpanDetail, 'row' | 'start' | 'selfNs' | 'flags'> {
  traceId: string;
  /** Nanoseconds since 1970; `null` where the file does not say. */
  startAt: bigint | null;
  /** It answers the call of the span with the same id (Zipkin). */
  shared: boolean;
}

/** A file that cannot be read, and why, for its owner. */
export class ImportError extends Error {}

/** What came out of a document, and how many of its spans could not be taken, by reason. */
export interface Read {
  spans: Sent[];
  left: Map<string, number>;
}

export type Fields = Record<string, unknown>;

const DEPTH_MAX = 64;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value);
}

/** A whole number, also as decimal text; `null` where it is none. */
export function wholeOf(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.round(value)) : null;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : null;
}

export function countOf(value: unknown): number {
  return Math.max(0, Number(wholeOf(value) ?? 0n));
}

/** An id as lower-case hex of `digits`, from hex (leading zeros may lack) or base64; empty where it is neither, or zero. */
export function idOf(value: unknown, digits: 16 | 32): string {
  const text = textOf(value);
  let hex = '';
  if (/^[0-9a-f]+$/i.test(text) && text.length <= digits) hex = text.toLowerCase();
  else if (/^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length === (digits === 32 ? 24 : 12)) {
    hex = [...atob(text)].map((sign) => sign.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  }
  return /[^0]/.test(hex) ? hex.padStart(digits, '0') : '';
}

/** Microseconds, maybe with a fraction, as nanoseconds. */
export function microsOf(value: unknown): bigint | null {
  const whole = typeof value === 'number' && !Number.isInteger(value) ? null : wholeOf(value);
  if (whole !== null) return whole * 1000n;
  return typeof value === 'number' && Number.isFinite(value) ? BigInt(Math.round(value * 1000)) : null;
}

function json(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => json(item, depth + 1)).join(',')}]`;
  if (isFields(value)) return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${json(value[key], depth + 1)}`).join(',')}}`;
  return typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'null');
}

/** An attribute of a plain value; of what is nested, compact JSON with sorted keys. */
export function attribute(key: string, value: unknown, type = typeName(value)): Attribute {
  const nested = typeof value === 'object' && value !== null;
  return { key, type, text: nested ? json(value, 0) : textOf(value) };
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'double';
  return value === null || value === undefined ? 'empty' : 'map';
}

export function leave(left: Map<string, number>, why: string): void {
  left.set(why, (left.get(why) ?? 0) + 1);
}
