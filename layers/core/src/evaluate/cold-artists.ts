import { fitSource, prepareSourceInputs } from '../candidates/fit-source.ts';
import { fromPlainDataset, toPlainDataset, type PlainDataset } from '../candidates/stage-one.ts';
import type { Dataset } from '../data/dataset.ts';
import { withoutPairs } from '../data/split.ts';
import { EncoreError } from '../errors.ts';
import { fitTfIdf } from '../features/tf-idf.ts';
import { columnLengths, filterCsr, type Csr } from '../math/csr.ts';
import { hash2, hashString } from '../math/rng.ts';
import { topK } from '../math/top-k.ts';
import { sourceLabel, type SourceParameters, type TrainParameters } from '../options.ts';
import type { ParallelMap, Progress, Task } from '../ports.ts';
import { createRecordScorer } from '../rank/score-records.ts';
import { trainModel, type TrainedModel } from '../train-model.ts';
import { evaluateLists, type Evaluation } from './metrics.ts';
import { LIST_LENGTH } from './rank-candidates.ts';

/** Keeps this use of a seed apart. */
const COLD_ARTISTS = 6;

/** A split that holds whole artists out. */
export interface ColdSplit {
  /** Shape (nCold,): the artists held out, ascending. */
  readonly cold: Int32Array;
  /** The data set without any play of them. */
  readonly train: Dataset;
  /** Shape (nUsers, nArtists): all their plays. */
  readonly test: Csr;
}

/**
 * Holds whole artists out: all their plays leave train, with the tags of those very pairs; what others tagged them stays, as
 * an artist that is new to the listeners of a service need not be new to the world.
 *
 * @param options - `share` of the artists with at least `minListeners` (by default 0.1 of those with 5), chosen by a
 *   seeded hash of the id.
 */
export function splitColdArtists(
  dataset: Dataset,
  { seed, share = 0.1, minListeners = 5 }: { seed: number; share?: number; minListeners?: number },
): ColdSplit {
  const keySeed = hash2(seed, COLD_ARTISTS);
  const listeners = columnLengths(dataset.plays);
  const cold = Int32Array.from(dataset.artists.ids.keys()).filter(
    (artist) =>
      listeners[artist]! >= minListeners &&
      hashString(keySeed, dataset.artists.ids[artist]!) < share * 2 ** 32,
  );
  const isCold = new Set(cold);
  const test = filterCsr(dataset.plays, (_user, artist) => isCold.has(artist));
  return { cold, test, train: withoutPairs(dataset, test) };
}

/** What one model did with artists that nobody had been heard listening to. */
export interface ColdEvaluation {
  readonly model: string;
  /** Ranked among the cold artists alone. */
  readonly among: Evaluation;
  /** Ranked among all artists that the listener does not have in train. */
  readonly full: Evaluation;
}

/**
 * Measures how artists without a single listener are found, by sources alone and by the two stages together. Averages are over
 * the listeners with a cold artist; binary relevance.
 *
 * Among the cold artists `full` can only rank those that stage one nominated.
 *
 * @param models - Names of sources of `io.parameters`, `popular`, or `full`: the two stages.
 * @throws {@link EncoreError} `INVALID_OPTION` for an unknown model, with the names that there are.
 */
export async function evaluateColdArtists(
  { cold, train, test }: ColdSplit,
  models: readonly string[],
  io: {
    readonly parameters: TrainParameters;
    readonly parallel: ParallelMap;
    readonly progress: Progress;
  },
): Promise<readonly ColdEvaluation[]> {
  const { parameters } = io;
  const popular: SourceParameters = { name: 'popular', k: LIST_LENGTH };
  const sources = new Map([popular, ...parameters.sources].map((source) => [sourceLabel(source), source]));
  for (const model of models) {
    if (model === 'full' || sources.has(model)) continue;
    const known = [...sources.keys(), 'full'];
    throw new EncoreError('INVALID_OPTION', `model ${model} is unknown: allowed are ${known.join(', ')}`, {
      field: 'models',
      found: model,
      allowed: known,
    });
  }
  const single = models.filter((model) => model !== 'full');
  const step = io.progress.step('single models', single.length);
  const { terms } = fitTfIdf(train, { maxFeatures: parameters.maxFeatures });
  const plain = toPlainDataset(train);
  const ranked = await io.parallel(
    rankColdSource,
    single.map((model) => ({ dataset: plain, terms, source: sources.get(model)!, parameters, cold })),
    (units) => step.advance(units),
  );
  step.end();
  const lists = new Map(single.map((model, m) => [model, ranked[m]!]));
  if (models.includes('full')) {
    lists.set('full', rankTrained(await trainModel(train, parameters, { ...io, foldIn: false }), cold));
  }
  const measure = { train: train.plays, test, tagged: null, tags: null };
  return models.map((model) => {
    const { among, full } = lists.get(model)!;
    return { model, among: evaluateLists(among, measure), full: evaluateLists(full, measure) };
  });
}

interface ColdLists {
  /** Shape (nUsers,) each: artist indices, best first. */
  readonly among: Int32Array[];
  readonly full: Int32Array[];
}

interface RankColdInput {
  readonly dataset: PlainDataset;
  readonly terms: readonly string[];
  readonly source: SourceParameters;
  readonly parameters: TrainParameters;
  readonly cold: Int32Array;
}

/** Fits one source and ranks by it alone: the cold artists, and all that are not heard. */
export const rankColdSource: Task<RankColdInput, ColdLists> = {
  name: 'rank-cold-source',
  run: ({ dataset: plain, terms, source, parameters, cold }, advance) => {
    const dataset = fromPlainDataset(plain);
    const fitted = fitSource(source, prepareSourceInputs(dataset, terms, parameters), parameters);
    const { plays } = dataset;
    const row = new Float64Array(dataset.artists.size);
    const among: Int32Array[] = [];
    const full: Int32Array[] = [];
    for (let user = 0; user < dataset.users.size; user++) {
      row.fill(0);
      fitted?.scoreUser(user, row);
      const coldScores = Float64Array.from(cold, (artist) => row[artist]!);
      among.push(topK(coldScores, LIST_LENGTH).map((i) => cold[i]!));
      const heard = plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]);
      for (const artist of heard) row[artist] = -Infinity;
      full.push(topK(row, Math.min(LIST_LENGTH, row.length - heard.length)));
    }
    advance(1);
    return { among, full };
  },
};

/** Every listener's list as serving would rank it, and what of it is cold. */
function rankTrained({ stage, ranker }: TrainedModel, cold: Int32Array): ColdLists {
  const score = createRecordScorer(stage, ranker);
  const isCold = new Set(cold);
  const ranked = stage.records.map((_, user) => {
    const { record, logits } = score(user);
    return topK(logits, logits.length).map((i) => record.items[i]!);
  });
  return {
    among: ranked.map((items) => items.filter((item) => isCold.has(item)).slice(0, LIST_LENGTH)),
    full: ranked.map((items) => items.slice(0, LIST_LENGTH)),
  };
}
