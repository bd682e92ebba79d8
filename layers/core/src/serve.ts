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
export { parseVersion } from './artifact/model-version.ts';
export { recentListening, type RecentListening, type StoredListening } from './listing/recent-listening.ts';
export { oncePerObject } from './math/once-per-object.ts';
export { artistIndexOf, catalogueOf } from './listing/model-indices.ts';
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
  forceVariant,
  validateExperiment,
  type Assignment,
  type Experiment,
  type ExperimentRevision,
} from './experiment/assign-variant.ts';
export { chooseExperiment, overlappingExperiment } from './experiment/choose-experiment.ts';
export { isSameExperiment, restartsReadOut } from './experiment/compare-experiments.ts';
export { assignmentOfExposure, type Reproduction } from './experiment/assignment-of-exposure.ts';
export { draftCoin, teamDraft, type DraftedList } from './experiment/team-draft.ts';
export {
  createOutcomeCollector,
  type OutcomeCollector,
  type OutcomeOptions,
  type Outcomes,
} from './experiment/collect-outcomes.ts';
export {
  METRICS,
  readOut,
  type AdjustedLift,
  type InterleavingReadOut,
  type Metric,
  type MetricReadOut,
  type MultipleExposureCheck,
  type ReadOut,
  type ReadOutOptions,
  type SampleRatioCheck,
  type VariantReadOut,
} from './experiment/read-out.ts';
export type { Interval, IntervalEstimate, Lift } from './experiment/estimates.ts';
export { loadServingModel, type ServingFiles, type ServingModel } from './artifact/serving-model.ts';
export {
  CATALOG_FILE,
  decodeManifest,
  MANIFEST_FILE,
  MODEL_FILE,
  type Manifest,
} from './artifact/manifest.ts';
export { requireKnownFormat } from './artifact/format.ts';
export { POPULAR_KEY, readPointer, versionKey, type Pointer } from './publish/pointer.ts';
export { foldIn } from './fold-in/fold-in.ts';
export { withHeard } from './fold-in/with-heard.ts';
export { refreshRecord } from './fold-in/refresh-record.ts';
export { loadFoldIn, type FoldInModel } from './fold-in/fold-in-model.ts';
export { createArtistIndex, resolveArtists, type ArtistIndex } from './fold-in/resolve-artists.ts';
export { createHistory, withRecent } from './scoring/history.ts';
export { createArtistCatalogue, type ArtistCatalogue } from './catalogue/artist-catalogue.ts';
export { createArtistFilter, type ArtistFilterOptions } from './catalogue/artist-filter.ts';
export { createSearchIndex, searchArtists, type SearchIndex } from './catalogue/search-artists.ts';
export { eventId } from './events/event-id.ts';
export { eventKey, firstReceived } from './events/first-received.ts';
export { eventOf, utcDay } from './events/event-partition.ts';
export { createSimilarArtists, type SimilarArtists } from './catalogue/similar-artists.ts';
