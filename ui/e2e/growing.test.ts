// A trace that is still arriving, one whose clocks disagree, one that is not there: what the page says and keeps.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { Reader, settled, violationsOf } from './open';
import { hex, send, type Span } from './send';
import { Server } from './server';

let reader: Reader;
let server: Server;

beforeAll(async () => {
  [reader, server] = await Promise.all([Reader.start(), Server.start()]);
});
afterAll(async () => {
  await reader?.stop();
  await server?.stop();
});
afterEach(() => reader.leave());

const steps = (first: number, last: number): Span[] => Array.from({ length: last - first }, (_, at) => ({ id: first + at, parent: 1, from: 10 * (first + at), until: 10 * (first + at) + 5, name: `step ${first + at}` }));

describe('a trace that is still arriving', () => {
  it('grows on the page, says so, and leaves what the reader did', async () => {
    const begin = Date.now() - 2_000;
    const id = await send(server, 0xa1, begin, steps(20, 80));
    const page = await reader.open(`${server.url}/trace/${id}`);
    await settled(page, '.line.selected');
    await page.getByText('root not seen yet').waitFor();
    await page.getByText('may still be arriving').waitFor();
    await page.locator('.line', { hasText: 'step 40' }).click();
    await page.locator('aside h2', { hasText: 'step 40' }).waitFor();
    await page.locator('#find').fill('step 4');
    await page.evaluate(() => document.querySelector('.scroller')!.scrollTo(0, 600));
    const place = async () => page.evaluate(() => {
      const box = document.querySelector('.scroller')!.getBoundingClientRect();
      return [...document.querySelectorAll('.line')].map((line) => [line.querySelector('.op')!.textContent, Math.round(line.getBoundingClientRect().top - box.top)] as const).find(([, top]) => top >= 24);
    });
    const before = await place();
    await send(server, 0xa1, begin, [{ id: 1, from: 0, until: 1_500, name: 'GET /all' }, ...steps(2, 20)]);
    await page.getByText('+19 spans').waitFor({ timeout: 15_000 });
    expect(await page.getByText('root not seen yet').count()).toBe(0);
    expect(await page.locator('h1').innerText()).toContain('GET /all');
    expect(await page.locator('aside h2.title').innerText()).toBe('step 40');
    expect(await page.locator('.line.selected .op').innerText()).toBe('step 40');
    expect(await page.locator('#find').inputValue()).toBe('step 4');
    expect(await place()).toEqual(before);
    expect(await violationsOf(page)).toEqual([]);
  });

  it('stands still where the reader wants it to', async () => {
    const begin = Date.now() - 1_000;
    const id = await send(server, 0xa2, begin, [{ id: 1, from: 0, until: 900 }]);
    const page = await reader.open(`${server.url}/trace/${id}`);
    await settled(page, '.line.selected');
    const asked: string[] = [];
    await page.getByRole('button', { name: 'Follow' }).click();
    await page.getByText('not watched for more').waitFor();
    page.on('request', (request) => request.url().includes('/api/tw/traces/') && asked.push(request.url()));
    await send(server, 0xa2, begin, steps(2, 5));
    await page.waitForTimeout(3_500);
    expect(asked).toEqual([]);
    await page.getByRole('button', { name: 'Follow' }).click();
    await page.getByText('+3 spans').waitFor({ timeout: 15_000 });
  });

  it('is not watched when it is long over', async () => {
    const id = await send(server, 0xa3, Date.now() - 600_000, [{ id: 1, from: 0, until: 900 }]);
    const page = await reader.open(`${server.url}/trace/${id}`);
    await settled(page, 'aside section');
    expect(await page.getByText('may still be arriving').count()).toBe(0);
  });

  it('appears once it arrives, where its address was opened before it', async () => {
    const page = await reader.open(`${server.url}/trace/${hex(0xa4, 32)}`, { bad: ['404'] });
    await page.getByText('asking again').waitFor();
    await send(server, 0xa4, Date.now() - 1_000, [{ id: 1, from: 0, until: 900, name: 'late' }]);
    await page.locator('.line.selected').waitFor({ timeout: 15_000 });
    expect(await page.locator('h1').innerText()).toContain('late');
  });
});

describe('clocks that disagree', () => {
  const skewed: Span[] = [
    { id: 1, from: 20, until: 120, name: 'GET', kind: 2 }, { id: 2, parent: 1, from: 25, until: 115, name: 'call', kind: 3 },
    { id: 3, parent: 2, from: 0, until: 60, name: 'answer', kind: 2, service: 'stock' }, { id: 4, parent: 3, from: 5, until: 55, name: 'SELECT', service: 'stock' },
  ];
  it('are shown as sent, adjusted on demand, and said to be so, under an address of its own', async () => {
    const id = await send(server, 0xb1, Date.now() - 600_000, skewed);
    let page = await reader.open(`${server.url}/trace/${id}`);
    await settled(page, 'aside section');
    const left = async (name: string) => (await page.locator('.line', { hasText: name }).locator('.bar').boundingBox())!.x;
    expect(await left('answer')).toBeLessThan(await left('call'));
    await page.locator('.finding', { hasText: 'clock of stock' }).click();
    await page.getByRole('button', { name: 'Adjust clocks' }).click();
    await page.getByText('2 spans are drawn up to 40 ms').waitFor();
    expect(await left('answer')).toBeGreaterThan(await left('call'));
    expect(await page.locator('.line.selected .op').innerText()).toBe('answer');
    await page.waitForURL(/clock=adjusted/);
    page = await reader.open(page.url());
    await settled(page, 'aside section');
    await page.getByText('Clocks adjusted').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Adjust clocks' }).click();
    expect(await left('answer')).toBeLessThan(await left('call'));
  });
});

describe('a trace that lacks something', () => {
  it('says what', async () => {
    const id = await send(server, 0xc1, Date.now() - 600_000, [{ id: 1, from: 0, until: 900 }]);
    const page = await reader.open(`${server.url}/status`);
    await page.route('**/api/tw/traces/*', async (route) => {
      const reply = await route.fetch();
      await route.fulfill({ response: reply, json: { ...(await reply.json()), missing: ['one segment could not be read'] } });
    });
    await page.goto(`${server.url}/trace/${id}`);
    await page.locator('.partial', { hasText: 'one segment could not be read' }).waitFor();
  });

  it('is told from one that is not kept, with how long is', async () => {
    const page = await reader.open(`${server.url}/trace/${hex(0xdead, 32)}`, { bad: ['404'] });
    await page.getByText('It is not stored here').waitFor({ timeout: 20_000 });
    expect(await page.locator('main').innerText()).toMatch(/kept for|without a limit of age/);
  }, 60_000);
});
