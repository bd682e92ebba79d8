import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildPage, PAGE_DIR } from '../../lib/build/build-page.ts';
import { CHROMIUM, launchChromium, startStage } from '../web/page-stage.ts';

const LOADS = 15;
/** Somebody who has been here before: the list is asked for at once. */
const LISTENING = {
  own: { id: 'page-bench', artists: [{ id: '1', name: 'one' }], imported: [] },
  known: null,
};

/** What the page weighs: script of the first load and of each view, gzip. How long it takes to the first list, from nothing in the browser. */
export async function run(): Promise<void> {
  await buildPage();
  printWeight();
  if (CHROMIUM === undefined) {
    console.log('  no Chromium is installed: the time to the first list was not measured');
    return;
  }
  const [stage, browser] = await Promise.all([startStage(), launchChromium()]);
  try {
    const seconds: number[] = [];
    let shift = 0;
    // The first one warms the server up.
    for (let load = 0; load <= LOADS; load++) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.addInitScript(
        (kept) => localStorage.setItem('encore.listening', kept),
        JSON.stringify(LISTENING),
      );
      await page.goto(`${stage.url}/`);
      const shown = await page.waitForFunction(() =>
        document.querySelector('ol.list > li') === null ? 0 : performance.now(),
      );
      if (load > 0) seconds.push((await shown.jsonValue()) / 1_000);
      // Of all that has moved by itself until the list is there: 0 where nothing did.
      const moved = await page.evaluate(
        () =>
          new Promise<number>((resolve) => {
            new PerformanceObserver((list) => {
              resolve(list.getEntries().reduce((sum, entry) => sum + Number(Reflect.get(entry, 'value')), 0));
            }).observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => resolve(0), 500);
          }),
      );
      shift = Math.max(shift, moved);
      await context.close();
    }
    seconds.sort((a, b) => a - b);
    const [least, median, most] = [seconds[0]!, seconds[LOADS >> 1]!, seconds.at(-1)!];
    console.log(`  layout shift of the first load: ${shift.toFixed(3)} at most`);
    console.log(
      `  first list after ${median.toFixed(2)} s (${least.toFixed(2)}-${most.toFixed(2)}, ${LOADS} loads)`,
    );
  } finally {
    await browser.close();
    await stage.close();
  }
}

function printWeight(): void {
  const html = readFileSync(join(PAGE_DIR, 'index.html'), 'utf8');
  const assets = readdirSync(join(PAGE_DIR, 'assets'));
  const first = assets.filter((name) => html.includes(name));
  const ofFirst = (ending: string) => first.filter((name) => name.endsWith(ending));
  console.log(`  first load: ${sum(ofFirst('.js'))} of script, ${sum(ofFirst('.css'))} of style (gzip)`);
  for (const name of assets.filter((name) => name.endsWith('.js') && !first.includes(name))) {
    console.log(`  later: ${name} ${sum([name])}`);
  }
}

const sizeOf = (name: string): number =>
  gzipSync(readFileSync(join(PAGE_DIR, 'assets', name)), { level: 9 }).length;

const sum = (names: readonly string[]): string =>
  `${(names.reduce((total, name) => total + sizeOf(name), 0) / 1_000).toFixed(1)} kB`;
