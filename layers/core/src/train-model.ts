import type { SvdTables } from './artifact/model-tensors.ts';
import {
  stageOne,
  STAGE_ONE_UNITS,
  toPlainDataset,
  type StageOneInput,
  type StageOneOutput,
} from './candidates/stage-one.ts';
import type { Dataset } from './data/dataset.ts';
import { assignFolds, withoutPairs } from './data/split.ts';
import { measureCalibration, RELIABILITY_BINS, type Calibration } from './evaluate/calibration.ts';
import { candidateRecall, listMetrics } from './evaluate/metrics.ts';
import { EncoreError } from './errors.ts';
import { fitTfIdf } from './features/tf-idf.ts';
import { mapCsr, filterCsr, type Csr } from './math/csr.ts';
import { topK } from './math/top-k.ts';
import type { TrainParameters, VariantsParameters } from './options.ts';
import type { ParallelMap, Progress } from './ports.ts';
import { sigmoid, type Ranker } from './rank/ranker.ts';
import { createRecordScorer } from './rank/score-records.ts';
import { rankerFit, type LabelledFold, type RankerFitInput } from './rank/train-ranker.ts';
import { variantFit, type VariantFitInput } from './rank/train-variants.ts';
import { NO_VARIANTS, type RankerName, type RankerVariants } from './rank/variants.ts';

/** A trained model: everything that a version's files are made of. */
export interface TrainedModel {
  readonly parameters: TrainParameters;
  readonly stage: StageOneOutput;
  readonly ranker: Ranker;
  readonly variants: RankerVariants;
  /** Of the logistic regression, whichever variants there are. */
  readonly metrics: TrainingMetrics;
  readonly holdout: HoldoutReport;
  readonly history: TrainingHistory;
}

/** What else was seen on the held-out fold, for whoever wants to know how good the metrics are. */
export interface HoldoutReport {
  /** Metrics of simpler ways to rank, on the same fold. */
  readonly baselines: { readonly popular: Pick<TrainingMetrics, 'holdout-ndcg@20' | 'holdout-recall@20'> };
  /** `null` where the score is no probability to listen. */
  readonly calibration: Calibration | null;
}

/** What was measured of fitted rankers. */
export type Measured = Pick<TrainedModel, 'metrics' | 'holdout'>;

/**
 * How each ranker learnt: `lr` the objective after each step of its optimiser, `trees` the figure of their objective with 0, 1,
 * … trees (see `BoostedTreesFit.curve`), `mlp` the loss of each pass. Empty for what was reused or not fitted.
 */
export type TrainingHistory = Readonly<Record<RankerName, readonly number[]>>;

/** Measured on listening that neither stage one nor the measured ranker has seen. */
export interface TrainingMetrics {
  /** NDCG@20 on the held-out fold; the quality gate compares it. */
  readonly 'holdout-ndcg@20': number;
  readonly 'holdout-recall@20': number;
  /** Share of the held-out artists that are among the candidates. */
  readonly 'holdout-candidate-recall': number;
  /** Mean number of candidates of a listener. */
  readonly 'mean-candidates': number;
  /**
   * Mean of the predicted probabilities minus the rate observed, over the held-out fold's candidates; `null` where the
   * score is no probability to listen (the seed's is one of many plays).
   */
  readonly 'holdout-calibration-error': number | null;
  readonly 'ranker-iterations': number;
  /** Whether the optimiser met its tolerance within `maxIter`; `null` for a reused ranker. */
  readonly 'ranker-converged': boolean | null;
}

/** Parts of an earlier model to take over instead of training them. */
export interface Reuse {
  readonly svd: SvdTables | null;
  /** With the words of the tag dimensions that its weights belong to. */
  readonly ranker: {
    readonly ranker: Ranker;
    readonly variants: RankerVariants;
    readonly terms: readonly string[];
  } | null;
}

/** What a training runs on. */
export interface TrainingIo {
  readonly parallel: ParallelMap;
  readonly progress: Progress;
  readonly reuse?: Reuse;
  /** Whether what new listeners are folded in from is wanted, by default true: tens of megabytes that measuring has no use for. */
  readonly foldIn?: boolean;
}

const NO_REUSE: Reuse = { svd: null, ranker: null };

/**
 * Trains both stages: the scheduled job, without its I/O.
 *
 * Stage one is fitted on everything for serving, and once more for each fold that labels the ranker, without that
 * fold's pairs; these fits are independent and run side by side. The ranker learns from all folds; the last fold also
 * measures a ranker that has learnt without it, which makes the model's own estimate of its quality nearly free. A
 * reused ranker is measured on a fold that it did not learn from (one with the seed's labels has seen every pair).
 *
 * The same data set, parameters and reuse give the same model, whatever `parallel` does.
 *
 * @throws {@link EncoreError} `NOT_FINITE` when a trained value is not finite; `REUSE_REFUSED` when a reused part does
 *   not fit; `INVALID_DATA_SET` when a fold holds out all of what a feature is made of, or leaves labels of one kind only.
 */
export async function trainModel(
  dataset: Dataset,
  parameters: TrainParameters,
  io: TrainingIo,
): Promise<TrainedModel> {
  const stages = await fitStages(dataset, parameters, io);
  const trained = await trainRanker(dataset, stages, parameters, io);
  if (io.reuse?.ranker) return { ...trained, variants: io.reuse.ranker.variants };
  return await trainVariants(dataset, stages, trained, { io, variants: parameters.ranker.variants });
}

/** Stage one, fitted on everything and without each of the folds that the ranker is labelled or measured by. */
export interface FittedStages {
  readonly stage: StageOneOutput;
  /** In the order in which they were dealt; the last one measures. */
  readonly folds: readonly LabelledFold[];
}

/**
 * The first half of {@link trainModel}: nearly all of its time. Rankers that differ in nothing before them can share it.
 *
 * @throws {@link EncoreError} As {@link trainModel}.
 */
export async function fitStages(
  dataset: Dataset,
  parameters: TrainParameters,
  io: TrainingIo,
): Promise<FittedStages> {
  const inputs = planStages(dataset, parameters, io);
  const plain = toPlainDataset(dataset);
  const candidateStep = io.progress.step('candidates', inputs.length * STAGE_ONE_UNITS);
  const stages = await io.parallel(
    stageOne,
    inputs.map((input) => ({ ...input, dataset: plain })),
    (units) => candidateStep.advance(units),
  );
  candidateStep.end();
  return joinStages(inputs, stages);
}

/** One fit of stage one, but for the data set. */
export type StagePlan = Omit<StageOneInput, 'dataset'>;

/**
 * The fits of stage one that a training needs: first the one on everything, then one without each of the folds that the ranker
 * is labelled or measured by. They do not depend on each other.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` for an impossible number of folds, `REUSE_REFUSED` for a ranker of other tags.
 */
export function planStages(
  dataset: Dataset,
  parameters: TrainParameters,
  options: Pick<TrainingIo, 'reuse' | 'foldIn'>,
): readonly StagePlan[] {
  const { reuse = NO_REUSE, foldIn = true } = options;
  const { labels } = parameters.ranker;
  const dealt = labels.kind === 'held-out' ? labels.dealt : 5;
  const used = labels.kind === 'held-out' ? labels.used : 1;
  if (used < 1 || used >= dealt || (labels.kind === 'held-out' && used < 2)) {
    throw new EncoreError(
      'INVALID_OPTION',
      `${used} of ${dealt} folds are used: allowed are 2 to ${dealt - 1}`,
    );
  }
  const folding = { dealt, randomState: parameters.randomState };
  const heldOut =
    reuse.ranker === null
      ? heldOutFolds(dataset, { ...folding, from: 0, to: used })
      : heldOutFolds(dataset, { ...folding, from: used, to: used + 1 });
  // One vocabulary of terms for all fits, so that a dimension means the same in each.
  const { terms } = fitTfIdf(dataset, { maxFeatures: parameters.maxFeatures });
  if (reuse.ranker !== null) requireSameTerms(reuse.ranker.terms, terms);
  const common = { parameters, terms };
  return [
    { ...common, heldOut: null, svd: reuse.svd, foldIn },
    ...heldOut.map((fold) => ({ ...common, heldOut: fold, svd: null, foldIn: false })),
  ];
}

/**
 * What the fits of {@link planStages} make together.
 *
 * @param stages - In the order of the plan.
 * @throws {@link EncoreError} `INVALID_DATA_SET` when a fold holds out all of what a feature is made of.
 */
export function joinStages(
  plan: readonly StagePlan[],
  [stage, ...foldStages]: readonly StageOneOutput[],
): FittedStages {
  if (stage === undefined) throw new EncoreError('SHAPE_MISMATCH', 'stage one returned nothing');
  const folds = foldStages.map((foldStage, f): LabelledFold => ({
    stage: foldStage,
    heldOut: plan[f + 1]!.heldOut!,
  }));
  for (const fold of folds) requireSameColumns(fold.stage, stage);
  return { stage, folds };
}

/** What {@link fitStages} reads of the parameters: where it is equal, so are the stages of one data set. */
export function stagesKey({ ranker, ...parameters }: TrainParameters): string {
  const { crossFeatures, contexts, labels } = ranker;
  const folds = labels.kind === 'held-out' ? [labels.dealt, labels.used] : null;
  return JSON.stringify([parameters, crossFeatures, contexts, folds]);
}

/**
 * The second part of {@link trainModel}: fits the ranker on the stages given and, side by side, the one that is measured.
 *
 * @param stages - What {@link fitStages} made of the same data set, parameters and reuse.
 * @throws {@link EncoreError} As {@link trainModel}.
 */
export async function trainRanker(
  dataset: Dataset,
  stages: FittedStages,
  parameters: TrainParameters,
  io: TrainingIo,
): Promise<TrainedModel> {
  const rankers = await fitRankers(dataset, stages, parameters, io);
  const measured = measureRankers(dataset, stages, parameters, rankers);
  return rankedModel(stages, parameters, { rankers, measured });
}

/** The ranker that is served, and the one that the model's quality is measured by. */
export interface FittedRankers {
  readonly ranker: Ranker;
  readonly measured: Ranker;
  readonly iterations: number;
  /** `null` for a reused ranker. */
  readonly converged: boolean | null;
  /** See {@link TrainingHistory}. */
  readonly history: readonly number[];
}

/** The first part of {@link trainRanker}; nothing is fitted where a ranker is reused. */
export async function fitRankers(
  dataset: Dataset,
  stages: FittedStages,
  parameters: TrainParameters,
  io: TrainingIo,
): Promise<FittedRankers> {
  const reused = io.reuse?.ranker?.ranker;
  const step = io.progress.step('ranker', reused === undefined ? 2 : 1);
  if (reused !== undefined) {
    step.advance(1);
    step.end();
    return { ranker: reused, measured: reused, iterations: 0, converged: null, history: [] };
  }
  const inputs = rankerFits(dataset, stages, parameters);
  const [fitted, measured] = await io.parallel(rankerFit, inputs, (units) => step.advance(units));
  step.end();
  const { ranker, iterations, converged, history } = fitted!;
  return { ranker, measured: measured!.ranker, iterations, converged, history };
}

/** The second part of {@link trainRanker}: measures on the last fold what did not learn from it. */
export function measureRankers(
  dataset: Dataset,
  { folds }: FittedStages,
  { ranker: { labels } }: TrainParameters,
  { measured, iterations, converged }: FittedRankers,
): Measured {
  const fold = folds[folds.length - 1]!;
  const { metrics, calibration } = measureHoldout(fold, measured, {
    calibrated: labels.kind === 'held-out',
  });
  return {
    metrics: { ...metrics, 'ranker-iterations': iterations, 'ranker-converged': converged },
    holdout: { baselines: { popular: measurePopular(dataset, fold) }, calibration },
  };
}

/** The artists with most listeners in what is learnt from, less those heard: what a list without a model is. */
function measurePopular(dataset: Dataset, { heldOut }: LabelledFold): HoldoutReport['baselines']['popular'] {
  const { plays } = withoutPairs(dataset, heldOut);
  const listeners = new Float64Array(plays.nCols);
  for (const artist of plays.indices) listeners[artist]!++;
  const byListeners = topK(listeners, listeners.length);
  let ndcg = 0;
  let recall = 0;
  let measured = 0;
  for (let user = 0; user < heldOut.nRows; user++) {
    const relevant = new Set(heldOut.indices.subarray(heldOut.indptr[user], heldOut.indptr[user + 1]));
    if (relevant.size === 0) continue;
    const heard = new Set(plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]));
    const list: number[] = [];
    for (let i = 0; i < byListeners.length && list.length < 20; i++) {
      if (!heard.has(byListeners[i]!)) list.push(byListeners[i]!);
    }
    const at20 = listMetrics(Int32Array.from(list), relevant, 20);
    ndcg += at20.ndcg;
    recall += at20.recall;
    measured++;
  }
  return {
    'holdout-ndcg@20': ndcg / Math.max(1, measured),
    'holdout-recall@20': recall / Math.max(1, measured),
  };
}

/** The model that fitted and measured rankers make, without variants. */
export function rankedModel(
  { stage }: Pick<FittedStages, 'stage'>,
  parameters: TrainParameters,
  { rankers, measured }: { readonly rankers: FittedRankers; readonly measured: Measured },
): TrainedModel {
  return {
    parameters,
    stage,
    ranker: rankers.ranker,
    variants: NO_VARIANTS,
    ...measured,
    history: { lr: rankers.history, trees: [], mlp: [] },
  };
}

/**
 * The last part of {@link trainModel}: fits variants of the ranker side by side. They learn from all folds, what the ranker
 * learnt from, and are not measured here.
 *
 * @param stages - Those that the ranker was trained on.
 * @param options.variants - Which ones, and how; in place of those of the model's parameters.
 * @throws {@link EncoreError} `INVALID_OPTION` for a ranker that does not learn from held-out listening; as the fits do.
 */
export async function trainVariants(
  dataset: Dataset,
  { folds }: FittedStages,
  trained: TrainedModel,
  { io, variants: { trees, mlp } }: { readonly io: TrainingIo; readonly variants: VariantsParameters },
): Promise<TrainedModel> {
  if (trees === null && mlp === null) return trained;
  const { parameters, ranker, history } = trained;
  const { labels } = parameters.ranker;
  if (labels.kind !== 'held-out') {
    throw new EncoreError(
      'INVALID_OPTION',
      `variants of the ranker need held-out labels, found ${labels.kind}`,
      {
        field: 'variants',
        found: labels.kind,
      },
    );
  }
  const common = {
    folds,
    ids: { userIds: dataset.users.ids, artistIds: dataset.artists.ids },
    negatives: labels.negatives,
    randomState: parameters.randomState,
    ranker,
  };
  const inputs: VariantFitInput[] = [
    ...(trees === null ? [] : [{ ...common, kind: 'trees' as const, parameters: trees }]),
    ...(mlp === null ? [] : [{ ...common, kind: 'mlp' as const, parameters: mlp }]),
  ];
  const step = io.progress.step('variants', inputs.length);
  const fitted = await io.parallel(variantFit, inputs, (units) => step.advance(units));
  step.end();
  const fittedTrees = fitted.find((variant) => variant.kind === 'trees');
  const fittedMlp = fitted.find((variant) => variant.kind === 'mlp');
  return {
    ...trained,
    parameters: { ...parameters, ranker: { ...parameters.ranker, variants: { trees, mlp } } },
    variants: { trees: fittedTrees?.model ?? null, mlp: fittedMlp?.model ?? null },
    history: { ...history, trees: fittedTrees?.history ?? [], mlp: fittedMlp?.history ?? [] },
  };
}

/** What the ranker that is served learns from, and what the one that is measured on the last fold does. */
function rankerFits(
  dataset: Dataset,
  { stage, folds }: FittedStages,
  parameters: TrainParameters,
): readonly [RankerFitInput, RankerFitInput] {
  const { labels } = parameters.ranker;
  const common = { parameters: parameters.ranker, randomState: parameters.randomState };
  if (labels.kind === 'held-out') {
    const ids = { userIds: dataset.users.ids, artistIds: dataset.artists.ids };
    const fit = { kind: labels.kind, ids, negatives: labels.negatives, ...common };
    return [
      { ...fit, folds },
      { ...fit, folds: folds.slice(0, -1) },
    ];
  }
  const fit = { kind: labels.kind, threshold: labels.threshold, ...common };
  const measured = folds[folds.length - 1]!;
  return [
    // What new listeners are folded in from is no part of a ranker, and large.
    { ...fit, stage: { ...stage, foldIn: null }, plays: dataset.plays },
    { ...fit, stage: measured.stage, plays: withoutPairs(dataset, measured.heldOut).plays },
  ];
}

/**
 * NDCG@20 that parameters reach on the holdout that {@link trainModel} with `holdoutOf` measures itself on: what the
 * quality gate compares a new model with, on equal data and an equal holdout.
 *
 * @param holdoutOf - The parameters whose holdout it is.
 */
export async function measureParameters(
  dataset: Dataset,
  parameters: TrainParameters,
  holdoutOf: TrainParameters,
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<number> {
  const compared = onHoldoutOf(parameters, holdoutOf);
  const bare = { ...io, foldIn: false };
  const stages = await fitStages(dataset, compared, bare);
  const { metrics } = await trainRanker(dataset, stages, compared, bare);
  return metrics['holdout-ndcg@20'];
}

/** Parameters as {@link measureParameters} trains with them: those given, measured on the holdout of others. */
export function onHoldoutOf(parameters: TrainParameters, holdoutOf: TrainParameters): TrainParameters {
  return {
    ...parameters,
    randomState: holdoutOf.randomState,
    ranker: { ...parameters.ranker, labels: sameFolds(parameters.ranker.labels, holdoutOf.ranker.labels) },
  };
}

function sameFolds(
  labels: TrainParameters['ranker']['labels'],
  other: TrainParameters['ranker']['labels'],
): TrainParameters['ranker']['labels'] {
  return labels.kind === 'held-out' && other.kind === 'held-out'
    ? { ...labels, dealt: other.dealt, used: other.used }
    : labels;
}

/** The play pairs of the folds [from, to), as matrices of ones. */
function heldOutFolds(
  dataset: Dataset,
  {
    dealt,
    from,
    to,
    randomState,
  }: { readonly dealt: number; readonly from: number; readonly to: number; readonly randomState: number },
): readonly Csr[] {
  const fold = assignFolds(
    dataset.plays,
    { userIds: dataset.users.ids, artistIds: dataset.artists.ids },
    dealt,
    randomState,
  );
  const ones = mapCsr(dataset.plays, () => 1);
  return Array.from({ length: to - from }, (_, f) => {
    let e = 0;
    return filterCsr(ones, () => fold[e++] === from + f);
  });
}

/**
 * Without a held-out fold a data set may lack a whole feature (its last valid tag time): the ranker would then read other
 * columns in serving than it learnt from.
 */
function requireSameColumns({ space: found }: StageOneOutput, { space: expected }: StageOneOutput): void {
  if (found.nEmbedding === expected.nEmbedding) return;
  throw new EncoreError(
    'INVALID_DATA_SET',
    `without a held-out fold the artist embedding has ${found.nEmbedding} dimensions, with all data ${expected.nEmbedding}: ` +
      'too few tags have a valid time to tell how fresh artists are',
    { found: found.nEmbedding, expected: expected.nEmbedding },
  );
}

function requireSameTerms(saved: readonly string[], now: readonly string[]): void {
  const differ = now.filter((term) => !saved.includes(term));
  if (saved.length === now.length && differ.length === 0) return;
  throw new EncoreError(
    'REUSE_REFUSED',
    `the saved ranker weighs ${saved.length} tag terms, this data set has ${now.length}, ${differ.length} of them new: train the ranker anew`,
    { found: saved.length, expected: now.length },
  );
}

function measureHoldout(
  { stage, heldOut }: LabelledFold,
  ranker: Ranker,
  { calibrated }: { readonly calibrated: boolean },
): {
  readonly metrics: Omit<TrainingMetrics, 'ranker-iterations' | 'ranker-converged'>;
  readonly calibration: Calibration | null;
} {
  const score = createRecordScorer(stage, ranker);
  const candidates: Int32Array[] = [];
  let ndcg = 0;
  let recall = 0;
  let measured = 0;
  const probabilities: number[] = [];
  const outcomes: number[] = [];
  let total = 0;
  stage.records.forEach((_, user) => {
    const { record, logits } = score(user);
    candidates.push(record.items);
    total += record.items.length;
    const relevant = new Set(heldOut.indices.subarray(heldOut.indptr[user], heldOut.indptr[user + 1]));
    if (relevant.size === 0) return;
    const order = Int32Array.from(record.items, (_, i) => i).toSorted(
      (a, b) => logits[b]! - logits[a]! || a - b,
    );
    const at20 = listMetrics(
      order.map((i) => record.items[i]!),
      relevant,
      20,
    );
    ndcg += at20.ndcg;
    recall += at20.recall;
    measured++;
    record.items.forEach((item, i) => {
      probabilities.push(sigmoid(logits[i]!));
      outcomes.push(relevant.has(item) ? 1 : 0);
    });
  });
  const calibration = calibrated
    ? measureCalibration(
        [{ probabilities: Float64Array.from(probabilities), outcomes: Uint8Array.from(outcomes) }],
        RELIABILITY_BINS,
      )
    : null;
  const metrics = {
    'holdout-ndcg@20': ndcg / Math.max(1, measured),
    'holdout-recall@20': recall / Math.max(1, measured),
    'holdout-candidate-recall': candidateRecall(candidates, heldOut),
    'mean-candidates': total / Math.max(1, stage.records.length),
    'holdout-calibration-error': calibrated ? (calibration?.bias ?? 0) : null,
  };
  return { metrics, calibration };
}
