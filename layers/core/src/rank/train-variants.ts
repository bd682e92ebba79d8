import { EncoreError } from '../errors.ts';
import { hash3, hashString } from '../math/rng.ts';
import type { MlpVariantParameters, TreesParameters } from '../options.ts';
import type { Task } from '../ports.ts';
import { predictTrees } from './boosted-trees.ts';
import { N_FRESHNESS, nUserColumns, type FeatureSpace } from './features.ts';
import { fitLogisticRegression } from './logistic-regression.ts';
import type { MlpModel } from './mlp.ts';
import { artistLogits, createWeightsOfPair, type Ranker } from './ranker.ts';
import { trainBoostedTrees } from './train-boosted-trees.ts';
import { fitMlp, type EntityInputs } from './train-mlp.ts';
import { heldOutRows, type LabelledFold, type RankerRows } from './train-ranker.ts';
import type { CalibratedTrees } from './variants.ts';

/** What a variant of the ranker is fitted on: the rows of the logistic regression that it corrects, and that regression. */
export type VariantFitInput = {
  readonly folds: readonly LabelledFold[];
  readonly ids: { readonly userIds: readonly string[]; readonly artistIds: readonly string[] };
  readonly negatives: number;
  readonly randomState: number;
  readonly ranker: Ranker;
} & (
  | { readonly kind: 'trees'; readonly parameters: TreesParameters }
  | { readonly kind: 'mlp'; readonly parameters: MlpVariantParameters }
);

/** A fitted variant, and its curve on the rows that it learnt from. */
export type FittedVariant = { readonly history: readonly number[] } & (
  | { readonly kind: 'trees'; readonly model: CalibratedTrees }
  | { readonly kind: 'mlp'; readonly model: MlpModel }
);

/** Makes the rows again, which is quicker than to send them, and fits one variant. */
export const variantFit: Task<VariantFitInput, FittedVariant> = {
  name: 'variant-fit',
  run: (input, advance) => {
    const rows = heldOutRows(input.folds, input.ids, input);
    const logits = rowLogits(input, rows);
    const fitted: FittedVariant =
      input.kind === 'trees'
        ? { kind: input.kind, ...fitTreesVariant(rows, logits, input.parameters) }
        : { kind: input.kind, ...fitMlpVariant(input, rows, logits, input.parameters) };
    advance(1);
    return fitted;
  },
};

/**
 * Fits trees that add to the logit of the logistic regression.
 *
 * `lambdarank` learns the order within a (fold, listener). Its scores are no logits, so a logistic regression of the label on
 * the score alone, with the rows' offsets and without penalty, turns them into one. `logistic` boosts the log loss of logit plus
 * offset: a logit already.
 *
 * @param logits - Shape (nRows,): the logistic regression's, without offsets.
 * @returns `history` as `BoostedTreesFit.curve`.
 * @throws {@link EncoreError} `NOT_FINITE` when the calibration fails, as where the trees' order is no better than none.
 */
export function fitTreesVariant(
  { design, labels, offset }: RankerRows,
  logits: Float64Array,
  { objective, ...parameters }: TreesParameters,
): { readonly model: CalibratedTrees; readonly history: readonly number[] } {
  const { nRows } = design;
  const { nCols, values } = design.dense!;
  const isOrder = objective === 'lambdarank';
  const { trees, curve } = trainBoostedTrees(
    {
      nRows,
      nCols,
      values,
      groups: groupsOf(design.indexed[1]!.index),
      labels,
      initialScores: isOrder ? logits : logits.map((logit, r) => logit + offset[r]!),
    },
    {
      objective: isOrder ? { kind: objective, ...LAMBDARANK } : { kind: objective },
      ...parameters,
      minLeafHessian: MIN_LEAF_HESSIAN,
      l2: 0,
    },
  );
  const history = [...curve];
  if (!isOrder) return { model: { trees, slope: 1, intercept: 0 }, history };
  const scores = predictTrees(trees, values, nRows).map((added, r) => logits[r]! + added);
  const { weights, intercept } = fitLogisticRegression(
    { nRows, dense: { nCols: 1, values: scores }, indexed: [] },
    labels,
    { c: Infinity, maxIter: 200, tolerance: 1e-6, offset },
  );
  const slope = weights[0]!;
  if (!(slope > 0 && Number.isFinite(intercept))) {
    throw new EncoreError(
      'NOT_FINITE',
      `the trees' scores were calibrated with slope ${slope} and intercept ${intercept}: needed are a slope above 0 and a finite intercept`,
      { slope, intercept },
    );
  }
  return { model: { trees, slope, intercept }, history };
}

/** LightGBM's defaults. */
const LAMBDARANK = { truncation: 30, sigmoid: 1 } as const;
const MIN_LEAF_HESSIAN = 0.001;

/**
 * Fits an MLP that adds to the logit of the logistic regression: neural matrix factorisation over the BiasedSVD factors of
 * both sides and the pair columns. Batches are keyed by fold, listener and artist.
 *
 * @param logits - Shape (nRows,): the logistic regression's, without offsets.
 * @returns `history` as `FittedMlp.loss`.
 */
function fitMlpVariant(
  { folds, ids, randomState }: Pick<VariantFitInput, 'folds' | 'ids' | 'randomState'>,
  { design, labels, offset }: RankerRows,
  logits: Float64Array,
  parameters: MlpVariantParameters,
): { readonly model: MlpModel; readonly history: readonly number[] } {
  const [artist, user] = design.indexed;
  const { space } = folds[0]!.stage;
  const nUsers = ids.userIds.length;
  const nArtists = ids.artistIds.length;
  const userKeys = ids.userIds.map((id) => hashString(randomState, id));
  const artistKeys = ids.artistIds.map((id) => hashString(randomState, id));
  const { model, loss } = fitMlp(
    {
      nRows: design.nRows,
      pair: design.dense!,
      user: { ...userFactors(space, user!.rows.values), index: user!.index },
      artist: { ...artistFactors(space, folds), index: artist!.index },
      labels,
      offset,
      initialScores: logits,
      keys: Uint32Array.from(artist!.index, (at, r) =>
        hash3(Math.floor(at / nArtists), userKeys[user!.index[r]! % nUsers]!, artistKeys[at % nArtists]!),
      ),
    },
    { ...parameters, randomState },
  );
  return { model, history: [...loss] };
}

/** @param columns - Shape (nEntities × nUserColumns(space),): freshness, then factors. */
function userFactors(space: FeatureSpace, columns: Float64Array): Omit<EntityInputs, 'index'> {
  const { nFactors } = space;
  const width = nUserColumns(space);
  const values = new Float64Array((columns.length / width) * nFactors);
  for (let u = 0; u * width < columns.length; u++) {
    values.set(columns.subarray(u * width + N_FRESHNESS, (u + 1) * width), u * nFactors);
  }
  return { nCols: nFactors, values };
}

/** The factors of each fold's artists, one fold under the other. */
function artistFactors(
  { nFactors }: FeatureSpace,
  folds: readonly LabelledFold[],
): Omit<EntityInputs, 'index'> {
  const { length } = folds[0]!.stage.artists.factors;
  const values = new Float32Array(folds.length * length);
  folds.forEach(({ stage }, f) => values.set(stage.artists.factors, f * length));
  return { nCols: nFactors, values };
}

/** Where runs of one value begin, and the end: rows of a listener in a fold follow each other. */
function groupsOf(index: Int32Array): Int32Array {
  const begins = [0];
  for (let r = 1; r < index.length; r++) if (index[r] !== index[r - 1]) begins.push(r);
  begins.push(index.length);
  return Int32Array.from(begins);
}

/** The logit that a ranker gives each row: what `candidateLogits` gives the candidate that the row was made of. */
export function rowLogits(
  { folds, ranker }: Pick<VariantFitInput, 'folds' | 'ranker'>,
  { design }: RankerRows,
): Float64Array {
  const { space } = folds[0]!.stage;
  const [artist, user] = design.indexed;
  const nArtists = folds[0]!.stage.artists.embedding.nRows;
  const artistParts = folds.map(({ stage }) => artistLogits(space, ranker, stage.artists));
  const width = nUserColumns(space);
  const userColumns = user!.rows.values;
  const { nCols, values } = design.dense!;
  const weightsOfPair = createWeightsOfPair(space, ranker);
  const weights = new Float64Array(nCols);
  return Float64Array.from({ length: design.nRows }, (_, r) => {
    const at = artist!.index[r]!;
    let logit = ranker.intercept + artistParts[Math.floor(at / nArtists)]![at % nArtists]!;
    const first = user!.index[r]! * width;
    for (let c = 0; c < width; c++) logit += userColumns[first + c]! * ranker.userWeights[c]!;
    weightsOfPair(values, r * nCols, weights);
    for (let c = 0; c < nCols; c++) logit += values[r * nCols + c]! * weights[c]!;
    return logit;
  });
}
