import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';

/** Who can sign in at it. */
export const ADA = { sub: 'ada-1', name: 'Ada Lovelace' };

export const ISSUER = 'https://login.example.org/pool';
const AT = 'https://login.example.org';

/** What a test may have otherwise. */
export interface ProviderOptions {
  /** What the client may ask for. */
  readonly scopes: readonly string[];
  readonly tokenSeconds: number;
  readonly refreshes: boolean;
  /** What it writes into ID tokens in place of the nonce that was asked for. */
  readonly nonce: string | null;
  /** What it sends back where a scope is asked for that the client may not ask for. */
  readonly scopeRefusal: Readonly<Record<string, string>>;
}

/** A small OpenID provider without a network: requests in, answers out. It is as strict as one has to be with a client that has no secret. */
export interface Provider {
  readonly options: ProviderOptions;
  change(options: Partial<ProviderOptions>): void;
  /** Everything that it was asked, in order: `GET /authorize`. */
  readonly asked: readonly string[];
  answer(request: Request): Promise<Response>;
}

interface Grant {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly nonce: string;
  readonly challenge: string;
}

export function createProvider(clientId: string): Provider {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let options: ProviderOptions = {
    scopes: ['openid', 'encore/admin'],
    tokenSeconds: 3_600,
    refreshes: true,
    nonce: null,
    scopeRefusal: { error: 'invalid_scope' },
  };
  const codes = new Map<string, Grant>();
  const refreshTokens = new Map<string, Grant>();
  const asked: string[] = [];

  const sign = (claims: object): string => {
    const text = `${part({ alg: 'RS256', kid: 'key', typ: 'JWT' })}.${part(claims)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  };

  const grantTokens = (grant: Grant): Response => {
    const iat = Math.floor(Date.now() / 1_000);
    const common = { iss: ISSUER, sub: ADA.sub, iat, exp: iat + options.tokenSeconds };
    const refresh = randomUUID();
    if (options.refreshes) refreshTokens.set(refresh, grant);
    return json({
      token_type: 'Bearer',
      expires_in: options.tokenSeconds,
      access_token: sign({ ...common, client_id: grant.clientId, scope: grant.scope, jti: randomUUID() }),
      id_token: sign({ ...common, aud: grant.clientId, nonce: options.nonce ?? grant.nonce, name: ADA.name }),
      ...(options.refreshes ? { refresh_token: refresh } : {}),
    });
  };

  const authorize = (query: URLSearchParams): Response => {
    const redirectUri = query.get('redirect_uri')!;
    const sendBack = (answer: Record<string, string>): string =>
      `${redirectUri}?${new URLSearchParams({ ...answer, state: query.get('state')! })}`;
    const isPublicClient = query.get('response_type') === 'code' && query.get('client_id') === clientId;
    if (!isPublicClient || query.get('code_challenge_method') !== 'S256')
      return new Response(null, { status: 400 });
    const refused = query
      .get('scope')!
      .split(' ')
      .some((scope) => !options.scopes.includes(scope));
    if (refused)
      return page(`<meta http-equiv="refresh" content="0; url=${escape(sendBack(options.scopeRefusal))}">`);
    const code = randomUUID();
    codes.set(code, {
      clientId,
      redirectUri,
      scope: query.get('scope')!,
      nonce: query.get('nonce')!,
      challenge: query.get('code_challenge')!,
    });
    return page(
      `<a href="${escape(sendBack({ code }))}">I am Ada</a> <a href="${escape(sendBack({ error: 'access_denied' }))}">Cancel</a>`,
    );
  };

  const token = (form: URLSearchParams): Response => {
    if (form.get('grant_type') === 'refresh_token') {
      const refresh = form.get('refresh_token')!;
      const grant = refreshTokens.get(refresh);
      refreshTokens.delete(refresh);
      return grant === undefined ? json({ error: 'invalid_grant' }, 400) : grantTokens(grant);
    }
    const code = form.get('code')!;
    const grant = codes.get(code);
    codes.delete(code);
    const challenge = createHash('sha256').update(form.get('code_verifier')!).digest('base64url');
    const isTheirs =
      grant !== undefined &&
      grant.challenge === challenge &&
      grant.redirectUri === form.get('redirect_uri') &&
      grant.clientId === form.get('client_id');
    return isTheirs ? grantTokens(grant) : json({ error: 'invalid_grant' }, 400);
  };

  return {
    get options() {
      return options;
    },
    change: (changed) => {
      options = { ...options, ...changed };
    },
    asked,
    answer: async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      asked.push(`${request.method} ${pathname}`);
      switch (pathname) {
        case '/pool/.well-known/openid-configuration':
          return json({
            issuer: ISSUER,
            authorization_endpoint: `${AT}/authorize`,
            token_endpoint: `${AT}/token`,
            jwks_uri: `${AT}/jwks`,
            revocation_endpoint: `${AT}/revoke`,
            end_session_endpoint: `${AT}/logout`,
            response_types_supported: ['code'],
            id_token_signing_alg_values_supported: ['RS256'],
            subject_types_supported: ['public'],
          });
        case '/authorize':
          return authorize(searchParams);
        case '/token':
          return token(new URLSearchParams(await request.text()));
        case '/jwks':
          return json({
            keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' }],
          });
        case '/revoke':
          refreshTokens.delete(new URLSearchParams(await request.text()).get('token')!);
          return new Response(null, { status: 200, headers: CORS });
        case '/logout':
          return page(`<a href="${escape(searchParams.get('post_logout_redirect_uri')!)}">Back</a>`);
        default:
          return new Response(null, { status: 404, headers: CORS });
      }
    },
  };
}

/** A part of a JWT. */
function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const CORS = { 'access-control-allow-origin': '*' };

function json(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...CORS, 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

function page(content: string): Response {
  return new Response(`<!doctype html><html lang="en"><title>Provider</title>${content}</html>`, {
    headers: { 'content-type': 'text/html; charset=utf-8' },
  });
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}
