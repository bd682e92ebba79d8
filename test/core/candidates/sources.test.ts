import { describe, expect, it } from 'vitest';

import { fitSource, prepareSourceInputs } from '../../../layers/core/src/candidates/fit-source.ts';
import {
  drawInitialFactors,
  fitBiasedSvd,
  dataSetScale,
  ratingsFromPlays,
} from '../../../layers/core/src/factors/biased-svd.ts';
import { fitBpr } from '../../../layers/core/src/factors/bpr.ts';
import { knnWeights } from '../../../layers/core/src/scoring/knn-weights.ts';
import { fitTfIdf } from '../../../layers/core/src/features/tf-idf.ts';
import { transposeCsr, type Csr } from '../../../layers/core/src/math/csr.ts';
import { topK } from '../../../layers/core/src/math/top-k.ts';
import { sourceLabel, type SourceParameters } from '../../../layers/core/src/options.ts';
import { BASELINES, FULL_PRESET } from '../../../layers/core/src/presets.ts';
import { candidateSourceContract, type Agreement } from '../contracts/candidate-source.contract.ts';
import { maxDifference } from '../max-difference.ts';
import { loadSample } from '../sample.ts';

const dataset = await loadSample();
const inputs = prepareSourceInputs(dataset, fitTfIdf(dataset, { maxFeatures: 500 }).terms, FULL_PRESET);

/** The entries of a row by column. */
function rowOf({ indptr, indices, values }: Csr, row: number): ReadonlyMap<number, number> {
  const entries = new Map<number, number>();
  for (let e = indptr[row]!; e < indptr[row + 1]!; e++) entries.set(indices[e]!, values[e]!);
  return entries;
}

function inner(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const [column, value] of a) sum += value * (b.get(column) ?? 0);
  return sum;
}

/** The same source, small enough for a test. */
function small(source: SourceParameters): SourceParameters {
  if (source.name === 'ials') return { ...source, factors: Math.min(16, source.factors), sweeps: 3 };
  return source.name === 'bpr' ? { ...source, factors: 8, epochs: 3 } : source;
}

function agreementOf({ name }: SourceParameters): Agreement {
  // Friends are not in a history, and BPR has no closed form for one. A row of iALS is solved before the last columns, and has
  // its friends; one of BiasedSVD is stepped to and not solved; a listener is no neighbour of theirs, while whoever has
  // their history could be.
  if (name === 'friends' || name === 'bpr') return 'silent';
  return name === 'ials' || name === 'user-knn' || name === 'biased-svd' ? 'alike' : 'equal';
}

// A tuned twin differs in numbers only.
const models = [...BASELINES, ...FULL_PRESET.sources].filter(
  (source) => !sourceLabel(source).endsWith('-tuned'),
);
for (const source of models.map(small)) {
  candidateSourceContract(sourceLabel(source), inputs, {
    agreement: agreementOf(source),
    make: () => fitSource(source, inputs, FULL_PRESET)!,
  });
}

describe('fitSource', () => {
  const { plays } = dataset;
  const nArtists = dataset.artists.size;

  it('compares artists by weights whose documents are the artists', () => {
    const parameters = { name: 'item-knn', k: 10, neighbours: nArtists, shrink: 3 } as const;
    const byArtist = knnWeights(transposeCsr(plays), { kind: 'bm25', k1: 2, b: 0.5 });
    const source = fitSource(
      { ...parameters, label: 'other', weighting: { kind: 'bm25', k1: 2, b: 0.5 } },
      inputs,
      FULL_PRESET,
    )!;
    const [row, expected] = [new Float64Array(nArtists), new Float64Array(nArtists)];
    source.scoreUser(3, row);
    for (const heard of rowOf(plays, 3).keys()) {
      for (let i = 0; i < nArtists; i++) {
        if (i === heard) continue;
        const [a, b] = [rowOf(byArtist, heard), rowOf(byArtist, i)];
        expected[i]! += inner(a, b) / (Math.sqrt(inner(a, a)) * Math.sqrt(inner(b, b)) + 3);
      }
    }
    expect(source.name).toBe('other');
    expect(maxDifference(row, expected)).toBeLessThan(1e-12);
  });

  it('compares listeners by weights whose documents are the listeners, and weighs votes by play rank', () => {
    const byListener = knnWeights(plays, { kind: 'tf-idf' });
    const source = fitSource(
      { name: 'user-knn', k: 10, neighbours: 5, exponent: 2, weighting: { kind: 'tf-idf' } },
      inputs,
      FULL_PRESET,
    )!;
    const [row, expected] = [new Float64Array(nArtists), new Float64Array(nArtists)];
    source.scoreUser(3, row);
    const [own, cosines] = [rowOf(byListener, 3), new Float64Array(dataset.users.size)];
    for (let v = 0; v < cosines.length; v++) {
      const other = rowOf(byListener, v);
      cosines[v] = v === 3 ? 0 : inner(own, other) / Math.sqrt(inner(own, own) * inner(other, other));
    }
    for (const v of topK(cosines, 5)) {
      for (const [i, weight] of rowOf(inputs.weights, v)) expected[i]! += cosines[v]! ** 2 * weight;
    }
    expect(maxDifference(row, expected)).toBeLessThan(1e-12);
  });

  it('takes every play for one where neighbours are sought in binary', () => {
    const source = {
      name: 'item-knn',
      k: 10,
      neighbours: 20,
      shrink: 1,
      weighting: { kind: 'binary' },
    } as const;
    const flat = { ...inputs, plays: inputs.binary };
    const [row, expected] = [new Float64Array(nArtists), new Float64Array(nArtists)];
    fitSource(source, inputs, FULL_PRESET)!.scoreUser(3, row);
    fitSource(source, flat, FULL_PRESET)!.scoreUser(3, expected);
    expect(row).toEqual(expected);
    fitSource({ ...source, weighting: { kind: 'tf-idf' } }, inputs, FULL_PRESET)!.scoreUser(3, expected);
    expect(row).not.toEqual(expected);
  });

  it('ranks by the predicted rating of BiasedSVD, but for what is the same for every artist', () => {
    const svd = { factors: 5, epochs: 7, learningRate: 0.02, regularisation: 0.03 };
    const source = fitSource({ name: 'biased-svd', label: 'biased-svd', k: 10, svd }, inputs, FULL_PRESET)!;
    const draw = { rank: 5, seed: FULL_PRESET.randomState };
    const model = fitBiasedSvd(ratingsFromPlays(plays, dataSetScale(plays)), svd, {
      userFactors: drawInitialFactors(dataset.users.ids, 'user', draw),
      itemFactors: drawInitialFactors(dataset.artists.ids, 'artist', draw),
    });
    const row = new Float64Array(nArtists);
    source.scoreUser(3, row);
    const rating = row.map((_, i) => {
      let sum = model.globalMean + model.userBiases[3]! + model.itemBiases[i]!;
      for (let f = 0; f < 5; f++) sum += model.userFactors[3 * 5 + f]! * model.itemFactors[i * 5 + f]!;
      return sum;
    });
    const same = model.globalMean + model.userBiases[3]!;
    expect(
      maxDifference(
        row.map((score) => score + same),
        rating,
      ),
    ).toBeLessThan(1e-14);
  });

  it('scores by the biases and factors of BPR', () => {
    const parameters = { factors: 7, epochs: 2, learningRate: 0.1, regularisation: 0.01 };
    const source = fitSource({ name: 'bpr', label: 'bpr', k: 10, ...parameters }, inputs, FULL_PRESET)!;
    const { randomState } = FULL_PRESET;
    const { ids: userIds } = dataset.users;
    const model = fitBpr(plays, { ...parameters, randomState, userIds, itemIds: dataset.artists.ids });
    const row = new Float64Array(nArtists);
    source.scoreUser(3, row);
    const expected = model.itemBiases.map((bias, i) => {
      let sum = bias;
      for (let f = 0; f < 7; f++) sum += model.userFactors[3 * 7 + f]! * model.itemFactors[i * 7 + f]!;
      return sum;
    });
    expect(maxDifference(row, expected)).toBeLessThan(1e-14);
  });

  it('is off, and says so, where the data set lacks what the source is made of', () => {
    const friendless = { ...inputs, dataset: { ...dataset, friends: null } };
    expect(fitSource({ name: 'friends', k: 10 }, friendless, FULL_PRESET)).toBeNull();
    const tagless = { ...inputs, dataset: { ...dataset, tagAssignments: null } };
    expect(
      fitSource(
        { name: 'tag-profile', k: 10, contextWeight: 0.3, weights: 'play-rank' },
        tagless,
        FULL_PRESET,
      ),
    ).toBeNull();
  });

  it('nominates by popularity where there are no tags to be near in', () => {
    const tagless = { ...inputs, dataset: { ...dataset, tagAssignments: null } };
    const source = fitSource({ name: 'tag-knn', k: 10 }, tagless, FULL_PRESET)!;
    const popular = fitSource({ name: 'popular', k: 10 }, inputs, FULL_PRESET)!;
    const [row, expected] = [new Float64Array(dataset.artists.size), new Float64Array(dataset.artists.size)];
    source.scoreUser(3, row);
    popular.scoreUser(3, expected);
    expect(source.name).toBe('tag-knn');
    expect(row).toEqual(expected);
  });
});
