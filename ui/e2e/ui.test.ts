// What a reader does, counted in clicks; what every page owes; what hostile spans must not do.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { CORPUS, HOSTILE_ID, hostileTrace } from './hostile';
import { Server } from './server';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

let browser: Browser;
let shop: Server;
let empty: Server;
let context: BrowserContext;
let faults: string[] = [];

beforeAll(async () => {
  [browser, shop, empty] = await Promise.all([chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }), Server.start(), Server.start()]);
  await shop.generate(120);
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([shop?.stop(), empty?.stop()]);
});
afterEach(async () => {
  await context?.close();
  const seen = faults;
  faults = [];
  expect(seen).toEqual([]);
});

async function open(path: string, { theme = 'light', width = 1440, server = shop, bad = [] as number[] } = {}): Promise<Page> {
  context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme as 'light' | 'dark', reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(`${path}: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && !bad.some((code) => message.text().includes(String(code))) && faults.push(`${path}: ${message.text()}`));
  page.on('request', (request) => !request.url().startsWith(server.url) && faults.push(`${path}: asks ${request.url()}`));
  await page.goto(server.url + path);
  return page;
}

const settled = async (page: Page, ready: string) => {
  await page.locator(ready).first().waitFor();
  await page.evaluate(() => document.fonts.ready);
};

const PAGES: [path: string, ready: string][] = [
  ['/', '.three .card a'],
  ['/traces', 'tbody tr'],
  ['/errors', 'tbody tr'],
  ['/services', 'tbody tr'],
  ['/service/frontend', 'tbody tr'],
  ['/map', 'svg rect'],
  ['/compare', 'form'],
  ['/live', 'tbody tr'],
  ['/import', '.zone'],
  ['/status', '.card'],
  ['/nothing-here', 'h1'],
];

async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (options: unknown) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const { violations: all } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] });
    return all.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}

describe('every page', () => {
  for (const theme of ['light', 'dark']) {
    it(`has no axe violation, one h1, one main and a title of its own, ${theme}`, async () => {
      const titles = new Set<string>();
      const violations: string[] = [];
      const pages = [...PAGES, [`/trace/${await shop.traceOf('{ status = error }')}`, 'aside dl'] as const];
      for (const [path, ready] of pages) {
        const page = await open(path, { theme, bad: [404] });
        await settled(page, ready);
        expect([path, await page.locator('h1').count(), await page.locator('main').count()]).toEqual([path, 1, 1]);
        titles.add(await page.title());
        violations.push(...(await violationsOf(page)).map((one) => `${path} ${one}`));
        await context.close();
      }
      expect(violations).toEqual([]);
      expect(titles.size).toBe(pages.length);
    }, 120_000);
  }

  it('fits a phone', async () => {
    const wide: string[] = [];
    for (const [path, ready] of [...PAGES, [`/trace/${await shop.traceOf('{ status = error }')}`, '.line'] as const]) {
      const page = await open(path, { width: 390, bad: [404] });
      await settled(page, ready);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (over > 0) wide.push(`${path} by ${over}`);
      await context.close();
    }
    expect(wide).toEqual([]);
  }, 120_000);
});

describe('the way to the guilty span', () => {
  it('is two clicks for a failing one', async () => {
    const page = await open('/');
    await page.locator('.three .card li a').first().click();
    await page.locator('tbody td.name a').first().click();
    await settled(page, 'aside .error');
    expect(await page.locator('.line.selected.failed').count()).toBe(1);
  });

  it('is two clicks from the list of errors, which counts what its link finds', async () => {
    const page = await open('/errors');
    await settled(page, 'tbody tr');
    const row = page.locator('tbody tr').first();
    const name = await row.locator('a.group').innerText();
    expect(Number(await row.locator('b.bad').innerText())).toBeGreaterThan(0);
    await row.locator('a.group').click();
    await settled(page, '.chip');
    expect(new URL(page.url()).searchParams.get('q')).toContain(JSON.stringify(name));
    await page.locator('tbody td.name a').first().click();
    await settled(page, 'aside .error');
  });

  it('is two clicks for a slow one', async () => {
    const page = await open('/services');
    await settled(page, 'tbody tr');
    await page.goto(`${shop.url}/traces`);
    await settled(page, 'tbody tr');
    await page.locator('th').getByRole('button', { name: 'Duration' }).click();
    const slowest = page.locator('tbody td.name a').first();
    await slowest.click();
    await settled(page, 'aside dl');
    expect(await page.locator('.line.selected').count()).toBe(1);
  });

  it('is one Enter for a pasted id', async () => {
    const id = await shop.traceOf('{ status = error }');
    const page = await open('/services');
    await page.locator('#omnibox').fill(id);
    await page.keyboard.press('Enter');
    await settled(page, 'aside .error');
    expect(new URL(page.url()).pathname).toBe(`/trace/${id}`);
  });

  it('is a key inside a trace', async () => {
    const page = await open(`/trace/${await shop.traceOf('{ status = error }')}`);
    await settled(page, 'aside dl');
    const first = await page.locator('.line.selected').getAttribute('id');
    await page.keyboard.press('m');
    await page.waitForTimeout(100);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('n');
    await page.locator('.line.selected.failed').waitFor();
    expect(first).toMatch(/^span-\d+$/);
  });
});

describe('addresses', () => {
  it('hold the state through reload, back and forward', async () => {
    const page = await open('/traces');
    await settled(page, 'tbody tr');
    await page.locator('.facets button').first().click();
    await page.waitForURL(/q=/);
    await settled(page, '.chip');
    const chip = await page.locator('.chip').first().innerText();
    await page.reload();
    await settled(page, '.chip');
    expect(await page.locator('.chip').first().innerText()).toBe(chip);
    await page.locator('tbody td.name a').first().click();
    await settled(page, 'aside dl');
    await page.goBack();
    await settled(page, 'tbody tr');
    expect(await page.locator('.chip').first().innerText()).toBe(chip);
    await page.goForward();
    await settled(page, 'aside dl');
  });

  it('lead to the span that they name', async () => {
    const id = await shop.traceOf('{ status = error }');
    const { spans } = (await (await fetch(`${shop.url}/api/tw/traces/${id}/spans?rows=1`)).json()) as { spans: { spanId: string; name: string }[] };
    const page = await open(`/trace/${id}?span=${spans[0].spanId}`);
    await settled(page, 'aside dl');
    expect(await page.locator('.line.selected').getAttribute('id')).toBe('span-1');
  });

  it('name the views of a trace, and those of Jaeger and Zipkin lead to ours', async () => {
    const id = await shop.traceOf('{ }');
    for (const view of ['flame', 'table', 'events']) {
      const page = await open(`/trace/${id}?view=${view}`);
      await settled(page, `.${view}`);
      expect(await page.locator(`.${view}`).count()).toBe(1);
      await context.close();
    }
    for (const [theirs, ours] of [['/search?service=frontend&minDuration=1ms', '/traces'], ['/dependencies', '/map'], [`/zipkin/traces/${id}`, `/trace/${id}`]]) {
      const page = await open(theirs);
      await page.waitForURL((url) => url.pathname === ours);
      await context.close();
    }
  });
});

describe('states', () => {
  it('never any data: says where to send, and a test trace ends it', async () => {
    const page = await open('/', { server: empty });
    await settled(page, '.wait pre');
    expect(await page.locator('.wait pre').innerText()).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:');
    expect(await page.locator('.wait table').innerText()).toContain(empty.otlp.replace('http://', ''));
    await page.getByRole('button', { name: 'Send a test trace' }).click();
    await settled(page, '.tiles');
    expect(await page.locator('.wait').count()).toBe(0);
  });

  it('of the server: what it takes in, drops and keeps', async () => {
    const page = await open('/status');
    await settled(page, '.card dl');
    const words = (await page.locator('main').innerText()).toLowerCase();
    for (const word of ['serving', 'columnar', 'spans accepted', 'otlp-http']) expect(words).toContain(word);
  });

  it('no results: each condition can go', async () => {
    const page = await open(`/traces?q=${encodeURIComponent('{ resource.service.name = "nobody" }')}`);
    await settled(page, '.none');
    await page.locator('.none button').first().click();
    await settled(page, 'tbody tr');
  });

  it('a query that is wrong says where', async () => {
    const page = await open(`/traces?q=${encodeURIComponent('{ duration > }')}`, { bad: [400] });
    await settled(page, '[role=alert]');
    expect((await page.locator('[role=alert]').innerText()).length).toBeGreaterThan(20);
  });

  it('a trace that is not there is echoed and asked for again', async () => {
    const page = await open('/trace/00000000000000000000000000abcdef', { bad: [404] });
    await settled(page, 'h1');
    await page.getByText('asking again').waitFor();
  });

  it('a server that is away leaves the page readable', async () => {
    const page = await open('/services', { bad: [500, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(Number) });
    await settled(page, 'tbody tr');
    await page.route('**/api/tw/services*', (route) => route.abort());
    await page.getByRole('button', { name: 'Ask again' }).click();
    await settled(page, '[role=alert]');
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(3);
    faults = faults.filter((fault) => !fault.includes('ERR_FAILED'));
  });
});

describe('an imported file', () => {
  it('opens on its failing span, without a word to the server', async () => {
    const id = await shop.traceOf('{ status = error }');
    const file = await (await fetch(`${shop.url}/api/traces/${id}`)).text();
    const page = await open('/import');
    await settled(page, '.zone');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.locator('input[type=file]').setInputFiles([
      { name: `${id}.json`, mimeType: 'application/json', buffer: Buffer.from(file) },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no spans here') },
    ]);
    await settled(page, 'tbody tr');
    expect(await page.locator('[role=alert]').innerText()).toContain('it is no JSON');
    await page.locator('tbody td.name a').first().click();
    await settled(page, 'aside .error');
    expect(await page.locator('.line.selected.failed').count()).toBe(1);
    const { spans } = (await (await fetch(`${shop.url}/api/tw/traces/${id}/spans?rows=0-999`)).json()) as { spans: { name: string; status: { code: string } }[] };
    expect(spans.filter(({ status }) => status.code === 'error').map(({ name }) => name)).toContain(await page.locator('aside h2.title').innerText());
    for (const view of ['Flame', 'Table', 'Events', 'Timeline']) {
      await page.getByRole('button', { name: view, exact: true }).click();
      await page.locator(view === 'Timeline' ? '.line' : `.${view.toLowerCase()}`).first().waitFor();
    }
    expect(await violationsOf(page)).toEqual([]);
    expect(asked.filter((url) => url.includes('/api/'))).toEqual([]);
    await page.reload();
    await settled(page, '.zone');
    expect(await page.locator('.partial').innerText()).toContain('is not in this page');
  });
});

describe('an imported file of spans in any order', () => {
  it('opens on the failure all the same', async () => {
    const span = (spanId: string, parentSpanId: string, name: string, from: number, until: number, code = 0) => ({ traceId: 'abcdefabcdefabcdefabcdefabcdef01', spanId, parentSpanId, name, startTimeUnixNano: `17000000000000${from}000`, endTimeUnixNano: `17000000000000${until}000`, status: { code } });
    const spans = [span('000000000000000d', '000000000000000b', 'culprit', 30, 40, 2), span('000000000000000c', '000000000000000a', 'later', 20, 60), span('000000000000000b', '000000000000000a', 'early', 11, 50), span('000000000000000a', '', 'root', 10, 90)];
    const page = await open('/import');
    await settled(page, '.zone');
    await page.locator('input[type=file]').setInputFiles([{ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })) }]);
    await page.locator('tbody td.name a').first().click();
    await settled(page, 'aside .error');
    expect([await page.locator('aside h2.title').innerText(), await page.locator('.line.selected.failed').innerText()]).toEqual(['culprit', expect.stringContaining('culprit')]);
    expect(new URL(page.url()).searchParams.get('span')).toBe('000000000000000d');
  });
});

describe('hostile spans', () => {
  it('show as text, whole on demand, and nothing of them runs', async () => {
    await shop.send(hostileTrace());
    const page = await open(`/trace/${HOSTILE_ID}`);
    await settled(page, 'aside dl');
    for (let row = 0; row < CORPUS.length; row += 1) {
      await page.keyboard.press('n');
      // Details of a span come a moment after it is selected.
      await page.locator('aside dl').first().waitFor();
    }
    expect(await page.locator('aside').innerText()).toContain('<script>window.ran = 1</script>');
    await page.getByRole('button', { name: /all \d+ characters/ }).first().click();
    for (const path of ['/', '/traces', '/services', '/map', '/live', `/service/${encodeURIComponent(CORPUS[0])}`]) {
      await page.goto(shop.url + path);
      await page.waitForTimeout(400);
      expect(await page.evaluate(() => (window as unknown as { ran?: number }).ran)).toBe(undefined);
    }
  });
});
