import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { buildPage } from '../../lib/build/build-page.ts';
import { closeServer, listenOnLoopback } from '../../lib/local/loopback.ts';
import { servePage } from '../../lib/local/page-files.ts';
import { apiPathPatterns } from '../../lib/page/api-paths.ts';
import { describePage, expectAccessible, expectNoSidewaysScroll, shoot } from './page-world.ts';
import { ADA, createProvider, ISSUER, type Provider } from './sign-in-provider.ts';

const PATTERNS = apiPathPatterns(ROUTES);
const isApi = (path: string): boolean =>
  PATTERNS.some((pattern) =>
    pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
  );

async function signIn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'I am Ada' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** What the page says of why nobody is signed in. */
async function problemOf(page: Page): Promise<string> {
  const problem = page.getByRole('alert').filter({ hasText: /./ });
  await problem.waitFor();
  return problem.innerText();
}

describePage('signing in', (world) => {
  let folder: string;
  let server: Server;
  let url: string;
  let provider: Provider;
  /** What requests to the API said of who asks. */
  let shown: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'encore-sign-in-'));
    await buildPage(folder);
    const page = servePage({
      folder,
      config: { auth: 'jwt', signIn: { issuer: ISSUER, clientId: 'page', adminScope: 'encore/admin' } },
    });
    // As CloudFront does: the API, or else the files.
    server = createServer((request, response) => {
      const path = request.url!.split('?')[0]!;
      if (isApi(path)) void forward(request, response);
      else page(request, response, () => response.writeHead(404).end());
    });
    url = `http://127.0.0.1:${await listenOnLoopback(server, 0)}`;
  });
  afterAll(async () => {
    await closeServer(server, 0);
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    provider = createProvider('page');
    shown = [];
  });

  /** API Gateway with an authorizer: who has no token is not let through. */
  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization = '' } = request.headers;
    shown.push(authorization);
    if (!authorization.startsWith('Bearer ey')) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"Unauthorized"}');
      return;
    }
    const body = Buffer.concat(await request.toArray());
    const answer = await fetch(`${world().url}${request.url}`, {
      method: request.method!,
      headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
      body: body.length === 0 ? null : body,
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  /** A window in which the provider can be reached. */
  async function open(options?: { readonly width?: 390 | 1280; readonly dark?: boolean }): Promise<Page> {
    const page = await world().newPage(options);
    await page.route(`${new URL(ISSUER).origin}/**`, async (route) => {
      const sent = route.request();
      const body = sent.postData();
      const answer = await provider.answer(
        new Request(sent.url(), { method: sent.method(), headers: sent.headers(), body }),
      );
      await route.fulfill({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: await answer.text(),
      });
    });
    await page.goto(`${url}/#/model`);
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    return page;
  }

  it('takes whoever opens the page to the provider and back to the view, as themselves', async () => {
    const page = await open();
    expect(shown).toEqual([]);
    await signIn(page);
    expect(page.url()).toBe(`${url}/#/model`);
    await page.getByText(ADA.name).waitFor();
    await page.getByRole('link', { name: 'Model', exact: true }).waitFor();
    await expect.poll(() => shown.length).toBeGreaterThan(0);
    expect(shown.filter((authorization) => !authorization.startsWith('Bearer ey'))).toEqual([]);
    const kept = await page.evaluate(() => [
      localStorage.getItem('encore.listening'),
      JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
    ]);
    expect(JSON.parse(kept[0]!)).toMatchObject({ own: { id: ADA.sub } });
    // No token is written down anywhere.
    expect(kept[1]).not.toMatch(/ey[\w-]+\.[\w-]+\./);
  });

  it('signs out here and at the provider', async () => {
    const page = await open();
    await signIn(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(provider.asked).toContain('POST /revoke');
  });

  it('works with the keyboard alone', async () => {
    const page = await open();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Sign in');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'I am Ada' }).waitFor();
  });

  it.each([false, true])(
    'says why somebody is not signed in, and lets them try again, dark: %s',
    async (dark) => {
      const page = await open({ dark });
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('link', { name: 'Cancel' }).click();
      expect(await problemOf(page)).toContain('You were not signed in');
      expect(page.url()).toBe(`${url}/#/model`);
      await expectAccessible(page);
      await shoot(page, `sign-in-refused-1280-${dark ? 'dark' : 'light'}`);
      await signIn(page);
    },
  );

  it('takes no answer that it did not ask for', async () => {
    const page = await open();
    await page.goto(`${url}/?code=theirs&state=theirs`);
    expect(await problemOf(page)).toContain('not begun in this window');
    expect(provider.asked).toEqual([]);
  });

  it('says that the provider is away', async () => {
    const page = await open();
    await page.route(ISSUER + '/**', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await problemOf(page)).toContain('The sign-in service does not answer');
    await page.unroute(ISSUER + '/**');
    await signIn(page);
  });

  it('says that it cannot start where it is told nothing of where it is', async () => {
    const page = await world().newPage();
    await page.route('**/config.json', (route) => route.fulfill({ status: 503 }));
    await page.goto(url);
    await page.getByRole('heading', { level: 1, name: 'Encore could not start' }).waitFor();
    await expectAccessible(page);
    await page.unroute('**/config.json');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  });

  it.each([
    [390, false],
    [390, true],
    [1280, false],
    [1280, true],
  ] as const)('can be used at a width of %i px, dark: %s', async (width, dark) => {
    const page = await open({ width, dark });
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await shoot(page, `sign-in-${width}-${dark ? 'dark' : 'light'}`);
    await signIn(page);
    await expectNoSidewaysScroll(page);
    const header = page.getByRole('banner');
    await header.getByText(ADA.name).waitFor();
    expect(await header.getByRole('button', { name: 'Sign out' }).isVisible()).toBe(true);
    await shoot(page, `sign-in-done-${width}-${dark ? 'dark' : 'light'}`);
  });

  it('is loaded where somebody has to sign in, and nowhere else', async () => {
    const loads = async (address: string, until: string): Promise<boolean> => {
      const page = await world().newPage();
      const scripts: Promise<string>[] = [];
      page.on('response', (response) => {
        if (new URL(response.url()).pathname.endsWith('.js')) scripts.push(response.text());
      });
      await page.goto(address);
      await page.getByText(until).first().waitFor();
      // What only signing in has to say to a provider.
      return (await Promise.all(scripts)).some((script) => script.includes('code_challenge_method'));
    };
    expect(await loads(url, 'Sign in to hear what comes next')).toBe(true);
    expect(await loads(world().url, 'What to hear next')).toBe(false);
  });

  it('shows nobody what somebody else has named on this machine, or what cannot be read', async () => {
    const known = { own: { id: 'bob', artists: [{ id: '1', name: 'Of Bob' }], imported: [] }, known: '17' };
    for (const kept of [JSON.stringify(known), '{"own":1}', 'no JSON']) {
      const page = await open();
      await page.evaluate((text) => localStorage.setItem('encore.listening', text), kept);
      await signIn(page);
      await page.getByRole('link', { name: 'Listen', exact: true }).click();
      await page.getByRole('heading', { name: 'What to hear next' }).waitFor();
      await page.getByText('Name a few artists that you like').waitFor();
      expect(await page.getByText('Of Bob').count()).toBe(0);
    }
  });
});
