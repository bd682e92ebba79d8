import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { createRng, hash2, hash3, hashString } from '../math/rng.ts';

/** Keep the draws of one seed apart. */
const USERS = 1;
const ITEMS = 2;
const STEPS = 3;
/** Deviation of the initial factors, divided by √k: the length of a row does not depend on k. */
const INITIAL_LENGTH = 0.1;

export interface BprParameters {
  /** k >= 1. */
  readonly factors: number;
  /** Passes over all entries, >= 0. */
  readonly epochs: number;
  /** Step, > 0. */
  readonly learningRate: number;
  /** λ >= 0: pull of factors and biases towards 0, per step. */
  readonly regularisation: number;
  readonly randomState: number;
  /** Shape (nUsers,): what the draws of each listener follow from. */
  readonly userIds: readonly string[];
  /** Shape (nArtists,): what the draws of each artist follow from. */
  readonly itemIds: readonly string[];
}

/** Factors and biases of ŷ_ui = b_i + p_u · q_i. */
export interface BprFactors {
  readonly factors: number;
  /** Shape (nUsers × factors,), row-major: p. */
  readonly userFactors: Float64Array;
  /** Shape (nArtists × factors,), row-major: q. */
  readonly itemFactors: Float64Array;
  /** Shape (nArtists,): b. */
  readonly itemBiases: Float64Array;
}

/** Fitted factors, and how the fitting went. */
export interface BprModel extends BprFactors {
  /** Shape (epochs,): the mean of −ln σ(ŷ_ui − ŷ_uj) over the steps of each pass, each before it was taken. */
  readonly loss: Float64Array;
}

/**
 * Fits factors by Bayesian personalised ranking: what a listener heard shall score above what they did not.
 *
 * In each epoch every entry (u, i) is visited once, with an artist j that u did not hear drawn uniformly, and a step
 * is taken up −ln σ(ŷ_ui − ŷ_uj)'s descent. Values are not read: only which cells there are.
 * Negatives and the order of the steps follow from hashes of the seed, the epoch, and the ids of listener and artist; initial
 * factors from the seed and the id. A listener who heard everything takes no step; an artist that nobody heard is only
 * ever pushed down.
 *
 * @param heard - Shape (nUsers, nArtists), columns ascending within a row.
 * @throws {@link EncoreError} `INVALID_OPTION` for a parameter out of range, `SHAPE_MISMATCH` where ids and matrix differ in
 *   size, `NOT_FINITE` when the descent diverged.
 * @see Rendle, Freudenthaler, Gantner, Schmidt-Thieme (2009), "BPR: Bayesian Personalized Ranking from Implicit
 *   Feedback". Their triples are drawn with replacement; visiting each entry once per epoch spares the draw.
 */
export function fitBpr(heard: Csr, parameters: BprParameters): BprModel {
  checkParameters(heard, parameters);
  const { factors, epochs, randomState, userIds, itemIds } = parameters;
  const model: BprModel = {
    factors,
    userFactors: drawFactors(userIds, factors, hash2(randomState, USERS)),
    itemFactors: drawFactors(itemIds, factors, hash2(randomState, ITEMS)),
    itemBiases: new Float64Array(heard.nCols),
    loss: new Float64Array(epochs),
  };
  const { indptr, indices, nCols } = heard;
  const userKeys = Uint32Array.from(userIds, (id) => hashString(randomState, id));
  const itemKeys = Uint32Array.from(itemIds, (id) => hashString(randomState, id));
  const nEntries = indices.length;
  const users = new Int32Array(nEntries);
  for (let u = 0; u < heard.nRows; u++) users.fill(u, indptr[u], indptr[u + 1]);
  /** The hash of an entry in its high bits, the entry in its low ones: sorting these numbers orders the entries. */
  const keyed = new Float64Array(nEntries);
  const span = 2 ** Math.ceil(Math.log2(Math.max(2, nEntries)));
  const buckets = 2 ** 53 / span;

  for (let epoch = 0; epoch < epochs; epoch++) {
    const epochSeed = hash3(randomState, STEPS, epoch);
    for (let e = 0; e < nEntries; e++) {
      const hash = hash3(epochSeed, userKeys[users[e]!]!, itemKeys[indices[e]!]!);
      keyed[e] = (hash % buckets) * span + e;
    }
    keyed.sort();
    let loss = 0;
    let steps = 0;
    for (let s = 0; s < nEntries; s++) {
      const e = keyed[s]! % span;
      const u = users[e]!;
      const [from, to] = [indptr[u]!, indptr[u + 1]!];
      if (to - from === nCols) continue;
      const rng = createRng(hash3(epochSeed ^ USERS, userKeys[u]!, itemKeys[indices[e]!]!));
      let j = rng.integer(nCols);
      while (holds(indices, from, to, j)) j = rng.integer(nCols);
      loss += takeStep(model, parameters, u, indices[e]!, j);
      steps++;
    }
    model.loss[epoch] = steps > 0 ? loss / steps : 0;
  }
  checkFinite(model, parameters);
  return model;
}

/**
 * One step for a triple, in place. With g = σ(−(ŷ_ui − ŷ_uj)) and all from the values before the step:
 *
 *     p_u += η (g (q_i − q_j) − λ p_u)      b_i += η (g − λ b_i)
 *     q_i += η (g p_u − λ q_i)              b_j += η (−g − λ b_j)
 *     q_j += η (−g p_u − λ q_j)
 *
 * @param i - An artist that listener `u` heard.
 * @param j - One that they did not.
 * @returns −ln σ(ŷ_ui − ŷ_uj) before the step.
 */
function takeStep(
  { factors, userFactors: p, itemFactors: q, itemBiases: b }: BprFactors,
  { learningRate, regularisation }: Pick<BprParameters, 'learningRate' | 'regularisation'>,
  u: number,
  i: number,
  j: number,
): number {
  const pu = u * factors;
  const qi = i * factors;
  const qj = j * factors;
  let difference = b[i]! - b[j]!;
  for (let f = 0; f < factors; f++) difference += p[pu + f]! * (q[qi + f]! - q[qj + f]!);
  const g = 1 / (1 + Math.exp(difference));
  const keep = 1 - learningRate * regularisation;
  const step = learningRate * g;
  b[i] = keep * b[i]! + step;
  b[j] = keep * b[j]! - step;
  for (let f = 0; f < factors; f++) {
    const user = p[pu + f]!;
    const positive = q[qi + f]!;
    const negative = q[qj + f]!;
    p[pu + f] = keep * user + step * (positive - negative);
    q[qi + f] = keep * positive + step * user;
    q[qj + f] = keep * negative - step * user;
  }
  return difference > 0 ? Math.log1p(Math.exp(-difference)) : Math.log1p(Math.exp(difference)) - difference;
}

function drawFactors(ids: readonly string[], factors: number, seed: number): Float64Array {
  const deviation = INITIAL_LENGTH / Math.sqrt(factors);
  const out = new Float64Array(ids.length * factors);
  ids.forEach((id, row) => {
    const rng = createRng(hashString(seed, id));
    for (let f = 0; f < factors; f++) out[row * factors + f] = deviation * rng.normal();
  });
  return out;
}

/** Whether a value is in the ascending part [from, to) of an array. */
function holds(ascending: Int32Array, from: number, to: number, value: number): boolean {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low < to && ascending[low] === value;
}

function refuse(name: string, found: number, allowed: string): never {
  throw new EncoreError('INVALID_OPTION', `${name} of BPR is ${found}: allowed is ${allowed}`, {
    field: name,
    found,
    allowed,
  });
}

function checkParameters(heard: Csr, parameters: BprParameters): void {
  const { factors, epochs, learningRate, regularisation, userIds, itemIds } = parameters;
  if (!(Number.isInteger(factors) && factors >= 1)) refuse('factors', factors, 'an integer >= 1');
  if (!(Number.isInteger(epochs) && epochs >= 0)) refuse('epochs', epochs, 'an integer >= 0');
  if (!(learningRate > 0 && learningRate < Infinity)) refuse('learningRate', learningRate, 'a number > 0');
  if (!(regularisation >= 0 && regularisation < Infinity)) {
    refuse('regularisation', regularisation, 'a number >= 0');
  }
  if (userIds.length !== heard.nRows || itemIds.length !== heard.nCols) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `BPR was given ${userIds.length} user and ${itemIds.length} artist ids for a matrix of ${heard.nRows} × ${heard.nCols}`,
    );
  }
}

function checkFinite(model: BprModel, { epochs, learningRate }: BprParameters): void {
  for (const name of ['userFactors', 'itemFactors', 'itemBiases'] as const) {
    const at = model[name].findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new EncoreError(
      'NOT_FINITE',
      `BPR diverged: ${name}[${at}] is ${model[name][at]} after ${epochs} epochs at learning rate ${learningRate}; ` +
        `a smaller one is needed`,
      { array: name, index: at },
    );
  }
}
