import type { IncomingMessage, ServerResponse } from 'node:http';
import sirv from 'sirv';
import type { PageConfig } from '../../web/src/config.ts';
import { cacheControl, contentSecurityPolicy, PAGE_HEADERS } from '../page/headers.ts';

/** Answers with a file of the page, or calls `next` where there is none. */
export type PageFiles = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/**
 * The built page over HTTP, as CloudFront gives it: the same headers, and `config.json` beside the files.
 *
 * @param options.folder - The built page.
 * @param options.config - What the page is told of where it is served; the policy lets it ask whoever signs people in.
 */
export function servePage(options: { readonly folder: string; readonly config: PageConfig }): PageFiles {
  const { signIn } = options.config;
  const headers = [
    ...Object.entries(PAGE_HEADERS),
    [
      'content-security-policy',
      contentSecurityPolicy(signIn === undefined ? [] : [new URL(signIn.issuer).origin]),
    ],
  ] as const;
  const config = JSON.stringify(options.config);
  const files = sirv(options.folder, {
    etag: true,
    setHeaders: (response, pathname) => {
      for (const [header, value] of headers) response.setHeader(header, value);
      response.setHeader('cache-control', cacheControl(pathname.slice(1)));
    },
  });
  return (request, response, next) => {
    if (request.url !== '/config.json') return files(request, response, next);
    response.writeHead(200, {
      ...Object.fromEntries(headers),
      'cache-control': cacheControl('config.json'),
      'content-type': 'application/json',
    });
    response.end(request.method === 'HEAD' ? undefined : config);
    return undefined;
  };
}
