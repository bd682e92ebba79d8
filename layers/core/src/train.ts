/**
 * The training entry of @encore/core: everything from reading a data set to publishing a version.
 *
 * @module
 */
export { EncoreError, isEncoreError, type EncoreErrorCode } from './errors.ts';
export type * from './ports.ts';
export type { Dataset } from './data/dataset.ts';
export { HETREC_FILES, openInMemory, readDataset, readSplitFile, type OpenFile } from './data/hetrec.ts';
export { assertValid, formatFinding, formatReport, type DataReport } from './data/report.ts';
export { reportedReading, type ReportedReading } from './data/describe-data.ts';
export { fingerprintFiles } from './data/fingerprint.ts';
export { LISTENER_COLUMNS, withoutRowsOf } from './data/without-rows.ts';
export {
  eventLine,
  decodePartition,
  encodePartition,
  EVENTS_PREFIX,
  partitionKey,
  dayOfPartition,
  utcDay,
} from './events/event-partition.ts';
export { firstReceived } from './events/first-received.ts';
export { mergeEvents, type EventCounts } from './events/merge-events.ts';
export { splitFiles } from './data/split-files.ts';
export { addListeners, type ExtendedDataset } from './data/add-listeners.ts';
export { formatIdMap, ID_MAP_FILE, parseIdMap, type IdMapRow } from './data/id-map.ts';
export { importListens, type ImportResult, type ImportSource } from './import/import-listens.ts';
export { formatImportReport, IMPORT_FORMATS, type ImportFormat } from './import/import-report.ts';
export { split811, splitFromPlays, splitHoldout } from './data/split.ts';
export {
  EFFORTS,
  parseParameters,
  PRESETS,
  resolveOptions,
  type Preset,
  type TrainOptions,
  type TrainParameters,
} from './options.ts';
export {
  fitRankers,
  joinStages,
  measureParameters,
  measureRankers,
  onHoldoutOf,
  planStages,
  rankedModel,
  trainModel,
  trainVariants,
  type FittedRankers,
  type FittedStages,
  type Reuse,
  type StagePlan,
  type TrainedModel,
  type Measured,
  type TrainingMetrics,
} from './train-model.ts';
export { decodeCatalog } from './artifact/catalog.ts';
export {
  ABLATED_MODEL,
  evaluateModels,
  isSingleSource,
  modelNames,
  rankSource,
  type Split,
} from './evaluate/evaluate-models.ts';
export { meanTradeOffs, type TradeOff } from './evaluate/trade-offs.ts';
export { evaluateNewListeners, splitNewListeners } from './evaluate/new-listeners.ts';
export { evaluateColdArtists, splitColdArtists, type ColdEvaluation } from './evaluate/cold-artists.ts';
export {
  floodingCases,
  measureFlooding,
  type FloodingKind,
  type FloodingResult,
} from './evaluate/flooding.ts';
export { tune, type TrialReport, type TuningResult } from './tune/tune.ts';
export {
  decodeTuning,
  encodeTuning,
  readTuning,
  tunedParameters,
  tuningKey,
  tuningRecord,
  type TuningRecord,
} from './tune/tuning-record.ts';
export { RECALL_CUTS, type MeanMetric, type MetricName } from './evaluate/metrics.ts';
export type { Interval } from './evaluate/bootstrap.ts';
export { PROTOCOLS, PUBLISHED_SPLIT, type ProtocolTerms } from './evaluate/protocols.ts';
export {
  summarise,
  SUMMARY_UNITS,
  type AblationSummary,
  type EvaluationSummary,
  type ModelSummary,
  type SplitRun,
} from './evaluate/summarise.ts';
export {
  fitStageOne,
  fromPlainDataset,
  nominateUsers,
  toPlainDataset,
  type PlainDataset,
  type StageOneHead,
  type StageOneTables,
} from './candidates/stage-one.ts';
export {
  assembleVersion,
  buildVersion,
  encodeModel,
  recommendationOrder,
  recommendationRows,
  type EncodedModel,
  type VersionContents,
  type VersionInfo,
} from './artifact/build-version.ts';
export { listenersInCsv, type RecommendationRow } from './artifact/recommendations-csv.ts';
export { publishVersion, type Publication, type PublishOutcome } from './publish/publish.ts';
export { readPointer, POINTER_KEY, versionKey, type Pointer } from './publish/pointer.ts';
export { activateVersion, unpin, type Activated, type Activation } from './publish/activate-version.ts';
export { resumePublication, type Resumed, type Resumption } from './publish/resume-publication.ts';
export { erasedSince, type Erasures } from './publish/store-candidates.ts';
export { encodePopularFile } from './artifact/popular-file.ts';
export { expireVersions, groupVersions, type StoredVersion } from './publish/expire-versions.ts';
export { readVersionState } from './publish/version-state.ts';
export { requireQuality } from './publish/quality-gate.ts';
export type { PublishPorts } from './publish/retrying.ts';
export {
  CATALOG_FILE,
  decodeManifest,
  MANIFEST_FILE,
  MODEL_FILE,
  RECOMMENDATIONS_FILE,
  REPORT_FILE,
  type Manifest,
} from './artifact/manifest.ts';
export { makeVersion, parseVersion } from './artifact/model-version.ts';
export { readRanker, readSvdTables } from './artifact/model-tensors.ts';
export { readVariants } from './rank/variants.ts';
export { decodeModelFile, loadServingModel, parseSpace, parseTerms } from './artifact/serving-model.ts';
export { decodeCandidateShard, shardPath } from './artifact/candidates-file.ts';

import { stageOne } from './candidates/stage-one.ts';
import { rankColdSource } from './evaluate/cold-artists.ts';
import { ablate } from './evaluate/ablation.ts';
import { rankSource } from './evaluate/evaluate-models.ts';
import { rankerFit } from './rank/train-ranker.ts';
import { variantFit } from './rank/train-variants.ts';

/** What a thread may be asked to run, by name. */
export const tasks = {
  [stageOne.name]: stageOne,
  [rankSource.name]: rankSource,
  [rankColdSource.name]: rankColdSource,
  [ablate.name]: ablate,
  [rankerFit.name]: rankerFit,
  [variantFit.name]: variantFit,
} as const;
