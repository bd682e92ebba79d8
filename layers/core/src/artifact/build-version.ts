import type { Dataset } from '../data/dataset.ts';
import { describeData, type ReportedReading } from '../data/describe-data.ts';
import { FOLD_IN } from '../fold-in/encode-fold-in.ts';
import { tagPhrases } from '../features/tag-phrases.ts';
import { topTags } from '../features/top-tags.ts';
import type { CandidateEntry } from '../ports.ts';
import { requireFiniteTensors } from '../publish/quality-gate.ts';
import { recommend } from '../recommend.ts';
import type { TrainedModel } from '../train-model.ts';
import type { TuningRecord } from '../tune/tuning-record.ts';
import { encodeCandidateShards } from './candidates-file.ts';
import { encodeCatalog } from './catalog.ts';
import {
  CATALOG_FILE,
  describeFiles,
  encodeManifest,
  MANIFEST_FILE,
  MANIFEST_SCHEMA_VERSION,
  MODEL_FILE,
  RECOMMENDATIONS_FILE,
  REPORT_FILE,
  type Manifest,
} from './manifest.ts';
import { popularList, servingTensors, trainingTensors } from './model-tensors.ts';
import { encodePopularFile } from './popular-file.ts';
import { encodeRecommendationsCsv, type RecommendationRow } from './recommendations-csv.ts';
import { encodeSafetensors, safetensorsPrefixBytes } from './safetensors.ts';
import { formatSpace, loadServingModel, type ServingModel } from './serving-model.ts';

/** Artists per listener in `recommendations.csv`. */
const CSV_LENGTH = 20;

/** A version as it is published. */
export interface VersionContents {
  /** By path below `models/<version>/`, the manifest included. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly candidates: readonly CandidateEntry[];
  readonly manifest: Manifest;
  /** The list for everybody, to serve from before any model could be loaded: JSON. */
  readonly popular: Uint8Array;
}

/** What a version is called and where it comes from. */
export interface VersionInfo {
  readonly modelVersion: string;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
  readonly codeVersion: string;
  /** Of everything that was read: 64 hexadecimal digits. */
  readonly inputFingerprint: string;
  /** Of the data set's files alone; 64 hexadecimal digits. */
  readonly datasetFingerprint?: string;
  /** Of those files as the training left them, where it took rows of erased listeners out; 64 hexadecimal digits. */
  readonly rewrittenFingerprint?: string;
  /** What became of the events that were merged into the data set; absent where there were none. */
  readonly events?: Readonly<Record<string, number>>;
  /** What was found while the data set's files were read. */
  readonly reading?: ReportedReading;
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
  /** The search that chose some of the parameters; `null` or absent where none did. */
  readonly tuning?: TuningRecord | null;
}

/**
 * Encodes a trained model as the files of a version.
 *
 * `recommendations.csv` is made from the encoded files by the function that serves, so it is what the API will answer.
 *
 * @throws EncoreError `NOT_FINITE` when a tensor holds NaN or an infinity: nothing is published.
 */
export async function buildVersion(
  trained: TrainedModel,
  dataset: Dataset,
  info: VersionInfo,
): Promise<VersionContents> {
  const encoded = await encodeModel(trained, dataset);
  const served = await loadServingModel({ tensors: encoded.model, catalog: encoded.catalog });
  const { records } = trained.stage;
  const order = recommendationOrder(dataset.users.ids);
  const rows = recommendationRows(
    served,
    Array.from(order, (u) => ({ userId: dataset.users.ids[u]!, record: records[u]! })),
  );
  return await assembleVersion(trained, dataset, info, { encoded, served, rows });
}

/**
 * The last part of {@link buildVersion}: everything around an encoded model and its recommendations.
 *
 * @param parts - `served`: the encoded model, loaded; `rows`: what {@link recommendationRows} says of all listeners in {@link recommendationOrder}.
 */
export async function assembleVersion(
  { stage, parameters, metrics, holdout, history }: TrainedModel,
  dataset: Dataset,
  info: VersionInfo,
  parts: {
    readonly encoded: EncodedModel;
    readonly served: ServingModel;
    readonly rows: readonly RecommendationRow[];
  },
): Promise<VersionContents> {
  const { encoded, served, rows } = parts;
  const { model, catalog, servingBytes } = encoded;
  const candidates = dataset.users.ids.map((userId, u) => ({ userId, record: stage.records[u]! }));
  const counts = {
    users: dataset.users.size,
    artists: dataset.artists.size,
    plays: dataset.plays.values.length,
    tagAssignments: dataset.tagAssignments?.tag.length ?? 0,
    friends: dataset.friends?.values.length ?? 0,
  };
  const events = info.events === undefined ? {} : { events: { ...info.events } };
  const report = {
    counts,
    ...events,
    metrics,
    ...holdout,
    history,
    data: { ...info.reading, ...describeData(dataset) },
    parameters,
    sourcesOff: stage.sourcesOff,
  };
  const shards = encodeCandidateShards(candidates);
  const files = new Map<string, Uint8Array>([
    [MODEL_FILE, model],
    [CATALOG_FILE, catalog],
    ...shards,
    [RECOMMENDATIONS_FILE, encodeRecommendationsCsv(rows)],
    [REPORT_FILE, new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`)],
  ]);
  const manifest: Manifest = {
    schemaVersion: MANIFEST_SCHEMA_VERSION,
    modelVersion: info.modelVersion,
    createdAt: new Date(info.createdAtMs).toISOString(),
    codeVersion: info.codeVersion,
    inputFingerprint: info.inputFingerprint,
    ...(info.datasetFingerprint === undefined ? {} : { datasetFingerprint: info.datasetFingerprint }),
    ...(info.rewrittenFingerprint === undefined ? {} : { rewrittenFingerprint: info.rewrittenFingerprint }),
    parameters: { ...parameters },
    ...(info.tuning === undefined || info.tuning === null ? {} : { tuning: { ...info.tuning } }),
    metrics: { ...metrics },
    timings: info.timings,
    counts,
    ...events,
    servingBytes,
    files: await describeFiles(files),
    candidates: { count: candidates.length, shards: shards.size },
  };
  files.set(MANIFEST_FILE, encodeManifest(manifest));
  return { files, candidates, manifest, popular: encodePopularFile(served, info.modelVersion) };
}

/** A trained model as the files that serving reads: `model.safetensors` and `catalog.json.gz`. */
export interface EncodedModel {
  readonly model: Uint8Array;
  readonly catalog: Uint8Array;
  /** How many first bytes of `model` hold all tensors that serving starts with. */
  readonly servingBytes: number;
}

/**
 * Encodes what serving reads of a trained model; what it starts with comes first, what new listeners are folded in from last.
 *
 * @throws EncoreError `NOT_FINITE` when a tensor holds NaN or an infinity.
 */
export async function encodeModel(
  { stage, ranker, variants }: Pick<TrainedModel, 'stage' | 'ranker' | 'variants'>,
  dataset: Dataset,
): Promise<EncodedModel> {
  const serving = servingTensors({
    space: stage.space,
    ranker,
    variants,
    artists: stage.artists,
    popular: popularList(stage.listeners, dataset.users.size),
  });
  const { foldIn } = stage;
  const tensors = [...serving, ...trainingTensors(stage.svd), ...(foldIn?.tensors ?? [])];
  requireFiniteTensors(tensors);
  const model = encodeSafetensors(tensors, {
    space: formatSpace(stage.space),
    terms: JSON.stringify(stage.terms),
    phrases: JSON.stringify(tagPhrases(dataset, stage.terms)),
    ...(foldIn === null ? {} : { [FOLD_IN]: JSON.stringify(foldIn.description) }),
  });
  const catalog = await encodeCatalog({
    ids: dataset.artists.ids,
    names: dataset.artistNames,
    urls: dataset.artistUrls,
    tags: topTags(dataset),
  });
  return { model, catalog, servingBytes: safetensorsPrefixBytes(model, serving.at(-1)!.name) };
}

/** The listeners in the order of `recommendations.csv`, by their index in `ids`. Shape (nUsers,). */
export function recommendationOrder(ids: readonly string[]): Int32Array {
  return Int32Array.from(ids.keys()).toSorted((a, b) => compareIds(ids[a]!, ids[b]!));
}

/** The rows of `recommendations.csv` about some listeners, in the order given. */
export function recommendationRows(
  model: ServingModel,
  listeners: readonly CandidateEntry[],
): readonly RecommendationRow[] {
  return listeners.flatMap(({ userId, record }) =>
    recommend(model, record, { n: CSV_LENGTH }).recommendations.map(({ artistId, rank, score }) => ({
      userId,
      artistId,
      rank,
      score,
    })),
  );
}

/** Whole numbers by size, for the reader's eye; then anything else as text. */
function compareIds(a: string, b: string): number {
  const [numberA, numberB] = [DIGITS.test(a), DIGITS.test(b)];
  if (numberA !== numberB) return numberA ? -1 : 1;
  return (numberA ? Number(a) - Number(b) : 0) || (a < b ? -1 : a > b ? 1 : 0);
}

const DIGITS = /^\d+$/;
