import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { createRng, hash2, hashString } from '../math/rng.ts';
import { ratingsOf, type DataSetScale, type RatingScale } from '../scoring/svd.ts';

/** How {@link fitBiasedSvd} learns. */
export interface BiasedSvdParams {
  /** Passes over all ratings, >= 0. */
  readonly epochs: number;
  /** Step of biases and factors alike, > 0. */
  readonly learningRate: number;
  /** Pull of biases and factors towards 0, per step; >= 0. */
  readonly regularisation: number;
}

/** Where the factors start from. */
export interface InitialFactors {
  /** Shape (nUsers, rank), row-major. */
  readonly userFactors: Float64Array;
  /** Shape (nArtists, rank), row-major. */
  readonly itemFactors: Float64Array;
}

/** A fitted r_ui = globalMean + userBiases[u] + itemBiases[i] + q_i · p_u. */
export interface BiasedSvd {
  /** Number of factors of each user and artist. */
  readonly rank: number;
  /** Mean of the ratings. */
  readonly globalMean: number;
  /** Shape (nUsers,): 0 for a user without ratings. */
  readonly userBiases: Float64Array;
  /** Shape (nArtists,): 0 for an artist without ratings. */
  readonly itemBiases: Float64Array;
  /** Shape (nUsers, rank), row-major: p. Users without ratings keep their initial factors. */
  readonly userFactors: Float64Array;
  /** Shape (nArtists, rank), row-major: q. Artists without ratings keep their initial factors. */
  readonly itemFactors: Float64Array;
  /** Shape (epochs,): root mean square of the errors met during each pass, before each step. */
  readonly loss: Float64Array;
}

/** The scale on which plays become ratings in [0, 1]: each listener's own by a quantile, or with `null` the data set's. */
export function ratingScale(plays: Csr, quantile: number | null): RatingScale {
  return quantile === null ? dataSetScale(plays) : { quantile };
}

/** The scale that the plays of all entries span. */
export function dataSetScale(plays: Csr): DataSetScale {
  let min = Infinity;
  let max = -Infinity;
  for (let e = 0; e < plays.values.length; e++) {
    min = Math.min(min, plays.values[e]!);
    max = Math.max(max, plays.values[e]!);
  }
  return { lowest: min, highest: max };
}

/**
 * Turns plays into ratings in [0, 1], each listener's row by {@link ratingsOf}.
 *
 * @param plays - Shape (nUsers, nArtists), each >= 1.
 * @returns The same cells.
 */
export function ratingsFromPlays(plays: Csr, scale: RatingScale): Csr {
  const values = new Float64Array(plays.values.length);
  for (let u = 0; u < plays.nRows; u++) {
    const from = plays.indptr[u]!;
    values.set(ratingsOf(plays.values.subarray(from, plays.indptr[u + 1]), scale), from);
  }
  return { ...plays, values };
}

/**
 * Draws initial factors, normal and independent, each row keyed by the seed, the kind and its id alone.
 *
 * Adding, dropping or reordering ids leaves every other row as it was.
 *
 * @param ids - Shape (n,): the ids of a vocabulary.
 * @param kind - Tells apart a user and an artist of the same id.
 * @param options - `rank` >= 1; `seed` any 32-bit integer; `mean` (default 0) and `deviation` (default 0.1) as in Surprise.
 * @returns Shape (n, rank), row-major.
 */
export function drawInitialFactors(
  ids: readonly string[],
  kind: 'user' | 'artist',
  {
    rank,
    seed,
    mean = 0,
    deviation = 0.1,
  }: { readonly rank: number; readonly seed: number; readonly mean?: number; readonly deviation?: number },
): Float64Array {
  const kindSeed = hash2(seed, kind === 'user' ? 1 : 2);
  const factors = new Float64Array(ids.length * rank);
  ids.forEach((id, row) => {
    const rng = createRng(hashString(kindSeed, id));
    for (let f = 0; f < rank; f++) factors[row * rank + f] = mean + deviation * rng.normal();
  });
  return factors;
}

/**
 * Fits biases and factors to the observed ratings by stochastic gradient descent (Funk SVD with biases).
 *
 * For every rating, in row order, epochs times: err = r - (globalMean + b_u + b_i + q_i · p_u), then b += lr · (err - reg · b)
 * for both biases and p_u += lr · (err · q_i - reg · p_u), q_i += lr · (err · p_u - reg · q_i), all from the values before
 * the step. Cells without a rating are no evidence of anything. The result depends on the order of rows and columns: keep
 * that of the vocabularies. It is not the "BiasedSVD" of LensKit, which is a truncated SVD of damped residuals.
 *
 * @param ratings - Shape (nUsers, nArtists), in [0, 1] as {@link ratingsFromPlays} makes them.
 * @param init - Read, not changed. The rank is what its shapes say. See {@link drawInitialFactors}.
 * @throws {@link EncoreError} `INVALID_DATA_SET` without any rating.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the factors do not fit the ratings.
 * @throws {@link EncoreError} `NOT_FINITE` when the descent diverged, or a rating was not finite.
 * @see Surprise `SVD(biased=True)`, whose results `biased-svd.test.ts` reproduces; Koren, Bell, Volinsky (2009), "Matrix
 *   Factorization Techniques for Recommender Systems".
 */
export function fitBiasedSvd(ratings: Csr, params: BiasedSvdParams, init: InitialFactors): BiasedSvd {
  const rank = checkShapes(ratings, init);
  const model: BiasedSvd = {
    rank,
    globalMean: mean(ratings.values),
    userBiases: new Float64Array(ratings.nRows),
    itemBiases: new Float64Array(ratings.nCols),
    userFactors: init.userFactors.slice(),
    itemFactors: init.itemFactors.slice(),
    loss: new Float64Array(params.epochs),
  };
  const runEpoch = rank === 10 ? runEpochOfRank10 : runEpochOfAnyRank;
  for (let epoch = 0; epoch < params.epochs; epoch++) {
    model.loss[epoch] = Math.sqrt(runEpoch(ratings, params, model) / ratings.values.length);
  }
  checkFinite(model, params);
  return model;
}

/**
 * One pass over the ratings; returns the sum of the squared errors met.
 *
 * x + lr · (err · y - reg · x) is computed as keep · x + step · y with keep = 1 - lr · reg and step = lr · err: equal but
 * for rounding, and a fifth faster than Surprise's form.
 */
function runEpochOfAnyRank(
  ratings: Csr,
  { learningRate: lr, regularisation: reg }: BiasedSvdParams,
  { rank, globalMean, userBiases, itemBiases, userFactors: p, itemFactors: q }: BiasedSvd,
): number {
  const { nRows, indptr, indices, values } = ratings;
  const keep = 1 - lr * reg;
  let squares = 0;
  for (let u = 0; u < nRows; u++) {
    const pu = u * rank;
    let bu = userBiases[u]!;
    const end = indptr[u + 1]!;
    for (let e = indptr[u]!; e < end; e++) {
      const i = indices[e]!;
      const qi = i * rank;
      const bi = itemBiases[i]!;
      let dot = 0;
      for (let f = 0; f < rank; f++) dot += q[qi + f]! * p[pu + f]!;
      const err = values[e]! - (globalMean + bu + bi + dot);
      squares += err * err;
      const step = lr * err;
      bu = keep * bu + step;
      itemBiases[i] = keep * bi + step;
      for (let f = 0; f < rank; f++) {
        const puf = p[pu + f]!;
        const qif = q[qi + f]!;
        p[pu + f] = keep * puf + step * qif;
        q[qi + f] = keep * qif + step * puf;
      }
    }
    userBiases[u] = bu;
  }
  return squares;
}

/**
 * The same operations in the same order, so the same bytes, with the loops over 10 factors written out: the user's
 * factors stay in registers through the user's whole row. The benchmark shows what it is worth.
 */
function runEpochOfRank10(
  ratings: Csr,
  { learningRate: lr, regularisation: reg }: BiasedSvdParams,
  { globalMean, userBiases, itemBiases, userFactors: p, itemFactors: q }: BiasedSvd,
): number {
  const { nRows, indptr, indices, values } = ratings;
  const keep = 1 - lr * reg;
  let squares = 0;
  for (let u = 0; u < nRows; u++) {
    const pu = u * 10;
    let bu = userBiases[u]!;
    let p0 = p[pu]!;
    let p1 = p[pu + 1]!;
    let p2 = p[pu + 2]!;
    let p3 = p[pu + 3]!;
    let p4 = p[pu + 4]!;
    let p5 = p[pu + 5]!;
    let p6 = p[pu + 6]!;
    let p7 = p[pu + 7]!;
    let p8 = p[pu + 8]!;
    let p9 = p[pu + 9]!;
    const end = indptr[u + 1]!;
    for (let e = indptr[u]!; e < end; e++) {
      const i = indices[e]!;
      const qi = i * 10;
      const bi = itemBiases[i]!;
      const q0 = q[qi]!;
      const q1 = q[qi + 1]!;
      const q2 = q[qi + 2]!;
      const q3 = q[qi + 3]!;
      const q4 = q[qi + 4]!;
      const q5 = q[qi + 5]!;
      const q6 = q[qi + 6]!;
      const q7 = q[qi + 7]!;
      const q8 = q[qi + 8]!;
      const q9 = q[qi + 9]!;
      const dot =
        q0 * p0 + q1 * p1 + q2 * p2 + q3 * p3 + q4 * p4 + q5 * p5 + q6 * p6 + q7 * p7 + q8 * p8 + q9 * p9;
      const err = values[e]! - (globalMean + bu + bi + dot);
      squares += err * err;
      const step = lr * err;
      bu = keep * bu + step;
      itemBiases[i] = keep * bi + step;
      q[qi] = keep * q0 + step * p0;
      q[qi + 1] = keep * q1 + step * p1;
      q[qi + 2] = keep * q2 + step * p2;
      q[qi + 3] = keep * q3 + step * p3;
      q[qi + 4] = keep * q4 + step * p4;
      q[qi + 5] = keep * q5 + step * p5;
      q[qi + 6] = keep * q6 + step * p6;
      q[qi + 7] = keep * q7 + step * p7;
      q[qi + 8] = keep * q8 + step * p8;
      q[qi + 9] = keep * q9 + step * p9;
      p0 = keep * p0 + step * q0;
      p1 = keep * p1 + step * q1;
      p2 = keep * p2 + step * q2;
      p3 = keep * p3 + step * q3;
      p4 = keep * p4 + step * q4;
      p5 = keep * p5 + step * q5;
      p6 = keep * p6 + step * q6;
      p7 = keep * p7 + step * q7;
      p8 = keep * p8 + step * q8;
      p9 = keep * p9 + step * q9;
    }
    userBiases[u] = bu;
    p[pu] = p0;
    p[pu + 1] = p1;
    p[pu + 2] = p2;
    p[pu + 3] = p3;
    p[pu + 4] = p4;
    p[pu + 5] = p5;
    p[pu + 6] = p6;
    p[pu + 7] = p7;
    p[pu + 8] = p8;
    p[pu + 9] = p9;
  }
  return squares;
}

function checkShapes(ratings: Csr, { userFactors, itemFactors }: InitialFactors): number {
  if (ratings.values.length === 0) {
    throw new EncoreError('INVALID_DATA_SET', 'biased svd was given no ratings; it needs at least one');
  }
  const rank = userFactors.length / ratings.nRows;
  if (!Number.isInteger(rank) || itemFactors.length !== ratings.nCols * rank) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `initial factors do not fit ${ratings.nRows} users and ${ratings.nCols} artists: found ${userFactors.length} ` +
        `numbers for users and ${itemFactors.length} for artists; allowed: the same rank times their number`,
    );
  }
  return rank;
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (let e = 0; e < values.length; e++) sum += values[e]!;
  return sum / values.length;
}

function checkFinite(model: BiasedSvd, params: BiasedSvdParams): void {
  for (const name of ['userBiases', 'itemBiases', 'userFactors', 'itemFactors'] as const) {
    const at = model[name].findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new EncoreError(
      'NOT_FINITE',
      `biased svd diverged: ${name}[${at}] is ${model[name][at]} after ${params.epochs} epochs at learning rate ` +
        `${params.learningRate}; a smaller one is needed, or a rating was not finite`,
      { array: name, index: at, ...params },
    );
  }
}
