import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { describePage, expectAccessible, expectNoSidewaysScroll, shoot } from './page-world.ts';

const OLDER = '20261120T030000Z-98de3f9b3afb-1';
const BROKEN = '20261119T030000Z-0de3f9b3afb9-1';

interface Listed {
  readonly pointer: { readonly version: string; readonly previous: string | null };
  readonly versions: readonly (Record<string, unknown> & { readonly metrics: Record<string, number> })[];
}

/** The list of versions with two more: one that was served before, and one that cannot be read. */
async function withOlderVersions(page: Page): Promise<void> {
  await page.route('**/models?*', async (route) => {
    const answer: Listed = await (await route.fetch()).json();
    const served = answer.versions[0]!;
    const metrics = { ...served.metrics, 'holdout-ndcg@20': served.metrics['holdout-ndcg@20']! - 0.0123 };
    const place = { current: false, pinned: false };
    const older = { ...served, ...place, version: OLDER, createdAt: '2026-11-20T03:00:00.000Z', metrics };
    const broken = {
      ...place,
      version: BROKEN,
      createdAt: '2026-11-19T03:00:00.000Z',
      readable: false,
      reason: 'manifest: found no JSON, allowed is a JSON object',
    };
    const pointer = { ...answer.pointer, previous: OLDER };
    await route.fulfill({ json: { pointer, total: 3, versions: [served, older, broken] } });
  });
}

/** A report with everything that the page can show. */
async function withFullReport(page: Page): Promise<void> {
  await page.route('**/models/current/report', async (route) => {
    const answer: { report: object } = await (await route.fetch()).json();
    const bins = [0.01, 0.03, 0.08, 0.2, 0.5].map((predicted) => ({
      n: 400,
      predicted,
      observed: 1.1 * predicted,
    }));
    const report = {
      ...answer.report,
      events: { newEvents: 12, read: 40, merged: 31 },
      timings: { drain: 320, read: 1_240, candidates: 48_200, ranker: 9_300 },
      baselines: { popularity: { 'holdout-ndcg@20': 0.21, 'holdout-recall@20': 0.25 } },
      calibration: { bins },
      history: { lr: Array.from({ length: 30 }, (_, step) => 0.2 + 0.5 / (step + 1)), trees: [], mlp: [] },
      data: {
        counts: { rows: 6_000 },
        findings: [
          {
            severity: 'warning',
            code: 'zero-plays',
            file: 'user_artists.dat',
            field: 'weight',
            line: 7,
            allowed: 'an integer > 0',
            count: 2,
          },
        ],
        distributions: {
          listenersPerArtist: [
            { from: 1, to: 1, n: 80 },
            { from: 2, to: 3, n: 40 },
            { from: 4, to: 7, n: 20 },
          ],
        },
      },
    };
    const difference = { mean: 0.01, low: 0.002, high: 0.018 };
    const objective = { before: 0.3, after: 0.32, confirmation: { difference } };
    const tuning = {
      createdAt: '2026-11-20T03:00:00.000Z',
      trials: 40,
      objective,
      overrides: { 'ials.alpha0': 0.05 },
    };
    await route.fulfill({ json: { ...answer, report, tuning } });
  });
}

const open = async (page: Page, url: string): Promise<void> => {
  await page.goto(`${url}/#/model`);
  await page.getByRole('heading', { name: 'Parameters', exact: true }).waitFor();
};

describePage('the page: Model', (world) => {
  it('shows the version served, how good it is, and how it came to be', async () => {
    const page = await world().newPage();
    await open(page, world().url);
    await expect.poll(() => page.locator('.served .figures dd').first().innerText()).toMatch(/^0\.\d{4}$/);
    await page.getByText(/^All \d+ of them$/).click();
    await page.getByRole('rowheader', { name: 'svd.factors', exact: true }).waitFor();
    await expectAccessible(page);
  });

  afterEach(async () => {
    // Whatever a test has come to: the next one finds the version served, and not pinned.
    const { pointer } = await (await fetch(`${world().url}/models`)).json();
    await fetch(`${world().url}/models/${pointer.version}/activate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pinned: false }),
    });
  });

  it('keeps the version served, and lets go of it', async () => {
    const page = await world().newPage();
    await open(page, world().url);
    const keep = page.getByRole('switch', { name: 'Keep this version' });
    await expect.poll(() => keep.isChecked()).toBe(false);
    await keep.click();
    await page.getByText('It is pinned').waitFor();
    await page.getByText('served, pinned').waitFor();
    await expectAccessible(page);
    await keep.click();
    await page.getByText('It is not pinned').waitFor();
    await page.getByText('served', { exact: true }).waitFor();
  });

  it.each([
    { width: 1280, dark: false },
    { width: 1280, dark: true },
    { width: 390, dark: false },
    { width: 390, dark: true },
  ] as const)('shows all that a report can hold: $width px, dark: $dark', async ({ width, dark }) => {
    const page = await world().newPage({ width, dark });
    await withOlderVersions(page);
    await withFullReport(page);
    await open(page, world().url);
    await page.getByRole('row', { name: /^Learn listening, find candidates 48\.2 s 82%$/ }).waitFor();
    await page.getByRole('row', { name: /^Popularity 0\.2100 0\.2500$/ }).waitFor();
    await page.getByRole('row', { name: /^2 to 3 40$/ }).waitFor();
    await page.getByRole('row', { name: /warning: zero-plays/ }).waitFor();
    await page.getByText('tried 40 settings').waitFor();
    await page.getByText('What became of events since the data set was made').click();
    await page.getByRole('row', { name: 'Plays, likes and dislikes taken in 31' }).waitFor();
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(2);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await shoot(page, `model-${width}-${dark ? 'dark' : 'light'}`);
  });

  it('asks before it rolls back, and says what was done', async () => {
    const page = await world().newPage();
    await withOlderVersions(page);
    let sent: unknown;
    await page.route('**/models/*/activate', (route) => {
      sent = [new URL(route.request().url()).pathname, route.request().postDataJSON()];
      return route.fulfill({ json: { version: OLDER, pinned: true, candidatesWritten: 40 } });
    });
    await open(page, world().url);
    await page.getByText('−0.0123').waitFor();
    await page.getByText('Cannot be read, and so not be served').waitFor();
    const rollBack = page.getByRole('button', { name: 'Roll back to the version before' });
    await rollBack.click();
    const dialog = page.getByRole('dialog', { name: 'Roll back to this version?' });
    await dialog.getByText(OLDER).waitFor();
    await expectAccessible(page);
    await shoot(page, 'model-dialog-1280-light');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await expect.poll(() => rollBack.evaluate((button) => button === document.activeElement)).toBe(true);
    expect(sent).toBeUndefined();
    await page.getByRole('button', { name: `Serve this version: ${OLDER}` }).click();
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await page.getByText(`${OLDER} is served; lists follow within 5 seconds.`).waitFor();
    await dialog.waitFor({ state: 'hidden' });
    expect(sent).toEqual([`/models/${OLDER}/activate`, { pinned: true }]);
  });

  it('says why it may not switch, and offers to try again where that can help', async () => {
    const page = await world().newPage();
    await withOlderVersions(page);
    const problem = { code: 'FORBIDDEN', detail: 'it is for those who run the service' };
    await page.route('**/models/*/activate', (route) => route.fulfill({ status: 403, json: problem }));
    await open(page, world().url);
    await page.getByRole('switch', { name: 'Keep this version' }).click();
    await page.getByRole('alert').getByText('Only those who run the service').waitFor();
    expect(await page.getByRole('switch').isChecked()).toBe(false);
    await page.getByRole('button', { name: 'Roll back to the version before' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await dialog.getByText('Only those who run the service').waitFor();
    await expectAccessible(page);
    expect(await dialog.getByRole('button').allInnerTexts()).toEqual(['Close']);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.unroute('**/models/*/activate');
    await page.route('**/models/*/activate', (route) => route.abort());
    await page.getByRole('button', { name: `Serve this version: ${OLDER}` }).click();
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await dialog.getByText('nobody knows whether').waitFor();
    await dialog.getByRole('button', { name: 'Try again' }).waitFor();
  });

  it('says so where what it shows may be old', async () => {
    const page = await world().newPage();
    await open(page, world().url);
    await page.route('**/models?*', (route) => route.fulfill({ status: 503, body: '{}' }));
    const pin = page.getByRole('switch', { name: 'Keep this version' });
    await pin.click();
    await page
      .getByRole('heading', { name: 'The newest state of the versions could not be loaded' })
      .waitFor();
    await page.unroute('**/models?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('It is pinned').waitFor();
    await pin.click();
    await page.getByText('It is not pinned').waitFor();
  });

  it('says so where its script cannot be had, and comes with the page once more', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    await page.route('**/assets/model-view-*.js', (route) => route.abort());
    await page.getByRole('link', { name: 'Model', exact: true }).click();
    await page.getByRole('heading', { name: 'This view could not be loaded' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Similar', exact: true }).click();
    await page.getByRole('heading', { name: 'Similar artists' }).waitFor();
    await page.unroute('**/assets/model-view-*.js');
    await page.getByRole('link', { name: 'Model', exact: true }).click();
    await page.getByRole('button', { name: 'Load the page again' }).click();
    await page.getByRole('heading', { name: 'Served now' }).waitFor();
  });

  it('is for looking only in a demonstration', async () => {
    const page = await world().newPage();
    await page.route('**/config.json', (route) => route.fulfill({ json: { auth: 'demo' } }));
    await withOlderVersions(page);
    await open(page, world().url);
    await page.getByText('This is a demonstration').waitFor();
    expect(await page.getByRole('switch').isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Roll back to the version before' }).isDisabled()).toBe(
      true,
    );
    expect(await page.getByRole('button', { name: `Serve this version: ${OLDER}` }).isDisabled()).toBe(true);
    await expectAccessible(page);
  });

  it('says so where the service is away or nothing is published, and tries again', async () => {
    const page = await world().newPage();
    await page.route('**/models?*', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.route('**/models/current/report', (route) => route.abort());
    await page.goto(`${world().url}/#/model`);
    await page.getByRole('heading', { name: 'The versions could not be loaded' }).waitFor();
    await expectAccessible(page);
    await page.unroute('**/models?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'The report could not be loaded' }).waitFor();
    await page.unroute('**/models/current/report');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'Parameters', exact: true }).waitFor();
    await page.route('**/models?*', (route) =>
      route.fulfill({ json: { pointer: null, total: 0, versions: [] } }),
    );
    await page.reload();
    await page.getByRole('heading', { name: 'No version is published yet' }).waitFor();
    await expectAccessible(page);
  });
});
