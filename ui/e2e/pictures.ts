// Takes the pictures that the README shows: of the generated shop, and of an hour that never changes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { it } from 'vitest';

import { launch, openContext } from './browsing';
import { fixedShop, HOUR, NOW } from './fixed_shop';
import { Server } from './server';

const FOLDER = join(import.meta.dirname, '../../docs/pictures');

it('takes the pictures', async () => {
  const [browser, server, fixed] = await Promise.all([launch(), Server.start(), Server.start()]);
  await server.generate(3000);
  await fixed.send(fixedShop());
  const failed = await server.traceOf('{ status = error && resource.service.name = "payment" }');
  const PICTURES: [name: string, theme: 'light' | 'dark', path: string, ready: string][] = [
    ['home_light', 'light', '/', '.three .card a'],
    ['traces_dark', 'dark', `/traces?${HOUR}&vs=slow`, 'section[aria-label="What differs"] li'],
    ['trace_light', 'light', `/trace/${failed}`, 'aside .error'],
    ['map_dark', 'dark', '/map', 'svg rect'],
  ];
  for (const [name, theme, path, ready] of PICTURES) {
    const { page, close } = await openContext(browser, 'http://', { viewport: { width: 1440, height: 900 }, colorScheme: theme });
    const still = path.includes(HOUR);
    if (still) await page.clock.setFixedTime(NOW);
    await page.goto((still ? fixed : server).url + path);
    await page.locator(ready).first().waitFor();
    await page.waitForLoadState('networkidle');
    writeFileSync(join(FOLDER, `${name}.png`), await page.screenshot({ animations: 'disabled' }));
    await close();
  }
  await browser.close();
  await Promise.all([server.stop(), fixed.stop()]);
});
