import { expect, it } from 'vitest';
import { contentSecurityPolicy, PAGE_HEADERS } from '../../lib/page/headers.ts';
import { describePage } from './page-world.ts';

describePage('the page', (world) => {
  it('leads from an artist to a list, and through every view', async () => {
    const page = await world().newPage();
    const view = (name: string) =>
      page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name });
    const assets = page.waitForResponse(/\/assets\/index-[^/]+\.js$/);
    const config = page.waitForResponse('**/config.json');
    const html = await page.goto(`${world().url}/`);
    for (const [answer, kept] of [
      [html!, 'no-cache'],
      [await config, 'no-cache'],
      [await assets, 'public, max-age=31536000, immutable'],
    ] as const) {
      expect(answer.headers()).toMatchObject({
        ...PAGE_HEADERS,
        'content-security-policy': contentSecurityPolicy([]),
        'cache-control': kept,
      });
    }
    await page.locator('.beginning button').first().click();
    await expect.poll(() => page.locator('ol.list > li').count()).toBe(20);
    const name = await page.locator('ol.list h2').first().innerText();
    await page.getByRole('link', { name: `Similar to ${name}` }).click();
    await page.getByRole('heading', { name: `Artists like ${name}` }).waitFor();
    await view('Your history').click();
    await page.locator('input[type=file]').setInputFiles({
      name: 'mine.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('artist,plays\nOne,3\nTwo,2\n'),
    });
    await page.getByText('2 artists', { exact: false }).first().waitFor();
    await view('Experiments').click();
    await page.getByRole('heading', { name: 'Experiments', level: 1 }).waitFor();
    await view('Model').click();
    await page.getByRole('heading', { name: 'Served now' }).waitFor();
    expect(page.url()).toMatch(/#\/model$/);
  });
});
