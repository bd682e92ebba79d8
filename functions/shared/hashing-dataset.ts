import { createHash, type Hash } from 'node:crypto';

import type { OpenFile } from '@encore/core/train';

/** A data set that remembers what was read of it. */
export interface HashingDataset {
  readonly open: OpenFile;
  /** SHA-256 over the names and the digests of the files read so far, 64 hexadecimal digits. */
  fingerprint(): string;
}

/** Hashes every file while it streams by: a fingerprint without reading anything twice. */
export function hashingDataset(open: OpenFile): HashingDataset {
  const hashes = new Map<string, Hash>();
  return {
    open: async (name) => {
      const chunks = await open(name);
      if (chunks === undefined) return undefined;
      const hash = createHash('sha256');
      hashes.set(name, hash);
      return (async function* () {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      })();
    },
    fingerprint: () => {
      const all = createHash('sha256');
      for (const name of [...hashes.keys()].toSorted())
        all.update(`${name}\0${hashes.get(name)!.copy().digest('hex')}\n`);
      return all.digest('hex');
    },
  };
}
