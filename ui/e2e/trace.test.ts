// The trace page as somebody uses it: every view drawn, every finding a click, every row a key, a phone, a file.

import { readFileSync } from 'node:fs';

import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { overflow, Reader, settled, violationsOf } from './open';
import { send, type Span } from './send';
import { Server } from './server';

let reader: Reader;
let server: Server;
let path: string;
let crowd: string;

const CLIENT = 3;
const SERVER = 2;

/** A trace with one finding of each kind. */
const ALL: Span[] = [
  { id: 1, from: 50, until: 1050, name: 'GET /all', kind: SERVER, service: 'edge' },
  ...['a', 'b', 'c'].map((name, at): Span => ({ id: 2 + at, parent: 1, from: 50 + 60 * at, until: 110 + 60 * at, name, kind: CLIENT, service: 'edge' })),
  { id: 10, parent: 1, from: 230, until: 700, name: 'load', service: 'edge' },
  ...Array.from({ length: 6 }, (_, at): Span => ({ id: 11 + at, parent: 10, from: 232 + at * 20, until: 250 + at * 20, name: 'SELECT', kind: CLIENT, service: 'edge' })),
  { id: 20, parent: 1, from: 700, until: 1040, name: 'call', kind: CLIENT, service: 'edge' },
  { id: 21, parent: 20, from: 0, until: 300, name: 'answer', kind: SERVER, service: 'stock' },
  { id: 22, parent: 21, from: 10, until: 200, name: 'reserve', service: 'stock', failed: true },
  { id: 30, parent: 99, from: 800, until: 805, name: 'lost', service: 'mail' },
];

beforeAll(async () => {
  [reader, server] = await Promise.all([Reader.start(), Server.start(['zipkin'])]);
  const begin = Date.now() - 600_000;
  path = `${server.url}/trace/${await send(server, 0xe1, begin, ALL)}`;
  const many = Array.from({ length: 80 }, (_, at): Span => ({ id: 2 + at, parent: 1, from: 10 + at * 10, until: 15 + at * 10, name: 'SELECT', failed: false }));
  crowd = `${server.url}/trace/${await send(server, 0xe2, begin, [{ id: 1, from: 0, until: 1000, name: 'root' }, ...many, { id: 90, parent: 1, from: 900, until: 990, name: 'render' }])}`;
});
afterAll(async () => {
  await reader?.stop();
  await server?.stop();
});
afterEach(() => reader.leave());

const chosen = (page: Page) => page.locator('.line.selected').first().getAttribute('aria-label');

/** How many points of a canvas have been drawn on. */
const drawn = (page: Page, canvas: string) => page.locator(canvas).evaluate((element) => {
  const { width, height } = element as HTMLCanvasElement;
  const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
  return data.filter((value, at) => at % 4 === 3 && value > 0).length;
});

describe('findings', () => {
  it('are all told, and each leads to its span', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside .error');
    expect(await chosen(page)).toContain('reserve');
    const shown = await page.locator('.finding').count();
    const { findings } = (await (await fetch(path.replace('/trace/', '/api/tw/traces/'))).json()) as { findings: { kind: string; operation: string }[] };
    expect(new Set(findings.map(({ kind }) => kind)).size).toBe(8);
    expect(shown).toBeLessThan(findings.length);
    await page.getByRole('button', { name: `${findings.length - shown} more` }).click();
    expect(await page.locator('.finding').count()).toBe(findings.length);
    for (const [at, finding] of findings.entries()) {
      await page.keyboard.press('End');
      await page.locator('.finding').nth(at).click();
      expect([finding.kind, await chosen(page)]).toEqual([finding.kind, expect.stringContaining(finding.operation)]);
    }
    expect(await violationsOf(page)).toEqual([]);
  });
});

describe('views', () => {
  it('are drawn, and a click in each selects', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside .error');
    expect(await drawn(page, '.map canvas')).toBeGreaterThan(500);
    await page.keyboard.press('2');
    await settled(page, '.flame canvas');
    await page.waitForTimeout(200);
    expect(await drawn(page, '.flame canvas')).toBeGreaterThan(5_000);
    await page.locator('.flame canvas').click({ position: { x: 300, y: 8 } });
    await page.locator('aside h2.title', { hasText: 'GET /all' }).waitFor();
    await page.keyboard.press('4');
    await settled(page, '.table tbody tr');
    await page.locator('.table tbody button', { hasText: 'SELECT' }).click();
    await settled(page, '.scroller');
    expect(await page.locator('#find').inputValue()).toBe('svc:"edge" op:"SELECT"');
    await page.getByRole('button', { name: 'Only matches' }).click();
    await page.locator('.scroller[aria-rowcount="8"]').waitFor();
    await page.getByText('7 hidden').waitFor();
    const again = await reader.open(page.url());
    await again.locator('.scroller[aria-rowcount="8"]').waitFor();
  });

  it('leave out a service and say so', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside .error');
    await page.locator('.menu summary').click();
    expect(await violationsOf(page)).toEqual([]);
    await page.locator('.menu label', { hasText: 'stock' }).click();
    await page.getByText('2 hidden').waitFor();
    await page.waitForURL(/hide=stock/);
    expect(await page.locator('.menu summary').innerText()).toBe('Services 2 of 3');
  });
});

describe('keys', () => {
  it('reach every row, through groups that open and shut', async () => {
    const page = await reader.open(crowd);
    await settled(page, 'aside section');
    await page.keyboard.press('Home');
    expect(await chosen(page)).toContain('root');
    await page.keyboard.press('j');
    expect(await chosen(page)).toBe('80 times shop SELECT');
    await page.keyboard.press('j');
    expect(await chosen(page)).toContain('render');
    await page.keyboard.press('k');
    await page.keyboard.press('l');
    expect(await page.locator('.line.group').getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await chosen(page)).toContain('shop SELECT, 5 ms');
    await page.keyboard.press('End');
    expect(await chosen(page)).toContain('render');
    await page.keyboard.press('k');
    await page.keyboard.press('h');
    expect(await chosen(page)).toBe('80 times shop SELECT');
    await page.keyboard.press('l');
    for (let press = 0; press < 4; press += 1) await page.keyboard.press('PageUp');
    await page.keyboard.press('k');
    expect(await chosen(page)).toContain('root');
    expect(await page.locator('.scroller').getAttribute('aria-activedescendant')).toBe(await page.locator('.line.selected').getAttribute('id'));
  });

  it('fold and unfold by level, and can be turned off', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside .error');
    const rows = async () => Number(await page.locator('.scroller').getAttribute('aria-rowcount'));
    await page.keyboard.press('[');
    const folded = await rows();
    await page.keyboard.press('o');
    const open = await rows();
    await page.keyboard.press(']');
    const all = await rows();
    await page.keyboard.press('p');
    expect([folded < open, open < all, (await rows()) < all, all]).toEqual([true, true, true, ALL.length]);
    await page.keyboard.press('?');
    await page.getByLabel('Single keys do something').click();
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await page.keyboard.press('[');
    await page.keyboard.press('2');
    expect([(await rows()) > folded, await page.locator('.flame').count()]).toEqual([true, 0]);
  });
});

describe('the names', () => {
  it('are as wide as the reader wants, by key too', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside .error');
    const width = async () => (await page.locator('.line .name').first().boundingBox())!.width;
    const before = await width();
    const selected = await chosen(page);
    await page.getByRole('separator').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect([(await width()) - before, await chosen(page)]).toEqual([40, selected]);
  });
});

describe('details that could not be read', () => {
  it('say so, leave the rows, and are asked for again', async () => {
    const page = await reader.open(`${server.url}/status`, { bad: ['ERR_FAILED', '503'] });
    await page.route('**/spans?rows=*', (route) => route.abort());
    await page.goto(path);
    await page.getByText('Details could not be read').waitFor();
    expect(await page.locator('.line').count()).toBeGreaterThan(10);
    await page.unroute('**/spans?rows=*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled(page, 'aside .error');
  });
});

describe('a small window', () => {
  for (const [name, width, height] of [['a phone', 390, 844], ['200 % zoom', 720, 450]] as const) {
    it(`of ${name} has rows, and a span's panel over them that shuts`, async () => {
      const page = await reader.open(path, { width, height });
      await settled(page, '.line');
      expect(await overflow(page)).toBe(0);
      const row = page.locator('.line', { hasText: 'load' }).first();
      await row.scrollIntoViewIfNeeded();
      await row.click();
      await page.locator('aside h2.title', { hasText: 'load' }).waitFor();
      const box = (await page.locator('aside h2.title').boundingBox())!;
      expect(box.y > 0 && box.y + box.height < height).toBe(true);
      expect(await violationsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Close the span' }).click();
      expect(await page.locator('aside').count()).toBe(0);
      for (const view of ['Flame', 'Graph', 'Table', 'Events']) {
        await page.getByRole('button', { name: view, exact: true }).click();
        await page.locator(`.${view.toLowerCase()}`).first().waitFor();
        expect([view, await overflow(page)]).toEqual([view, 0]);
      }
    });
  }
});

describe('a file', () => {
  it('of the trace is downloaded and shown again from it', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside .error');
    const findings = await page.locator('.finding b').allInnerTexts();
    const waiting = page.waitForEvent('download');
    await page.getByRole('link', { name: 'JSON' }).click();
    const file = await (await waiting).path();
    await page.goto(`${server.url}/import`);
    await settled(page, '.zone');
    await page.locator('input[type=file]').setInputFiles([{ name: 'trace.json', mimeType: 'application/json', buffer: readFileSync(file) }]);
    await page.locator('tbody td.name a').first().click();
    await settled(page, 'aside .error');
    expect(await chosen(page)).toContain('reserve');
    expect(await page.locator('.finding b').allInnerTexts()).toEqual(findings);
  });
});

describe('a browser at Zipkin’s port', () => {
  it('comes to the page, and its links to a trace to the trace', async () => {
    const id = path.split('/').at(-1)!;
    // The page lives on another port than the one that was asked for: no reader that watches for strangers.
    const context = await reader.browser.newContext();
    const page = await context.newPage();
    await page.goto(`http://${server.doors.zipkin}/zipkin/`);
    await page.locator('nav').first().waitFor();
    expect(page.url()).toBe(`${server.url}/traces`);
    await page.goto(`http://${server.doors.zipkin}/zipkin/traces/${id}`);
    await settled(page, 'aside .error');
    expect(new URL(page.url()).pathname).toBe(`/trace/${id}`);
    await context.close();
  });
});
