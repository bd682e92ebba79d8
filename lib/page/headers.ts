/** What browsers are told with every file of the page, in the cloud and on one machine alike. */

/**
 * The page loads itself and nothing else: no inline script or style, no other origin, in nobody's frame.
 *
 * @param signInOrigins - What the page asks for tokens, where people sign in: an OpenID provider may have its description at one origin
 *   and its tokens at another.
 */
export function contentSecurityPolicy(signInOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // Pico draws its arrows and ticks from data.
    "img-src 'self' data:",
    ["connect-src 'self'", ...signInOrigins].join(' '),
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
