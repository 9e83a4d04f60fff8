// Finding what is slow, and why: charts that are dragged over, what differs, spans, completion, comparison. Clicks are
// counted by the page itself.

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { launch, openContext, type Opened, overflowOf, violationsOf } from './browsing';
import { fixedShop, HOUR, NOW } from './fixed_shop';
import { Server } from './server';

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
  opened = await openContext(browser, shop.url, { viewport: { width: 1440, height: 1000 } });
  page = opened.page;
  await page.clock.setFixedTime(NOW);
  await page.addInitScript(() => {
    addEventListener('pointerdown', () => sessionStorage.setItem('clicks', String(Number(sessionStorage.getItem('clicks')) + 1)), true);
  });
});
afterEach(async () => {
  await opened.close();
  expect(opened.faults).toEqual([]);
});

const clicks = () => page.evaluate(() => Number(sessionStorage.getItem('clicks')));
const q = (text: string) => `q=${encodeURIComponent(text)}`;

async function open(path: string, ready: string): Promise<void> {
  await page.goto(shop.url + path);
  await page.locator(ready).first().waitFor();
}

/** Drags over a part of a chart, sides as shares of it. */
async function drag([x0, y0]: [number, number], [x1, y1]: [number, number]): Promise<void> {
  const plot = (await page.locator('.plot').first().boundingBox())!;
  await page.mouse.move(plot.x + x0 * plot.width, plot.y + y0 * plot.height);
  await page.mouse.down();
  await page.mouse.move(plot.x + ((x0 + x1) / 2) * plot.width, plot.y + ((y0 + y1) / 2) * plot.height);
  await page.mouse.move(plot.x + x1 * plot.width, plot.y + y1 * plot.height);
  await page.mouse.up();
}

describe('a slow span', () => {
  it('is a drag over the top of the heatmap and the first row away', async () => {
    await open(`/traces?${HOUR}`, 'tbody tr');
    await drag([0.02, 0.005], [0.99, 0.14]);
    await page.waitForURL(/box=/);
    await page.locator('.plot .box.kept').waitFor();
    await page.locator('section.list tbody td.num.dur').first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll('section.list tbody tr').length < 20);
    await page.locator('section.list tbody td.name a').first().click();
    await page.locator('aside dl').first().waitFor();
    expect(await page.locator('aside h2.title').innerText()).toBe('SELECT products');
    expect(await clicks()).toBeLessThanOrEqual(2);
  });
});

describe('what differs', () => {
  it('is told for a box, with the host that all slow spans have in common', async () => {
    await open(`/traces?${HOUR}&${q('{ name = "SELECT products" }')}`, 'tbody tr');
    await drag([0.02, 0.005], [0.99, 0.3]);
    const node = page.locator('section[aria-label="What differs"] li', { hasText: 'resource.host.name' });
    await node.waitFor();
    expect(await node.locator('.value').first().innerText()).toMatch(/node-7\s+100 %\s+\d+(\.\d+)? %/);
    await node.getByRole('button').first().click();
    await page.waitForURL((url) => url.searchParams.get('q')!.includes('resource.host.name = "node-7"'));
    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.get('q')!.includes('node-7'));
    await page.getByRole('button', { name: 'Clear the box' }).click();
    await page.waitForURL((url) => !url.searchParams.has('box'));
  });

  it('is told for what failed: the card that the issuer declines', async () => {
    await open(`/traces?${HOUR}&${q('{ resource.service.name = "payment" && kind = server }')}`, 'tbody tr');
    await page.getByRole('button', { name: 'Failed', exact: true }).click();
    const card = page.locator('section[aria-label="What differs"] li', { hasText: 'span.card.kind' });
    await card.waitFor();
    expect(await card.locator('.value').first().innerText()).toMatch(/amex\s+100 %/);
    const address = page.url();
    await page.reload();
    await card.waitFor();
    expect(page.url()).toBe(address);
  });

  it('keeps a box in the address, and it can become the query', async () => {
    await open(`/traces?${HOUR}&box=${NOW - 1800e3},${NOW - 600e3},300000000,0`, '.plot .box.kept');
    await page.getByRole('button', { name: 'Search in the box' }).click();
    await page.waitForURL((url) => !url.searchParams.has('box') && url.searchParams.get('q') === '{ duration >= 300000000ns }');
    expect(new URL(page.url()).searchParams.get('from')).toBe(String(NOW - 1800e3));
  });
});

describe('the list', () => {
  it('is of traces or of spans, and a span leads to itself', async () => {
    await open(`/traces?${HOUR}&${q('{ status = error }')}&sort=-dur`, 'section.list tbody tr');
    await page.getByRole('group', { name: 'What is listed' }).getByRole('button', { name: 'Spans' }).click();
    await page.locator('section[aria-label=Spans] tbody tr').first().waitFor();
    await expect.poll(() => page.locator('section.list tbody tr').count()).toBe(48);
    const link = page.locator('section.list tbody td.name a').first();
    const span = new URL((await link.getAttribute('href'))!, shop.url).searchParams.get('span')!;
    await link.click();
    await page.locator('aside dl').first().waitFor();
    expect(new URL(page.url()).searchParams.get('span')).toBe(span);
    await page.goBack();
    await page.locator('section[aria-label=Spans] tbody tr').first().waitFor();
  });

  it('goes on with older spans, none twice', async () => {
    await open(`/traces?${HOUR}&rows=spans`, 'section.list tbody tr');
    await expect.poll(() => page.locator('section.list tbody tr').count()).toBe(100);
    await page.getByRole('button', { name: 'Older spans' }).click();
    await page.waitForFunction(() => document.querySelectorAll('section.list tbody tr').length === 200);
    const links = await page.locator('section.list tbody td.name a').evaluateAll((all) => all.map((one) => (one as HTMLAnchorElement).href));
    expect(new Set(links).size).toBe(200);
  });

  it('says what there would be without a condition', async () => {
    await open(`/traces?${HOUR}&${q('{ resource.service.name = "nobody" && status = error }')}`, '.none');
    await page.getByText('12 traces', { exact: true }).waitFor();
  });
});

describe('the chart', () => {
  it('shows rate, errors or durations, and the address keeps which', async () => {
    for (const [path, ready] of [[`/traces?${HOUR}`, 'section.list tbody tr'], [`/service/frontend?${HOUR}`, 'tbody tr']]) {
      await open(path, ready);
      for (const [tab, words] of [['Rate', /^Rate over time/], ['Errors', /^Share of failures over time/], ['Duration', /^Durations over time/]] as const) {
        await page.getByRole('button', { name: tab, exact: true }).first().click();
        await page.getByRole('img', { name: words }).waitFor();
        await page.reload();
        await page.getByRole('img', { name: words }).waitFor();
      }
    }
  });

  it('of a service leads to the traces of a time', async () => {
    await open(`/service/frontend?${HOUR}`, 'tbody tr');
    await drag([0.5, 0.5], [0.6, 0.5]);
    await page.locator('section.list tbody td.name a').first().waitFor();
    const { searchParams, pathname } = new URL(page.url());
    expect([pathname, searchParams.get('q')]).toEqual(['/traces', '{ resource.service.name = "frontend" }']);
    const [from, to] = searchParams.get('box')!.split(',').map(Number);
    expect((to - from) / 60e3).toBeCloseTo(6, -1);
  });
});

describe('completion', () => {
  const options = () => page.locator('#find-list [role=option] .mono').allInnerTexts();
  async function suggested(text: string, wanted: string[]): Promise<void> {
    await page.locator('#find').fill('');
    await page.locator('#find').pressSequentially(text);
    await expect.poll(options).toEqual(wanted);
  }

  it('suggests only what can be found together with the other conditions', async () => {
    await open(`/traces?${HOUR}`, 'tbody tr');
    await suggested('{ resource.service.name = "fraud" && name = ', ['Score']);
    await suggested('{ resource.service.name = "fraud" && span.', ['span.score.model']);
    await suggested('{ resource.service.name = "payment" && span.card.kind = ', ['visa', 'amex']);
    await suggested('{ status = error && span.card.kind = ', ['amex']);
    await suggested('{ span.card.kind ', ['=', '!=']);
    await suggested('{ span.http.response.status_code ', ['=', '!=', '>', '>=', '<', '<=']);
  });

  it('is followed by keys alone, from the first letter to the answer', async () => {
    await open(`/traces?${HOUR}`, 'tbody tr');
    await page.locator('#find').pressSequentially('card');
    await page.getByRole('option', { name: 'span.card.kind' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: '= is', exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: 'amex' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: '&&' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('q') === '{ span.card.kind = "amex" }');
    expect(await clicks()).toBe(0);
  });
});

describe('comparison of searches', () => {
  it('says in a sentence and by attribute how one differs from the other', async () => {
    const [a, b] = ['{ name = "POST /charge" && status = error }', '{ name = "POST /charge" }'];
    await open(`/compare?qa=${encodeURIComponent(a)}&qb=${encodeURIComponent(b)}&${HOUR}`, '.verdict');
    expect(await page.locator('.verdict').innerText()).toMatch(/^A fails 100 % more often than B; its p95 is /);
    const card = page.locator('li', { hasText: 'span.card.kind' }).last();
    expect(await card.locator('.value').first().innerText()).toMatch(/amex\s+100 %/);
    await page.getByLabel('When B is').selectOption('1d');
    await page.waitForURL(/shift=1d/);
    await page.getByText('There are no spans of B to compare with.').waitFor();
    await page.goBack();
    await page.locator('.verdict').waitFor();
  });

  it('is reached from the page, beside that of two traces', async () => {
    await open('/compare', 'form');
    await page.getByRole('link', { name: 'Two searches' }).click();
    await page.locator('#query-a').waitFor();
    expect(await page.locator('#query-a').inputValue()).toBe('{ status = error }');
    await page.getByRole('link', { name: 'Two traces' }).click();
    await page.locator('form').waitFor();
  });
});

describe('each of these states', () => {
  const box = `${NOW - 1800e3},${NOW - 600e3},300000000,0`;
  const STATES: [path: string, ready: string][] = [
    [`/traces?${HOUR}&vs=failed`, 'section[aria-label="What differs"] li'],
    [`/traces?${HOUR}&box=${box}`, '.plot .box.kept'],
    [`/traces?${HOUR}&rows=spans&viz=rate`, 'section[aria-label=Spans] tbody tr'],
    [`/traces?${HOUR}&${q('{ name = "nothing" }')}`, '.none'],
    [`/service/frontend?${HOUR}&viz=errors`, '.plot svg'],
    [`/service/frontend?${HOUR}&viz=duration`, '.plot canvas'],
    [`/compare?qa=${encodeURIComponent('{ status = error }')}&${HOUR}`, '.verdict'],
    [`/compare?qa=x&${HOUR}`, '[role=alert]'],
  ];

  it.each(['light', 'dark'] as const)('has no axe violation, %s', async (theme) => {
    await page.emulateMedia({ colorScheme: theme });
    const found: string[] = [];
    for (const [path, ready] of STATES) {
      await open(path, ready);
      found.push(...(await violationsOf(page)).map((one) => `${path} ${one}`));
    }
    opened.faults.splice(0, opened.faults.length, ...opened.faults.filter((fault) => !fault.includes('400')));
    expect(found).toEqual([]);
  }, 60_000);

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [path, ready] of STATES) {
      await open(path, ready);
      expect([path, await overflowOf(page)]).toEqual([path, 0]);
    }
    opened.faults.splice(0, opened.faults.length, ...opened.faults.filter((fault) => !fault.includes('400')));
  }, 60_000);
});
