/**
 * The serving entry of @encore/core: what a request needs. It never loads training code.
 *
 * @module
 */
export { EncoreError, isEncoreError, type EncoreErrorCode } from './errors.ts';
export type * from './ports.ts';
export { EVENT_TYPES } from './ports.ts';
export {
  recommend,
  type InterleaveOptions,
  type Recommendation,
  type RecommendationSource,
  type RecommendedList,
  type RecommendOptions,
} from './recommend.ts';
export { openRecord, type OpenRecord } from './listing/open-record.ts';
export { recentListening, type RecentListening } from './listing/recent-listening.ts';
export { artistsById, catalogueOf } from './listing/model-indices.ts';
export { RANKERS, type RankerName } from './rank/variants.ts';
export {
  describeExplanation,
  explain,
  type ContributionGroup,
  type Explanation,
  type ExplainOptions,
  type GroupContribution,
} from './explain.ts';
export {
  assignVariant,
  DEFAULT_EXPERIMENT,
  fnv32a,
  validateExperiment,
  type Assignment,
  type Experiment,
  type ExperimentRevision,
} from './experiment/assign-variant.ts';
export { loadServingModel, type ServingFiles, type ServingModel } from './artifact/serving-model.ts';
export {
  CATALOG_FILE,
  decodeManifest,
  MANIFEST_FILE,
  MODEL_FILE,
  type Manifest,
} from './artifact/manifest.ts';
export { POPULAR_KEY, readPointer, versionKey, type Pointer } from './publish/pointer.ts';
export { foldIn } from './fold-in/fold-in.ts';
export { withHeard } from './fold-in/with-heard.ts';
export { refreshRecord } from './fold-in/refresh-record.ts';
export { loadFoldIn, type FoldInModel } from './fold-in/fold-in-model.ts';
export { createArtistIndex, resolveArtists } from './fold-in/resolve-artists.ts';
export { createHistory } from './scoring/history.ts';
export { createArtistCatalogue, type ArtistCatalogue } from './catalogue/artist-catalogue.ts';
export { createArtistFilter, type ArtistFilterOptions } from './catalogue/artist-filter.ts';
