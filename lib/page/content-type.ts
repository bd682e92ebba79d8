import { extname } from 'node:path';

/** Of each kind of file that the page is made of. */
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * What a browser is told that a file is. It may not guess (`nosniff`): a script of no type would not run.
 *
 * @throws Error where it is not known: whoever adds a kind of file adds its type here.
 */
export function contentType(name: string): string {
  const type = TYPES[extname(name)];
  if (type === undefined) {
    throw new Error(`${name} has no content type: known are ${Object.keys(TYPES).join(', ')}`);
  }
  return type;
}
