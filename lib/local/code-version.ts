import { createHash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** A hash of everything that decides what a model is: 12 hexadecimal digits over the sources of core and the training function. */
export async function sourcesVersion(): Promise<string> {
  const files: string[] = [];
  for await (const file of glob('{layers/core/src,functions/train,functions/shared}/**/*.ts', {
    cwd: ROOT,
  })) {
    files.push(file);
  }
  const hash = createHash('sha256');
  for (const file of files.toSorted()) {
    // Separators differ between systems, the version may not.
    hash.update(file.replaceAll('\\', '/')).update('\0');
    hash.update(await readFile(join(ROOT, file))).update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}
