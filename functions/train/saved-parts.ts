import {
  CATALOG_FILE,
  decodeCandidateShard,
  decodeCatalog,
  decodeManifest,
  decodeModelFile,
  EncoreError,
  isEncoreError,
  MANIFEST_FILE,
  MODEL_FILE,
  parseParameters,
  parseSpace,
  parseTerms,
  readPointer,
  readRanker,
  readSvdTables,
  readVariants,
  shardPath,
  versionKey,
  type Dataset,
  type Manifest,
  type ModelStore,
  type Reuse,
  type TrainOptions,
  type TrainParameters,
} from '@encore/core/train';

/** The manifest of the version that is served, `null` before the first. */
export async function currentManifest(store: ModelStore): Promise<Manifest | null> {
  const pointer = await readPointer(store);
  if (pointer === undefined) return null;
  const found = await store.get(versionKey(pointer.pointer.version, MANIFEST_FILE));
  return found === undefined ? null : decodeManifest(found.body);
}

/**
 * The same, `null` as well where this code cannot read it: what is damaged, or of a newer code, must not keep a model from
 * being trained.
 */
export async function readableManifest(store: ModelStore): Promise<Manifest | null> {
  try {
    return await currentManifest(store);
  } catch (error) {
    if (isEncoreError(error) && error.code === 'ARTIFACT_INCOMPATIBLE') return null;
    throw error;
  }
}

/**
 * The parts of the current model that a run takes over instead of training them (`reuseFactors`, `reuseRanker`).
 *
 * @throws {@link EncoreError} `REUSE_REFUSED` with the cause: there is no model, or its vocabularies or the parameters
 *   that the part depends on differ.
 */
export async function savedParts(
  store: ModelStore,
  dataset: Dataset,
  parameters: TrainParameters,
  options: Pick<TrainOptions, 'reuseFactors' | 'reuseRanker'>,
): Promise<Reuse> {
  const { reuseFactors = false, reuseRanker = false } = options;
  if (!reuseFactors && !reuseRanker) return { svd: null, ranker: null };
  const manifest = await currentManifest(store);
  if (manifest === null) throw refused('there is no current model to take them from', {});
  const saved = parseParameters(manifest.parameters);
  if (saved === null) throw refused(`version ${manifest.modelVersion} was trained by other code`, {});
  const file = await store.get(versionKey(manifest.modelVersion, MODEL_FILE));
  if (file === undefined) throw refused(`version ${manifest.modelVersion} lacks ${MODEL_FILE}`, {});
  const { tensors, metadata } = decodeModelFile(file.body);
  // Without the same draws a factor means something else, to the ranker too.
  requireSame('svd', saved.svd, parameters.svd);
  requireSame('randomState', saved.randomState, parameters.randomState);
  if (reuseFactors) await requireSameVocabularies(store, manifest, dataset);
  if (reuseRanker) {
    requireSame('preset', saved.preset, parameters.preset);
    requireSame('sources', saved.sources, parameters.sources);
    requireSame('tagSimilarity', saved.tagSimilarity, parameters.tagSimilarity);
    requireSame('maxFeatures', saved.maxFeatures, parameters.maxFeatures);
    requireSame('metric', saved.metric, parameters.metric);
    requireSame('ranker', saved.ranker, parameters.ranker);
  }
  // After the preset, which decides it and says more.
  requireSame('playScales', saved.playScales, parameters.playScales);
  const space = parseSpace(metadata['space']);
  return {
    svd: reuseFactors ? readSvdTables(tensors, space.nFactors) : null,
    ranker: reuseRanker
      ? {
          ranker: readRanker(tensors, space),
          variants: readVariants(tensors, space),
          terms: parseTerms(metadata['terms']),
        }
      : null,
  };
}

async function requireSameVocabularies(
  store: ModelStore,
  manifest: Manifest,
  dataset: Dataset,
): Promise<void> {
  const users: string[] = [];
  for (let i = 0; i < manifest.candidates.shards; i++) {
    const shard = await store.get(versionKey(manifest.modelVersion, shardPath(i)));
    if (shard === undefined) throw refused(`version ${manifest.modelVersion} lacks ${shardPath(i)}`, {});
    users.push(...decodeCandidateShard(shard.body).map(({ userId }) => userId));
  }
  const catalog = await store.get(versionKey(manifest.modelVersion, CATALOG_FILE));
  if (catalog === undefined) throw refused(`version ${manifest.modelVersion} lacks ${CATALOG_FILE}`, {});
  const { ids } = await decodeCatalog(catalog.body);
  requireSameIds('listeners', users, dataset.users.ids);
  requireSameIds('artists', ids, dataset.artists.ids);
}

function requireSameIds(what: string, saved: readonly string[], now: readonly string[]): void {
  if (saved.length === now.length && saved.every((id, i) => id === now[i])) return;
  throw refused(`its ${what} differ: ${saved.length} then, ${now.length} now`, { what });
}

function requireSame(field: string, saved: unknown, now: unknown): void {
  const [was, is] = [JSON.stringify(saved), JSON.stringify(now)];
  if (was !== is)
    throw refused(`${field} differs: ${was} then, ${is} now`, { field, found: saved, expected: now });
}

function refused(cause: string, details: Readonly<Record<string, unknown>>): EncoreError {
  return new EncoreError(
    'REUSE_REFUSED',
    `the current model's parts cannot be reused: ${cause}; train without reuseFactors and reuseRanker`,
    details,
  );
}
