import * as oauth from 'oauth4webapi';
import { ApiProblem } from './api/client.ts';
import type { SignInConfig } from './config.ts';
import type { Person, SignIn, SignInState } from './sign-in.ts';

/** What signing in needs of a browser's window. */
export interface BrowserWindow {
  /** Where the page is, with all that the provider has sent back. */
  readonly address: string;
  /** Leaves the page. */
  readonly goTo: (address: string) => void;
  /** Says where the page is without loading it again. */
  readonly rename: (address: string) => void;
  /** What is kept until the provider sends back: of this window alone, as nobody else's answer is for it. */
  readonly kept: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  readonly fetch: (address: string, request: RequestInit) => Promise<Response>;
  readonly now: () => number;
}

/** What has to be known when the provider sends back. */
interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly scope: string;
  /** The view that was looked at. */
  readonly hash: string;
}

/** In memory alone: a token that is nowhere else cannot be read by what comes later. */
interface Tokens {
  readonly access: string;
  readonly expiresAt: number;
  readonly refresh: string | null;
  readonly id: string | null;
}

const KEY = 'encore.sign-in';
const PATIENCE_MS = 15_000;
/** A token that ends while a request is under way is of no use. */
const RENEW_BEFORE_MS = 30_000;
/** Clocks of people's devices differ. */
const CLOCK_TOLERANCE_S = 60;

const ENDED = 'You were signed in for as long as the sign-in service allows. Sign in again to go on.';

/**
 * Signs people in at an OpenID provider: authorization code with PKCE, as a client that has no secret. Finishes what was begun where the
 * provider has just sent somebody back.
 */
export function openSignIn(config: SignInConfig, window: BrowserWindow): SignIn {
  const client: oauth.Client = { client_id: config.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE_S };
  const redirectUri = pageAddress(window.address);
  const listeners = new Set<() => void>();
  let state: SignInState = { kind: 'out', problem: null };
  let tokens: Tokens | null = null;
  let renewal: Promise<string | null> | null = null;
  let known: Promise<oauth.AuthorizationServer> | null = null;

  const become = (next: SignInState): void => {
    state = next;
    for (const changed of listeners) changed();
  };
  const options = () => ({
    [oauth.customFetch]: (
      address: string,
      { body, ...request }: oauth.CustomFetchOptions<string, URLSearchParams | undefined>,
    ) => window.fetch(address, { ...request, body: body ?? null }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });

  /** The provider as it describes itself; asked once, and again where that failed. */
  const provider = (): Promise<oauth.AuthorizationServer> => {
    known ??= describe().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
  const describe = async (): Promise<oauth.AuthorizationServer> => {
    const issuer = new URL(config.issuer);
    const response = await oauth.discoveryRequest(issuer, { ...options(), algorithm: 'oidc' });
    return oauth.processDiscoveryResponse(issuer, response);
  };

  const begin = async (scope: string, hash: string): Promise<void> => {
    const { authorization_endpoint: endpoint } = await provider();
    if (endpoint === undefined) throw new Error('the provider has no authorization endpoint');
    const pending: Pending = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      scope,
      hash,
    };
    window.kept.setItem(KEY, JSON.stringify(pending));
    const address = new URL(endpoint);
    for (const [name, value] of Object.entries({
      response_type: 'code',
      client_id: config.clientId,
      redirect_uri: redirectUri,
      scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
    })) {
      address.searchParams.set(name, value);
    }
    window.goTo(address.href);
  };

  const finish = async (answer: URLSearchParams, pending: Pending): Promise<Person> => {
    const server = await provider();
    const parameters = oauth.validateAuthResponse(server, client, answer, pending.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      redirectUri,
      pending.verifier,
      options(),
    );
    // It comes from the provider itself over TLS, which stands for its signature (OpenID Connect Core 1.0, 3.1.3.7).
    const granted = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: pending.nonce,
      requireIdToken: true,
    });
    tokens = tokensOf(granted, null, window.now());
    return personOf(granted.access_token, oauth.getValidatedIdTokenClaims(granted)!);
  };

  const comeBack = async (answer: URLSearchParams): Promise<void> => {
    const pending = readPending(window.kept.getItem(KEY));
    window.kept.removeItem(KEY);
    // Neither the code nor its failure is for the history or for whoever copies the address.
    window.rename(`${redirectUri}${pending?.hash ?? ''}`);
    if (pending === null) {
      become({ kind: 'out', problem: 'That sign-in was not begun in this window, or was finished before.' });
      return;
    }
    become({ kind: 'busy' });
    try {
      become({ kind: 'in', person: await finish(answer, pending) });
    } catch (error) {
      if (isScopeRefused(error) && pending.scope !== 'openid') {
        // A client that may not ask for the scope of those who run the service: everybody else's sign-in does without.
        await leave('openid', pending.hash);
      } else become({ kind: 'out', problem: saySignInProblem(error) });
    }
  };

  const leave = async (scope: string, hash: string): Promise<void> => {
    become({ kind: 'busy' });
    try {
      await begin(scope, hash);
      // Whoever comes back by the browser's own button finds the page as it was.
      become({ kind: 'out', problem: null });
    } catch (error) {
      become({ kind: 'out', problem: saySignInProblem(error) });
    }
  };

  const renew = async (): Promise<string | null> => {
    const { access, refresh, expiresAt } = tokens!;
    try {
      if (refresh === null) throw new SignedOutError();
      const server = await provider();
      const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, options());
      const granted = await oauth.processRefreshTokenResponse(server, client, response);
      if (tokens === null) return null;
      tokens = tokensOf(granted, tokens, window.now());
      return tokens.access;
    } catch (error) {
      if (expiresAt > window.now()) return access;
      if (!(error instanceof SignedOutError || error instanceof oauth.ResponseBodyError)) throw error;
      tokens = null;
      become({ kind: 'out', problem: ENDED });
      return null;
    }
  };

  const { searchParams: answer } = new URL(window.address);
  if (answer.has('state') && (answer.has('code') || answer.has('error'))) void comeBack(answer);

  return {
    state: () => state,
    subscribe: (changed) => {
      listeners.add(changed);
      return () => void listeners.delete(changed);
    },
    start: (hash) => leave(`openid ${config.adminScope}`, hash),
    end: async () => {
      const { refresh = null, id = null } = tokens ?? {};
      tokens = null;
      become({ kind: 'out', problem: null });
      const server = await provider().catch(() => null);
      if (server?.revocation_endpoint !== undefined && refresh !== null) {
        // What cannot be revoked now ends by itself.
        await oauth
          .revocationRequest(server, client, oauth.None(), refresh, options())
          .catch(() => undefined);
      }
      if (server?.end_session_endpoint !== undefined) {
        window.goTo(signOutAddress(server.end_session_endpoint, { config, redirectUri, idToken: id }));
      }
    },
    accessToken: async () => {
      if (tokens === null) return null;
      if (tokens.expiresAt - RENEW_BEFORE_MS > window.now()) return tokens.access;
      renewal ??= renew().finally(() => (renewal = null));
      return renewal.catch((cause: unknown) => {
        throw new ApiProblem(0, 'UNREACHABLE', 'The sign-in service does not answer.', { cause });
      });
    },
  };
}

/** There is no way to go on but to sign in again. */
class SignedOutError extends Error {
  override readonly name = 'SignedOutError';
}

/** What the provider sends people back to: where the page is, whatever it shows. */
export function pageAddress(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}

/** Where people end their session at the provider, and not only here. */
export function signOutAddress(
  endpoint: string,
  from: { readonly config: SignInConfig; readonly redirectUri: string; readonly idToken: string | null },
): string {
  const address = new URL(endpoint);
  const parameters = {
    client_id: from.config.clientId,
    post_logout_redirect_uri: from.redirectUri,
    // Cognito's name for it.
    logout_uri: from.redirectUri,
    ...(from.idToken === null ? {} : { id_token_hint: from.idToken }),
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return address.href;
}

/** Why nobody is signed in, for whoever wanted to be. What the provider wrote is not shown: it may be anybody's text. */
function saySignInProblem(error: unknown): string {
  if (error instanceof oauth.AuthorizationResponseError) {
    return error.error === 'access_denied'
      ? 'You were not signed in: it was cancelled, or you may not use this page.'
      : `The sign-in service refused (${codeOf(error.error)}). Whoever runs this page should know of it.`;
  }
  if (error instanceof oauth.ResponseBodyError) {
    return `The sign-in service did not accept its own answer (${codeOf(error.error)}). Try again.`;
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    return 'The answer of the sign-in service is not for what this window asked. Nobody was signed in. Try again.';
  }
  // `fetch` says so of a network that is gone, and of an answer that may not be read.
  if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) {
    return 'The sign-in service does not answer. Try again in a little while.';
  }
  return 'Signing in failed in this browser. Try again, in a window that may keep data.';
}

/** An error's code (RFC 6749, 4.1.2.1), or that it is none. */
function codeOf(error: string): string {
  return /^[a-z_]{1,40}$/.test(error) ? error : 'unknown';
}

function isScopeRefused(error: unknown): boolean {
  if (!(error instanceof oauth.AuthorizationResponseError)) return false;
  const { error: code, error_description: description } = error;
  // Cognito says it in the description alone.
  return code === 'invalid_scope' || (code === 'invalid_request' && description === 'invalid_scope');
}

function tokensOf(granted: oauth.TokenEndpointResponse, before: Tokens | null, now: number): Tokens {
  const { access_token: access, expires_in: seconds, refresh_token: refresh, id_token: id } = granted;
  return {
    access,
    // Of one that does not say when it ends it is found out by what the API says.
    expiresAt: seconds === undefined ? Number.POSITIVE_INFINITY : now + seconds * 1_000,
    refresh: refresh ?? before?.refresh ?? null,
    id: id ?? before?.id ?? null,
  };
}

/** Who it is: to the API by the subject of the access token, which is all it sees; to people by whatever name there is. */
export function personOf(accessToken: string, claims: oauth.IDToken): Person {
  const names = [claims['name'], claims['preferred_username'], claims['email']];
  return {
    id: subjectOf(accessToken) ?? claims.sub,
    name: names.find((name): name is string => typeof name === 'string' && name.trim() !== '') ?? claims.sub,
  };
}

/** `sub` of a token that is a JWT, as those have to be that API Gateway takes; some providers name people otherwise in ID tokens. */
function subjectOf(token: string): string | null {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const { sub }: { sub?: unknown } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === 'string' ? sub : null;
  } catch {
    return null;
  }
}

function readPending(text: string | null): Pending | null {
  try {
    const found: Partial<Pending> | null = JSON.parse(text ?? 'null');
    const isWhole =
      found !== null &&
      [found.state, found.nonce, found.verifier, found.scope, found.hash].every(
        (value) => typeof value === 'string',
      );
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its fields were just looked at
    return isWhole ? (found as Pending) : null;
  } catch {
    return null;
  }
}
