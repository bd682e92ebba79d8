import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a build left behind. */
export interface BuiltFolder {
  readonly folder: string;
  /** SHA-256 over the names and bytes of all its files, hexadecimal: equal for equal sources on every machine. */
  readonly hash: string;
  /** The source files that went into each output file, both relative, the sources' paths to the checkout. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
}

/** Hashes a folder's files, in the order of their names: SHA-256, hexadecimal. */
export function hashFolder(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    // Separators differ between systems, the hash may not.
    .map((name) => name.replaceAll('\\', '/'))
    .toSorted();
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}
