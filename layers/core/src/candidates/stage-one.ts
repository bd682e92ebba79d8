import { encodeCandidates } from '../artifact/candidate-record.ts';
import { recordShape, type SvdTables } from '../artifact/model-tensors.ts';
import type { Dataset } from '../data/dataset.ts';
import { withoutPairs } from '../data/split.ts';
import { vocabularyInOrder } from '../data/vocabulary.ts';
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
import type { CandidateSource } from '../scoring/source.ts';
import { createTagSimilarity } from '../scoring/tag-similarity.ts';
import { fitSource, prepareSourceInputs } from './fit-source.ts';
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
  const inputs = prepareSourceInputs(dataset, input.terms, parameters);

  const perFit = Math.floor(FIT_UNITS / (parameters.sources.length + 1));
  const svd = input.svd ?? fitSvdTables(dataset, parameters);
  advance(perFit);
  const sourcesOff: string[] = [];
  const sources: CandidateSource[] = parameters.sources.map((source) => {
    const fitted = fitSource(source, inputs, parameters);
    advance(perFit);
    if (fitted !== null) return fitted;
    sourcesOff.push(sourceLabel(source));
    return silentSource({ name: sourceLabel(source), k: 0 });
  });
  const tagComponents =
    parameters.tagSimilarity === null || dataset.tagAssignments === null
      ? null
      : fitTagComponents(inputs.sublinearTags, parameters.tagSimilarity.dimensions);
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
  const space: FeatureSpace = {
    ...uncrossed,
    contexts: parameters.ranker.contexts.filter((context) => columns.includes(context)),
  };
  const listeners = columnLengths(dataset.plays);
  const freshness = userFreshness(dataset.tagAssignments, nUsers);
  // A fold labels and measures: what its listeners disliked would tell which candidates they will not hear.
  const hidden = input.heldOut === null ? (dataset.hidden ?? null) : null;

  const buffers = createNominationBuffers(sources.length, nArtists);
  const remaining = STAGE_ONE_UNITS - perFit * (parameters.sources.length + 1);
  const records: Uint8Array[] = [];
  let advanced = 0;
  for (let user = 0; user < nUsers; user++) {
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
    foldIn: input.foldIn
      ? encodeFoldIn({
          shared: inputs,
          sources,
          tagComponents,
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
