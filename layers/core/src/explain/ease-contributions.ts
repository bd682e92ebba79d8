/**
 * What the terms of an EASE or EDLAE score need of the fitted model, in its dual form: X has one row per listener (and
 * tag), K = I + XΛ⁻¹Xᵀ.
 */
export interface EaseState {
  /** Rows of X. */
  readonly nRows: number;
  /** Shape (nArtists + 1,): where each column of X begins in `row` and `values`. */
  readonly indptr: Int32Array;
  /** Shape (nnz,). */
  readonly row: Int32Array | Uint16Array;
  /** Shape (nnz,). */
  readonly values: Float64Array | Float32Array;
  /** Shape (nRows × nRows,): K⁻¹, symmetric. */
  readonly inverse: Float64Array | Float32Array;
  /** Shape (nArtists,): the diagonal of Λ. */
  readonly penalty: Float64Array | Float32Array;
}

/**
 * Splits a candidate's EASE score into what each artist of a history adds to it, exactly.
 *
 * The score of candidate i is Σ_j w_j B_ji over the artists heard, with B_ji = −C_ji / C_ii. By Woodbury's identity
 * C_ji = −x_jᵀ K⁻¹ x_i / (Λ_j Λ_i) for j ≠ i and C_ii = (1 − x_iᵀ K⁻¹ x_i / Λ_i) / Λ_i, so that
 *
 *     B_ji = (x_jᵀ K⁻¹ x_i / Λ_j) / (1 − x_iᵀ K⁻¹ x_i / Λ_i)        B_ii = 0
 *
 * Costs nRows × (listeners of the candidate) multiplications.
 *
 * @param heard - Shape (n,): artist indices, distinct.
 * @param weights - Shape (n,): the interaction weights that the model scores histories with (1 each where it is binary).
 * @param out - Shape (n,), overwritten: the terms, of either sign.
 * @returns The candidate's score, the sum of the terms.
 * @see Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data".
 */
export function easeContributions(
  { nRows, indptr, row, values, inverse, penalty }: EaseState,
  heard: Int32Array,
  weights: Float64Array,
  candidate: number,
  out: Float64Array,
): number {
  // K⁻¹ x_i; K⁻¹ is symmetric, so its rows will do.
  const dual = new Float64Array(nRows);
  for (let e = indptr[candidate]!; e < indptr[candidate + 1]!; e++) {
    const value = values[e]!;
    for (let r = 0, at = row[e]! * nRows; r < nRows; r++, at++) dual[r]! += value * inverse[at]!;
  }
  const product = (item: number): number => {
    let sum = 0;
    for (let e = indptr[item]!; e < indptr[item + 1]!; e++) sum += values[e]! * dual[row[e]!]!;
    return sum;
  };
  const scale = 1 / (1 - product(candidate) / penalty[candidate]!);
  let score = 0;
  for (let h = 0; h < heard.length; h++) {
    const item = heard[h]!;
    const term = item === candidate ? 0 : (scale * weights[h]! * product(item)) / penalty[item]!;
    out[h] = term;
    score += term;
  }
  return score;
}
