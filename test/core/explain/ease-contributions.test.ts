import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { easeContributions } from '../../../layers/core/src/explain/ease-contributions.ts';
import { fitEase } from '../../../layers/core/src/factors/ease.ts';
import { transposeCsr, type Csr } from '../../../layers/core/src/math/csr.ts';
import { packTriangle } from '../../../layers/core/src/math/packed-triangle.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import type { EaseTables } from '../../../layers/core/src/scoring/ease.ts';
import { randomMatrix } from '../factors/sparse.ts';
import { maxDifference } from '../max-difference.ts';

/** The tables of an EASE or EDLAE model by the definition: a dense inverse by Gauss-Jordan, no kernels. */
function tablesOf(
  x: Csr,
  { lambda, dropout }: { readonly lambda: number; readonly dropout: number },
): EaseTables {
  const columns = transposeCsr(x);
  const { indptr, indices: row, values } = columns;
  const n = x.nRows;
  const penalty = Float64Array.from({ length: x.nCols }, (_, i) => {
    const squares = values.subarray(indptr[i], indptr[i + 1]).reduce((sum, value) => sum + value * value, 0);
    return lambda + (dropout / (1 - dropout)) * squares;
  });
  const k = Array.from({ length: n }, (_, r) =>
    Float64Array.from({ length: n }, (_c, c) => (r === c ? 1 : 0)),
  );
  for (let i = 0; i < x.nCols; i++) {
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) {
      for (let f = indptr[i]!; f < indptr[i + 1]!; f++) {
        k[row[e]!]![row[f]!]! += (values[e]! * values[f]!) / penalty[i]!;
      }
    }
  }
  const inverse = invert(k);
  const scale = Float64Array.from({ length: x.nCols }, (_, i) => {
    let product = 0;
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) {
      for (let f = indptr[i]!; f < indptr[i + 1]!; f++) {
        product += values[e]! * inverse[row[e]! * n + row[f]!]! * values[f]!;
      }
    }
    return 1 / (1 - product / penalty[i]!);
  });
  return { columns, penalty, inverse: packTriangle(inverse, n), scale };
}

/** K is positive definite and its diagonal is at least 1, so no pivoting is needed. */
function invert(k: readonly Float64Array[]): Float64Array {
  const n = k.length;
  const work = k.map((row, r) =>
    Float64Array.from({ length: 2 * n }, (_, c) => (c < n ? row[c]! : c - n === r ? 1 : 0)),
  );
  for (let p = 0; p < n; p++) {
    const pivot = work[p]![p]!;
    work[p] = work[p]!.map((value) => value / pivot);
    for (let r = 0; r < n; r++) {
      if (r === p) continue;
      const factor = work[r]![p]!;
      work[r] = work[r]!.map((value, c) => value - factor * work[p]![c]!);
    }
  }
  return Float64Array.from(work.flatMap((row) => [...row.subarray(n)]));
}

describe('easeContributions', () => {
  it('sums to the score that the model gives the history, for every candidate, heard ones too', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 15 }),
        fc.constantFrom(0, 0.6),
        fc.nat(),
        (nRows, nCols, dropout, seed) => {
          const x = randomMatrix(nRows, nCols, seed);
          const model = fitEase(x, { lambda: 0.7, dropout, tagRows: null });
          const rng = createRng(seed);
          const heard = Int32Array.from({ length: nCols }, (_, i) => i).filter(() => rng.next() < 0.4);
          const weights = Float64Array.from(heard, () => 0.5 + rng.next());
          const scores = new Float64Array(nCols);
          model.scoreHistory({ items: heard, weights }, scores);
          const tables = tablesOf(x, { lambda: 0.7, dropout });
          const terms = new Float64Array(heard.length).fill(NaN);
          const sums = Float64Array.from({ length: nCols }, (_, candidate) => {
            const returned = easeContributions(tables, heard, weights, candidate, terms);
            const sum = terms.reduce((total, term) => total + term, 0);
            expect(returned).toBeCloseTo(sum, 12);
            return sum;
          });
          expect(maxDifference(sums, scores)).toBeLessThan(1e-12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives each artist what a history of it alone would score', () => {
    const x = randomMatrix(10, 9, 5);
    const model = fitEase(x, { lambda: 2, dropout: 0, tagRows: null });
    const tables = tablesOf(x, { lambda: 2, dropout: 0 });
    const heard = Int32Array.of(1, 4, 6);
    const weights = Float64Array.of(0.6, 1, 1.4);
    const terms = new Float64Array(3);
    easeContributions(tables, heard, weights, 2, terms);
    const alone = Float64Array.from(heard, (item, h) => {
      const scores = new Float64Array(9);
      model.scoreHistory({ items: Int32Array.of(item), weights: Float64Array.of(weights[h]!) }, scores);
      return scores[2]!;
    });
    expect(maxDifference(terms, alone)).toBeLessThan(1e-13);
    expect(Math.max(...alone.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it('takes tables in single precision, and loses no more than that', () => {
    const x = randomMatrix(12, 10, 3);
    const tables = tablesOf(x, { lambda: 1, dropout: 0.5 });
    const single: EaseTables = { ...tables, inverse: Float32Array.from(tables.inverse) };
    const heard = Int32Array.of(0, 3, 5, 8);
    const weights = Float64Array.of(1, 0.7, 1.2, 1.1);
    const [exact, rounded] = [new Float64Array(4), new Float64Array(4)];
    for (let candidate = 0; candidate < 10; candidate++) {
      easeContributions(tables, heard, weights, candidate, exact);
      easeContributions(single, heard, weights, candidate, rounded);
      expect(maxDifference(exact, rounded)).toBeLessThan(1e-5);
    }
  });

  it('scores an empty history 0', () => {
    const tables = tablesOf(randomMatrix(4, 4, 1), { lambda: 1, dropout: 0 });
    expect(easeContributions(tables, new Int32Array(0), new Float64Array(0), 2, new Float64Array(0))).toBe(0);
  });
});
