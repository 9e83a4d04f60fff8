// Every page in every state that it can be in: away, late, empty, partial, asked for something odd; and the way through
// all of them, forth and back.

import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { launch, openContext, type Opened, overflowOf, violationsOf } from './browsing';
import { FAILED_ID, FINE_ID, fixedShop, HOUR, NOW } from './fixed_shop';
import { Server } from './server';

/** Pages by name: where they are, what is there when they are ready, and whether they have a time. */
const PAGES: [name: string, path: string, ready: string, timed: boolean][] = [
  ['home', '/', '.three .card a', true],
  ['traces', '/traces', 'section.list tbody tr', true],
  ['errors', '/errors', 'tbody tr', true],
  ['services', '/services', 'tbody tr', true],
  ['service', '/service/frontend', 'tbody tr', true],
  ['map', '/map', 'svg rect', true],
  ['compare traces', `/compare?a=${FINE_ID}&b=${FAILED_ID}`, 'tbody tr', false],
  ['compare searches', `/compare?qa=${encodeURIComponent('{ status = error }')}`, '.verdict', true],
  ['trace', `/trace/${FAILED_ID}`, '.line', false],
  ['status', '/status', '.card dl', false],
];
const TIMED = PAGES.filter(([, , , timed]) => timed);
const EMPTY = 'from=1000000000000&to=1000003600000';
const at = (path: string, times: string) => `${path}${path.includes('?') ? '&' : '?'}${times}`;

let browser: Browser;
let shop: Server;
let opened: Opened;
let page: Page;
beforeAll(async () => {
  [browser, shop] = await Promise.all([launch(), Server.start()]);
  await shop.send(fixedShop());
});
afterAll(async () => {
  await browser?.close();
  await shop?.stop();
});
beforeEach(async () => {
  opened = await openContext(browser, shop.url, { expected: ['ERR_FAILED'] });
  page = opened.page;
  await page.clock.setFixedTime(NOW);
});
afterEach(async () => {
  await opened.close();
  expect(opened.faults).toEqual([]);
});

const API = '**/api/tw/**';
const ready = (selector: string) => page.locator(selector).first().waitFor();

describe('a server that is away', () => {
  it.each(PAGES)('%s says so, and comes when it is back', async (_, path, selector) => {
    const away = (route: Route) => route.abort();
    await page.route(API, away);
    await page.goto(shop.url + at(path, HOUR));
    await ready('[role=alert]');
    expect(await page.locator('[role=alert]').first().innerText()).toContain('cannot be reached');
    expect([await page.locator('h1').count(), await page.locator('nav a').count() > 5]).toEqual([1, true]);
    await page.unroute(API, away);
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await ready(selector);
    await page.waitForFunction(() => document.querySelector('[role=alert]') === null);
  });
});

describe('an answer that is late', () => {
  it.each(PAGES)('%s has its frame and no failure meanwhile', async (_, path, selector) => {
    let answer = () => {};
    const until = new Promise<void>((resolve) => (answer = resolve));
    await page.route(API, async (route) => {
      await until;
      await route.continue();
    });
    await page.goto(shop.url + at(path, HOUR));
    await ready('h1, main');
    expect(await page.locator('[role=alert]').count()).toBe(0);
    expect((await page.locator('main').innerText()).trim().length).toBeGreaterThan(3);
    answer();
    await ready(selector);
  });
});

describe('a time without spans', () => {
  it.each(TIMED)('%s says so', async (_, path) => {
    await page.goto(shop.url + at(path, EMPTY));
    await page.getByText(/sent (a|no) span in this time|No trace fits|Nothing failed in this time|No traces in this time|There are no spans/i).first().waitFor();
    expect(await page.locator('[role=alert]').count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
  });
});

describe('an answer that lacks something', () => {
  it.each(TIMED)('%s says what', async (_, path, selector) => {
    const words = 'a segment could not be read';
    await page.route(API, async (route) => {
      const reply = await route.fetch();
      const text = await reply.text();
      await route.fulfill({ response: reply, body: text.replaceAll('"missing":[]', `"missing":["${words}"]`) });
    });
    await page.goto(shop.url + at(path, HOUR));
    await ready(selector);
    await page.locator('.partial', { hasText: words }).first().waitFor();
  });
});

describe('an address with odd parameters', () => {
  const ODD = ['sort=nobody', 'viz=nope', 'rows=zebras', 'box=1,2', 'vs=nothing', 'depth=999', 'focus=nobody', 'shift=9y', 'colour=blue', 'view=upside', 'z=a-b', 'hide=,,', 'cols=%00'].join('&');
  it.each(PAGES)('%s opens all the same', async (name, path, selector) => {
    await page.goto(shop.url + at(path, `${HOUR}&${ODD}`));
    await ready(name === 'map' ? 'h1' : selector);
  });

  it.each(TIMED)('%s takes a time that is none for the last hour', async (name, path, selector) => {
    await page.goto(shop.url + at(path, 'from=yesterday&to=%F0%9F%92%A9'));
    await ready(name === 'map' ? 'h1, svg rect' : selector);
  });
});

describe('the way through all pages', () => {
  it('is the same back and forth, with the titles, and a reload keeps the place', async () => {
    await page.goto(`${shop.url}/?${HOUR}`);
    const names = await page.locator('nav[aria-label=Pages] a').allInnerTexts();
    const seen: [string, string][] = [];
    for (const name of names) {
      await page.locator('nav[aria-label=Pages]').getByRole('link', { name, exact: true }).click();
      await page.locator('nav[aria-label=Pages] a[aria-current=page]', { hasText: name }).waitFor();
      seen.push([new URL(page.url()).pathname, await page.title()]);
    }
    expect(new Set(seen.map(([, title]) => title)).size).toBe(names.length);
    const here = async (): Promise<[string, string]> => [new URL(page.url()).pathname, await page.title()];
    for (const wanted of [...seen].reverse().slice(1)) {
      await page.goBack();
      await expect.poll(here).toEqual(wanted);
    }
    for (const wanted of seen.slice(1)) {
      await page.goForward();
      await expect.poll(here).toEqual(wanted);
    }
    await page.reload();
    await expect.poll(here).toEqual(seen[seen.length - 1]);
  });

  it('leads back to the same place of a list', async () => {
    await page.goto(`${shop.url}/traces?${HOUR}`);
    await ready('section.list tbody tr');
    await page.locator('section.list tbody td.name a').nth(40).scrollIntoViewIfNeeded();
    const before = await page.evaluate(() => window.scrollY);
    expect(before).toBeGreaterThan(300);
    await page.locator('section.list tbody td.name a').nth(40).click();
    await ready('aside dl');
    await page.goBack();
    await ready('section.list tbody tr');
    await expect.poll(async () => Math.abs((await page.evaluate(() => window.scrollY)) - before)).toBeLessThan(200);
  });

  it('works at twice the size', async () => {
    await page.setViewportSize({ width: 640, height: 400 });
    for (const [, path, selector] of PAGES) {
      await page.goto(shop.url + at(path, HOUR));
      await ready(selector);
      expect([path, await overflowOf(page)]).toEqual([path, 0]);
    }
  });
});
