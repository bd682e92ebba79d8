import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  candidateRecall,
  evaluateLists,
  listMetrics,
  MEAN_METRICS,
  RECALL_CUTS,
} from '../../../layers/core/src/evaluate/metrics.ts';
import { csrFromCoordinates, type Csr } from '../../../layers/core/src/math/csr.ts';

function pairs(nRows: number, nCols: number, cells: readonly (readonly [number, number])[]): Csr {
  return csrFromCoordinates(
    nRows,
    nCols,
    Int32Array.from(cells, ([r]) => r),
    Int32Array.from(cells, ([, c]) => c),
    new Float64Array(cells.length).fill(1),
  );
}

function discounted(gains: readonly number[]): number {
  return gains.reduce<number>((sum, gain, i) => sum + gain / (Math.log(i + 2) / Math.log(2)), 0);
}

describe('listMetrics', () => {
  it('is 1 throughout for a perfect list', () => {
    expect(listMetrics(Int32Array.of(3, 1, 2), new Set([1, 2, 3]), 20)).toEqual({
      recall: 1,
      ndcg: 1,
      hit: 1,
      reciprocalRank: 1,
      averagePrecision: 1,
    });
  });

  it('is 0 throughout without a hit', () => {
    expect(listMetrics(Int32Array.of(4, 5), new Set([1]), 20)).toEqual({
      recall: 0,
      ndcg: 0,
      hit: 0,
      reciprocalRank: 0,
      averagePrecision: 0,
    });
  });

  it('gives the values computed by hand for hits at 2 and 4 of three wanted', () => {
    const found = listMetrics(Int32Array.of(9, 1, 8, 2, 7), new Set([1, 2, 3]), 5);
    const ideal = 1 + 1 / Math.log2(3) + 1 / 2;
    expect(found.recall).toBeCloseTo(2 / 3, 12);
    expect(found.ndcg).toBeCloseTo((1 / Math.log2(3) + 1 / Math.log2(5)) / ideal, 12);
    expect(found.reciprocalRank).toBe(0.5);
    expect(found.averagePrecision).toBeCloseTo((1 / 2 + 2 / 4) / 3, 12);
  });

  it('cuts the ideal at k, so that a list full of hits is perfect although it cannot hold them all', () => {
    expect(listMetrics(Int32Array.of(0, 1), new Set([0, 1, 2, 3]), 2).ndcg).toBe(1);
  });

  it('agrees with a naive second implementation', () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });
    const wanted = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(list, wanted, fc.integer({ min: 1, max: 25 }), (ranked, relevant, k) => {
        const gains = ranked.slice(0, k).map((item) => (relevant.includes(item) ? 1 : 0));
        const ideal = discounted(Array.from({ length: Math.min(k, relevant.length) }, () => 1));
        const found = listMetrics(Int32Array.from(ranked), new Set(relevant), k);
        expect(found.ndcg).toBeCloseTo(discounted(gains) / ideal, 10);
        expect(found.recall).toBeCloseTo(gains.filter((g) => g === 1).length / relevant.length, 10);
        expect(found.reciprocalRank).toBeCloseTo(gains.includes(1) ? 1 / (gains.indexOf(1) + 1) : 0, 10);
      }),
    );
  });
});

describe('evaluateLists', () => {
  const train = pairs(3, 6, [
    [0, 0],
    [1, 0],
    [2, 0],
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  const test = pairs(3, 6, [
    [0, 2],
    [1, 5],
  ]);

  it('averages over the listeners who have something held out, an artist without listeners included', () => {
    const found = evaluateLists([Int32Array.of(2), Int32Array.of(3), Int32Array.of(1)], {
      train,
      test,
      tagged: null,
      tags: null,
    });
    expect([...found.users]).toEqual([0, 1]);
    expect(found.metrics['recall@20']).toBe(0.5);
    expect(found.metrics['hit@20']).toBe(0.5);
    expect([...found.perListener['ndcg@20'].sums]).toEqual([1, 0]);
  });

  it('counts coverage against the artists in train, over the lists of the evaluated listeners', () => {
    const found = evaluateLists([Int32Array.of(2, 3), Int32Array.of(3), Int32Array.of(1)], {
      train,
      test,
      tagged: null,
      tags: null,
    });
    expect(found.metrics['coverage@20']).toBe(2 / 4);
  });

  it('reports the share of places that go to artists tagged but not heard', () => {
    const tagged = pairs(3, 6, [[0, 3]]);
    const found = evaluateLists([Int32Array.of(2, 3), Int32Array.of(3, 1), Int32Array.of(1)], {
      train,
      test,
      tagged,
      tags: null,
    });
    expect(found.metrics['tagged-not-heard@20']).toBe(1 / 4);
  });

  it('measures novelty as the mean surprise of what is shown', () => {
    const found = evaluateLists([Int32Array.of(3), Int32Array.of(0), new Int32Array(0)], {
      train,
      test,
      tagged: null,
      tags: null,
    });
    // One artist with a listener in three, one with all three.
    expect(found.metrics['novelty@20']).toBeCloseTo(Math.log2(3) / 2, 12);
  });
});

describe('evaluateLists on the curve, the terciles and what each listener brings', () => {
  /** Artist i has 6 - i listeners of six. */
  const train = pairs(
    6,
    230,
    Array.from({ length: 6 }, (_, artist) =>
      Array.from({ length: 6 - artist }, (_l, user) => [user, artist] as const),
    ).flat(),
  );
  const test = pairs(6, 230, [
    [4, 2],
    [5, 3],
    [5, 229],
  ]);
  const lists = Array.from({ length: 6 }, (_, user) =>
    user === 5
      ? Int32Array.from({ length: 200 }, (_l, rank) => (rank === 1 ? 3 : rank === 150 ? 229 : 10 + rank))
      : Int32Array.of(9, 8),
  );
  const found = evaluateLists(lists, { train, test, tagged: null, tags: null });

  it('counts the hits among the first k for every k, a short list to its end', () => {
    // Listener 5 hits at ranks 2 and 151 of two; listener 4 not at all.
    const expected = [0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5];
    expect(RECALL_CUTS.map((k) => found.metrics[`recall@${k}`])).toEqual(expected);
  });

  it('weighs a tercile by its held-out artists, not by its listeners', () => {
    // Held out are artists with 0, 3 and 4 listeners: one in each third.
    expect(found.metrics['recall@20-tail']).toBe(0);
    expect(found.metrics['recall@20-middle']).toBe(1);
    expect(found.metrics['recall@20-head']).toBe(0);
    expect([...found.perListener['recall@20-middle'].weights]).toEqual([0, 1]);
  });

  it('has every mean as the quotient of what the listeners bring', () => {
    for (const metric of MEAN_METRICS) {
      const { sums, weights } = found.perListener[metric];
      const weight = weights.reduce((a, b) => a + b);
      const mean = weight === 0 ? 0 : sums.reduce((a, b) => a + b) / weight;
      expect(found.metrics[metric]).toBe(mean);
    }
    // 20 places of listener 5 and 2 of listener 4, all but one without listeners.
    expect(found.perListener['novelty@20'].weights).toEqual(Float64Array.of(2, 20));
  });
});

describe('evaluateLists on tags', () => {
  it('averages tag diversity over the lists with two tagged artists, whatever else is listed', () => {
    // Artists 0 and 1 are alike, 2 shares nothing with them, 3 has no tags.
    const tags = pairs(4, 2, [
      [0, 0],
      [1, 0],
      [2, 1],
    ]);
    const test = pairs(3, 4, [
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
    const lists = [Int32Array.of(0, 1, 3), Int32Array.of(3, 0, 2), Int32Array.of(0, 3)];
    const found = evaluateLists(lists, { train: pairs(3, 4, [[0, 3]]), test, tagged: null, tags });
    expect([...found.perListener['tag-diversity@20'].weights]).toEqual([1, 1, 0]);
    expect(found.metrics['tag-diversity@20']).toBeCloseTo(0.5, 12);
  });
});

describe('candidateRecall', () => {
  it('is the mean share of wanted artists among the candidates', () => {
    const test = pairs(3, 5, [
      [0, 1],
      [0, 2],
      [2, 4],
    ]);
    expect(candidateRecall([Int32Array.of(1), new Int32Array(0), Int32Array.of(4, 0)], test)).toBe(0.75);
  });
});
