import { fitSource, prepareSourceInputs } from '../candidates/fit-source.ts';
import { fromPlainDataset, toPlainDataset, type PlainDataset } from '../candidates/stage-one.ts';
import type { Dataset } from '../data/dataset.ts';
import { EncoreError } from '../errors.ts';
import { taggedArtists } from '../features/listener-tags.ts';
import { fitTfIdf } from '../features/tf-idf.ts';
import { rowLength, type Csr } from '../math/csr.ts';
import { topK } from '../math/top-k.ts';
import {
  resolveOptions,
  sourceLabel,
  type Effort,
  type Preset,
  type SourceParameters,
  type TrainOptions,
  type TrainParameters,
} from '../options.ts';
import { BASELINES, FULL_PRESET, VARIANTS } from '../presets.ts';
import type { ParallelMap, Progress, Task } from '../ports.ts';
import { createRecordScorer } from '../rank/score-records.ts';
import type { RankerName } from '../rank/variants.ts';
import {
  fitStages,
  trainRanker,
  trainVariants,
  type FittedStages,
  type TrainingMetrics,
} from '../train-model.ts';
import { ablate, ablationsOf, type Ablation } from './ablation.ts';
import type { Predictions } from './calibration.ts';
import { candidateRecall, evaluateLists, type Evaluation, type EvaluationInput } from './metrics.ts';
import { tradeOffs, type TradeOff } from './trade-offs.ts';
import { LIST_LENGTH, rankCandidates, type RankedCandidates } from './rank-candidates.ts';

/** A part to learn from and a part to predict, over the same vocabularies. */
export interface Split {
  readonly train: Dataset;
  /** Shape (nUsers, nArtists): the pairs held out. */
  readonly test: Csr;
  /** Shape (nUsers, nArtists): pairs that are neither learnt from nor predicted, such as validation rows. */
  readonly masked?: Csr;
}

/** A model of two stages. Models of one preset and effort share stage one and the logistic regression. */
export interface TwoStageModel {
  readonly name: string;
  readonly preset: Preset;
  readonly effort: Effort;
  /** What ranks. One that a training of this preset and effort would not fit is fitted in place of those that it would. */
  readonly ranker: RankerName;
}

const TWO_STAGE_MODELS: readonly TwoStageModel[] = [
  { name: 'seed', preset: 'seed', effort: 'default', ranker: 'lr' },
  { name: 'full', preset: 'full', effort: 'default', ranker: 'lr' },
  { name: 'full-trees', preset: 'full', effort: 'default', ranker: 'trees' },
  { name: 'full-mlp', preset: 'full', effort: 'default', ranker: 'mlp' },
  { name: 'full-low', preset: 'full', effort: 'low', ranker: 'lr' },
  { name: 'full-high', preset: 'full', effort: 'high', ranker: 'lr' },
];

/** The model that an ablation takes apart, and whose knobs are turned. */
export const ABLATED_MODEL = 'full';

/** Settings of each knob that are measured. */
const KNOB_VALUES: readonly number[] = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1];

/** What one model did on one split. */
export interface ModelEvaluation extends Evaluation {
  readonly model: string;
  /** What only a model of two stages has to say; `null` for a single source. */
  readonly twoStage: TwoStageEvaluation | null;
}

export interface TwoStageEvaluation {
  readonly preset: Preset;
  readonly effort: Effort;
  readonly ranker: RankerName;
  /** Names of the steps that training it took. */
  readonly steps: readonly string[];
  /** Share of the test artists among the candidates, and their mean number. */
  readonly candidates: { readonly recall: number; readonly mean: number };
  /** What the training said of its logistic regression, on its own holdout. */
  readonly training: TrainingMetrics;
  /** How the ranker learnt, see {@link TrainingHistory}. */
  readonly history: readonly number[];
  /** Probabilities of the test split's candidates, and what came of them; `null` where the score is no such probability. */
  readonly predictions: Predictions | null;
  /** The model without each of its parts; `null` where that was not asked for. */
  readonly ablation: readonly AblationEvaluation[] | null;
  /** What the knobs of a request do to its lists; `null` where that was not asked for. */
  readonly tradeOffs: readonly TradeOff[] | null;
}

export interface AblationEvaluation extends Evaluation {
  readonly ablation: Ablation;
  readonly candidates: { readonly recall: number; readonly mean: number };
}

/** The models that {@link evaluateModels} knows: those of two stages, and every candidate source by itself. */
export function modelNames(): readonly string[] {
  return [...TWO_STAGE_MODELS.map(({ name }) => name), ...singleSources().keys()];
}

/** Whether a model of {@link modelNames} is one candidate source by itself. */
export function isSingleSource(model: string): boolean {
  return singleSources().has(model);
}

/** The candidate sources that are measured by themselves, by name. */
export function singleSources(): ReadonlyMap<string, SourceParameters> {
  return new Map([...BASELINES, ...FULL_PRESET.sources].map((source) => [sourceLabel(source), source]));
}

/**
 * Trains and measures models on a split: full ranking over every artist that the listener does not have in train.
 *
 * @param models - Names out of {@link modelNames}.
 * @param io - `options` replaces defaults of both presets; `ablate` takes {@link ABLATED_MODEL} apart as well, `tradeOffs`
 *   turns the knobs of a request for it.
 * @returns In the order of `models`.
 * @throws {@link EncoreError} `INVALID_OPTION` for an unknown model, with the names that there are.
 */
export async function evaluateModels(
  split: Split,
  models: readonly string[],
  io: {
    readonly parallel: ParallelMap;
    readonly progress: Progress;
    readonly options?: TrainOptions;
    readonly ablate?: boolean;
    readonly tradeOffs?: boolean;
  },
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
  const masked = split.masked ?? null;
  const measure: EvaluationInput = {
    train: train.plays,
    test,
    tagged: taggedArtists(train),
    tags:
      train.tagAssignments === null ? null : fitTfIdf(train, { maxFeatures: FULL_PRESET.maxFeatures }).rows,
  };
  const results = new Map<string, ModelEvaluation>();

  const single = models.filter(isSingleSource);
  if (single.length > 0) {
    const plain = toPlainDataset(train);
    const { terms } = fitTfIdf(train, { maxFeatures: FULL_PRESET.maxFeatures });
    const step = io.progress.step('single sources', single.length);
    const lists = await io.parallel(
      rankSource,
      single.map((name) => ({
        dataset: plain,
        terms,
        source: singleSources().get(name)!,
        masked,
      })),
      (units) => step.advance(units),
    );
    step.end();
    single.forEach((model, m) => {
      results.set(model, { model, twoStage: null, ...evaluateLists(lists[m]!, measure) });
    });
  }
  const shared = Map.groupBy(
    TWO_STAGE_MODELS.filter(({ name }) => models.includes(name)),
    ({ preset, effort }) =>
      effort === 'default' ? `${preset} preset` : `${preset} preset, ${effort} effort`,
  );
  for (const [owner, twoStage] of shared) {
    const { preset, effort } = twoStage[0]!;
    const parameters = resolveOptions(preset, { ...io.options, effort });
    const ownerIo = { parallel: io.parallel, progress: named(io.progress, owner), foldIn: false };
    const stages = await fitStages(train, parameters, ownerIo);
    const bare = await trainRanker(train, stages, parameters, ownerIo);
    for (const { name, ranker } of twoStage) {
      const variants =
        ranker === 'lr' ? parameters.ranker.variants : { trees: null, mlp: null, [ranker]: VARIANTS[ranker] };
      const trained = await trainVariants(train, stages, bare, {
        io: { parallel: io.parallel, progress: named(io.progress, name) },
        variants,
      });
      const score = createRecordScorer(stages.stage, trained.ranker, {
        name: ranker,
        variants: trained.variants,
      });
      const ranked = rankCandidates(stages.stage, score, { test, masked });
      results.set(name, {
        model: name,
        twoStage: {
          preset,
          effort,
          ranker,
          steps: [`${owner}: candidates`, `${owner}: ranker`, `${name}: variants`],
          candidates: countCandidates(ranked, test),
          training: trained.metrics,
          history: trained.history[ranker],
          predictions: parameters.ranker.labels.kind === 'held-out' ? ranked.predictions : null,
          ablation:
            io.ablate === true && name === ABLATED_MODEL
              ? await evaluateAblations({ stages, parameters, split, measure }, io)
              : null,
          tradeOffs:
            io.tradeOffs === true && name === ABLATED_MODEL
              ? tradeOffs(trained, { measure, masked }, KNOB_VALUES)
              : null,
        },
        ...evaluateLists(ranked.lists, measure),
      });
    }
  }
  return models.map((model) => results.get(model)!);
}

async function evaluateAblations(
  {
    stages,
    parameters,
    split,
    measure,
  }: {
    readonly stages: FittedStages;
    readonly parameters: TrainParameters;
    readonly split: Split;
    readonly measure: EvaluationInput;
  },
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<readonly AblationEvaluation[]> {
  const ablations = ablationsOf(stages, parameters);
  const ids = { userIds: split.train.users.ids, artistIds: split.train.artists.ids };
  const step = io.progress.step(`${ABLATED_MODEL}: ablation`, ablations.length);
  const ranked = await io.parallel(
    ablate,
    ablations.map((ablation) => ({
      stages,
      ids,
      parameters,
      ablation,
      test: split.test,
      masked: split.masked ?? null,
    })),
    (units) => step.advance(units),
  );
  step.end();
  return ablations.map((ablation, a) => ({
    ablation,
    candidates: countCandidates(ranked[a]!, split.test),
    ...evaluateLists(ranked[a]!.lists, measure),
  }));
}

function countCandidates(
  { candidates }: RankedCandidates,
  test: Csr,
): { readonly recall: number; readonly mean: number } {
  return {
    recall: candidateRecall(candidates, test),
    mean: candidates.reduce((sum, items) => sum + items.length, 0) / Math.max(1, candidates.length),
  };
}

/** Says whose steps they are. */
function named(progress: Progress, owner: string): Progress {
  return { step: (name, total) => progress.step(`${owner}: ${name}`, total) };
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
    const fitted = fitSource(source, prepareSourceInputs(dataset, terms, FULL_PRESET), FULL_PRESET);
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
