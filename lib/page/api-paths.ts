import type { RouteName } from '../../functions/routes.ts';

/**
 * CloudFront's patterns of all that the API answers, `/artists` and `/artists/*`: every other path is the page's. Made from the first
 * segments, so that a new route below one needs no new pattern, and one with another cannot be forgotten.
 */
export function apiPathPatterns(routes: readonly Pick<RouteName, 'path'>[]): readonly string[] {
  const patterns = routes.map(({ path }) => {
    const [, first, ...rest] = path.split('/');
    return rest.length === 0 ? `/${first}` : `/${first}/*`;
  });
  return [...new Set(patterns)];
}
