import { encodeCandidates } from '../artifact/candidate-record.ts';
import { recordShape, type SvdTables } from '../artifact/model-tensors.ts';
import type { Dataset } from '../data/dataset.ts';
import { withoutPairs } from '../data/split.ts';
import { vocabularyInOrder } from '../data/vocabulary.ts';
import { EncoreError } from '../errors.ts';
import { drawInitialFactors, fitBiasedSvd, ratingScale, ratingsFromPlays } from '../factors/biased-svd.ts';
import { userFreshness } from '../features/freshness.ts';
import { columnLengths, type Csr } from '../math/csr.ts';
import { sourceLabel, type TrainParameters } from '../options.ts';
import type { Task } from '../ports.ts';
import { encodeFoldIn, type EncodedFoldIn } from '../fold-in/encode-fold-in.ts';
import {
  listenerFeatures,
  N_DEGREES,
  pairColumnNames,
  type ArtistTable,
  type FeatureSpace,
} from '../rank/features.ts';
import { rowHistory } from '../scoring/history.ts';
import { createNominationBuffers, nominate, sourcesForUser } from '../scoring/nominate.ts';
import type { CandidateSource, PairScorer } from '../scoring/source.ts';
import { createTagSimilarity, type TagComponents } from '../scoring/tag-similarity.ts';
import {
  fitSourceTables,
  openSource,
  prepareSourceInputs,
  type SourceInputs,
  type SourceTables,
} from './fit-source.ts';
import { silentSource } from './silent-source.ts';
import { fitTagComponents } from './tag-similarity.ts';

/** A data set without its functions, so that it can cross to another thread. */
export type PlainDataset = Omit<Dataset, 'users' | 'artists' | 'tags'> & {
  readonly users: readonly string[];
  readonly artists: readonly string[];
  readonly tags: readonly string[];
};

export function toPlainDataset(dataset: Dataset): PlainDataset {
  return { ...dataset, users: dataset.users.ids, artists: dataset.artists.ids, tags: dataset.tags.ids };
}

export function fromPlainDataset(plain: PlainDataset): Dataset {
  return {
    ...plain,
    users: vocabularyInOrder(plain.users),
    artists: vocabularyInOrder(plain.artists),
    tags: vocabularyInOrder(plain.tags),
  };
}

export interface StageOneInput {
  readonly dataset: PlainDataset;
  readonly parameters: TrainParameters;
  /** The words of the tag dimensions, the same for every fit of one training. */
  readonly terms: readonly string[];
  /** Pairs that stage one may not see, nor the tags that their listener gave them; `null` where all are seen. */
  readonly heldOut: Csr | null;
  /** Factors to take over instead of fitting them. */
  readonly svd: SvdTables | null;
  /** Whether what new listeners are folded in from is wanted: tens of megabytes. */
  readonly foldIn: boolean;
}

/** Stage one, fitted: every listener's candidates as they are stored, and the tables that the ranker reads. */
export interface StageOneOutput {
  readonly space: FeatureSpace;
  /** Shape (nUsers,): packed candidate records. */
  readonly records: readonly Uint8Array[];
  readonly artists: ArtistTable;
  /** Shape (nTerms,): the words of the embedding's tag dimensions. */
  readonly terms: readonly string[];
  readonly svd: SvdTables;
  /** Shape (nArtists,): listeners of each artist. */
  readonly listeners: Int32Array;
  /** Sources that the data set has nothing for. */
  readonly sourcesOff: readonly string[];
  /** What new listeners are folded in from; `null` where nobody asked for it. */
  readonly foldIn: EncodedFoldIn | null;
}

/** Stage one without what it says of listeners. */
export type StageOneHead = Omit<StageOneOutput, 'records'>;

/**
 * What {@link nominateUsers} scores by beside the data set, in full precision: plain data that survives structured cloning, some
 * fifty megabytes for two thousand listeners.
 */
export interface StageOneTables {
  /** In the order of the parameters' sources; `null` for one that follows from the data set. */
  readonly sources: readonly (SourceTables | null)[];
  readonly tagComponents: TagComponents | null;
  readonly svd: SvdTables;
}

/** Listeners from index `from` up to, and without, `to`. */
export interface UserRange {
  readonly from: number;
  readonly to: number;
}

/** Progress units of one {@link stageOne}. */
export const STAGE_ONE_UNITS = 1000;
const FIT_UNITS = 700;

/** Fits every source on the listening given and packs each listener's candidates. */
export const stageOne: Task<StageOneInput, StageOneOutput> = { name: 'stage-one', run: runStageOne };

function runStageOne(input: StageOneInput, advance: (units: number) => void): StageOneOutput {
  const seen = seenBy(input);
  const tables = fitTables(input, seen, advance);
  const stage = openStage(input, seen, tables);
  const everybody = { from: 0, to: seen.dataset.users.size };
  const remaining = STAGE_ONE_UNITS - unitsPerFit(input.parameters) * (input.parameters.sources.length + 1);
  return { ...headOf(input, stage), records: packRecords(stage, everybody, pacer(remaining, advance)) };
}

/**
 * The first half of {@link stageOne}, for whoever nominates elsewhere: with {@link nominateUsers} over all ranges it makes the same
 * output, to the bit.
 */
export function fitStageOne(
  input: StageOneInput,
  advance: (units: number) => void = () => undefined,
): { readonly head: StageOneHead; readonly tables: StageOneTables } {
  const seen = seenBy(input);
  const tables = fitTables(input, seen, advance);
  return { head: headOf(input, openStage(input, seen, tables)), tables };
}

/**
 * The second half of {@link stageOne}: packed candidates of some listeners. What is cheap is computed anew from the data set; the
 * tables bring the rest.
 *
 * @param input - What `tables` were fitted on.
 * @returns Shape (to − from,).
 * @throws {@link EncoreError} `INVALID_OPTION` for a range outside of the listeners, `ARTIFACT_INCOMPATIBLE` when the tables are of
 *   other sources.
 */
export function nominateUsers(
  input: StageOneInput,
  tables: StageOneTables,
  range: UserRange,
): readonly Uint8Array[] {
  const seen = seenBy(input);
  const nUsers = seen.dataset.users.size;
  const { from, to } = range;
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= nUsers)) {
    throw new EncoreError(
      'INVALID_OPTION',
      `listeners to nominate for are [${from}, ${to}): allowed are ranges of whole numbers in [0, ${nUsers})`,
      { from, to, nUsers },
    );
  }
  return packRecords(openStage(input, seen, tables), range, () => undefined);
}

/** What stage one may see of a data set, and what follows from it. */
interface SeenListening {
  readonly dataset: Dataset;
  readonly inputs: SourceInputs;
}

function seenBy({ dataset: plain, heldOut, terms, parameters }: StageOneInput): SeenListening {
  const whole = fromPlainDataset(plain);
  const dataset = heldOut === null ? whole : withoutPairs(whole, heldOut);
  return { dataset, inputs: prepareSourceInputs(dataset, terms, parameters) };
}

function unitsPerFit({ sources }: TrainParameters): number {
  return Math.floor(FIT_UNITS / (sources.length + 1));
}

function fitTables(
  input: StageOneInput,
  { dataset, inputs }: SeenListening,
  advance: (units: number) => void,
): StageOneTables {
  const { parameters } = input;
  const perFit = unitsPerFit(parameters);
  const svd = input.svd ?? fitSvdTables(dataset, parameters);
  advance(perFit);
  const sources = parameters.sources.map((source) => {
    const tables = fitSourceTables(source, inputs, parameters);
    advance(perFit);
    return tables;
  });
  const tagComponents =
    parameters.tagSimilarity === null || dataset.tagAssignments === null
      ? null
      : fitTagComponents(inputs.sublinearTags, parameters.tagSimilarity.dimensions);
  return { sources, tagComponents, svd };
}

/** Stage one, ready to score. */
interface OpenStage extends SeenListening {
  readonly sources: readonly CandidateSource[];
  readonly sourcesOff: readonly string[];
  readonly pairScorers: readonly PairScorer[];
  readonly tables: StageOneTables;
  readonly space: FeatureSpace;
  /** Shape (nArtists,). */
  readonly listeners: Int32Array;
  /** Shape (nUsers,); `null` where there are no times. */
  readonly freshness: Float64Array | null;
  /** Shape (nUsers, nArtists): what may not be nominated though it was not heard. */
  readonly hidden: Csr | null;
}

function openStage(
  { parameters, heldOut }: StageOneInput,
  seen: SeenListening,
  tables: StageOneTables,
): OpenStage {
  const { dataset, inputs } = seen;
  const { tagComponents, svd } = tables;
  const sourcesOff: string[] = [];
  const sources = parameters.sources.map((source, s): CandidateSource => {
    const opened = openSource(source, tables.sources[s] ?? null, { inputs, parameters });
    if (opened !== null) return opened;
    sourcesOff.push(sourceLabel(source));
    return silentSource({ name: sourceLabel(source), k: 0 });
  });
  const pairScorers =
    tagComponents === null ? [] : [createTagSimilarity(inputs.sublinearTags, tagComponents)];
  const uncrossed: FeatureSpace = {
    sources: sources.map((source) => source.name),
    pairScores: pairScorers.flatMap((scorer) => scorer.names),
    nEmbedding: inputs.embedding.nCols,
    nFactors: svd.nFactors,
    crossFeatures: parameters.ranker.crossFeatures,
    contexts: [],
  };
  const columns = pairColumnNames(uncrossed);
  return {
    ...seen,
    sources,
    sourcesOff,
    pairScorers,
    tables,
    space: {
      ...uncrossed,
      contexts: parameters.ranker.contexts.filter((context) => columns.includes(context)),
    },
    listeners: columnLengths(dataset.plays),
    freshness: userFreshness(dataset.tagAssignments, dataset.users.size),
    // A fold labels and measures: what its listeners disliked would tell which candidates they will not hear.
    hidden: heldOut === null ? (dataset.hidden ?? null) : null,
  };
}

/** @param onUser - Told how many of the listeners are done. */
function packRecords(
  stage: OpenStage,
  { from, to }: UserRange,
  onUser: (done: number, of: number) => void,
): readonly Uint8Array[] {
  const { dataset, inputs, sources, pairScorers, space, listeners, freshness, hidden } = stage;
  const { svd } = stage.tables;
  const nArtists = dataset.artists.size;
  const buffers = createNominationBuffers(sources.length, nArtists);
  const records: Uint8Array[] = [];
  for (let user = from; user < to; user++) {
    const history = rowHistory(inputs, user);
    records.push(
      encodeCandidates(
        {
          ...nominate(
            history,
            sourcesForUser(sources, user),
            pairScorers,
            buffers,
            hidden === null
              ? {}
              : { hidden: hidden.indices.subarray(hidden.indptr[user], hidden.indptr[user + 1]) },
          ),
          userFeatures: listenerFeatures(space, {
            freshness: freshness?.[user] ?? 0,
            heard: history.items,
            listeners,
            factors: svd.userFactors.subarray(user * space.nFactors, (user + 1) * space.nFactors),
          }),
          heard: history,
        },
        recordShape(space, nArtists),
      ),
    );
    onUser(records.length, to - from);
  }
  return records;
}

/** Deals units out as work is done: all of them at its end. */
function pacer(units: number, advance: (units: number) => void): (done: number, of: number) => void {
  let advanced = 0;
  return (done, of) => {
    const due = Math.floor((units * done) / of);
    if (due === advanced) return;
    advance(due - advanced);
    advanced = due;
  };
}

function headOf(input: StageOneInput, stage: OpenStage): StageOneHead {
  const { dataset, inputs, sources, tables, space, listeners, freshness, sourcesOff } = stage;
  const { parameters } = input;
  return {
    space,
    artists: {
      embedding: singlePrecision(inputs.embedding),
      factors: tables.svd.itemFactors,
      degrees: artistDegrees(dataset, listeners),
    },
    terms: inputs.tfIdf.terms,
    svd: tables.svd,
    listeners,
    sourcesOff,
    foldIn: input.foldIn
      ? encodeFoldIn({
          shared: inputs,
          sources,
          tagComponents: tables.tagComponents,
          // Whoever never tagged is as old as can be, where there are times at all.
          neverTagged: freshness === null ? 0 : 1,
          ratings: ratingScale(dataset.plays, parameters.playScales.ratingQuantile),
          regularisation: parameters.svd.regularisation,
        })
      : null,
  };
}

function fitSvdTables(dataset: Dataset, { svd, randomState, playScales }: TrainParameters): SvdTables {
  const draw = { rank: svd.factors, seed: randomState };
  const ratings = ratingsFromPlays(dataset.plays, ratingScale(dataset.plays, playScales.ratingQuantile));
  const fitted = fitBiasedSvd(ratings, svd, {
    userFactors: drawInitialFactors(dataset.users.ids, 'user', draw),
    itemFactors: drawInitialFactors(dataset.artists.ids, 'artist', draw),
  });
  return {
    nFactors: svd.factors,
    globalMean: fitted.globalMean,
    userBiases: Float32Array.from(fitted.userBiases),
    itemBiases: Float32Array.from(fitted.itemBiases),
    userFactors: Float32Array.from(fitted.userFactors),
    itemFactors: Float32Array.from(fitted.itemFactors),
  };
}

function artistDegrees({ artists, tagAssignments }: Dataset, listeners: Int32Array): Float32Array {
  const tags = new Int32Array(artists.size);
  const taggers = new Int32Array(artists.size);
  if (tagAssignments !== null) {
    const seen = new Set<number>();
    tagAssignments.artist.forEach((artist, a) => {
      tags[artist]!++;
      const pair = tagAssignments.user[a]! * artists.size + artist;
      if (seen.has(pair)) return;
      seen.add(pair);
      taggers[artist]!++;
    });
  }
  const out = new Float32Array(artists.size * N_DEGREES);
  for (let i = 0; i < artists.size; i++) {
    out[i * N_DEGREES] = Math.log1p(listeners[i]!);
    out[i * N_DEGREES + 1] = Math.log1p(tags[i]!);
    out[i * N_DEGREES + 2] = Math.log1p(taggers[i]!);
  }
  return out;
}

function singlePrecision(matrix: Csr): Csr {
  return { ...matrix, values: matrix.values.map((value) => Math.fround(value)) };
}
