/** What browsers are told with every file of the page, in the cloud and on one machine alike. */

/**
 * The page loads itself and nothing else: no inline script or style, no other origin, in nobody's frame.
 *
 * @param issuer - Where people sign in, where they do: the page asks it for tokens.
 */
export function contentSecurityPolicy(issuer: string | null): string {
  const origins = issuer === null ? '' : ` ${new URL(issuer).origin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // Pico draws its arrows and ticks from data.
    "img-src 'self' data:",
    `connect-src 'self'${origins}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Headers besides the policy that say the same of every file. */
export const PAGE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
} as const;

/** How long a file may be kept: those with a hash of their content in the name for good, the others for no request. */
export function cacheControl(path: string): string {
  return path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
}
