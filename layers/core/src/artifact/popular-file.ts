import { recommend } from '../recommend.ts';
import { POPULAR_LENGTH } from './model-tensors.ts';
import type { ServingModel } from './serving-model.ts';

/** Writes `models/popular.json`: the list for everybody, and the version that it was made of. */
export function encodePopularFile(model: ServingModel, modelVersion: string): Uint8Array {
  const { recommendations } = recommend(model, undefined, { n: POPULAR_LENGTH });
  return new TextEncoder().encode(JSON.stringify({ modelVersion, recommendations }));
}
