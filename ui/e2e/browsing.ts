// A browser whose pages tell what went wrong in them, and that draws the same on every machine.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** No hinting, no subpixels, one colour space: what is left is Chromium's and the embedded fonts' own. */
const STEADY = ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb', '--force-device-scale-factor=1', '--hide-scrollbars'];

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: STEADY });
}

export interface Opened {
  page: Page;
  /** Faults of the page so far: exceptions, errors on the console, questions to anybody else than the server. */
  faults: string[];
  close(): Promise<void>;
}

/** Opens a context for a server's pages; `expected` are words of console errors that belong to the test. */
export async function openContext(browser: Browser, url: string, { expected = [] as string[], ...options }: BrowserContextOptions & { expected?: string[] } = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', timezoneId: 'UTC', locale: 'en-US', ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && !expected.some((words) => message.text().includes(words)) && faults.push(`${page.url()}: ${message.text()}`));
  page.on('request', (request) => !request.url().startsWith(url) && !request.url().startsWith('blob:') && faults.push(`${page.url()}: asks ${request.url()}`));
  return { page, faults, close: () => context.close() };
}

/** What axe finds on a page. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (options: unknown) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const { violations: all } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] });
    return all.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}

/** Points by which a page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth));
}
