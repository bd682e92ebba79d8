import type { Csr } from '../math/csr.ts';

/**
 * How much each play count says: w = ½ + (rank − ½) / n, the rank of the plays among the listener's own.
 *
 * The rank is 1 for the fewest plays and n for the most, n being the listener's number of artists; equal plays share
 * the mean of their ranks. Weights lie in (½, 3/2) with mean 1 for every listener: who plays more does not weigh more,
 * and nothing depends on the order of rows.
 *
 * @param matrix - Shape (nUsers, nArtists): play counts.
 * @returns The same cells with weights for values.
 */
export function interactionWeights(matrix: Csr): Csr {
  const values = new Float64Array(matrix.values.length);
  for (let u = 0; u < matrix.nRows; u++) {
    const from = matrix.indptr[u]!;
    const row = matrix.values.subarray(from, matrix.indptr[u + 1]);
    const n = row.length;
    const order = Int32Array.from(row.keys()).toSorted((a, b) => row[a]! - row[b]!);
    for (let i = 0; i < n;) {
      let end = i + 1;
      const plays = row[order[i]!];
      while (end < n && row[order[end]!] === plays) end++;
      // Ranks i + 1 … end, mean (i + 1 + end) / 2.
      const weight = 0.5 + (i + end) / (2 * n);
      for (; i < end; i++) values[from + order[i]!] = weight;
    }
  }
  return { ...matrix, values };
}
