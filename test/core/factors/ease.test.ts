import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EaseModel, fitEase } from '../../../layers/core/src/factors/ease.ts';
import type { Csr } from '../../../layers/core/src/math/csr.ts';
import { createKernels } from '../../../layers/core/src/math/kernels/kernels.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { topK } from '../../../layers/core/src/math/top-k.ts';
import expected from '../../fixtures/ease/expected.json' with { type: 'json' };
import { randomMatrix, sparse } from './sparse.ts';
import { maxDifference } from '../max-difference.ts';

const PLAIN = { lambda: 1, dropout: 0, tagRows: null };

function scoreRow(model: EaseModel, x: Csr, row: number): Float64Array {
  const out = new Float64Array(x.nCols).fill(NaN);
  model.scoreUser(row, out);
  return out;
}

function scoreHistoryOf(model: EaseModel, x: Csr, row: number): Float64Array {
  const out = new Float64Array(x.nCols).fill(NaN);
  const [from, to] = [x.indptr[row]!, x.indptr[row + 1]!];
  model.scoreHistory({ items: x.indices.slice(from, to), weights: x.values.slice(from, to) }, out);
  return out;
}

/** What a row has heard, and about half of the rest with weights from 0.2 to 1.2. */
function drawBesides(x: Csr, row: number, seed: number) {
  const rng = createRng(seed);
  const [from, to] = [x.indptr[row]!, x.indptr[row + 1]!];
  const heard = { items: x.indices.slice(from, to), weights: x.values.slice(from, to) };
  const items = Int32Array.from({ length: x.nCols }, (_, item) => item).filter(
    (item) => !heard.items.includes(item) && rng.next() < 0.5,
  );
  return { heard, besides: { items, weights: Float64Array.from(items, () => 0.2 + rng.next()) } };
}

describe('fitEase', () => {
  const { nUsers, nArtists, nTags } = expected;
  const x = sparse(expected.x, nUsers, nArtists);
  const tags = sparse(expected.tags, nTags, nArtists);

  it.each(expected.cases)('scores as the primal closed form in numpy does: $name', (example) => {
    const { lambda, dropout, tagRows, scores, historyScores } = example;
    const model = fitEase(x, { lambda, dropout, tagRows: tagRows ? tags : null });
    for (let u = 0; u < nUsers; u++) {
      const want = scores.slice(u * nArtists, (u + 1) * nArtists);
      expect(maxDifference(scoreRow(model, x, u), want)).toBeLessThan(1e-13);
    }
    const history = sparse(expected.history, 1, nArtists);
    expect(maxDifference(scoreHistoryOf(model, history, 0), historyScores)).toBeLessThan(1e-13);
  });

  it('never lets an artist speak for itself', () => {
    const model = fitEase(randomMatrix(9, 12, 1), { lambda: 0.5, dropout: 0.6, tagRows: null });
    const out = new Float64Array(12);
    for (let i = 0; i < 12; i++) {
      model.scoreHistory({ items: Int32Array.of(i), weights: Float64Array.of(1) }, out);
      expect(Math.abs(out[i]!)).toBeLessThan(1e-14);
      expect(Math.max(...out.map(Math.abs))).toBeGreaterThan(0.01);
    }
  });

  it('scores a row of the training part as it scores the same history', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 0, max: 6 }),
        fc.nat(),
        (nRows, nCols, nTagRows, seed) => {
          const matrix = randomMatrix(nRows, nCols, seed);
          const tagRows = nTagRows === 0 ? null : randomMatrix(nTagRows, nCols, seed + 1);
          const model = fitEase(matrix, { lambda: 0.3, dropout: 0.5, tagRows });
          for (let u = 0; u < nRows; u++) {
            const difference = maxDifference(scoreRow(model, matrix, u), scoreHistoryOf(model, matrix, u));
            expect(difference).toBeLessThan(1e-12);
          }
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('scores a row and what counts as heard besides as it scores the two joined', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 15 }),
        fc.integer({ min: 2, max: 25 }),
        fc.integer({ min: 0, max: 6 }),
        fc.nat(),
        (nRows, nCols, nTagRows, seed) => {
          const matrix = randomMatrix(nRows, nCols, seed);
          const tagRows = nTagRows === 0 ? null : randomMatrix(nTagRows, nCols, seed + 1);
          const model = fitEase(matrix, { lambda: 0.3, dropout: 0.5, tagRows });
          const [out, joined] = [new Float64Array(nCols).fill(NaN), new Float64Array(nCols).fill(NaN)];
          for (let u = 0; u < nRows; u++) {
            const { heard, besides } = drawBesides(matrix, u, seed + u);
            model.scoreUser(u, out, besides);
            // In another order than either.
            const items = Int32Array.of(...besides.items, ...heard.items).toReversed();
            const weights = Float64Array.of(...besides.weights, ...heard.weights).toReversed();
            model.scoreHistory({ items, weights }, joined);
            expect(maxDifference(out, joined)).toBeLessThan(1e-9);
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('never lets an artist that counts as heard besides speak for itself, only for the others', () => {
    const matrix = randomMatrix(9, 14, 3);
    const model = fitEase(matrix, { lambda: 0.3, dropout: 0.5, tagRows: randomMatrix(4, 14, 4) });
    const [before, after] = [new Float64Array(14), new Float64Array(14)];
    let checked = 0;
    for (let u = 0; u < matrix.nRows; u++) {
      const { besides } = drawBesides(matrix, u, u);
      model.scoreUser(u, before, besides);
      besides.items.forEach((item, h) => {
        const weights = besides.weights.map((weight, at) => (at === h ? 5 * weight : weight));
        model.scoreUser(u, after, { items: besides.items, weights });
        expect(Math.abs(after[item]! - before[item]!)).toBeLessThan(1e-12);
        expect(maxDifference(after, before)).toBeGreaterThan(0.01);
        checked++;
      });
    }
    expect(checked).toBeGreaterThan(10);
  });

  it('is not moved by what another listener counted as heard besides', () => {
    const model = fitEase(x, PLAIN);
    const first = scoreRow(model, x, 1);
    const { besides } = drawBesides(x, 0, 1);
    const other = new Float64Array(nArtists);
    model.scoreUser(0, other, besides);
    expect(scoreRow(model, x, 1)).toEqual(first);
    expect(maxDifference(other, scoreRow(model, x, 0))).toBeGreaterThan(1e-3);
  });

  it('scores 0 for a listener who heard nothing and for an artist that nobody heard', () => {
    const model = fitEase(x, PLAIN);
    // Listener 2 and artist 3 of the fixture.
    expect(Array.from(scoreRow(model, x, 2), Math.abs)).toEqual(Array.from({ length: nArtists }, () => 0));
    for (let u = 0; u < nUsers; u++) expect(Math.abs(scoreRow(model, x, u)[3]!)).toBe(0);
    expect(Array.from(scoreHistoryOf(model, sparse([], 1, nArtists), 0), Math.abs)).toEqual(
      Array.from({ length: nArtists }, () => 0),
    );
  });

  it('recommends the withheld artist on checkerboard data', () => {
    // Even listeners hear even artists, odd ones odd artists, each all but one.
    const n = 24;
    const cells = Array.from({ length: n * n }, (_, cell) => {
      const [u, i] = [Math.floor(cell / n), cell % n];
      return u % 2 === i % 2 && u !== i ? 1 : 0;
    });
    const board = sparse(cells, n, n);
    const model = fitEase(board, PLAIN);
    for (let u = 0; u < n; u++) {
      const scores = scoreRow(model, board, u);
      for (let e = board.indptr[u]!; e < board.indptr[u + 1]!; e++) scores[board.indices[e]!] = -Infinity;
      expect(Array.from(topK(scores, 1))).toEqual([u]);
    }
  });

  it('moves with its listeners when they are put in another order', () => {
    const [nRows, nCols] = [15, 18];
    const cells = Array.from({ length: nRows * nCols }, (_, cell) => (createRng(cell).next() < 0.4 ? 1 : 0));
    const reversed = Array.from(
      cells,
      (_, cell) => cells[(nRows - 1 - Math.floor(cell / nCols)) * nCols + (cell % nCols)]!,
    );
    const [a, b] = [sparse(cells, nRows, nCols), sparse(reversed, nRows, nCols)];
    const [modelA, modelB] = [fitEase(a, PLAIN), fitEase(b, PLAIN)];
    for (let u = 0; u < nRows; u++) {
      expect(maxDifference(scoreRow(modelA, a, u), scoreRow(modelB, b, nRows - 1 - u))).toBeLessThan(1e-13);
    }
  });

  it('gives the same bytes with and without SIMD', () => {
    const parameters = { lambda: 0.8, dropout: 0.7, tagRows: tags };
    const [plain, wasm] = [false, true].map((simd) => fitEase(x, parameters, createKernels({ simd })));
    for (let u = 0; u < nUsers; u++) {
      expect(Buffer.from(scoreRow(wasm!, x, u).buffer)).toEqual(Buffer.from(scoreRow(plain!, x, u).buffer));
    }
  });

  it.each([
    ['lambda', { ...PLAIN, lambda: 0 }],
    ['lambda', { ...PLAIN, lambda: NaN }],
    ['dropout', { ...PLAIN, dropout: 1 }],
    ['dropout', { ...PLAIN, dropout: -0.1 }],
  ])('refuses a %s that is out of range', (name, parameters) => {
    expect(() => fitEase(x, parameters)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
    );
  });

  it('refuses tag rows of another catalogue', () => {
    expect(() => fitEase(x, { ...PLAIN, tagRows: sparse([], 1, nArtists + 1) })).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });

  it('refuses an audience whose matrix would be too large, tags counted', () => {
    expect(() => fitEase(sparse([], 5990, 3), { ...PLAIN, tagRows: sparse([], 11, 3) })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: { nRows: 6001, maxRows: 6000 } }),
    );
  });
});
