// What pages look like: states of the UI in both themes, held against committed pictures. The data never changes, the
// clock stands, and only embedded fonts may draw, so that a picture holds on every machine.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { launch, openContext, type Opened } from './browsing';
import { FAILED_ID, FINE_ID, fixedShop, HOUR, NOW } from './fixed_shop';
import { Server } from './server';
import { differenceOf } from './shots';

interface State {
  name: string;
  path: string;
  /** What is there when the page is ready. */
  ready: string;
  server?: 'empty';
  expected?: string;
  /** What the reader does before the picture. */
  then?: (page: Page) => Promise<void>;
}

const q = (text: string) => `q=${encodeURIComponent(text)}`;

const STATES: State[] = [
  { name: 'home', path: `/?${HOUR}`, ready: '.three .card li a' },
  { name: 'traces', path: `/traces?${HOUR}`, ready: 'tbody tr' },
  { name: 'traces_differs', path: `/traces?${HOUR}&vs=failed&${q('{ resource.service.name = "payment" }')}`, ready: 'section[aria-label="What differs"] li' },
  { name: 'traces_spans', path: `/traces?${HOUR}&rows=spans&viz=rate&sort=-dur`, ready: 'section[aria-label=Spans] tbody tr' },
  { name: 'traces_none', path: `/traces?${HOUR}&${q('{ resource.service.name = "nobody" && duration > 1s }')}`, ready: '.none' },
  { name: 'traces_wrong', path: `/traces?${HOUR}&${q('{ duration > }')}`, ready: '[role=alert]', expected: '400' },
  { name: 'trace', path: `/trace/${FAILED_ID}`, ready: 'aside .error' },
  { name: 'trace_flame', path: `/trace/${FINE_ID}?view=flame`, ready: '.flame canvas' },
  { name: 'trace_absent', path: '/trace/00000000000000000000000000abcdef', ready: 'h1', expected: '404' },
  { name: 'services', path: `/services?${HOUR}`, ready: 'tbody tr' },
  { name: 'service', path: `/service/frontend?${HOUR}`, ready: 'tbody tr' },
  { name: 'service_durations', path: `/service/catalog?${HOUR}&viz=duration`, ready: '.plot canvas' },
  { name: 'map', path: `/map?${HOUR}`, ready: 'svg rect' },
  { name: 'errors', path: `/errors?${HOUR}`, ready: 'tbody tr' },
  { name: 'compare', path: `/compare?a=${FINE_ID}&b=${FAILED_ID}`, ready: 'tbody tr' },
  { name: 'compare_searches', path: `/compare?qa=${encodeURIComponent('{ name = "POST /charge" && status = error }')}&qb=${encodeURIComponent('{ name = "POST /charge" }')}&${HOUR}`, ready: '.verdict' },
  { name: 'import', path: '/import', ready: '.zone' },
  { name: 'never', path: '/', ready: '.wait pre', server: 'empty' },
  { name: 'status', path: '/status', ready: '.card dl' },
  { name: 'help', path: `/errors?${HOUR}`, ready: 'tbody tr', then: async (page) => {
    await page.keyboard.press('?');
    await page.locator('dialog').waitFor();
  } },
];

let browser: Browser;
let shop: Server;
let empty: Server;
beforeAll(async () => {
  [browser, shop, empty] = await Promise.all([launch(), Server.start(), Server.start()]);
  await shop.send(fixedShop());
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([shop?.stop(), empty?.stop()]);
});

/** The server's own state, with all that differs from one run to the next made the same. */
async function steady(page: Page): Promise<void> {
  await page.route('**/api/tw/status', async (route) => {
    const reply = await route.fetch();
    const status = (await reply.json()) as Record<string, unknown>;
    const listeners = (status.listeners as { on: boolean; addresses: string[] }[]).map((one) => ({ ...one, addresses: one.on ? ['127.0.0.1:4318', '[::1]:4318'] : [] }));
    const nanos = (ms: number) => (BigInt(ms) * 1_000_000n).toString();
    await route.fulfill({ response: reply, json: { ...status, version: '1.0.0', now: nanos(NOW), startedAt: nanos(NOW - 7200e3), listeners,
      ingest: { spans: 1500, requests: 12, spansPerSecond: 25, waitingBytes: 0 },
      storage: { ...(status.storage as object), lines: [], spans: 1500, bytes: 45_000, walBytes: 123_456, memoryBytes: 1_234_567, segments: 1 },
      queries: { asked: 40, answered: 39, refused: 0, failed: 1, slow: 0 } } });
  });
}

/** Texts that a font of the machine's drew. */
async function strangersIn(page: Page): Promise<string[]> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('DOM.enable');
  await devtools.send('CSS.enable');
  const { nodes } = await devtools.send('DOM.getFlattenedDocument', { depth: -1 });
  const words = new Map<number, string>();
  for (const node of nodes) if (node.nodeType === 3 && node.nodeValue.trim() && node.parentId) words.set(node.parentId, node.nodeValue.trim());
  const found = await Promise.all([...words].map(async ([nodeId, text]) => {
    const { fonts } = await devtools.send('CSS.getPlatformFontsForNode', { nodeId }).catch(() => ({ fonts: [] }));
    return fonts.filter((font) => !font.isCustomFont).map((font) => `${font.familyName}: ${text.slice(0, 40)}`);
  }));
  await devtools.detach();
  return found.flat();
}

describe.each(['light', 'dark'] as const)('looks as it did, %s', (theme) => {
  for (const state of STATES) {
    it(state.name, async () => {
      const server = state.server === 'empty' ? empty : shop;
      const opened: Opened = await openContext(browser, server.url, { colorScheme: theme, expected: state.expected ? [state.expected] : [] });
      const { page } = opened;
      await page.clock.setFixedTime(NOW);
      await steady(page);
      await page.goto(server.url + state.path);
      await page.locator(state.ready).first().waitFor();
      await state.then?.(page);
      await page.waitForLoadState('networkidle');
      await page.evaluate(() => document.fonts.ready);
      const shot = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      // Fonts are the same in both themes, and each text is asked.
      if (theme === 'light') expect(await strangersIn(page)).toEqual([]);
      expect(opened.faults).toEqual([]);
      await opened.close();
      expect(differenceOf(`${state.name}_${theme}`, shot)).toBe(null);
    });
  }
});
