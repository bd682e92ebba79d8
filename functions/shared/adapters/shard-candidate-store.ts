import {
  decodeCandidateShard,
  decodeManifest,
  EncoreError,
  MANIFEST_FILE,
  shardPath,
  versionKey,
  type CandidateStore,
  type ModelStore,
} from '@encore/core/train';

/**
 * Candidates out of a version's own `candidates/` files, for models without a database beside them.
 *
 * Writing does nothing: those files already hold the same records. A version is read whole when first asked for, and
 * the last one read is kept.
 *
 * Reading throws `ARTIFACT_INCOMPATIBLE` where a file that the version's manifest counts is missing or damaged.
 */
export function createShardCandidateStore(store: ModelStore): CandidateStore {
  let loaded: {
    readonly version: string;
    readonly records: Promise<ReadonlyMap<string, Uint8Array>>;
  } | null = null;
  return {
    write: (_version, records, { onWritten }) => {
      onWritten?.(records.length);
      return Promise.resolve(records.length);
    },
    read: async (userId, version) => {
      if (loaded?.version !== version) loaded = { version, records: readShards(store, version) };
      const reading = loaded;
      try {
        return (await reading.records).get(userId)?.slice();
      } catch (error) {
        // A failure is not worth keeping: the next request tries again.
        if (loaded === reading) loaded = null;
        throw error;
      }
    },
  };
}

async function readShards(store: ModelStore, version: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const manifest = await store.get(versionKey(version, MANIFEST_FILE));
  const records = new Map<string, Uint8Array>();
  if (manifest === undefined) return records;
  const { shards } = decodeManifest(manifest.body).candidates;
  for (let i = 0; i < shards; i++) {
    const shard = await store.get(versionKey(version, shardPath(i)));
    if (shard === undefined) {
      // Its listeners are not unknown: their lists are lost.
      throw new EncoreError('ARTIFACT_INCOMPATIBLE', `model version ${version} lacks ${shardPath(i)}`, {
        version,
        file: shardPath(i),
      });
    }
    for (const { userId, record } of decodeCandidateShard(shard.body)) records.set(userId, record);
  }
  return records;
}
