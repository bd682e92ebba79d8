/**
 * What a page of another origin may do where that is configured at all, in the cloud and on one machine alike.
 *
 * Callers are known by a header that a page's script sets itself, never by cookies: no credentials are allowed, and `*` is possible.
 */
export const CORS_RULES = {
  methods: ['GET', 'POST', 'PUT', 'DELETE'],
  requestHeaders: ['authorization', 'content-type', 'if-none-match', 'x-correlation-id'],
  /** Answer headers that a page's script may read besides the few that it always may. */
  exposedHeaders: ['etag', 'retry-after', 'x-correlation-id'],
  /** How long a browser may remember the answer to its preflight. */
  maxAgeSeconds: 3_600,
} as const;

/** What {@link parseOrigins} allows, for messages. */
export const ALLOWED_ORIGINS =
  '* or a comma-separated list of origins such as https://example.org or http://localhost:8080, without a path';

/**
 * Reads a list of origins; empty text is none.
 *
 * @returns `undefined` where it is no such list.
 */
export function parseOrigins(text: string): readonly string[] | undefined {
  const origins = text
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  if (origins.includes('*')) return origins.length === 1 ? origins : undefined;
  return origins.every(isOrigin) ? [...new Set(origins)] : undefined;
}

/** Whether a text is an origin exactly as a browser sends it: scheme and host in lower case, no default port, no slash at the end. */
function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
