import type { AuthMode } from '../../functions/routes.ts';

/**
 * What the page has to know of where it is served, from `config.json` beside it. The API is at the page's own origin.
 */
export interface PageConfig {
  /** How callers are known; `iam` has no page. */
  readonly auth: Exclude<AuthMode, 'iam'>;
  /** Where people sign in; of `jwt` alone. */
  readonly signIn?: SignInConfig;
}

/** An OpenID provider, and the page as it knows it. */
export interface SignInConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Asked for beside `openid`: what whoever runs the service needs. */
  readonly adminScope: string;
}

/** @throws Error where there is none, or it is no JSON. */
export async function loadConfig(): Promise<PageConfig> {
  const response = await fetch('./config.json');
  if (!response.ok) throw new Error(`config.json answers ${response.status}`);
  const config: PageConfig = await response.json();
  return config;
}
