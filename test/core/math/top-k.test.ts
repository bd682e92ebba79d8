import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topK } from '../../../layers/core/src/math/top-k.ts';

/** By sorting everything. */
function naive(scores: readonly number[], k: number, exclude?: Uint8Array): number[] {
  return scores
    .map((_, i) => i)
    .filter((i) => !Number.isNaN(scores[i]) && (exclude === undefined || exclude[i] === 0))
    .toSorted((a, b) => (scores[a]! < scores[b]! ? 1 : scores[a]! > scores[b]! ? -1 : a - b))
    .slice(0, k);
}

describe('topK', () => {
  it('gives the largest first', () => {
    expect(Array.from(topK(Float64Array.of(3, 9, -1, 7, 5), 3))).toEqual([1, 3, 4]);
  });

  it('breaks ties by the lower index, also at the cut', () => {
    expect(Array.from(topK(Float64Array.of(1, 2, 2, 1, 2), 2))).toEqual([1, 2]);
    expect(Array.from(topK(Float64Array.of(0, -0, 0), 2))).toEqual([0, 1]);
  });

  it('passes over NaN and what is excluded, but not over -Infinity', () => {
    const scores = Float64Array.of(NaN, 4, -Infinity, NaN, 6);
    expect(Array.from(topK(scores, 5))).toEqual([4, 1, 2]);
    expect(Array.from(topK(scores, 5, Uint8Array.of(0, 0, 0, 0, 1)))).toEqual([1, 2]);
  });

  it('gives nothing for k = 0 and for no scores', () => {
    expect(topK(Float64Array.of(1, 2), 0)).toHaveLength(0);
    expect(topK(new Float64Array(0), 5)).toHaveLength(0);
  });

  it('gives what sorting everything gives', () => {
    const score = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double());
    const marked = fc.array(fc.tuple(score, fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(marked, fc.nat({ max: 70 }), (entries, k) => {
        const scores = entries.map(([value]) => value);
        const exclude = Uint8Array.from(entries, ([, excluded]) => (excluded ? 1 : 0));
        expect(Array.from(topK(Float64Array.from(scores), k))).toEqual(naive(scores, k));
        expect(Array.from(topK(Float64Array.from(scores), k, exclude))).toEqual(naive(scores, k, exclude));
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
