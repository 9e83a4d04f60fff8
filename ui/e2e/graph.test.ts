// The graph of one trace: boxes and calls, by pointer and by keyboard, under an address that can be shared.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { overflow, Reader, settled, violationsOf } from './open';
import { Server } from './server';

let reader: Reader;
let shop: Server;
let path: string;

beforeAll(async () => {
  [reader, shop] = await Promise.all([Reader.start(), Server.start()]);
  await shop.generate(60);
  path = `${shop.url}/trace/${await shop.traceOf('{ status = error }')}`;
});
afterAll(async () => {
  await reader?.stop();
  await shop?.stop();
});
afterEach(() => reader.leave());

describe('the graph of a trace', () => {
  it('has the services of the trace, and a box opens its span', async () => {
    const page = await reader.open(path);
    await settled(page, 'aside dl');
    await page.keyboard.press('3');
    await settled(page, '.graph .box');
    const { services } = (await (await fetch(path.replace('/trace/', '/api/tw/traces/'))).json()) as { services: string[] };
    const boxes = await page.locator('.graph .box .words > b').allInnerTexts();
    expect([...boxes].sort()).toEqual([...services].sort());
    expect(await page.locator('.graph .box[aria-pressed=true]').count()).toBe(1);
    const failed = page.locator('.graph .box.errs').first();
    await failed.click();
    await settled(page, 'aside .error');
    expect(await failed.getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('aside p a b').first().innerText()).toBe(await failed.locator('.words > b').innerText());
  });

  it('is walked with Tab, arrows and Enter', async () => {
    const page = await reader.open(`${path}?view=graph`);
    await settled(page, '.graph .box');
    await page.locator('.graph .box[tabindex="0"]').focus();
    for (let step = 0; step < 12; step += 1) await page.keyboard.press('ArrowLeft');
    const entry = await page.evaluate(() => document.activeElement?.querySelector('b')?.textContent);
    await page.keyboard.press('ArrowRight');
    const next = await page.evaluate(() => document.activeElement?.querySelector('b')?.textContent);
    expect(next).not.toBe(entry);
    await page.keyboard.press('Enter');
    await page.locator('aside p b', { hasText: next! }).first().waitFor();
  });

  it('is where its address says, by operation too', async () => {
    const page = await reader.open(`${path}?view=graph`);
    await settled(page, '.graph .box');
    const services = await page.locator('.graph .box').count();
    await page.getByRole('button', { name: 'Operations', exact: true }).click();
    await page.waitForFunction((count) => document.querySelectorAll('.graph .box').length > count, services);
    const operations = await page.locator('.graph .box').count();
    const other = await reader.open(page.url());
    await settled(other, '.graph .box');
    expect(await other.locator('.graph .box').count()).toBe(operations);
  });

  for (const theme of ['light', 'dark'] as const) {
    it(`has no axe violation and fits a phone, ${theme}`, async () => {
      let page = await reader.open(`${path}?view=graph`, { theme });
      await settled(page, '.graph .box');
      await settled(page, 'aside dl');
      expect(await violationsOf(page)).toEqual([]);
      page = await reader.open(`${path}?view=graph`, { theme, width: 390 });
      await settled(page, '.graph .box');
      expect(await overflow(page)).toBe(0);
    });
  }
});
