import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describePage, expectAccessible, expectNoSidewaysScroll, shoot } from './page-world.ts';

const listed = (page: Page) => page.locator('ol.list > li');
const nameOf = (page: Page, rank: number): Promise<string> =>
  listed(page).nth(rank).getByRole('heading').innerText();

/** Begins with the first of the artists that many know. */
async function choosePopular(page: Page): Promise<string> {
  const first = page.locator('.beginning button').first();
  const name = (await first.innerText()).split('\n')[0]!.replace(/ \d.*/, '').trim();
  await first.click();
  await listed(page).first().waitFor();
  return name;
}

describePage('the page: Listen', (world) => {
  it('makes a list as soon as an artist is named, and says why', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    await page.locator('.beginning button').first().waitFor();
    await expectAccessible(page);
    await shoot(page, 'listen-beginning-1280-light');
    await choosePopular(page);
    await expect.poll(() => listed(page).count()).toBe(20);
    await listed(page).first().locator('.why summary').click();
    await listed(page).first().getByText('In the logit').waitFor();
    await expectAccessible(page);
    await shoot(page, 'listen-1280-light');
    // It is there again after a reload.
    await page.reload();
    await expect.poll(() => listed(page).count()).toBe(20);
  });

  it('finds artists by a part of their name, with the keyboard alone', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    const some = page.locator('.beginning button').nth(2);
    const name = (await some.locator('span').innerText()).replace(/ [\d,]+ listeners?$/, '');
    const search = page.getByRole('combobox', { name: 'Artists you like' });
    await search.focus();
    await page.keyboard.type(name.slice(0, -1).toLowerCase());
    const option = page.getByRole('option').first();
    await option.waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `Remove ${name}` }).waitFor();
    await expect.poll(() => listed(page).count()).toBe(20);
  });

  it('takes nobody for what was typed before they were found', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    const beginnings = page.locator('.beginning button span');
    await beginnings.first().waitFor();
    const names = await beginnings.allInnerTexts();
    const [first, second] = names.slice(0, 2).map((name) => name.replace(/ [\d,]+ listeners?$/, ''));
    const search = page.getByRole('combobox', { name: 'Artists you like' });
    await search.fill(first!);
    await page.getByRole('option', { name: first! }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `Remove ${first}` }).waitFor();
    const held = Promise.withResolvers<void>();
    await page.route('**/artists?*', async (route) => {
      await held.promise;
      await route.continue();
    });
    await search.fill(second!);
    await page.keyboard.press('Enter');
    expect(await page.locator('.chips .drop').count()).toBe(1);
    held.resolve();
    await page.getByRole('option', { name: second! }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `Remove ${second}` }).waitFor();
    // What cannot be asked for offers nobody, and says so.
    await page.route('**/artists?*', (route) => route.fulfill({ status: 503, body: '{}' }));
    await search.fill('another');
    await page.getByText('The catalogue does not answer').waitFor();
    expect(await page.getByRole('option').count()).toBe(0);
  });

  it('says why a list is the one for everybody', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    await page.getByText('Look at a listener of the data set').click();
    await page.getByRole('combobox', { name: /^Listener/ }).fill('nobody-at-all');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('nothing is known of listener nobody-at-all').waitFor();
    await expectAccessible(page);
    await Promise.all([
      page.waitForResponse(/\/users\/nobody-at-all\/recommendations/),
      page.getByRole('button', { name: 'Look again' }).click(),
    ]);
    await page.evaluate(() => {
      const imported = [{ name: 'Nobody At All', plays: 3 }];
      localStorage.setItem(
        'encore.listening',
        JSON.stringify({ own: { id: 'page-test', artists: [], imported }, known: null }),
      );
    });
    await page.reload();
    await page.getByText('None of your artists is in the catalogue').waitFor();
    await expectAccessible(page);
  });

  it('tells the service of likes, dislikes and plays, of which list they are, and lists follow', async () => {
    const page = await world().newPage();
    const sent: unknown[] = [];
    await page.route('**/events', async (route) => {
      sent.push(route.request().postDataJSON());
      await route.continue();
    });
    let exposureId: unknown = null;
    let own: unknown = null;
    page.on('response', async (response) => {
      if (!response.url().endsWith('/recommendations')) return;
      own = response.request().postDataJSON().anonymousId;
      ({ exposureId } = await response.json());
    });
    await page.goto(`${world().url}/`);
    await choosePopular(page);
    for (const [type, label, said] of [
      ['dislike', 'Dislike', 'You do not like'],
      ['like', 'Like', 'You like'],
      ['play', 'Played', 'You have played'],
    ] as const) {
      const item = listed(page).nth(1);
      const name = await nameOf(page, 1);
      const href = await item.getByRole('link', { name: `Similar to ${name}` }).getAttribute('href');
      const from = exposureId;
      expect(from).toMatch(/^[\da-f-]{36}$/);
      await item.getByRole('button', { name: `${label}: ${name}`, exact: true }).click();
      await page.getByText(`${said} ${name}`).waitFor();
      await expect.poll(() => page.getByRole('heading', { name, exact: true }).count()).toBe(0);
      await expect.poll(() => exposureId).not.toBe(from);
      const artistId = decodeURIComponent(href!.replace(/^.*\//, ''));
      expect(sent.splice(0)).toEqual([
        { events: [{ userId: own, artistId, type, at: expect.any(Number), exposureId: from }] },
      ]);
    }
    await expect.poll(() => listed(page).count()).toBe(20);
  });

  it('turns the knobs, and filters by tag', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    await choosePopular(page);
    const names = (): Promise<string[]> => page.locator('ol.list h2').allInnerTexts();
    const before = await names();
    await page.getByRole('slider', { name: 'Popularity' }).fill('1');
    await expect.poll(names).not.toEqual(before);
    await page.getByRole('button', { name: 'As it comes' }).click();
    await expect.poll(names).toEqual(before);
    await page.getByRole('slider', { name: 'Variety' }).fill('1');
    await expect.poll(names).not.toEqual(before);
    await page.getByRole('button', { name: 'As it comes' }).click();
    await expect.poll(names).toEqual(before);
    const tag = await page.locator('.tags .tag').first().innerText();
    const asked = page.waitForRequest((request) => request.postDataJSON()?.tags?.[0] === tag);
    await page.locator('.tags .tag').first().click();
    await page.getByRole('button', { name: `Remove ${tag}` }).waitFor();
    await asked;
    await expect.poll(names).not.toEqual(before);
    const typed = page.waitForRequest(
      (request) => request.postDataJSON()?.tags?.join() === `${tag},some,other`,
    );
    await page.getByRole('textbox', { name: 'Only these tags' }).fill('Some, other');
    await page.keyboard.press('Enter');
    await typed;
    await page.getByRole('button', { name: 'Remove other' }).waitFor();
  });

  it('shows the list of a listener of the data set', async () => {
    const page = await world().newPage({ dark: true });
    await page.goto(`${world().url}/`);
    await page.getByText('Look at a listener of the data set').click();
    await page.getByRole('button', { name: 'Anybody' }).click();
    await page.getByRole('heading', { name: /^What listener \S+ may hear next$/ }).waitFor();
    await expect.poll(() => listed(page).count()).toBe(20);
    await page.getByText('a personal list').waitFor();
    await expectAccessible(page);
    await shoot(page, 'listen-listener-1280-dark');
    await page.getByRole('button', { name: 'Back to my own list' }).click();
    await page.getByRole('heading', { name: 'What to hear next' }).waitFor();
  });

  it('says so where the service is away, and tries again', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    const first = page.locator('.beginning button').first();
    await first.waitFor();
    await page.route('**/recommendations', (route) => route.abort());
    await first.click();
    await page.getByRole('heading', { name: 'The list could not be loaded' }).waitFor();
    await expectAccessible(page);
    await page.unroute('**/recommendations');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => listed(page).count()).toBe(20);
    await page.route('**/events', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page
      .getByRole('button', { name: /^Like: / })
      .first()
      .click();
    await page.getByText('That could not be stored').waitFor();
    await expect.poll(() => listed(page).count()).toBe(20);
  });

  it('says so where the clock is wrong', async () => {
    const page = await world().newPage();
    await page.goto(`${world().url}/`);
    await choosePopular(page);
    await page.evaluate(() => {
      const past = Date.now() - 30 * 86_400_000;
      Date.now = () => past;
    });
    await page
      .getByRole('button', { name: /^Like: / })
      .first()
      .click();
    await page.getByText('The clock of this device is wrong: set it right.').waitFor();
  });

  it('keeps what visitors say to itself where nothing is stored from them', async () => {
    const page = await world().newPage();
    await page.route('**/events', (route) => route.fulfill({ status: 401, body: '{}' }));
    await page.goto(`${world().url}/`);
    await choosePopular(page);
    const disliked = await nameOf(page, 0);
    await page.getByRole('button', { name: `Dislike: ${disliked}` }).click();
    await page.getByText('only this page knows').waitFor();
    expect(await page.getByRole('heading', { name: disliked, exact: true }).count()).toBe(0);
    // Nothing that is said while an answer is under way gets lost.
    const [one, other] = [await nameOf(page, 0), await nameOf(page, 1)];
    await page.route('**/events', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await route.fulfill({ status: 401, body: '{}' });
    });
    await page.getByRole('button', { name: `Like: ${one}`, exact: true }).click();
    await page.getByRole('button', { name: `Like: ${other}`, exact: true }).click();
    await page.getByRole('button', { name: `Remove ${one}` }).waitFor();
    await page.getByRole('button', { name: `Remove ${other}` }).waitFor();
    // Other views come and go in between.
    await page.getByRole('link', { name: 'Similar', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Similar artists' }).waitFor();
    await page.getByRole('link', { name: 'Listen', exact: true }).click();
    await listed(page).first().waitFor();
    expect(await page.getByRole('heading', { name: disliked, exact: true }).count()).toBe(0);
  });

  it('fits on a phone, light and dark', async () => {
    for (const dark of [false, true]) {
      const page = await world().newPage({ width: 390, dark });
      await page.goto(`${world().url}/`);
      await choosePopular(page);
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
      await shoot(page, `listen-390-${dark ? 'dark' : 'light'}`);
    }
  });
});
