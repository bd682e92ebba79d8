import type { CandidateRecord } from '../artifact/candidate-record.ts';
import { f64Tensor, incompatibleTensor, readFinite } from '../artifact/read-tensor.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import { predictTrees, readTrees, treeTensors, type BoostedTrees } from './boosted-trees.ts';
import {
  listenerFactors,
  pairColumnNames,
  pairFeatures,
  type ArtistTable,
  type FeatureSpace,
} from './features.ts';
import { mlpLogits, mlpTensors, readMlp, type MlpModel } from './mlp.ts';
import { candidateLogits, type Ranker } from './ranker.ts';

/** What can order a listener's candidates: the logistic regression, which every model has, and what corrects it. */
export const RANKERS = ['lr', 'trees', 'mlp'] as const;
export type RankerName = (typeof RANKERS)[number];

/** The rankers of a model beside the logistic regression; `null` for one that was not fitted. */
export interface RankerVariants {
  readonly trees: CalibratedTrees | null;
  readonly mlp: MlpModel | null;
}

export const NO_VARIANTS: RankerVariants = { trees: null, mlp: null };

/**
 * Trees over the pair columns that correct the logistic regression's logit:
 *
 * logit = intercept + slope · (logit of the logistic regression + what the trees add).
 *
 * Trees that were fitted to an order alone get slope and intercept from a logistic regression of the label on that one sum;
 * the order does not change, as the slope is above 0.
 */
export interface CalibratedTrees {
  readonly trees: BoostedTrees;
  readonly slope: number;
  readonly intercept: number;
}

/** Stage two of a model: whatever can rank. */
export interface StageTwo {
  readonly space: FeatureSpace;
  readonly artists: ArtistTable;
  readonly ranker: Ranker;
  /** What `artistLogits` returned. */
  readonly artistPart: Float64Array;
  readonly variants: RankerVariants;
}

/** The ranker that ranks where this one is asked for: itself where the model has it, else `lr`. */
export function availableRanker({ variants }: Pick<StageTwo, 'variants'>, asked: string): RankerName {
  if (asked === 'trees' && variants.trees !== null) return 'trees';
  return asked === 'mlp' && variants.mlp !== null ? 'mlp' : 'lr';
}

/**
 * The logit of each candidate of a listener by one of the rankers; `sigmoid` makes it the probability.
 *
 * @param name - One that the model has, see {@link availableRanker}.
 * @param pairs - The record's pair columns, where they are computed already.
 * @returns Shape (n,), in the order of `record.items`.
 */
export function rankerLogits(
  model: StageTwo,
  record: CandidateRecord,
  name: RankerName,
  pairs: Float64Array = pairFeatures(model.space, record, model.artists),
): Float64Array {
  const { space, artists, ranker, artistPart, variants } = model;
  const logits = candidateLogits(space, ranker, record, artists, artistPart, pairs);
  if (name === 'trees' && variants.trees !== null) {
    return treesLogits(variants.trees, pairs, logits);
  }
  if (name === 'mlp' && variants.mlp !== null) {
    return mlpLogits(variants.mlp, {
      n: logits.length,
      pairColumns: pairs,
      userInput: listenerFactors(space, record.userFeatures),
      artistInputs: artists.factors,
      artistIndex: record.items,
      initialScores: logits,
    });
  }
  return logits;
}

/** @param logits - Shape (n,): the logistic regression's. */
function treesLogits(
  { trees, slope, intercept }: CalibratedTrees,
  pairs: Float64Array,
  logits: Float64Array,
): Float64Array {
  return predictTrees(trees, pairs, logits.length).map(
    (added, i) => intercept + slope * (logits[i]! + added),
  );
}

/** The variants as tensors, none for those that are not there. */
export function variantTensors({ trees, mlp }: RankerVariants): readonly Tensor[] {
  return [
    ...(trees === null
      ? []
      : [
          ...treeTensors(trees.trees),
          f64Tensor(CALIBRATION, [2], Float64Array.of(trees.intercept, trees.slope)),
        ]),
    ...(mlp === null ? [] : mlpTensors(mlp)),
  ];
}

/**
 * Reads the tensors of {@link variantTensors} back.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when a tensor is damaged or does not fit the feature space, see
 *   `readTrees` and `readMlp`.
 */
export function readVariants(tensors: ReadonlyMap<string, Tensor>, space: FeatureSpace): RankerVariants {
  const nPairs = pairColumnNames(space).length;
  const trees = readTrees(tensors, nPairs);
  const mlp = readMlp(tensors);
  if (mlp !== null) {
    requireInputs('mlp/pair/means', mlp.pairScale.means, nPairs);
    requireInputs('mlp/user/means', mlp.userScale.means, space.nFactors);
    requireInputs('mlp/artist/means', mlp.artistScale.means, space.nFactors);
  }
  if (trees === null) return { trees: null, mlp };
  const [intercept, slope] = readFinite(tensors, CALIBRATION, Float64Array, 2);
  if (!(slope! > 0)) throw incompatibleTensor(CALIBRATION, `a slope of ${slope}`, 'one above 0');
  return { trees: { trees, intercept: intercept!, slope: slope! }, mlp };
}

const CALIBRATION = 'trees/calibration';

function requireInputs(name: string, found: Float64Array, expected: number): void {
  if (found.length !== expected) throw incompatibleTensor(name, `${found.length} inputs`, `${expected}`);
}
