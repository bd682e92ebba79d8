import {
  CATALOG_FILE,
  decodeManifest,
  EncoreError,
  isEncoreError,
  loadFoldIn,
  loadServingModel,
  MANIFEST_FILE,
  MODEL_FILE,
  POPULAR_KEY,
  requireKnownFormat,
  versionKey,
  type FoldInModel,
  type ModelStore,
  type Recommendation,
  type ServingModel,
} from '@encore/core/serve';
import * as z from 'zod';

/** Read before it is known how much there is to read: what serving needs is meant to lie within. */
const FIRST_READ_BYTES = 4_194_304;

/**
 * Fetches and decodes a model version for serving, in one round trip to the store where the serving tensors are small
 * enough, else in two.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when a file is missing, damaged or of a newer format.
 */
export async function loadModel(store: ModelStore, version: string): Promise<ServingModel> {
  const read = async (file: string, end?: number): Promise<Uint8Array> => {
    const key = versionKey(version, file);
    const object = await store.get(key, end === undefined ? undefined : { start: 0, end });
    if (object !== undefined) return object.body;
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', `model version ${version} lacks ${file}`, { key });
  };
  const [manifest, tensors, catalog] = await Promise.all([
    read(MANIFEST_FILE),
    read(MODEL_FILE, FIRST_READ_BYTES),
    read(CATALOG_FILE),
  ]);
  const { servingBytes } = decodeManifest(manifest);
  return loadServingModel({
    tensors: servingBytes <= FIRST_READ_BYTES ? tensors : await read(MODEL_FILE, servingBytes),
    catalog,
  });
}

/**
 * Fetches and decodes what new listeners are folded in from: the whole of the version's tensors, so only on first need.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the file is missing, damaged, or of a version without them.
 */
export async function loadFoldInModel(store: ModelStore, version: string): Promise<FoldInModel> {
  const key = versionKey(version, MODEL_FILE);
  const object = await store.get(key);
  if (object !== undefined) return loadFoldIn(object.body);
  throw new EncoreError('ARTIFACT_INCOMPATIBLE', `model version ${version} lacks ${MODEL_FILE}`, { key });
}

/** The list for everybody, and the version it was made from. */
export interface PopularList {
  readonly modelVersion: string;
  readonly recommendations: readonly Recommendation[];
}

const POPULAR_FORMAT = 1;
/** Read before the rest: a newer format may have nothing else in common with this one. */
const anyFormat = z.object({ format: z.unknown().optional() });

const popularList: z.ZodType<PopularList> = z.object({
  modelVersion: z.string(),
  recommendations: z.array(
    z.object({
      artistId: z.string(),
      name: z.string(),
      score: z.number(),
      rank: z.number(),
      // A list published before items said so is as popular.
      source: z.literal('popular').default('popular'),
    }),
  ),
});

/**
 * Reads `models/popular.json`: what can be served while no model can be loaded.
 *
 * @returns `undefined` before the first version is published.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the object is no such list, or of a newer format.
 */
export async function readPopular(store: ModelStore): Promise<PopularList | undefined> {
  const object = await store.get(POPULAR_KEY);
  if (object === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(object.body));
    const { format } = anyFormat.parse(value);
    requireKnownFormat(POPULAR_KEY, format, POPULAR_FORMAT);
    return popularList.parse(value);
  } catch (cause) {
    if (isEncoreError(cause)) throw cause;
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', `${POPULAR_KEY} is no list of artists`, {}, { cause });
  }
}
