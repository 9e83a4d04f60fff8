// Traces of programs that people run, as their SDKs send them: the page shows what they carry. The SDKs are those of the
// suite `clients`; where they are not installed, these are skipped.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { launch, openContext, violationsOf } from './browsing';
import { Server } from './server';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, '.cache/node-current/node_modules');
const PYTHON = join(ROOT, '.cache/python-current/bin/python');

const CLIENTS: [client: string, protocol: string, door: 'otlp-http' | 'jaeger-http' | 'zipkin'][] = [
  ['node', 'otlp-http-proto', 'otlp-http'],
  ['node', 'jaeger-http', 'jaeger-http'],
  ['node', 'zipkin-json', 'zipkin'],
  ['python', 'otlp-http-gzip', 'otlp-http'],
];

let browser: Browser;
let server: Server;
beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), Server.start(['jaeger-http', 'zipkin'])]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** Runs a client; returns the id and the service of the trace that it says it sent. */
async function emit(client: string, protocol: string, endpoint: string): Promise<{ trace_id: string; service: string }> {
  const folder = join(ROOT, 'clients', `${client}-current`);
  const [program, file] = client === 'node' ? [process.execPath, 'emit.js'] : [PYTHON, 'emit.py'];
  const { stdout } = await promisify(execFile)(program, [join(folder, file), protocol, endpoint, 'seen'], { cwd: folder, env: { ...process.env, NODE_PATH: NODE, PYTHONPATH: join(ROOT, 'clients') } });
  return JSON.parse(stdout.trim().split('\n').pop()!) as { trace_id: string; service: string };
}

describe.each(CLIENTS)('%s over %s', (client, protocol, door) => {
  it.skipIf(!existsSync(client === 'node' ? NODE : PYTHON))('opens on its failing span, with all that it carries', async () => {
    const sent = await emit(client, protocol, door === 'otlp-http' ? server.otlp : `http://${server.doors[door]}`);
    const { page, faults, close } = await openContext(browser, server.url);
    await page.goto(`${server.url}/services`);
    await page.getByRole('link', { name: sent.service }).waitFor();
    await page.locator('#omnibox').fill(sent.trace_id);
    await page.keyboard.press('Enter');
    await page.locator('aside .error').first().waitFor();
    expect(new URL(page.url()).pathname).toBe(`/trace/${sent.trace_id}`);
    expect(await page.locator('aside h2.title').innerText()).toBe('POST payments');
    expect(await page.locator('aside').innerText()).toContain('card declined');
    expect(await page.locator('.line').count()).toBe(5);
    expect(await violationsOf(page)).toEqual([]);
    await page.locator('.line', { hasText: 'GET /checkout' }).click();
    await page.locator('aside h2.title', { hasText: 'GET /checkout' }).waitFor();
    const attributes = page.locator('aside dl').first();
    await attributes.getByText('käse ✓').waitFor();
    for (const text of ['tw.marker', 'seen', 'tw.bool', 'true', '0.25', '200']) expect(await attributes.innerText()).toContain(text);
    expect(await attributes.innerText()).toMatch(/\["a", ?"b"\]|a, ?b/);
    await page.locator('.line', { hasText: 'charge' }).first().click();
    await page.locator('aside').getByText('retry').first().waitFor();
    // Zipkin has no links.
    if (door !== 'zipkin') {
      await page.locator('.line', { hasText: 'orders process' }).click();
      await page.locator('aside h2.title', { hasText: 'orders process' }).waitFor();
      await page.locator('aside').getByText(/links/i).first().waitFor();
    }
    await page.goto(`${server.url}/service/${encodeURIComponent(sent.service)}`);
    await page.locator('tbody tr').first().waitFor();
    expect(await page.locator('tbody').innerText()).toContain('GET /checkout');
    await close();
    expect(faults).toEqual([]);
  });
});
