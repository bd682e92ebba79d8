import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describePage, expectAccessible, expectNoSidewaysScroll, shoot } from './page-world.ts';

const neighbours = (page: Page) => page.locator('ol.neighbours > li');
const onMap = (page: Page) => page.getByRole('group', { name: /^Map of the artists/ }).getByRole('link');
const heading = (page: Page, name: string) =>
  page.getByRole('heading', { level: 1, name: `Artists like ${name}`, exact: true });

/** Begins with the first of the artists that many know. */
async function begin(page: Page, url: string): Promise<string> {
  await page.goto(`${url}/#/similar`);
  const first = page.locator('.beginnings a').first();
  const name = (await first.locator('span').innerText()).split('\n')[0]!;
  await first.click();
  await heading(page, name).waitFor();
  await onMap(page).first().waitFor();
  return name;
}

describePage('the page: Similar', (world) => {
  it('walks from an artist to its nearest and back, by mouse and by keyboard', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/#/similar`);
    await page.locator('.beginnings a').first().waitFor();
    await expectAccessible(page);
    await shoot(page, 'similar-beginning-1280-light');
    const from = await begin(page, world().url);
    await expect.poll(() => onMap(page).count()).toBe(12);
    expect(await neighbours(page).count()).toBe(12);
    await expectAccessible(page);
    await shoot(page, 'similar-1280-light');
    // The map and the list say the same.
    const names = await neighbours(page).getByRole('link').allInnerTexts();
    const shown = await onMap(page).locator('> title').allTextContents();
    expect(shown).toEqual(names);
    await onMap(page).first().click();
    await heading(page, names[0]!).waitFor();
    const second = neighbours(page).getByRole('link').filter({ hasNotText: from }).first();
    await expect.poll(() => page.locator('h1').evaluate((h1) => h1 === document.activeElement)).toBe(true);
    await expect.poll(() => onMap(page).locator('> title').first().textContent()).not.toBe(names[0]);
    const third = await second.innerText();
    await page.getByRole('group', { name: /^Map/ }).getByRole('link', { name: third, exact: true }).focus();
    await page.keyboard.press('Enter');
    await heading(page, third).waitFor();
    const path = page.getByRole('navigation', { name: 'The way here' });
    await expect
      .poll(() => path.getByRole('listitem').allInnerTexts())
      .toEqual(['Start', from, names[0], third]);
    await page.goBack();
    await heading(page, names[0]!).waitFor();
    await expect.poll(() => path.getByRole('listitem').allInnerTexts()).toEqual(['Start', from, names[0]]);
    await path.getByRole('link', { name: from, exact: true }).click();
    await heading(page, from).waitFor();
    await expect.poll(() => path.getByRole('listitem').allInnerTexts()).toEqual(['Start', from]);
  });

  it('adds an artist to one’s own, and says so', async () => {
    const page = await world().newPage();
    const name = await begin(page, world().url);
    await page.getByRole('button', { name: 'Add to my artists' }).click();
    await page.getByText(`${name} is among your artists.`).waitFor();
    await expectAccessible(page);
    await page.reload();
    await page.getByText(`${name} is among your artists.`).waitFor();
    await page.getByRole('button', { name: 'Remove from my artists' }).click();
    await page.getByRole('button', { name: 'Add to my artists' }).waitFor();
  });

  it('leads from a listener of the data set to one’s own list, where an artist was added to it', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    await page.getByText('Look at a listener of the data set').click();
    await page.getByRole('button', { name: 'Anybody' }).click();
    await page.getByRole('heading', { name: /^What listener \S+ may hear next$/ }).waitFor();
    const name = await begin(page, world().url);
    await page.getByRole('button', { name: 'Add to my artists' }).click();
    await page.getByRole('link', { name: 'See your list' }).click();
    await page.getByRole('heading', { name: 'What to hear next' }).waitFor();
    await page.getByRole('button', { name: `Remove ${name}` }).waitFor();
  });

  it('speaks of the next artist once it is there', async () => {
    const page = await world().newPage();
    const from = await begin(page, world().url);
    const held = Promise.withResolvers<void>();
    await page.route(/\/artists\/[^/]+$/, async (route) => {
      await held.promise;
      await route.continue();
    });
    const name = await onMap(page).first().locator('> title').textContent();
    await onMap(page).first().click();
    await page.locator('.card-room[aria-busy]').waitFor();
    const spoken = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
    expect(await spoken()).not.toBe(`Artists like ${from}`);
    held.resolve();
    await expect.poll(spoken).toBe(`Artists like ${name}`);
  });

  it('goes to an artist that is searched for', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/#/similar`);
    const some = page.locator('.beginnings a span').nth(3);
    const name = (await some.innerText()).split('\n')[0]!;
    await page.getByRole('combobox', { name: 'Find an artist' }).fill(name);
    await page.getByRole('option').first().click();
    await heading(page, name).waitFor();
  });

  it('keeps the names on the map apart', async () => {
    for (const width of [390, 1280] as const) {
      const page = await world().newPage({ width });
      await begin(page, world().url);
      const overlaps = await onMap(page)
        .locator('> text')
        .evaluateAll((texts) => {
          const boxes = texts.map((text) => text.getBoundingClientRect());
          return boxes.flatMap((a, i) =>
            boxes
              .slice(i + 1)
              .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom),
          ).length;
        });
      expect(overlaps).toBe(0);
    }
  });

  it('says when tags alone were compared, and who is not in the catalogue', async () => {
    const page = await world().newPage();
    await page.route('**/artists/*/similar*', async (route) => {
      const answer: { similar: readonly object[] } = await (await route.fetch()).json();
      const similar = answer.similar.map((one) => ({ ...one, commonListeners: null }));
      await route.fulfill({ json: { ...answer, basis: 'tags', similar } });
    });
    await begin(page, world().url);
    await page.getByText('Compared by their tags alone').waitFor();
    await expectAccessible(page);
    await page.unroute('**/artists/*/similar*');
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('Compared by the listeners').waitFor();
    await page.goto(`${world().url}/#/similar/nobody`);
    await page.getByRole('heading', { name: 'This artist is not in the catalogue' }).waitFor();
    await expectAccessible(page);
  });

  it('shows names with markup as they are, and no link that is none', async () => {
    const page = await world().newPage();
    const name = '<img src=x onerror="document.title=\'run\'">';
    await page.route('**/artists/*', async (route) => {
      const answer: object = await (await route.fetch()).json();
      await route.fulfill({ json: { ...answer, name, url: 'javascript:alert(1)' } });
    });
    await page.goto(`${world().url}/#/similar`);
    await page.locator('.beginnings a').first().click();
    await heading(page, name).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
    expect(await page.title()).not.toBe('run');
  });

  it('says so where the service is away, and tries again', async () => {
    const page = await world().newPage();
    await begin(page, world().url);
    await page.route('**/artists/*/similar*', (route) => route.abort());
    await onMap(page).first().click();
    await page.getByRole('heading', { name: 'The neighbourhood could not be loaded' }).waitFor();
    await expectAccessible(page);
    await page.unroute('**/artists/*/similar*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await onMap(page).first().waitFor();
  });

  it.each([
    { width: 390, dark: false },
    { width: 390, dark: true },
    { width: 1280, dark: true },
  ] as const)('fits on $width px, dark: $dark', async ({ width, dark }) => {
    const page = await world().newPage({ width, dark });
    await begin(page, world().url);
    await expect.poll(() => onMap(page).count()).toBe(width === 390 ? 6 : 12);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await shoot(page, `similar-${width}-${dark ? 'dark' : 'light'}`);
  });
});
