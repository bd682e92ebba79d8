import { multiplyTriangle } from '../math/packed-triangle.ts';
import type { EaseTables } from '../scoring/ease.ts';

/**
 * Splits a candidate's EASE score into what each artist of a history adds to it, exactly.
 *
 * The score of candidate i is Σ_j w_j B_ji over the artists heard, with B_ji = −C_ji / C_ii. By Woodbury's identity
 * C_ji = −x_jᵀ K⁻¹ x_i / (Λ_j Λ_i) for j ≠ i; the tables have scale_i = 1 / (Λ_i C_ii), so that
 *
 *     B_ji = scale_i · x_jᵀ K⁻¹ x_i / Λ_j        B_ii = 0
 *
 * Costs nRows² multiplications.
 *
 * @param heard - Shape (n,): artist indices, distinct.
 * @param weights - Shape (n,): the interaction weights that the model scores histories with (1 each where it is binary).
 * @param out - Shape (n,), overwritten: the terms, of either sign.
 * @returns The candidate's score, the sum of the terms.
 * @see Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data".
 */
export function easeContributions(
  { columns, penalty, inverse, scale }: EaseTables,
  heard: Int32Array,
  weights: Float64Array,
  candidate: number,
  out: Float64Array,
): number {
  const { nCols: nRows, indptr, indices: row, values } = columns;
  const x = new Float64Array(nRows);
  for (let e = indptr[candidate]!; e < indptr[candidate + 1]!; e++) x[row[e]!] = values[e]!;
  const dual = multiplyTriangle(inverse, x);
  let score = 0;
  for (let h = 0; h < heard.length; h++) {
    const item = heard[h]!;
    let product = 0;
    for (let e = indptr[item]!; e < indptr[item + 1]!; e++) product += values[e]! * dual[row[e]!]!;
    const term = item === candidate ? 0 : (scale[candidate]! * weights[h]! * product) / penalty[item]!;
    out[h] = term;
    score += term;
  }
  return score;
}
