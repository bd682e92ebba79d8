import {
  decodeCandidateShard,
  decodeManifest,
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
      return (await loaded.records).get(userId);
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
    if (shard === undefined) continue;
    for (const { userId, record } of decodeCandidateShard(shard.body)) records.set(userId, record);
  }
  return records;
}
