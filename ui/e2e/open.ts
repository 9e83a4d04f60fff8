// One reader with one page at a time, which must stay quiet; and axe.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

import { launch, openContext, type Opened } from './browsing';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Options {
  theme?: 'light' | 'dark';
  width?: number;
  height?: number;
  /** Words of console errors that the test provokes. */
  bad?: string[];
}

export class Reader {
  #opened: Opened | undefined;
  #faults: string[] = [];

  private constructor(readonly browser: Browser) {}

  static async start(): Promise<Reader> {
    return new Reader(await launch());
  }

  /** Opens an address in a fresh profile; whatever the page complains of fails the test at `leave`. */
  async open(url: string, { theme = 'light', width = 1440, height = 900, bad = [] }: Options = {}): Promise<Page> {
    await this.#close();
    this.#opened = await openContext(this.browser, new URL(url).origin, { viewport: { width, height }, colorScheme: theme, expected: bad });
    await this.#opened.page.goto(url);
    return this.#opened.page;
  }

  async #close(): Promise<void> {
    await this.#opened?.close();
    this.#faults.push(...(this.#opened?.faults ?? []));
    this.#opened = undefined;
  }

  async leave(): Promise<void> {
    await this.#close();
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

/** By how much the page is wider than the window, boxes that scroll by themselves left aside. */
export const overflow = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
