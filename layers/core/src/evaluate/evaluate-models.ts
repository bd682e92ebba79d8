import { recordShape } from '../artifact/model-tensors.ts';
import { decodeCandidates } from '../artifact/candidate-record.ts';
import { fitSource, prepareSourceInputs } from '../candidates/fit-source.ts';
import { fromPlainDataset, toPlainDataset, type PlainDataset } from '../candidates/stage-one.ts';
import type { Dataset } from '../data/dataset.ts';
import { EncoreError } from '../errors.ts';
import { fitTfIdf } from '../features/tf-idf.ts';
import { csrFromCoordinates, rowLength, type Csr } from '../math/csr.ts';
import { topK } from '../math/top-k.ts';
import { resolveOptions, sourceLabel, type SourceParameters, type TrainOptions } from '../options.ts';
import { BASELINES, FULL_PRESET } from '../presets.ts';
import type { ParallelMap, Progress, Task } from '../ports.ts';
import { artistLogits, candidateLogits } from '../rank/ranker.ts';
import { trainModel, type TrainedModel, type TrainingMetrics } from '../train-model.ts';
import { candidateRecall, evaluateLists, type Evaluation } from './metrics.ts';

/** A part to learn from and a part to predict, over the same vocabularies. */
export interface Split {
  readonly train: Dataset;
  /** Shape (nUsers, nArtists): the pairs held out. */
  readonly test: Csr;
  /** Shape (nUsers, nArtists): pairs that are neither learnt from nor predicted, such as validation rows. */
  readonly masked?: Csr;
}

/** What one model did on one split. */
export interface ModelEvaluation extends Evaluation {
  readonly model: string;
  /** Share of the test artists among the candidates, and their mean number; `null` for a model with one stage. */
  readonly candidates: { readonly recall: number; readonly mean: number } | null;
  /** What the training said of itself, on its own holdout; `null` for a model with one stage. */
  readonly training: TrainingMetrics | null;
}

/** The models that {@link evaluateModels} knows: both presets, and every candidate source by itself. */
export function modelNames(): readonly string[] {
  return ['seed', 'full', ...singleSources().keys()];
}

/** The candidate sources that are measured by themselves, by name. */
export function singleSources(): ReadonlyMap<string, SourceParameters> {
  return new Map([...BASELINES, ...FULL_PRESET.sources].map((source) => [sourceLabel(source), source]));
}

/**
 * Trains and measures models on a split: full ranking over every artist that the listener does not have in train.
 *
 * @param models - Names out of {@link modelNames}.
 * @param io - `options` replaces defaults of both presets.
 * @throws {@link EncoreError} `INVALID_OPTION` for an unknown model, with the names that there are.
 */
export async function evaluateModels(
  split: Split,
  models: readonly string[],
  io: { readonly parallel: ParallelMap; readonly progress: Progress; readonly options?: TrainOptions },
): Promise<readonly ModelEvaluation[]> {
  const known = modelNames();
  for (const model of models) {
    if (!known.includes(model)) {
      throw new EncoreError('INVALID_OPTION', `model ${model} is unknown: allowed are ${known.join(', ')}`, {
        field: 'models',
        found: model,
        allowed: known,
      });
    }
  }
  const { train, test } = split;
  const measure = { train: train.plays, test, tagged: taggedPairs(train) };
  const results = new Map<string, ModelEvaluation>();

  const single = models.filter((model) => model !== 'seed' && model !== 'full');
  if (single.length > 0) {
    const plain = toPlainDataset(train);
    const { terms } = fitTfIdf(train, { maxFeatures: FULL_PRESET.maxFeatures });
    const step = io.progress.step('single models', single.length);
    const lists = await io.parallel(
      rankSource,
      single.map((name) => ({
        dataset: plain,
        terms,
        source: singleSources().get(name)!,
        masked: split.masked ?? null,
      })),
      (units) => step.advance(units),
    );
    step.end();
    single.forEach((model, m) => {
      results.set(model, { model, candidates: null, training: null, ...evaluateLists(lists[m]!, measure) });
    });
  }
  for (const preset of ['seed', 'full'] as const) {
    if (!models.includes(preset)) continue;
    const trained = await trainModel(train, resolveOptions(preset, io.options ?? {}), io);
    const { lists, candidates } = rankTrained(trained, split.masked ?? null);
    results.set(preset, {
      model: preset,
      candidates: {
        recall: candidateRecall(candidates, test),
        mean: candidates.reduce((sum, items) => sum + items.length, 0) / Math.max(1, candidates.length),
      },
      training: trained.metrics,
      ...evaluateLists(lists, measure),
    });
  }
  return models.map((model) => results.get(model)!);
}

/** How many artists of each list are kept: the deepest cut of any metric. */
const LIST_LENGTH = 20;

/** Every listener's list, as serving would rank it, without masked pairs. */
export function rankTrained(
  { stage, ranker }: TrainedModel,
  masked: Csr | null,
): { readonly lists: readonly Int32Array[]; readonly candidates: readonly Int32Array[] } {
  const artistPart = artistLogits(stage.space, ranker, stage.artists);
  const shape = recordShape(stage.space, stage.artists.embedding.nRows);
  const candidates: Int32Array[] = [];
  const lists = stage.records.map((packed, user) => {
    const record = decodeCandidates(packed, shape);
    candidates.push(record.items);
    const logits = candidateLogits(stage.space, ranker, record, stage.artists, artistPart);
    const hidden = new Set(masked?.indices.subarray(masked.indptr[user], masked.indptr[user + 1]));
    return topK(logits, logits.length)
      .map((i) => record.items[i]!)
      .filter((item) => !hidden.has(item))
      .slice(0, LIST_LENGTH);
  });
  return { lists, candidates };
}

interface RankSourceInput {
  readonly dataset: PlainDataset;
  readonly terms: readonly string[];
  readonly source: SourceParameters;
  readonly masked: Csr | null;
}

/** Fits one source and ranks every unheard artist by it alone. */
export const rankSource: Task<RankSourceInput, Int32Array[]> = {
  name: 'rank-source',
  run: ({ dataset: plain, terms, source, masked }, advance) => {
    const dataset = fromPlainDataset(plain);
    const fitted = fitSource(source, prepareSourceInputs(dataset, terms), FULL_PRESET);
    const { plays } = dataset;
    const row = new Float64Array(dataset.artists.size);
    const lists = Array.from({ length: dataset.users.size }, (_, user) => {
      row.fill(0);
      fitted?.scoreUser(user, row);
      let open = row.length;
      for (const hidden of masked === null ? [plays] : [plays, masked]) {
        for (let e = hidden.indptr[user]!; e < hidden.indptr[user + 1]!; e++)
          row[hidden.indices[e]!] = -Infinity;
        open -= rowLength(hidden, user);
      }
      return topK(row, Math.min(LIST_LENGTH, open));
    });
    advance(1);
    return lists;
  },
};

/** Shape (nUsers, nArtists): how often each listener tagged each artist. */
function taggedPairs({ users, artists, tagAssignments }: Dataset): Csr | null {
  if (tagAssignments === null) return null;
  const known = Array.from(tagAssignments.user.keys()).filter((a) => tagAssignments.user[a]! >= 0);
  return csrFromCoordinates(
    users.size,
    artists.size,
    Int32Array.from(known, (a) => tagAssignments.user[a]!),
    Int32Array.from(known, (a) => tagAssignments.artist[a]!),
    new Float64Array(known.length).fill(1),
  );
}
