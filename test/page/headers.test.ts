import { describe, expect, it } from 'vitest';
import { cacheControl, contentSecurityPolicy, PAGE_HEADERS } from '../../lib/page/headers.ts';

/** Written out: whoever loosens it does so twice. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

describe('what browsers are told of the page', () => {
  it('is that it loads itself and nothing else', () => {
    expect(contentSecurityPolicy([])).toBe(POLICY);
  });

  it('lets it ask whoever signs people in, and no more', () => {
    expect(contentSecurityPolicy(['https://login.example.org', 'https://tokens.example.org'])).toBe(
      POLICY.replace(
        "connect-src 'self'",
        "connect-src 'self' https://login.example.org https://tokens.example.org",
      ),
    );
  });

  it('is that nothing of it is guessed at, framed or told of to others', () => {
    expect(PAGE_HEADERS).toEqual({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    });
  });

  it('is to keep for good what has its content in its name, and to ask for all else each time', () => {
    expect(cacheControl('assets/index-Dm4MtPCq.js')).toBe('public, max-age=31536000, immutable');
    for (const name of ['index.html', 'config.json', 'icon.svg']) expect(cacheControl(name)).toBe('no-cache');
  });
});
