import { describe, expect, it } from 'vitest';

import { knnWeights } from '../../../layers/core/src/scoring/knn-weights.ts';
import expected from '../../fixtures/knn-weights/expected.json' with { type: 'json' };
import { maxDifference } from '../max-difference.ts';
import { sparse } from '../factors/sparse.ts';

const counts = sparse(expected.counts, expected.nRows, expected.nCols);

/** The reference at the cells of the counts. */
function atCells(dense: readonly number[]): Float64Array {
  const cells = expected.counts.flatMap((count, cell) => (count === 0 ? [] : [cell]));
  return Float64Array.from(cells, (cell) => dense[cell]!);
}

describe('TF-IDF weights', () => {
  it('equals tfidf_weight of implicit, at the same cells', () => {
    const weights = knnWeights(counts, { kind: 'tf-idf' });
    expect(weights.indices).toEqual(counts.indices);
    expect(maxDifference(weights.values, atCells(expected.tfIdf))).toBeLessThan(1e-13);
  });

  it('weighs by the root of the count and the rarity of the term', () => {
    // Four documents; the first term is in one of them, the second in three.
    const weights = knnWeights(sparse([9, 1, 0, 1, 0, 1, 0, 0], 4, 2), { kind: 'tf-idf' });
    expect(maxDifference(weights.values, [3 * Math.log(2), 0, 0, 0])).toBeLessThan(1e-15);
  });
});

describe('BM25 weights', () => {
  for (const { k1, b, weights: reference } of expected.bm25) {
    it(`equals bm25_weight of implicit, K1 ${k1} and B ${b}`, () => {
      const weights = knnWeights(counts, { kind: 'bm25', k1, b });
      expect(weights.indices).toEqual(counts.indices);
      expect(maxDifference(weights.values, atCells(reference))).toBeLessThan(1e-13);
    });
  }

  it('saturates counts, and weighs those of long documents less', () => {
    const matrix = sparse([1, 1, 0, 0, 4, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0], 5, 3);
    const [short, , long, longest] = knnWeights(matrix, { kind: 'bm25', k1: 1, b: 0.5 }).values;
    const unadjusted = knnWeights(matrix, { kind: 'bm25', k1: 1, b: 0 }).values;
    // tf / (tf + 1) · 2 · ln(5 / (1 + df)) with df 3 of the first term.
    const idf = Math.log(5 / 3);
    expect(unadjusted[0]).toBeCloseTo(idf, 12);
    expect(unadjusted[3]).toBeCloseTo((2000 / 1001) * idf, 12);
    expect(longest! / unadjusted[3]!).toBeLessThan(short! / unadjusted[0]!);
    expect(long).toBeGreaterThan(0);
  });
});
