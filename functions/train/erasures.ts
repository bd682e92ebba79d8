import { createHash } from 'node:crypto';

import {
  EncoreError,
  isEncoreError,
  LISTENER_COLUMNS,
  openInMemory,
  withoutRowsOf,
  type ModelStore,
} from '@encore/core/train';

/** When a listener asked to be forgotten, epoch milliseconds; `undefined` for everybody else. */
export type Erased = (userId: string) => number | undefined;

/** The same, remembering what it was asked: every row and event asks, and each answer is a keyed hash. */
export function remembering(erased: Erased): Erased {
  const known = new Map<string, number | undefined>();
  return (userId) => {
    if (!known.has(userId)) known.set(userId, erased(userId));
    return known.get(userId);
  };
}

/** Times that somebody else may write a file between our reading and our writing of it. */
const ATTEMPTS = 5;

/**
 * Rewrites the files of a data set without the rows of listeners who were erased; files without such rows are left alone.
 *
 * Each file is replaced in one conditional write: a reader finds the old one or the new one, and an upload that came in between
 * is read again instead of being overwritten. Killed between two files, the next training does the rest.
 *
 * @param keyOf - The key of a file in `store`.
 * @returns How many rows are gone.
 * @throws EncoreError `STORE_UNAVAILABLE` when the store is, or when somebody keeps writing a file.
 */
export async function rewriteDataset(
  store: ModelStore,
  keyOf: (file: string) => string,
  erased: Erased,
): Promise<number> {
  let dropped = 0;
  for (const file of Object.keys(LISTENER_COLUMNS)) {
    dropped += await rewriteFile(store, { key: keyOf(file), file, erased });
  }
  return dropped;
}

async function rewriteFile(
  store: ModelStore,
  { key, file, erased }: { readonly key: string; readonly file: string; readonly erased: Erased },
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const found = await store.get(key);
    if (found === undefined) return 0;
    let dropped = 0;
    const open = withoutRowsOf(
      openInMemory({ [file]: found.body }),
      (userId) => erased(userId) !== undefined,
      () => dropped++,
    );
    const parts: Uint8Array[] = [];
    for await (const part of (await open(file)) ?? []) parts.push(part);
    if (
      dropped === 0 ||
      (await putUnlessChanged(store, key, { body: Buffer.concat(parts), etag: found.etag }))
    )
      return dropped;
    if (attempt === ATTEMPTS) throw contended(key);
  }
}

/** A conditional write whose lost answer counts as a refusal: who reads again finds out what became of it. */
export async function putUnlessChanged(
  store: ModelStore,
  key: string,
  { body, etag }: { readonly body: Uint8Array; readonly etag: string | null },
): Promise<boolean> {
  try {
    return await store.putIf(key, body, etag);
  } catch (error) {
    if (isEncoreError(error) && error.code === 'STORE_UNAVAILABLE') return false;
    throw error;
  }
}

export function contended(key: string): EncoreError {
  return new EncoreError(
    'STORE_UNAVAILABLE',
    `${key} could not be replaced in ${ATTEMPTS} attempts: it changed each time, or the store did not answer; expected one training at a time`,
    { key, attempts: ATTEMPTS },
  );
}

/** SHA-256 over texts, one after the other as if they were one; 64 hexadecimal digits. */
export function digestOf(texts: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  return hash.digest('hex');
}
