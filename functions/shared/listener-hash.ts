import { createHmac, randomBytes } from 'node:crypto';
import { EncoreError, type ModelStore, type TombstoneStore } from '@encore/core/serve';

/** Where the key of the hashes lies, beside the models and apart from the tombstones. */
export const ERASURE_KEY = 'keys/erasure';
const KEY_BYTES = 32;

/**
 * What is kept of a listener who asked to be forgotten: HMAC-SHA256 of the id in UTF-8, 64 hexadecimal digits.
 *
 * Ids are few and short: without a key anybody could hash all of them and compare.
 */
export function listenerHash(userId: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(userId, 'utf8').digest('hex');
}

/**
 * The key of {@link listenerHash}, made on first need by a conditional write, so that of two who make one both use the
 * first.
 *
 * @throws EncoreError `STORE_UNAVAILABLE` when it can neither be read nor written; `ARTIFACT_INCOMPATIBLE` when the object has
 *   not 32 bytes.
 */
export async function ensureErasureKey(modelStore: ModelStore): Promise<Uint8Array> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const found = await readErasureKey(modelStore);
    if (found !== undefined) return found;
    await modelStore.putIf(ERASURE_KEY, randomBytes(KEY_BYTES), null);
  }
  throw new EncoreError('STORE_UNAVAILABLE', `${ERASURE_KEY} was written and cannot be read back`, {
    key: ERASURE_KEY,
  });
}

async function readErasureKey(modelStore: ModelStore): Promise<Uint8Array | undefined> {
  const object = await modelStore.get(ERASURE_KEY);
  if (object === undefined || object.body.length === KEY_BYTES) return object?.body;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `${ERASURE_KEY} has ${object.body.length} bytes; allowed: ${KEY_BYTES}`,
    { key: ERASURE_KEY },
  );
}

/**
 * Who was erased, for whoever reads or writes listeners' data in bulk.
 *
 * @returns When a listener was erased last, epoch milliseconds; `undefined` for anybody else.
 * @throws EncoreError as the stores do; `ARTIFACT_INCOMPATIBLE` when there are tombstones but no key to compare them with:
 *   going on would bring erased listeners back.
 */
export async function loadErasures(
  tombstones: Pick<TombstoneStore, 'list'>,
  modelStore: ModelStore,
): Promise<(userId: string) => number | undefined> {
  const erasedAt = await tombstones.list();
  if (erasedAt.size === 0) return () => undefined;
  const key = await readErasureKey(modelStore);
  if (key === undefined) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `there are ${erasedAt.size} tombstones but no ${ERASURE_KEY}: nobody can tell whose they are`,
      { key: ERASURE_KEY, tombstones: erasedAt.size },
    );
  }
  return (userId) => erasedAt.get(listenerHash(userId, key));
}
