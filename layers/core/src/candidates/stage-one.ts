import { encodeCandidates } from '../artifact/candidate-record.ts';
import { recordShape, type SvdTables } from '../artifact/model-tensors.ts';
import type { Dataset } from '../data/dataset.ts';
import { withoutPairs } from '../data/split.ts';
import { vocabularyInOrder } from '../data/vocabulary.ts';
import { drawInitialFactors, fitBiasedSvd, ratingsFromPlays } from '../factors/biased-svd.ts';
import { userFreshness } from '../features/freshness.ts';
import { columnLengths, rowLength, type Csr } from '../math/csr.ts';
import { sourceLabel, type TrainParameters } from '../options.ts';
import type { Task } from '../ports.ts';
import {
  N_DEGREES,
  N_FRESHNESS,
  nUserFeatures,
  type ArtistTable,
  type FeatureSpace,
} from '../rank/features.ts';
import { fitSource, prepareSourceInputs } from './fit-source.ts';
import { createNominationBuffers, nominate } from './nominate.ts';
import type { CandidateSource } from './source.ts';
import { fitTagSimilarity } from './tag-similarity.ts';

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
}

/** Progress units of one {@link stageOne}. */
export const STAGE_ONE_UNITS = 1000;
const FIT_UNITS = 700;

/** Fits every source on the listening given and packs each listener's candidates. */
export const stageOne: Task<StageOneInput, StageOneOutput> = { name: 'stage-one', run: runStageOne };

function runStageOne(input: StageOneInput, advance: (units: number) => void): StageOneOutput {
  const { parameters } = input;
  const whole = fromPlainDataset(input.dataset);
  const dataset = input.heldOut === null ? whole : withoutPairs(whole, input.heldOut);
  const nUsers = dataset.users.size;
  const nArtists = dataset.artists.size;
  const inputs = prepareSourceInputs(dataset, input.terms);

  const perFit = Math.floor(FIT_UNITS / (parameters.sources.length + 1));
  const svd = input.svd ?? fitSvdTables(dataset, parameters);
  advance(perFit);
  const sourcesOff: string[] = [];
  const sources: CandidateSource[] = parameters.sources.map((source) => {
    const fitted = fitSource(source, inputs, parameters);
    advance(perFit);
    if (fitted !== null) return fitted;
    sourcesOff.push(sourceLabel(source));
    return { name: sourceLabel(source), k: 0, scoreUser: (_user, out) => void out.fill(0) };
  });
  const pairScorers =
    parameters.tagSimilarity === null
      ? []
      : [fitTagSimilarity(inputs.sublinearTags, inputs.weights, parameters.tagSimilarity)];

  const space: FeatureSpace = {
    sources: sources.map((source) => source.name),
    pairScores: pairScorers.flatMap((scorer) => scorer.names),
    nEmbedding: inputs.embedding.nCols,
    nFactors: svd.nFactors,
    crossFeatures: parameters.ranker.crossFeatures,
  };
  const listeners = columnLengths(dataset.plays);
  const userFeatures = listenerFeatures(space, dataset, svd, listeners);
  const width = nUserFeatures(space);

  const buffers = createNominationBuffers(sources.length, nArtists);
  const remaining = STAGE_ONE_UNITS - perFit * (parameters.sources.length + 1);
  const records: Uint8Array[] = [];
  let advanced = 0;
  for (let user = 0; user < nUsers; user++) {
    const { indptr, indices, values } = inputs.weights;
    const heard = indices.subarray(indptr[user], indptr[user + 1]);
    records.push(
      encodeCandidates(
        {
          ...nominate(user, heard, sources, pairScorers, buffers),
          userFeatures: userFeatures.slice(user * width, (user + 1) * width),
          heard: { items: heard, weights: values.subarray(indptr[user], indptr[user + 1]) },
        },
        recordShape(space, nArtists),
      ),
    );
    const due = Math.floor((remaining * (user + 1)) / nUsers);
    if (due > advanced) {
      advance(due - advanced);
      advanced = due;
    }
  }
  return {
    space,
    records,
    artists: {
      embedding: singlePrecision(inputs.embedding),
      factors: svd.itemFactors,
      degrees: artistDegrees(dataset, listeners),
    },
    terms: inputs.tfIdf.terms,
    svd,
    listeners,
    sourcesOff,
  };
}

function fitSvdTables(dataset: Dataset, { svd, randomState }: TrainParameters): SvdTables {
  const draw = { rank: svd.factors, seed: randomState };
  const fitted = fitBiasedSvd(ratingsFromPlays(dataset.plays), svd, {
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

/** Shape (nUsers × nUserFeatures(space),): the head of every listener's record. */
function listenerFeatures(
  space: FeatureSpace,
  { plays, users, tagAssignments }: Dataset,
  svd: SvdTables,
  listeners: Int32Array,
): Float64Array {
  const width = nUserFeatures(space);
  const out = new Float64Array(users.size * width);
  const freshness = userFreshness(tagAssignments, users.size);
  for (let u = 0; u < users.size; u++) {
    const at = u * width;
    const x = freshness?.[u] ?? 0;
    out[at] = x;
    out[at + 1] = x * x;
    out[at + 2] = Math.sqrt(x);
    const degree = rowLength(plays, u);
    let logListeners = 0;
    for (let e = plays.indptr[u]!; e < plays.indptr[u + 1]!; e++) {
      logListeners += Math.log1p(listeners[plays.indices[e]!]!);
    }
    out[at + N_FRESHNESS] = Math.log1p(degree);
    out[at + N_FRESHNESS + 1] = degree > 0 ? logListeners / degree : 0;
    for (let f = 0; f < space.nFactors; f++) {
      out[at + N_FRESHNESS + 2 + f] = svd.userFactors[u * space.nFactors + f]!;
    }
  }
  return out;
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
