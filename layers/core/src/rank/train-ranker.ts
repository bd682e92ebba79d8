import { decodeCandidates } from '../artifact/candidate-record.ts';
import { recordShape } from '../artifact/model-tensors.ts';
import type { StageOneOutput } from '../candidates/stage-one.ts';
import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { hash3, hashString } from '../math/rng.ts';
import type { RankerParameters } from '../options.ts';
import type { Task } from '../ports.ts';
import {
  contextColumns,
  crossedColumns,
  nArtistColumns,
  nUserColumns,
  pairColumnNames,
  pairFeatures,
  writeFactorProducts,
  writeUserColumns,
  type FeatureSpace,
} from './features.ts';
import { fitLogisticRegression, type DesignMatrix } from './logistic-regression.ts';
import { splitWeights, type Ranker } from './ranker.ts';

/** Rows to learn from: one for each labelled (listener, artist) pair. */
export interface RankerRows {
  readonly design: DesignMatrix;
  /** Shape (nRows,): 1 where the listener listens. */
  readonly labels: Uint8Array;
  /** Shape (nRows,): ln of the inverse share in which the row's class was sampled; see {@link heldOutRows}. */
  readonly offset: Float64Array;
}

/** One fold: stage one fitted without the held-out pairs, and those pairs. */
export interface LabelledFold {
  readonly stage: StageOneOutput;
  /** Shape (nUsers, nArtists). */
  readonly heldOut: Csr;
}

/**
 * Labels candidates by listening that stage one has not seen: held-out artists are positive, and a random share of each
 * listener's other candidates is negative.
 *
 * Sampling only some negatives raises the odds by the inverse of the share; that factor is known for each listener and
 * goes into the row's offset, so that the fitted logit is the one before sampling: a probability, not only an order.
 *
 * @param userIds - Shape (nUsers,); with `artistIds`, what the sampling is keyed by.
 * @see King and Zeng (2001), "Logistic Regression in Rare Events Data", prior correction.
 */
export function heldOutRows(
  folds: readonly LabelledFold[],
  ids: { readonly userIds: readonly string[]; readonly artistIds: readonly string[] },
  options: { readonly negatives: number; readonly randomState: number },
): RankerRows {
  const first = folds[0]!.stage;
  const { space } = first;
  const nUsers = first.records.length;
  const nArtists = ids.artistIds.length;
  const userKeys = ids.userIds.map((id) => hashString(options.randomState, id));
  const artistKeys = ids.artistIds.map((id) => hashString(options.randomState, id));
  const width = pairColumnNames(space).length;
  const shape = recordShape(space, nArtists);

  // Upper bound of rows, so that the dense part is allocated once.
  let capacity = 0;
  for (const fold of folds) capacity += nUsers * options.negatives + fold.heldOut.indices.length;
  const dense = new Float64Array(capacity * width);
  const labels = new Uint8Array(capacity);
  const offset = new Float64Array(capacity);
  const artistIndex = new Int32Array(capacity);
  const userIndex = new Int32Array(capacity);
  const userColumns = new Float64Array(folds.length * nUsers * nUserColumns(space));
  let nRows = 0;

  folds.forEach(({ stage, heldOut }, f) => {
    const positive = new Uint8Array(nArtists);
    for (let user = 0; user < nUsers; user++) {
      const record = decodeCandidates(stage.records[user]!, shape);
      writeUserColumns(space, record.userFeatures, userColumns, (f * nUsers + user) * nUserColumns(space));
      const start = heldOut.indptr[user]!;
      const end = heldOut.indptr[user + 1]!;
      if (end === start) continue;
      for (let e = start; e < end; e++) positive[heldOut.indices[e]!] = 1;
      const pairs = pairFeatures(space, record, stage.artists);
      const others: { row: number; key: number }[] = [];
      const chosen: number[] = [];
      record.items.forEach((item, row) => {
        if (positive[item] === 1) chosen.push(row);
        else others.push({ row, key: hash3(options.randomState + f, userKeys[user]!, artistKeys[item]!) });
      });
      others.sort((a, b) => a.key - b.key);
      const nNegatives = Math.min(options.negatives, others.length);
      const logInverseShare = nNegatives > 0 ? Math.log(others.length / nNegatives) : 0;
      const nPositives = chosen.length;
      for (let i = 0; i < nNegatives; i++) chosen.push(others[i]!.row);
      chosen.forEach((row, i) => {
        dense.set(pairs.subarray(row * width, (row + 1) * width), nRows * width);
        labels[nRows] = i < nPositives ? 1 : 0;
        offset[nRows] = logInverseShare;
        artistIndex[nRows] = f * nArtists + record.items[row]!;
        userIndex[nRows] = f * nUsers + user;
        nRows++;
      });
      for (let e = start; e < end; e++) positive[heldOut.indices[e]!] = 0;
    }
  });
  return {
    design: {
      nRows,
      dense: { nCols: width, values: dense.subarray(0, nRows * width) },
      indexed: [
        {
          name: 'artist',
          index: artistIndex.subarray(0, nRows),
          rows: artistColumns(folds.map(({ stage }) => stage)),
        },
        {
          name: 'user',
          index: userIndex.subarray(0, nRows),
          rows: denseRows(userColumns, nUserColumns(space)),
        },
      ],
    },
    labels: labels.subarray(0, nRows),
    offset: offset.subarray(0, nRows),
  };
}

/** The seed's labels: every heard pair is a row, positive where its plays exceed the threshold. */
export function playsAboveRows(stage: StageOneOutput, plays: Csr, threshold: number): RankerRows {
  const { space } = stage;
  const nRows = plays.indices.length;
  const width = pairColumnNames(space).length;
  const dense = new Float64Array(nRows * width);
  const userIndex = new Int32Array(nRows);
  const userColumns = new Float64Array(plays.nRows * nUserColumns(space));
  const shape = recordShape(space, plays.nCols);
  for (let user = 0; user < plays.nRows; user++) {
    const { userFeatures } = decodeCandidates(stage.records[user]!, shape);
    writeUserColumns(space, userFeatures, userColumns, user * nUserColumns(space));
    for (let e = plays.indptr[user]!; e < plays.indptr[user + 1]!; e++) {
      userIndex[e] = user;
      writeFactorProducts(space, userFeatures, plays.indices[e]!, stage.artists, dense, e * width);
    }
  }
  return {
    design: {
      nRows,
      dense: { nCols: width, values: dense },
      indexed: [
        { name: 'artist', index: plays.indices, rows: artistColumns([stage]) },
        { name: 'user', index: userIndex, rows: denseRows(userColumns, nUserColumns(space)) },
      ],
    },
    labels: Uint8Array.from(plays.values, (count) => (count > threshold ? 1 : 0)),
    offset: new Float64Array(nRows),
  };
}

/** Labels to fit a ranker by, see {@link heldOutRows} and {@link playsAboveRows}. */
export type RankerFitInput = {
  readonly parameters: Pick<RankerParameters, 'c' | 'maxIter'>;
  readonly randomState: number;
} & (
  | {
      readonly kind: 'held-out';
      readonly folds: readonly LabelledFold[];
      readonly ids: { readonly userIds: readonly string[]; readonly artistIds: readonly string[] };
      readonly negatives: number;
    }
  | {
      readonly kind: 'plays-above';
      readonly stage: StageOneOutput;
      readonly plays: Csr;
      readonly threshold: number;
    }
);

/** Makes the rows and fits one ranker. */
export const rankerFit: Task<RankerFitInput, FittedRanker> = {
  name: 'ranker-fit',
  run: (input, advance) => {
    const fitted =
      input.kind === 'held-out'
        ? fitRanker(input.folds[0]!.stage.space, heldOutRows(input.folds, input.ids, input), input.parameters)
        : fitRanker(
            input.stage.space,
            playsAboveRows(input.stage, input.plays, input.threshold),
            input.parameters,
          );
    advance(1);
    return fitted;
  },
};

/** A ranker, and how its optimiser ended. */
export interface FittedRanker {
  readonly ranker: Ranker;
  readonly iterations: number;
  /** Whether the optimiser met its tolerance within the iterations allowed. */
  readonly converged: boolean;
  /** Shape (iterations,): the objective after each step, per unit of sample weight; see {@link fitLogisticRegression}. */
  readonly history: readonly number[];
}

/**
 * Fits the ranker.
 *
 * Cross features differ in scale, so the pair columns are standardised for the fit and the scale is folded back into
 * the weights; the seed's raw concatenation is fitted as it is. Contexts are crossed with standardised columns, so that the
 * penalty pulls each weight towards one number for all pairs.
 *
 * @throws {@link EncoreError} `NOT_FINITE` when a weight is not finite; `INVALID_DATA_SET` when all labels are alike.
 */
export function fitRanker(
  space: FeatureSpace,
  { design, labels, offset }: RankerRows,
  parameters: Pick<RankerParameters, 'c' | 'maxIter'>,
): FittedRanker {
  const nPositives = labels.reduce((sum, label) => sum + label, 0);
  if (nPositives === 0 || nPositives === labels.length) {
    throw new EncoreError(
      'INVALID_DATA_SET',
      `the ranker has ${nPositives} positive and ${labels.length - nPositives} negative rows to learn from: it needs both, so a larger data set`,
      { nPositives, nRows: labels.length },
    );
  }
  const width = design.dense!.nCols;
  const scale = space.crossFeatures ? columnMoments(design.dense!.values, width) : null;
  const values = scale === null ? design.dense!.values : standardised(design.dense!.values, width, scale);
  const history: number[] = [];
  const crosses = { contexts: contextColumns(space), ...crossedColumns(space) };
  const fitted = fitLogisticRegression({ ...design, dense: { nCols: width, values }, crosses }, labels, {
    c: parameters.c,
    maxIter: parameters.maxIter,
    tolerance: 1e-4,
    offset,
    onIteration: (_iteration, _gradientNorm, objective) => history.push(objective),
  });
  let { intercept } = fitted;
  const weights = fitted.weights.slice();
  const contexts = contextColumns(space);
  if (scale !== null) {
    const { means, inverseDeviations } = scale;
    for (let c = 0; c < width; c++) {
      weights[c]! *= inverseDeviations[c]!;
      intercept -= weights[c]! * means[c]!;
    }
    // Σ_j W_cj z_c (x_j − mean_j) / deviation_j: the means' share is a multiple of z_c, and so of x_c.
    const { first, end } = crossedColumns(space);
    contexts.forEach((column, c) => {
      const row = weights.length - (contexts.length - c) * (end - first) - first;
      let shift = 0;
      for (let j = first; j < end; j++) {
        weights[row + j]! *= inverseDeviations[j]!;
        shift += weights[row + j]! * means[j]!;
      }
      weights[column]! -= shift * inverseDeviations[column]!;
      intercept += shift * inverseDeviations[column]! * means[column]!;
    });
  }
  const scaling = {
    means: Float64Array.from(contexts, (column) => scale?.means[column] ?? 0),
    scales: Float64Array.from(contexts, (column) => scale?.inverseDeviations[column] ?? 1),
  };
  if (!Number.isFinite(intercept) || !weights.every(Number.isFinite)) {
    throw new EncoreError('NOT_FINITE', 'the ranker has a weight that is not finite');
  }
  return {
    ranker: splitWeights(space, intercept, weights, scaling),
    iterations: fitted.iterations,
    converged: fitted.converged,
    history,
  };
}

interface ColumnMoments {
  readonly means: Float64Array;
  /** 0 for a constant column. */
  readonly inverseDeviations: Float64Array;
}

function columnMoments(values: Float64Array, width: number): ColumnMoments {
  const n = Math.max(1, values.length / width);
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let i = 0; i < values.length; i += width) for (let c = 0; c < width; c++) means[c]! += values[i + c]!;
  for (let c = 0; c < width; c++) means[c]! /= n;
  for (let i = 0; i < values.length; i += width) {
    for (let c = 0; c < width; c++) squares[c]! += (values[i + c]! - means[c]!) ** 2;
  }
  return { means, inverseDeviations: squares.map((s) => (s > 1e-24 * n ? 1 / Math.sqrt(s / n) : 0)) };
}

function standardised(
  values: Float64Array,
  width: number,
  { means, inverseDeviations }: ColumnMoments,
): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < values.length; i += width) {
    for (let c = 0; c < width; c++) out[i + c] = (values[i + c]! - means[c]!) * inverseDeviations[c]!;
  }
  return out;
}

/** The artist part of the fits given, one under the other: embedding, then factors. */
function artistColumns(stages: readonly StageOneOutput[]): Csr {
  const { space } = stages[0]!;
  const { nFactors, nEmbedding } = space;
  const nArtists = stages[0]!.artists.embedding.nRows;
  let nnz = 0;
  for (const { artists } of stages) nnz += artists.embedding.values.length + artists.factors.length;
  const indptr = new Int32Array(stages.length * nArtists + 1);
  const indices = new Int32Array(nnz);
  const values = new Float64Array(nnz);
  let at = 0;
  stages.forEach(({ artists: { embedding, factors } }, s) => {
    for (let i = 0; i < nArtists; i++) {
      for (let e = embedding.indptr[i]!; e < embedding.indptr[i + 1]!; e++) {
        indices[at] = embedding.indices[e]!;
        values[at++] = embedding.values[e]!;
      }
      for (let f = 0; f < nFactors; f++) {
        indices[at] = nEmbedding + f;
        values[at++] = factors[i * nFactors + f]!;
      }
      indptr[s * nArtists + i + 1] = at;
    }
  });
  return { nRows: stages.length * nArtists, nCols: nArtistColumns(space), indptr, indices, values };
}

function denseRows(values: Float64Array, nCols: number): Csr {
  const nRows = values.length / nCols;
  return {
    nRows,
    nCols,
    indptr: Int32Array.from({ length: nRows + 1 }, (_, r) => r * nCols),
    indices: Int32Array.from({ length: values.length }, (_, e) => e % nCols),
    values,
  };
}
