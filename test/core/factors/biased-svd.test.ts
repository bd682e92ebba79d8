import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type InitialFactors,
  drawInitialFactors,
  fitBiasedSvd,
  dataSetScale,
  ratingsFromPlays,
} from '../../../layers/core/src/factors/biased-svd.ts';
import { SEED_PRESET } from '../../../layers/core/src/presets.ts';
import { type Csr, csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { createRng, hash3 } from '../../../layers/core/src/math/rng.ts';
import expected from '../../fixtures/biased-svd/expected.json' with { type: 'json' };
import { maxDifference } from '../max-difference.ts';

/** Ratings at about half of the cells, keyed by the cell. */
function randomRatings(nUsers: number, nArtists: number): Csr {
  const cells = Array.from({ length: nUsers * nArtists }, (_, cell) => cell).filter(
    (cell) => hash3(1, cell, 0) % 2 === 0,
  );
  return csrFromCoordinates(
    nUsers,
    nArtists,
    Int32Array.from(cells, (cell) => Math.floor(cell / nArtists)),
    Int32Array.from(cells, (cell) => cell % nArtists),
    Float64Array.from(cells, (cell) => createRng(cell).next()),
  );
}

/** A third of all cells. */
function isWithheld(cell: number): boolean {
  return hash3(3, cell, 0) % 3 === 0;
}

function names(n: number): string[] {
  return Array.from({ length: n }, (_, index) => String(index));
}

function drawBoth(ratings: Csr, rank: number): InitialFactors {
  return {
    userFactors: drawInitialFactors(names(ratings.nRows), 'user', { rank, seed: 7 }),
    itemFactors: drawInitialFactors(names(ratings.nCols), 'artist', { rank, seed: 7 }),
  };
}

/** The same rows with one more column of zeros. */
function withZeroFactor(factors: Float64Array, rank: number): Float64Array {
  const nRows = factors.length / rank;
  const out = new Float64Array(nRows * (rank + 1));
  for (let r = 0; r < nRows; r++) out.set(factors.subarray(r * rank, (r + 1) * rank), r * (rank + 1));
  return out;
}

function drawOne(kind: 'user' | 'artist', seed: number): Float64Array {
  return drawInitialFactors(['51'], kind, { rank: 4, seed });
}

describe('fitBiasedSvd', () => {
  for (const reference of expected.cases) {
    it(`equals scikit-surprise given the same start: rank ${reference.rank}, ${reference.epochs} epochs`, () => {
      const ratings = csrFromCoordinates(
        reference.nUsers,
        reference.nItems,
        Int32Array.from(reference.rows),
        Int32Array.from(reference.cols),
        Float64Array.from(reference.ratings),
      );
      const model = fitBiasedSvd(ratings, reference, {
        userFactors: Float64Array.from(reference.initialUserFactors),
        itemFactors: Float64Array.from(reference.initialItemFactors),
      });
      // Some 10,000 steps, each rounded another way than there by an epsilon of its (shrinking) size.
      const tolerance = 1e-14;
      expect(model.rank).toBe(reference.rank);
      expect(Math.abs(model.globalMean - reference.globalMean)).toBeLessThanOrEqual(tolerance);
      expect(maxDifference(model.userBiases, reference.userBiases)).toBeLessThanOrEqual(tolerance);
      expect(maxDifference(model.itemBiases, reference.itemBiases)).toBeLessThanOrEqual(tolerance);
      expect(maxDifference(model.userFactors, reference.userFactors)).toBeLessThanOrEqual(tolerance);
      expect(maxDifference(model.itemFactors, reference.itemFactors)).toBeLessThanOrEqual(tolerance);
    });
  }

  it('gives the same bytes through the loop for 10 factors and the loop for any number', () => {
    const ratings = randomRatings(30, 40);
    const init = drawBoth(ratings, 10);
    const params = { epochs: 40, learningRate: 0.02, regularisation: 0.05 };
    const ten = fitBiasedSvd(ratings, params, init);
    const eleven = fitBiasedSvd(ratings, params, {
      userFactors: withZeroFactor(init.userFactors, 10),
      itemFactors: withZeroFactor(init.itemFactors, 10),
    });
    expect(eleven.userFactors).toEqual(withZeroFactor(ten.userFactors, 10));
    expect(eleven.itemFactors).toEqual(withZeroFactor(ten.itemFactors, 10));
    expect(eleven.userBiases).toEqual(ten.userBiases);
    expect(eleven.itemBiases).toEqual(ten.itemBiases);
    expect(eleven.loss).toEqual(ten.loss);
  });

  it('takes one step as computed by hand', () => {
    const ratings = csrFromCoordinates(1, 1, Int32Array.of(0), Int32Array.of(0), Float64Array.of(0.5));
    const model = fitBiasedSvd(
      ratings,
      { epochs: 1, learningRate: 0.1, regularisation: 0.5 },
      { userFactors: Float64Array.of(0.2), itemFactors: Float64Array.of(0.4) },
    );
    // The mean is the rating itself, so err = -p · q = -0.08.
    expect(model.globalMean).toBe(0.5);
    expect(model.loss[0]).toBeCloseTo(0.08, 15);
    expect(model.userBiases[0]).toBeCloseTo(-0.008, 15);
    expect(model.itemBiases[0]).toBeCloseTo(-0.008, 15);
    expect(model.userFactors[0]).toBeCloseTo(0.2 + 0.1 * (-0.08 * 0.4 - 0.5 * 0.2), 15);
    expect(model.itemFactors[0]).toBeCloseTo(0.4 + 0.1 * (-0.08 * 0.2 - 0.5 * 0.4), 15);
  });

  it('tells planted clusters apart in ratings that it has not seen', () => {
    // Users and artists of the same parity like each other; a third of the cells is withheld.
    const n = 40;
    const cells = Array.from({ length: n * n }, (_, cell) => cell);
    const rating = (cell: number) => ((Math.floor(cell / n) + (cell % n)) % 2 === 0 ? 1 : 0);
    const seen = cells.filter((cell) => !isWithheld(cell));
    const ratings = csrFromCoordinates(
      n,
      n,
      Int32Array.from(seen, (cell) => Math.floor(cell / n)),
      Int32Array.from(seen, (cell) => cell % n),
      Float64Array.from(seen, rating),
    );
    const model = fitBiasedSvd(
      ratings,
      { epochs: 100, learningRate: 0.05, regularisation: 0.02 },
      drawBoth(ratings, 2),
    );
    const predict = (cell: number): number => {
      const u = Math.floor(cell / n);
      const i = cell % n;
      let dot = 0;
      for (let f = 0; f < 2; f++) dot += model.userFactors[u * 2 + f]! * model.itemFactors[i * 2 + f]!;
      return model.globalMean + model.userBiases[u]! + model.itemBiases[i]! + dot;
    };
    const wrong = cells.filter(isWithheld).filter((cell) => predict(cell) > 0.5 !== rating(cell) > 0.5);
    expect(cells.filter(isWithheld).length).toBeGreaterThan(400);
    expect(wrong).toEqual([]);
    expect(model.loss[99]).toBeLessThan(0.1);
  });

  it('leaves users and artists without ratings where they started', () => {
    const ratings = csrFromCoordinates(
      3,
      2,
      Int32Array.of(0, 2),
      Int32Array.of(1, 1),
      Float64Array.of(0.1, 0.9),
    );
    const init = drawBoth(ratings, 10);
    const before = init.userFactors.slice();
    const model = fitBiasedSvd(ratings, SEED_PRESET.svd, init);
    expect(model.userBiases[1]).toBe(0);
    expect(model.itemBiases[0]).toBe(0);
    expect(model.userFactors.subarray(10, 20)).toEqual(init.userFactors.subarray(10, 20));
    expect(model.itemFactors.subarray(0, 10)).toEqual(init.itemFactors.subarray(0, 10));
    expect(model.userFactors.subarray(0, 10)).not.toEqual(init.userFactors.subarray(0, 10));
    expect(init.userFactors).toEqual(before);
  });

  it('refuses no ratings at all', () => {
    const ratings = csrFromCoordinates(2, 2, new Int32Array(0), new Int32Array(0), new Float64Array(0));
    expect(() => fitBiasedSvd(ratings, SEED_PRESET.svd, drawBoth(ratings, 10))).toThrowError(
      expect.objectContaining({ code: 'INVALID_DATA_SET' }),
    );
  });

  it('refuses initial factors of another shape', () => {
    const ratings = randomRatings(4, 5);
    const { userFactors, itemFactors } = drawBoth(ratings, 3);
    for (const init of [
      { userFactors, itemFactors: itemFactors.subarray(1) },
      { userFactors: userFactors.subarray(1), itemFactors },
      { userFactors: itemFactors, itemFactors: userFactors },
    ]) {
      expect(() => fitBiasedSvd(ratings, SEED_PRESET.svd, init)).toThrowError(
        expect.objectContaining({
          code: 'SHAPE_MISMATCH',
          message: expect.stringContaining('4 users and 5 artists'),
        }),
      );
    }
  });

  it('refuses to return a model that diverged', () => {
    const ratings = randomRatings(10, 10);
    const params = { epochs: 100, learningRate: 50, regularisation: 0 };
    expect(() => fitBiasedSvd(ratings, params, drawBoth(ratings, 10))).toThrowError(
      expect.objectContaining({ code: 'NOT_FINITE', message: expect.stringContaining('learning rate 50') }),
    );
  });
});

describe('ratingsFromPlays', () => {
  it('takes the fourth root and scales it to [0, 1]', () => {
    const plays = csrFromCoordinates(
      2,
      2,
      Int32Array.of(0, 0, 1),
      Int32Array.of(0, 1, 1),
      Float64Array.of(1, 16, 625),
    );
    const ratings = ratingsFromPlays(plays, dataSetScale(plays));
    expect(Array.from(ratings.values)).toEqual([0, 0.25, 1]);
    expect(ratings.indices).toEqual(plays.indices);
  });

  it('is 0 where everybody played everything equally often', () => {
    const plays = csrFromCoordinates(1, 2, Int32Array.of(0, 0), Int32Array.of(0, 1), Float64Array.of(5, 5));
    expect(Array.from(ratingsFromPlays(plays, dataSetScale(plays)).values)).toEqual([0, 0]);
  });
});

describe('drawInitialFactors', () => {
  it('keys every row by its id, wherever it stands', () => {
    const ids = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ids, fc.integer(), (ids, seed) => {
        const rank = 3;
        const forward = drawInitialFactors(ids, 'user', { rank, seed });
        const backward = drawInitialFactors(ids.toReversed(), 'user', { rank, seed });
        for (let r = 0; r < ids.length; r++) {
          const mirrored = (ids.length - 1 - r) * rank;
          expect(backward.subarray(mirrored, mirrored + rank)).toEqual(
            forward.subarray(r * rank, (r + 1) * rank),
          );
        }
      }),
    );
  });

  it('draws a user and an artist of the same id, and another seed, differently', () => {
    expect(drawOne('user', 1)).toEqual(drawOne('user', 1));
    expect(drawOne('artist', 1)).not.toEqual(drawOne('user', 1));
    expect(drawOne('user', 2)).not.toEqual(drawOne('user', 1));
  });

  it('has the mean and deviation asked for', () => {
    const n = 20_000;
    const draws = drawInitialFactors(names(n), 'artist', { rank: 1, seed: 3, mean: 2, deviation: 0.5 });
    const mean = draws.reduce((sum, x) => sum + x, 0) / n;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    // Five standard errors.
    expect(Math.abs(mean - 2)).toBeLessThan((5 * 0.5) / Math.sqrt(n));
    expect(Math.abs(variance - 0.25)).toBeLessThan(5 * 0.25 * Math.sqrt(2 / n));
  });
});
