import { Buffer } from 'node:buffer';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { bomb, gzipped, json, REAL_FORMS, spotifyHistory, zipped } from './import-files.ts';
import { describePage, expectAccessible, expectNoSidewaysScroll, shoot } from './page-world.ts';

interface Payload {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const payload = (name: string, ...content: readonly (string | Uint8Array)[]): Payload => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.concat(content.map((piece) => Buffer.from(piece))),
});

const chooser = (page: Page) => page.getByLabel('Choose your files, or drop them here');
const choose = (page: Page, ...files: readonly Payload[]): Promise<void> =>
  chooser(page).setInputFiles([...files]);
const using = (page: Page) => page.getByRole('button', { name: 'Use this as my listening' });
const artist = (page: Page, name: string) => page.locator('.import-artists li').filter({ hasText: name });

/** What the page keeps of whom lists are for. */
async function imported(page: Page): Promise<readonly unknown[]> {
  const kept = await page.evaluate(() => localStorage.getItem('encore.listening'));
  const { own }: { own: { artists: readonly { plays?: number }[]; imported: readonly unknown[] } } =
    JSON.parse(kept!);
  return [...own.imported, ...own.artists.filter(({ plays }) => plays !== undefined)];
}

/** Drops files on the middle of the page, as a person does who misses the field. */
async function drop(page: Page, files: readonly Payload[]): Promise<void> {
  const contents = files.map(({ name, buffer }) => ({ name, base64: buffer.toString('base64') }));
  const transfer = await page.evaluateHandle((all) => {
    const made = new DataTransfer();
    for (const { name, base64 } of all) {
      made.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    }
    return made;
  }, contents);
  await page.locator('main').dispatchEvent('dragover', { dataTransfer: transfer });
  await page.locator('.import-over').waitFor();
  await page.locator('main').dispatchEvent('drop', { dataTransfer: transfer });
}

describePage('the page: Your history', (world) => {
  const open = async (options: Parameters<ReturnType<typeof world>['newPage']>[0] = {}): Promise<Page> => {
    const page = await world().newPage(options);
    await page.goto(`${world().url}/#/import`);
    await chooser(page).waitFor();
    return page;
  };

  it('reads a file of every form that services give', async () => {
    const page = await open();
    for (const { format, name, content, plays } of REAL_FORMS) {
      await choose(page, payload(name, content));
      await page.getByText(`Found: ${format}`).waitFor();
      for (const [who, n] of Object.entries(plays)) {
        await artist(page, who)
          .getByText(`${n} ${n === 1 ? 'play' : 'plays'}`, { exact: true })
          .waitFor();
      }
      await page.getByRole('button', { name: 'Choose other files' }).click();
    }
    await chooser(page).waitFor();
  });

  it('sends nothing while it reads, leaves out whom one leaves out, and hands over the rest', async () => {
    const page = await open();
    const sent: string[] = [];
    page.on('request', (request) => {
      if (!request.url().includes('/assets/')) sent.push(`${request.method()} ${request.url()}`);
    });
    await drop(page, [
      payload('a.csv', 'artist,plays\nLow,40\nCan,3\nNobody,0\n'),
      payload('b.csv.gz', gzipped('Neu!,7\n')),
    ]);
    await page.getByText('4 rows read, 3 used').waitFor();
    await page.getByText('1 row skipped: why').click();
    await page.getByText('counts 0 plays').waitFor();
    expect(sent).toEqual([]);

    await page.getByRole('button', { name: 'Select none' }).click();
    await page.getByText('0 of 3 chosen').waitFor();
    expect(await using(page).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Select all' }).click();
    await artist(page, 'Can').getByRole('checkbox').uncheck();
    await page.getByText('2 of 3 chosen').waitFor();
    await using(page).click();
    await page.getByRole('heading', { level: 1, name: /Your history/ }).waitFor({ state: 'detached' });
    expect(new URL(page.url()).hash).toBe('#/');
    expect(await imported(page)).toHaveLength(2);

    // It is shown where it came from, and can be forgotten.
    await page.getByRole('link', { name: 'Your history', exact: true }).click();
    await page.getByText('2 artists of an import').waitFor();
    await expectAccessible(page);
    await shoot(page, 'import-in-use-1280-light');
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.getByRole('heading', { name: 'In use now' }).waitFor({ state: 'detached' });
    expect(await imported(page)).toEqual([]);
  });

  it('can be used with the keyboard alone', async () => {
    const page = await open();
    page.on('filechooser', (picker) => void picker.setFiles(payload('a.csv', 'Low,40\nCan,3\n')));
    await chooser(page).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What was read' }).waitFor();
    // Focus is where the file was chosen: the buttons are next, then the artists, then what to do with them.
    const walk = ['Select all', 'Select none', 'Low', 'Can', 'Use this as my listening'];
    for (const name of walk) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      const text = (await focused.evaluate((e) => e.closest('label')?.textContent ?? e.textContent)) ?? '';
      expect(text).toContain(name);
      if (name === 'Can') await page.keyboard.press('Space');
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).hash).toBe('#/');
    expect(await imported(page)).toEqual([expect.objectContaining({ name: 'Low', plays: 40 })]);
  });

  it('asks who somebody is where files name several', async () => {
    const page = await open();
    await choose(page, payload('all.csv', 'user,artist,plays\nada,Low,3\nbob,Can,2\nbob,Low,9\n'));
    await page.getByRole('heading', { name: 'Which one are you?' }).waitFor();
    await expectAccessible(page);
    await shoot(page, 'import-whose-1280-light');
    await page.getByLabel('Your name in these files').selectOption('ada');
    await page.getByRole('button', { name: 'Read my listening' }).click();
    await page.getByText('the listening of ada').waitFor();
    expect(await page.locator('.import-artists li').count()).toBe(1);
  });

  it('stays alive over an export of 50 MB, says how far it is, and stops when told to', async () => {
    const page = await open();
    const file = await page.evaluateHandle(
      (pieces) => new File(pieces, 'Streaming_History_Audio_2015-2026_0.json'),
      [...spotifyHistory(50e6)],
    );
    const dropIt = (times: number): Promise<void> =>
      file.evaluate((one, times) => {
        const transfer = new DataTransfer();
        for (let i = 0; i < times; i++) transfer.items.add(one);
        document
          .querySelector('main')!
          .dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
      }, times);
    // Many of it take long enough to be stopped.
    await dropIt(9);
    await page.getByText(/^\d+(\.\d)? MB of 450 MB/).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await chooser(page).waitFor();

    await dropIt(1);
    await page.getByText(/^\d+(\.\d)? MB of 50 MB/).waitFor();
    await using(page).waitFor({ timeout: 60_000 });
    await page.getByText('Found: Spotify').waitFor();
    await page.getByText('500 of 500 chosen').waitFor();
    expect(await page.locator('.import-artists li').count()).toBe(30);
    await page.getByRole('button', { name: 'Show all 500' }).click();
    await expect.poll(() => page.locator('.import-artists li').count()).toBe(500);
  });

  it('is not broken by hostile files, and takes the next one at once', async () => {
    const page = await open();
    const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const listening = 'Low,1\n'.repeat(500);
    const wrong: readonly (readonly [Payload, string | RegExp])[] = [
      [payload('empty.csv', ''), 'empty.csv is empty.'],
      [payload('photo.json', png), 'photo.json is a picture, not listening as JSON or CSV.'],
      [payload('broken.json', '[{"topartists":'), 'broken.json: ends within record 1: it was cut short.'],
      [payload('cut.gz', gzipped(listening).subarray(0, 40)), /cut\.gz cannot be unpacked: it is damaged/],
      [
        payload('cut.zip', zipped({ 'a.csv': listening }).subarray(0, 60)),
        /cut\.zip cannot be unpacked: it is damaged/,
      ],
      [
        payload('nested.zip', zipped({ 'a.json': zipped({ 'b.csv': listening }) })),
        /nested\.zip\/a\.json is an archive in an archive/,
      ],
      [payload('zeros.zip', bomb('a.json', { text: '\0', bytes: 1e9 })), /zeros\.zip\/a\.json is not a text/],
      [payload('rows.zip', bomb('a.csv', { text: 'Low,1\n', bytes: 1e9 })), /more than 3,000,000 rows/],
      [payload('<img src=x onerror=alert(1)>.csv', ''), '<img src=x onerror=alert(1)>.csv is empty.'],
    ];
    for (const [file, message] of wrong) {
      await choose(page, file);
      await page.getByRole('alert').getByText(message).waitFor({ timeout: 40_000 });
    }
    await expectAccessible(page);
    await shoot(page, 'import-failed-1280-light');
    // A folder, as browsers hand it over.
    await page.locator('main').evaluate((main) => {
      const event = new Event('drop', { bubbles: true, cancelable: true });
      const folder = { webkitGetAsEntry: () => ({ name: 'Music', isDirectory: true }) };
      main.dispatchEvent(
        Object.assign(event, {
          dataTransfer: { types: ['Files'], items: [folder], files: [new File([], 'Music')] },
        }),
      );
    });
    await page.getByRole('alert').getByText('Music is a folder').waitFor();
    await choose(page, payload('good.csv', listening));
    await page.getByText('Found: CSV').waitFor();
  });

  it('shows names of any kind as they are, and runs nothing', async () => {
    const page = await open({ width: 390 });
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs++;
      void dialog.dismiss();
    });
    const names = [
      '<img src=x onerror=alert(1)>',
      '<script>alert(1)</script>',
      '\u202egnirts desrever a',
      'n'.repeat(500),
      'x'.repeat(10_000),
      'Z\u0351\u0363\u0357\u0366a\u034b\u036dl\u030d\u0345g\u0323\u0345o',
    ];
    const rows = names.map((artist, i) => ({ artist, name: 'A', date: { uts: String(1_714_564_800 + i) } }));
    await choose(page, payload(`${'f'.repeat(200)}.json`, json(rows)));
    await page.getByText('5 of 5 chosen').waitFor();
    await artist(page, '<img src=x onerror=alert(1)>').waitFor();
    expect(await page.locator('.import-artists').locator('img, script').count()).toBe(0);
    await page.getByText('1 row skipped: why').click();
    await page.getByText('has a name of more than 500 characters').waitFor();
    await expectNoSidewaysScroll(page);
    await shoot(page, 'import-hostile-390-light');
    await using(page).click();
    await expect.poll(() => new URL(page.url()).hash).toBe('#/');
    await page.getByRole('link', { name: 'Your history', exact: true }).click();
    await page.getByText('5 artists of an import').waitFor();
    await expectNoSidewaysScroll(page);
    expect(dialogs).toBe(0);
  });

  it('reads files while the API is out', async () => {
    const page = await open();
    await page.route(/\/(recommendations|artists|users|events|models|experiments)/, (route) => route.abort());
    await choose(page, payload('a.csv', 'Low,40\n'));
    await using(page).click();
    await expect.poll(() => new URL(page.url()).hash).toBe('#/');
    // Whatever the list can say of it: what was imported is kept.
    await page.getByRole('link', { name: 'Your history', exact: true }).click();
    await page.getByText('1 artist of an import').waitFor();
  });

  it.each([
    { width: 390, dark: false },
    { width: 390, dark: true },
    { width: 1280, dark: false },
    { width: 1280, dark: true },
  ] as const)('is accessible and fits: $width px, dark: $dark', async ({ width, dark }) => {
    const page = await open({ width, dark });
    const form = `${width}-${dark ? 'dark' : 'light'}`;
    for (const summary of await page.locator('main summary').all()) await summary.click();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await shoot(page, `import-${form}`);
    await choose(page, payload('endsong_0.json', ...spotifyHistory(400_000)));
    await using(page).waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await shoot(page, `import-read-${form}`);
  });
});
