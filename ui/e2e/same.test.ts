// What the page says of an imported trace is what the server says of the same trace when it has stored it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { assemble, byTrace } from '../src/data/assemble';
import { readFile } from '../src/data/import';
import type { Skeleton } from '../src/data/wire';
import { Server } from './server';

let shop: Server;

beforeAll(async () => {
  shop = await Server.start();
  await shop.generate(150);
});
afterAll(() => shop?.stop());

const asked = async <T>(path: string): Promise<T> => (await (await fetch(`${shop.url}/api/${path}`)).json()) as T;

/** Findings with span ids for rows, which are numbered in another way. */
function told(skeleton: Skeleton, id: (row: number) => string) {
  return {
    select: [id(skeleton.select.row), skeleton.select.why], spans: skeleton.spanCount, errors: skeleton.errorCount, orphans: skeleton.orphanCount, depth: skeleton.depth,
    findings: skeleton.findings.map(({ kind, row, rows, ns, title }) => [kind, id(row), rows.map(id).sort(), ns, title]),
  };
}

describe('a trace of a shop', () => {
  it('has the same findings and the same guilty span, stored or imported', async () => {
    const lines = (await (await fetch(`${shop.url}/api/tw/search?summary=false&limit=150&q=`)).text()).trim().split('\n');
    const ids = lines.map((line) => JSON.parse(line) as { type: string; traceId: string }).filter(({ type }) => type === 'trace').map(({ traceId }) => traceId);
    expect(ids.length).toBeGreaterThan(100);
    let failed = 0;
    for (const id of ids) {
      const skeleton = await asked<Skeleton>(`tw/traces/${id}`);
      const own = (await asked<{ ids: string }>(`tw/traces/${id}/ids`)).ids;
      const file = readFile(JSON.stringify(await asked(`v3/traces/${id}?rawTraces=true`)));
      const local = assemble(id, byTrace(file.spans).get(id)!);
      expect(told(local.skeleton, (row) => local.details[row].spanId)).toEqual(told(skeleton, (row) => own.slice(16 * row, 16 * row + 16)));
      failed += skeleton.select.why === 'error' ? 1 : 0;
    }
    expect(failed).toBeGreaterThan(5);
  });
});
