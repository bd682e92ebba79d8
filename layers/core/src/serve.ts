/**
 * The serving entry of @encore/core: what a request needs. It never loads training code.
 *
 * @module
 */
export { EncoreError, isEncoreError, type EncoreErrorCode } from './errors.ts';
export type * from './ports.ts';
export { recommend, type Recommendation, type RecommendedList } from './recommend.ts';
export {
  assignVariant,
  DEFAULT_EXPERIMENT,
  fnv32a,
  type Assignment,
  type Experiment,
} from './experiment/assign-variant.ts';
export { loadServingModel, type ServingFiles, type ServingModel } from './artifact/serving-model.ts';
export { decodeManifest, MANIFEST_FILE, type Manifest } from './artifact/manifest.ts';
export { readPointer, type Pointer } from './publish/pointer.ts';
