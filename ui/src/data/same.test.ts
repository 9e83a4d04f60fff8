// Traces and what is worth knowing of them: one file, which the server's own test reads too.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { assemble } from './assemble';
import { readFile } from './import';

interface Case {
  fact: string;
  spans: { id: number; parent: number; service: string; name: string; kind: string; startMs: number; endMs: number; failed: boolean }[];
  guilty: { id: number; why: string };
  findings: { kind: string; id: number; ids: number[]; us: number; title: string }[];
}

const CASES = JSON.parse(readFileSync(new URL('../../../crates/api/fixtures/findings.json', import.meta.url), 'utf8')) as Case[];
const hex = (id: number) => id.toString(16).padStart(16, '0');

function otlp(spans: Case['spans']): string {
  const resourceSpans = spans.map(({ id, parent, service, name, kind, startMs, endMs, failed }) => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
    scopeSpans: [{ spans: [{
      traceId: '1'.padStart(32, '0'), spanId: hex(id), parentSpanId: parent ? hex(parent) : '', name, kind: `SPAN_KIND_${kind.toUpperCase()}`,
      startTimeUnixNano: `${1_700_000_000_000 + startMs}000000`, endTimeUnixNano: `${1_700_000_000_000 + endMs}000000`, status: failed ? { code: 2 } : {},
    }] }],
  }));
  return JSON.stringify({ resourceSpans });
}

describe('an imported trace is judged as the server judges a stored one', () => {
  for (const { fact, spans, guilty, findings } of CASES) {
    it(fact, () => {
      const { skeleton, details } = assemble('1', readFile(otlp(spans)).spans);
      const id = (row: number) => Number.parseInt(details[row].spanId, 16);
      expect({ id: id(skeleton.select.row), why: skeleton.select.why }).toEqual(guilty);
      expect(skeleton.findings.map(({ kind, row, rows, ns, title }) => ({ kind, id: id(row), ids: rows.map(id).sort((a, b) => a - b), us: ns / 1000, title }))).toEqual(findings);
    });
  }
});
