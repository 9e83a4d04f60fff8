// Spans whose every text wants to be something else: on every page they are text, and nothing of them runs.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { launch, openContext } from './browsing';
import { CORPUS, HOSTILE_ID, hostileTrace } from './hostile';
import { Server } from './server';

const SCRIPT = CORPUS[0];
const QUERY = encodeURIComponent(`{ name = ${JSON.stringify(SCRIPT)} }`);

const FAILED = '"><img src=x';

/** Pages, and what of the spans is on them. */
const PAGES: [path: string, ready: string, shown: string][] = [
  ['/', '.three .card a', '<script>window'],
  ['/traces', 'section.list tbody tr', '<script>window'],
  [`/traces?q=${QUERY}`, 'section.list tbody tr', '<script>window'],
  ['/traces?rows=spans', 'section.list tbody tr', '<script>window'],
  ['/traces?vs=failed', 'section[aria-label="What differs"] .groups', '<script>window'],
  ['/errors', 'tbody tr', FAILED],
  ['/services', 'tbody tr', '<script>window'],
  ...CORPUS.slice(0, 6).map((text): [string, string, string] => [`/service/${encodeURIComponent(text)}`, 'tbody tr', text.slice(0, 8)]),
  ['/map', 'svg rect', '<script>window'],
  [`/map?focus=${encodeURIComponent(SCRIPT)}`, 'svg rect', '<script>window'],
  [`/compare?a=${HOSTILE_ID}&b=${HOSTILE_ID}`, 'tbody tr', '<script>window'],
  [`/compare?qa=${QUERY}`, 'section[aria-label="What differs"]', '<script>window'],
  ['/live', 'tbody tr', '<script>window'],
  ['/status', '.card dl', ''],
  ...['timeline', 'flame', 'graph', 'table', 'events'].map((view): [string, string, string] => [`/trace/${HOSTILE_ID}?view=${view}`, 'main h1', '<script>window']),
];

let browser: Browser;
let server: Server;
beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
  await server.send(hostileTrace());
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** What a text of a span could have become. */
async function becameOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found = [...document.querySelectorAll('body script, body img, body iframe, body object, [onload], [onerror], [onclick], a[href^="javascript:" i]')].map((one) => one.outerHTML.slice(0, 120));
    return (window as unknown as { ran?: number }).ran === undefined ? found : [...found, 'it ran'];
  });
}

describe('a hostile trace', () => {
  it.each(PAGES)('is text on %s', async (path, ready, shown) => {
    const { page, faults, close } = await openContext(browser, server.url);
    const reply = await page.goto(server.url + path);
    expect(reply!.headers()['content-security-policy']).toMatch(/^default-src 'self'/);
    await page.locator(ready).first().waitFor();
    await page.waitForLoadState('networkidle');
    if (shown) await page.locator('main').getByText(shown).first().waitFor({ state: 'attached' });
    expect(await becameOf(page)).toEqual([]);
    await close();
    expect(faults).toEqual([]);
  });

  it('is text in every field of its spans', async () => {
    const { page, faults, close } = await openContext(browser, server.url);
    await page.goto(`${server.url}/trace/${HOSTILE_ID}`);
    await page.locator('aside dl').first().waitFor();
    for (let row = 0; row < CORPUS.length; row += 1) {
      await page.keyboard.press('n');
      await page.locator('aside dl').first().waitFor();
      await page.locator('aside details').evaluateAll((all) => all.forEach((one) => ((one as HTMLDetailsElement).open = true)));
      expect(await becameOf(page)).toEqual([]);
    }
    const words = await page.locator('aside').innerText();
    for (const text of CORPUS.slice(0, 5)) expect(words).toContain(text);
    await close();
    expect(faults).toEqual([]);
  });

  it('is text when it comes from a file', async () => {
    const { page, faults, close } = await openContext(browser, server.url);
    await page.goto(`${server.url}/import`);
    await page.locator('input[type=file]').setInputFiles([{ name: `${SCRIPT.replaceAll('/', '')}.json`, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(hostileTrace())) }]);
    await page.locator('tbody td.name a').first().click();
    await page.locator('aside dl').first().waitFor();
    expect(await becameOf(page)).toEqual([]);
    await close();
    expect(faults).toEqual([]);
  });

  it('is suggested as text', async () => {
    const { page, faults, close } = await openContext(browser, server.url);
    await page.goto(`${server.url}/traces`);
    await page.locator('#omnibox').pressSequentially('<script');
    await page.locator('#omnibox-list [role=option]').first().waitFor();
    await page.locator('#find').fill('{ name = ');
    await page.locator('#find-list [role=option]', { hasText: '<script>' }).first().waitFor();
    expect(await becameOf(page)).toEqual([]);
    await close();
    expect(faults).toEqual([]);
  });
});
