import { beforeEach, describe, expect, it } from 'vitest';
import { openSignIn, pageAddress, personOf, signOutAddress } from '../../web/src/auth.ts';
import type { SignIn, SignInState } from '../../web/src/sign-in.ts';
import { ADA, createProvider, ISSUER, type Provider } from './sign-in-provider.ts';

const PAGE = 'https://music.example.org/';
const CONFIG = { issuer: ISSUER, clientId: 'page', adminScope: 'encore/admin' };

let provider: Provider;
/** What a window keeps over the way to the provider and back. */
let kept: Map<string, string>;
let nowMs: number;
let isOffline: boolean;

beforeEach(() => {
  provider = createProvider(CONFIG.clientId);
  kept = new Map();
  nowMs = Date.now();
  isOffline = false;
});

/** The page as it is loaded at an address. */
function load(address: string): {
  readonly signIn: SignIn;
  readonly went: string[];
  readonly renamed: string[];
} {
  const went: string[] = [];
  const renamed: string[] = [];
  const signIn = openSignIn(CONFIG, {
    address,
    goTo: (to) => void went.push(to),
    rename: (to) => void renamed.push(to),
    kept: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
    fetch: (to, request) =>
      isOffline
        ? Promise.reject(new TypeError('Failed to fetch'))
        : provider.answer(new Request(to, request)),
    now: () => nowMs,
  });
  return { signIn, went, renamed };
}

/** What signing in ends with. */
async function settled({ state, subscribe }: SignIn): Promise<SignInState> {
  while (state().kind === 'busy') {
    await new Promise<void>((resolve) => {
      const stop = subscribe(() => (stop(), resolve()));
    });
  }
  return state();
}

/** Goes to the provider; where a link of its page leads back to. */
async function follow(address: string, link: 'I am Ada' | 'Cancel'): Promise<string> {
  const text = await (await provider.answer(new Request(address))).text();
  const target = new RegExp(`href="([^"]*)">${link}<`).exec(text) ?? /url=([^"]*)"/.exec(text);
  return target![1]!.replaceAll('&amp;', '&');
}

async function beginAt(hash: string): Promise<string> {
  const { signIn, went } = load(`${PAGE}${hash}`);
  await signIn.start(hash);
  expect(went).toHaveLength(1);
  return went[0]!;
}

async function signedIn(): Promise<ReturnType<typeof load>> {
  const loaded = load(await follow(await beginAt('#/'), 'I am Ada'));
  expect(await settled(loaded.signIn)).toEqual({ kind: 'in', person: { id: ADA.sub, name: ADA.name } });
  return loaded;
}

const problemOf = (state: SignInState): string | null => (state.kind === 'out' ? state.problem : null);

describe('signing in', () => {
  it('asks for nothing until somebody wants to', () => {
    const { signIn } = load(PAGE);
    expect(signIn.state()).toEqual({ kind: 'out', problem: null });
    expect(provider.asked).toEqual([]);
  });

  it('asks for a code, by PKCE, for the scope of those who run the service too', async () => {
    const { origin, pathname, searchParams } = new URL(await beginAt('#/similar/1'));
    expect(`${origin}${pathname}`).toBe('https://login.example.org/authorize');
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: 'code',
      client_id: 'page',
      redirect_uri: PAGE,
      scope: 'openid encore/admin',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('knows who it is, goes back to the view, and leaves no code in the address or the window', async () => {
    const loaded = load(await follow(await beginAt('#/similar/1'), 'I am Ada'));
    expect(loaded.signIn.state()).toEqual({ kind: 'busy' });
    expect(loaded.renamed).toEqual([`${PAGE}#/similar/1`]);
    expect(await settled(loaded.signIn)).toEqual({
      kind: 'in',
      person: { id: 'ada-1', name: 'Ada Lovelace' },
    });
    expect(await loaded.signIn.accessToken()).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(kept.size).toBe(0);
  });

  it.each([
    ['as the standard says it', { error: 'invalid_scope' }],
    ['as Cognito says it', { error: 'invalid_request', error_description: 'invalid_scope' }],
  ])('asks again without a scope that the page may not have, %s', async (_, scopeRefusal) => {
    provider.change({ scopes: ['openid'], scopeRefusal });
    const { signIn, went } = load(await follow(await beginAt('#/model'), 'I am Ada'));
    await settled(signIn);
    expect(new URL(went[0]!).searchParams.get('scope')).toBe('openid');
    const loaded = load(await follow(went[0]!, 'I am Ada'));
    expect(await settled(loaded.signIn)).toMatchObject({ kind: 'in' });
    expect(loaded.renamed).toEqual([`${PAGE}#/model`]);
  });

  it('does not ask without end where not even that is allowed', async () => {
    provider.change({ scopes: [] });
    const first = load(await follow(await beginAt('#/'), 'I am Ada'));
    await settled(first.signIn);
    const second = load(await follow(first.went[0]!, 'I am Ada'));
    expect(problemOf(await settled(second.signIn))).toContain('refused (invalid_scope)');
    expect(second.went).toEqual([]);
  });
});

describe('what can go wrong', () => {
  it('is said where somebody does not want to', async () => {
    const { signIn } = load(await follow(await beginAt('#/'), 'Cancel'));
    expect(problemOf(await settled(signIn))).toContain('cancelled, or you may not use this page');
    expect(await signIn.accessToken()).toBeNull();
  });

  it('is an answer to what another window asked', async () => {
    const theirs = await follow(await beginAt('#/'), 'I am Ada');
    await beginAt('#/');
    const { signIn } = load(theirs);
    expect(problemOf(await settled(signIn))).toContain('not for what this window asked');
    expect(provider.asked).not.toContain('POST /token');
  });

  it('is an answer that nobody here asked for, or that was used before', async () => {
    const answer = await follow(await beginAt('#/'), 'I am Ada');
    await settled(load(answer).signIn);
    const { signIn, renamed } = load(answer);
    expect(problemOf(await settled(signIn))).toContain('not begun in this window');
    expect(renamed).toEqual([PAGE]);
    kept.set('encore.sign-in', '{"state":1}');
    expect(problemOf(await settled(load(answer).signIn))).toContain('not begun in this window');
  });

  it('is an ID token that was made for another sign-in', async () => {
    const answer = await follow(await beginAt('#/'), 'I am Ada');
    provider.change({ nonce: 'another' });
    const { signIn } = load(answer);
    expect(problemOf(await settled(signIn))).toContain('not for what this window asked');
    expect(await signIn.accessToken()).toBeNull();
  });

  it('is a code that the provider does not know any more', async () => {
    const answer = new URL(await follow(await beginAt('#/'), 'I am Ada'));
    answer.searchParams.set('code', 'other');
    expect(problemOf(await settled(load(answer.href).signIn))).toContain('(invalid_grant). Try again.');
  });

  it('is a provider that is away, which is asked again the next time', async () => {
    const { signIn, went } = load(PAGE);
    isOffline = true;
    await signIn.start('#/');
    expect(problemOf(signIn.state())).toContain('does not answer');
    isOffline = false;
    await signIn.start('#/');
    expect(went).toHaveLength(1);
  });

  it('is a window that keeps nothing', async () => {
    const { signIn, went } = load(PAGE);
    kept.set = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    await signIn.start('#/');
    expect(problemOf(signIn.state())).toContain('in a window that may keep data');
    expect(went).toEqual([]);
  });

  it('never shows what a link may have in it', async () => {
    const state = new URL(await beginAt('#/')).searchParams.get('state');
    const { signIn } = load(`${PAGE}?error=${encodeURIComponent('Call 555-0100 now!')}&state=${state}`);
    expect(problemOf(await settled(signIn))).toBe(
      'The sign-in service refused (unknown). Whoever runs this page should know of it.',
    );
  });
});

describe('staying signed in', () => {
  it('renews a token shortly before its end, once for all that ask', async () => {
    const { signIn } = await signedIn();
    const first = await signIn.accessToken();
    expect(await signIn.accessToken()).toBe(first);
    nowMs += 3_580_000;
    const [second, third] = await Promise.all([signIn.accessToken(), signIn.accessToken()]);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    expect(provider.asked.filter((asked) => asked === 'POST /token')).toHaveLength(2);
  });

  it('ends with the token where the provider renews none', async () => {
    provider.change({ refreshes: false });
    const { signIn } = await signedIn();
    const first = await signIn.accessToken();
    // Its last seconds are used up.
    nowMs += 3_580_000;
    expect(await signIn.accessToken()).toBe(first);
    nowMs += 30_000;
    expect(await signIn.accessToken()).toBeNull();
    expect(problemOf(signIn.state())).toContain('Sign in again to go on');
  });

  it('is not over because the network is', async () => {
    const { signIn } = await signedIn();
    nowMs += 4_000_000;
    isOffline = true;
    await expect(signIn.accessToken()).rejects.toMatchObject({ name: 'ApiProblem', status: 0 });
    expect(signIn.state().kind).toBe('in');
    isOffline = false;
    expect(await signIn.accessToken()).toMatch(/^ey/);
  });
});

describe('signing out', () => {
  it('forgets the tokens, has the provider forget them, and ends the session there', async () => {
    const { signIn, went } = await signedIn();
    await signIn.end();
    expect(signIn.state()).toEqual({ kind: 'out', problem: null });
    expect(await signIn.accessToken()).toBeNull();
    expect(provider.asked.at(-1)).toBe('POST /revoke');
    const { pathname, searchParams } = new URL(went.at(-1)!);
    expect([pathname, searchParams.get('post_logout_redirect_uri'), searchParams.get('client_id')]).toEqual([
      '/logout',
      PAGE,
      'page',
    ]);
    expect(searchParams.get('id_token_hint')).toMatch(/^ey/);
  });

  it('forgets them here where the provider is away', async () => {
    const { signIn } = await signedIn();
    isOffline = true;
    await signIn.end();
    expect(await signIn.accessToken()).toBeNull();
  });
});

/** A JWT that says so. */
const token = (payload: object): string =>
  `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`;

describe('addresses and names', () => {
  it('come back to where the page is, whatever it shows', () => {
    expect(pageAddress('https://music.example.org/encore/?code=1&state=2#/model')).toBe(
      'https://music.example.org/encore/',
    );
  });

  it('keep what a provider’s address already says', () => {
    const address = signOutAddress('https://login.example.org/out?tenant=1', {
      config: CONFIG,
      redirectUri: PAGE,
      idToken: null,
    });
    expect(Object.fromEntries(new URL(address).searchParams)).toEqual({
      tenant: '1',
      client_id: 'page',
      post_logout_redirect_uri: PAGE,
      logout_uri: PAGE,
    });
  });

  const claims = { iss: ISSUER, sub: 'id-token', aud: 'page', iat: 0, exp: 1 };

  it('take the subject that the API sees, and the best name there is', () => {
    expect(personOf(token({ sub: 'zoë' }), { ...claims, name: ' ', email: 'z@example.org' })).toEqual({
      id: 'zoë',
      name: 'z@example.org',
    });
    expect(personOf('opaque', claims)).toEqual({ id: 'id-token', name: 'id-token' });
    expect(personOf(token({ sub: 7 }), claims).id).toBe('id-token');
  });
});
