// A browser, a page that must stay quiet, and axe: what every file of browser tests begins with.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export interface Options {
  theme?: 'light' | 'dark';
  width?: number;
  height?: number;
  /** Words of console errors that the test provokes. */
  bad?: string[];
}

export class Reader {
  #context: BrowserContext | undefined;
  #faults: string[] = [];

  private constructor(readonly browser: Browser) {}

  static async start(): Promise<Reader> {
    return new Reader(await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }));
  }

  /** Opens an address in a fresh profile; whatever the page complains of fails the test at `leave`. */
  async open(url: string, { theme = 'light', width = 1440, height = 900, bad = [] }: Options = {}): Promise<Page> {
    await this.#context?.close();
    this.#context = await this.browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' });
    const page = await this.#context.newPage();
    const { origin } = new URL(url);
    page.on('pageerror', (error) => this.#faults.push(`${url}: ${error.message}`));
    page.on('console', (message) => message.type() === 'error' && !bad.some((words) => message.text().includes(words)) && this.#faults.push(`${url}: ${message.text()}`));
    page.on('request', (request) => !/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin && this.#faults.push(`${url}: asks ${request.url()}`));
    await page.goto(url);
    return page;
  }

  async leave(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
    const seen = this.#faults;
    this.#faults = [];
    expect(seen).toEqual([]);
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}

/** Waits for what says that a page is ready, and for its fonts. */
export async function settled(page: Page, ready: string): Promise<void> {
  await page.locator(ready).first().waitFor();
  await page.evaluate(() => document.fonts.ready);
}

export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (options: unknown) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const { violations: all } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] });
    return all.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}

/** Whether nothing is wider than the window, boxes that scroll by themselves left aside. */
export const overflow = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
