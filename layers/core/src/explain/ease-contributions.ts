import { createLru } from '../math/lru.ts';
import { oncePerObject } from '../math/once-per-object.ts';
import { unpackTriangle } from '../math/packed-triangle.ts';
import type { EaseTables } from '../scoring/ease.ts';

/**
 * Splits a candidate's EASE score into what each artist of a history adds to it, exactly.
 *
 * The score of candidate i is Σ_j w_j B_ji over the artists heard, with B_ji = −C_ji / C_ii. By Woodbury's identity
 * C_ji = −x_jᵀ K⁻¹ x_i / (Λ_j Λ_i) for j ≠ i; the tables have scale_i = 1 / (Λ_i C_ii), so that
 *
 *     B_ji = scale_i · x_jᵀ K⁻¹ x_i / Λ_j        B_ii = 0
 *
 * Costs a multiplication for each listener of each artist heard; the first time nRows for each listener of the candidate as well.
 *
 * @param heard - Shape (n,): artist indices, distinct.
 * @param weights - Shape (n,): the interaction weights that the model scores histories with (1 each where it is binary).
 * @param out - Shape (n,), overwritten: the terms, of either sign.
 * @returns The candidate's score, the sum of the terms.
 * @see Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data".
 */
export function easeContributions(
  tables: EaseTables,
  heard: Int32Array,
  weights: Float64Array,
  candidate: number,
  out: Float64Array,
): number {
  const { columns, penalty, scale } = tables;
  const { indptr, indices: row, values } = columns;
  const dual = dualsOf(tables)(candidate);
  let score = 0;
  for (let h = 0; h < heard.length; h++) {
    const item = heard[h]!;
    // Four sums that do not wait for each other.
    let p0 = 0;
    let p1 = 0;
    let p2 = 0;
    let p3 = 0;
    let e = indptr[item]!;
    const end = indptr[item + 1]!;
    for (; e + 4 <= end; e += 4) {
      p0 += values[e]! * dual[row[e]!]!;
      p1 += values[e + 1]! * dual[row[e + 1]!]!;
      p2 += values[e + 2]! * dual[row[e + 2]!]!;
      p3 += values[e + 3]! * dual[row[e + 3]!]!;
    }
    for (; e < end; e++) p0 += values[e]! * dual[row[e]!]!;
    const product = p0 + p1 + (p2 + p3);
    const term = item === candidate ? 0 : (scale[candidate]! * weights[h]! * product) / penalty[item]!;
    out[h] = term;
    score += term;
  }
  return score;
}

/** What a model keeps of its candidates at most: 1,700 of them at 2,400 rows. */
const DUAL_BYTES = 32 * 2 ** 20;

/**
 * K⁻¹x_i of the candidates asked for lately. The triangle is unpacked on first need, as whole rows are added up: nRows² numbers of its
 * precision, 23 MB at 2,400 rows.
 */
const dualsOf = oncePerObject(({ columns, inverse }: EaseTables): ((candidate: number) => Float64Array) => {
  const { nCols: nRows, indptr, indices, values } = columns;
  const matrix = unpackTriangle(inverse, nRows);
  const kept = createLru<Float64Array>(Math.ceil(DUAL_BYTES / (8 * Math.max(1, nRows))));
  const make = (candidate: number): Float64Array => {
    const dual = new Float64Array(nRows);
    let e = indptr[candidate]!;
    const end = indptr[candidate + 1]!;
    for (; e + 4 <= end; e += 4) {
      const [r0, r1, r2, r3] = [e, e + 1, e + 2, e + 3].map((at) => indices[at]! * nRows);
      addFour(matrix, dual, [r0!, r1!, r2!, r3!], values.subarray(e, e + 4));
    }
    for (; e < end; e++) {
      const value = values[e]!;
      const from = indices[e]! * nRows;
      for (let c = 0; c < nRows; c++) dual[c]! += value * matrix[from + c]!;
    }
    return dual;
  };
  return (candidate) => kept(candidate, make);
});

function addFour(
  matrix: Float64Array | Float32Array,
  out: Float64Array,
  [r0, r1, r2, r3]: readonly [number, number, number, number],
  values: Float64Array,
): void {
  const v0 = values[0]!;
  const v1 = values[1]!;
  const v2 = values[2]!;
  const v3 = values[3]!;
  for (let c = 0; c < out.length; c++) {
    out[c]! += v0 * matrix[r0 + c]! + v1 * matrix[r1 + c]! + v2 * matrix[r2 + c]! + v3 * matrix[r3 + c]!;
  }
}
