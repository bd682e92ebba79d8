import { describe, expect, it } from 'vitest';
import {
  drawInitialFactors,
  fitBiasedSvd,
  dataSetScale,
  ratingsFromPlays,
} from '../../../layers/core/src/factors/biased-svd.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { createHistory, rowHistory } from '../../../layers/core/src/scoring/history.ts';
import { interactionWeights } from '../../../layers/core/src/scoring/shared-tables.ts';
import { foldInSvdFactors, ratingsOf, type SvdArtists } from '../../../layers/core/src/scoring/svd.ts';
import { loadSample } from '../sample.ts';

const nFactors = 3;
const rng = createRng(3);
const svd: SvdArtists = {
  nFactors,
  globalMean: 0.4,
  itemBiases: Float32Array.from({ length: 8 }, () => 0.1 * rng.normal()),
  itemFactors: Float32Array.from({ length: 8 * nFactors }, () => rng.normal()),
  ratings: { lowest: 1, highest: 10_000 },
  regularisation: 0.05,
};
const heard = [
  { artist: 1, plays: 3 },
  { artist: 4, plays: 800 },
  { artist: 6, plays: 77 },
];

describe('ratingsOf', () => {
  it('is the fourth root between the fewest and the most plays, and no more or less than they', () => {
    const scale = { lowest: 1, highest: 10_000 };
    expect([...ratingsOf(Float64Array.of(1, 16, 10_000, 20_000, 0.5), scale)]).toEqual([0, 1 / 9, 1, 1, 0]);
    expect([...ratingsOf(Float64Array.of(7), { lowest: 7, highest: 7 })]).toEqual([0]);
  });

  it('is measured by a quantile of the own plays on a scale of the listener', () => {
    // Nine in ten do not exceed 1,296, a sixth to the fourth; the one above it is as good as it.
    const plays = Float64Array.of(1, 16, 81, 256, 625, 1296, 1296, 1296, 1296, 99_999);
    const ratings = [1, 2, 3, 4, 5, 6, 6, 6, 6, 6].map((root) => root / 6);
    [...ratingsOf(plays, { quantile: 0.9 })].forEach((rating, i) =>
      expect(rating).toBeCloseTo(ratings[i]!, 15),
    );
  });

  it('is the same to the bit where all plays of a listener are multiplied, on their own scale', () => {
    const draw = createRng(5);
    const plays = Float64Array.from({ length: 50 }, () => Math.ceil(5000 * draw.next()));
    const own = ratingsOf(plays, { quantile: 0.9 });
    expect(
      ratingsOf(
        plays.map((value) => 1000 * value),
        { quantile: 0.9 },
      ),
    ).toEqual(own);
    expect(new Set(own).size).toBeGreaterThan(30);
  });
});

describe('foldInSvdFactors', () => {
  const history = createHistory(8, heard);
  /** The objective, minimised over the bias by its own closed form. */
  const loss = (p: Float64Array): number => {
    const rated = ratingsOf(
      Float64Array.from(heard, ({ plays }) => plays),
      svd.ratings,
    );
    const residuals = heard.map(({ artist }, h) => {
      let dot = 0;
      for (let f = 0; f < nFactors; f++) dot += svd.itemFactors[artist * nFactors + f]! * p[f]!;
      return rated[h]! - svd.globalMean - svd.itemBiases[artist]! - dot;
    });
    const n = heard.length;
    const bias = residuals.reduce((sum, r) => sum + r, 0) / (n + n * svd.regularisation);
    const squares = residuals.reduce((sum, r) => sum + (r - bias) ** 2, 0);
    return squares + n * svd.regularisation * (bias ** 2 + p.reduce((sum, x) => sum + x * x, 0));
  };

  it('is where no small step of a factor lowers the penalised error', () => {
    const p = foldInSvdFactors(svd, history);
    for (let f = 0; f < nFactors; f++) {
      for (const step of [-1e-4, 1e-4]) {
        const moved = p.slice();
        moved[f]! += step;
        expect(loss(moved)).toBeGreaterThan(loss(p));
      }
    }
    expect(Math.max(...p.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it('puts a listener of the training part about where the descent has put them', async () => {
    const { plays, users, artists } = await loadSample();
    const draw = { rank: 4, seed: 1 };
    const scale = dataSetScale(plays);
    const ratings = ratingsFromPlays(plays, scale);
    const params = { epochs: 600, learningRate: 0.02, regularisation: 0.02 };
    const fitted = fitBiasedSvd(ratings, params, {
      userFactors: drawInitialFactors(users.ids, 'user', draw),
      itemFactors: drawInitialFactors(artists.ids, 'artist', draw),
    });
    const tables: SvdArtists = {
      nFactors: 4,
      globalMean: fitted.globalMean,
      itemBiases: Float32Array.from(fitted.itemBiases),
      itemFactors: Float32Array.from(fitted.itemFactors),
      ratings: scale,
      regularisation: params.regularisation,
    };
    const shared = { plays, weights: interactionWeights(plays) };
    let squares = 0;
    let differences = 0;
    for (let user = 0; user < users.size; user++) {
      const p = foldInSvdFactors(tables, rowHistory(shared, user));
      for (let f = 0; f < 4; f++) {
        const descent = fitted.userFactors[4 * user + f]!;
        squares += descent ** 2;
        differences += (p[f]! - descent) ** 2;
      }
    }
    // The descent ends near its minimum, not at it.
    expect(Math.sqrt(differences / squares)).toBeLessThan(0.15);
    expect(Math.sqrt(squares / (4 * users.size))).toBeGreaterThan(0.1);
  });

  it('is 0 without a history, and without plays', () => {
    const zero = [0, 0, 0];
    expect([...foldInSvdFactors(svd, createHistory(8, []))]).toEqual(zero);
    expect([...foldInSvdFactors(svd, createHistory(8, [{ artist: 1 }, { artist: 2 }]))]).toEqual(zero);
  });

  it('is finite where nothing is regularised and less was heard than there are factors', () => {
    const p = foldInSvdFactors({ ...svd, regularisation: 0 }, createHistory(8, heard.slice(0, 1)));
    expect(p.every(Number.isFinite)).toBe(true);
  });
});
