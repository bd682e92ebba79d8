import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterEach, beforeAll, describe, expect } from 'vitest';
import { ROOT } from '../../lib/build/root.ts';
import { CHROMIUM, launchChromium, startStage, type Stage } from './page-stage.ts';

/** Kept to be looked at. */
const SCREENSHOTS = join(ROOT, 'dist/screenshots');

/** What a person sees of Encore: the built page over a model that is served as `npm start` does. */
export interface PageWorld {
  /** The page's address, without a slash at its end. */
  readonly url: string;
  /** A browser's window with nothing kept from earlier ones; it fails its test where the page reports an error that nobody expects. */
  readonly newPage: (options?: { readonly width?: 390 | 1280; readonly dark?: boolean }) => Promise<Page>;
}

/** One of each for all files that a worker runs, for as long as it lives: each test has a browser context of its own. */
let shared: Promise<readonly [Stage, Browser]> | undefined;

/** The tests of a view in Chromium; skipped, saying so, where none is installed. */
export function describePage(name: string, tests: (world: () => PageWorld) => void): void {
  if (CHROMIUM === undefined) {
    console.warn(`${name}: skipped, for no Chromium is installed. Install it, or name one in CHROMIUM.`);
  }
  // oxlint-disable-next-line vitest/valid-title -- each caller has its own
  describe.skipIf(CHROMIUM === undefined)(name, () => {
    let browser: Browser;
    let stage: Stage;
    let pages: Page[] = [];
    let errors: string[] = [];
    beforeAll(async () => {
      shared ??= Promise.all([startStage(), launchChromium()]);
      [stage, browser] = await shared;
    });
    afterEach(async () => {
      for (const page of pages) await page.context().close();
      pages = [];
      const found = errors;
      errors = [];
      expect(found).toEqual([]);
    });
    tests(() => ({
      url: stage.url,
      newPage: async ({ width = 1280, dark = false } = {}) => {
        const context = await browser.newContext({
          viewport: { width, height: width === 390 ? 844 : 900 },
          colorScheme: dark ? 'dark' : 'light',
          reducedMotion: 'reduce',
          hasTouch: width === 390,
        });
        const page = await context.newPage();
        page.setDefaultTimeout(15_000);
        pages.push(page);
        page.on('pageerror', (error) => errors.push(error.message));
        // A violation of the policy is an error on the console; an answer that is none is the test's own doing.
        page.on('console', (message) => {
          if (message.type() === 'error' && /content security policy/i.test(message.text())) {
            errors.push(message.text());
          }
        });
        return page;
      },
    }));
  });
}

/** Holds that axe finds nothing wrong with what is to be seen. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`),
  ).toEqual([]);
}

/** Holds that nothing is wider than the window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const [content, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(content).toBeLessThanOrEqual(window);
}

/** Keeps a picture of the whole page under `dist/screenshots`. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
