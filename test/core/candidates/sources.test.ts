import { describe, expect, it } from 'vitest';

import { fitSource, prepareSourceInputs } from '../../../layers/core/src/candidates/fit-source.ts';
import {
  drawInitialFactors,
  fitBiasedSvd,
  dataSetScale,
  ratingsFromPlays,
} from '../../../layers/core/src/factors/biased-svd.ts';
import { fitIals } from '../../../layers/core/src/factors/ials.ts';
import { fitBpr } from '../../../layers/core/src/factors/bpr.ts';
import { vocabularyInOrder } from '../../../layers/core/src/data/vocabulary.ts';
import { rowHistory } from '../../../layers/core/src/scoring/history.ts';
import { knnWeights } from '../../../layers/core/src/scoring/knn-weights.ts';
import { listenerTags, taggedArtists } from '../../../layers/core/src/features/listener-tags.ts';
import { fitTfIdf } from '../../../layers/core/src/features/tf-idf.ts';
import { csrFromCoordinates, transposeCsr, type Csr } from '../../../layers/core/src/math/csr.ts';
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

const tagged = taggedArtists(dataset)!;

/** Whether a listener has tagged an artist that they have not heard. */
function hasTaggedUnheard(user: number): boolean {
  const heard = rowOf(dataset.plays, user);
  return [...rowOf(tagged, user).keys()].some((artist) => !heard.has(artist));
}

function agreementOf(source: SourceParameters): Agreement {
  const { name } = source;
  if (name === 'ease' && source.taggedWeight > 0) return 'equal unless it knows more';
  // Friends are not in a history, and BPR has no closed form for one. A row of iALS is solved before the last columns, and has
  // its friends and tags; one of BiasedSVD is stepped to and not solved; a listener is no neighbour of theirs, while whoever has
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
    knowsMore: hasTaggedUnheard,
    make: () => fitSource(source, inputs, FULL_PRESET)!,
  });
}

describe('fitSource', () => {
  const { plays } = dataset;
  const nArtists = dataset.artists.size;

  it('switches EASE off where there are more listeners and tag terms than its dual form takes', () => {
    const ease = FULL_PRESET.sources.find(({ name }) => name === 'ease')!;
    const withListeners = (nListeners: number) => {
      const users = vocabularyInOrder(Array.from({ length: nListeners }, (_, u) => `u${u}`));
      return { ...inputs, dataset: { ...dataset, users } };
    };
    const most = 6000 - inputs.sublinearTags.nCols;
    expect(fitSource(ease, withListeners(most + 1), FULL_PRESET)).toBeNull();
    expect(fitSource(ease, withListeners(most), FULL_PRESET)).toMatchObject({ name: sourceLabel(ease) });
  });

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

  it('fits tags that listeners give beside the artists, after friends: iALS of the matrix stacked by hand', () => {
    const parameters = { factors: 8, sweeps: 2, alpha0: 0.05, lambda: 0.02, countOffset: 0.01 };
    const weighted = { tagWeight: 0.5, friendWeight: 0.3, listenerTagWeight: 0.7 };
    const fitted = fitSource(
      { name: 'ials', label: 'ials', k: 10, ...parameters, ...weighted },
      inputs,
      FULL_PRESET,
    )!;
    const { users, artists, tags, friends } = dataset;
    const nColumns = artists.size + users.size + tags.size;
    const cells: { row: number; column: number; value: number }[] = [];
    const put = (part: Csr, row: number, column: number, weight: number, turned = false): void => {
      for (let r = 0; r < part.nRows; r++) {
        for (const [c, value] of rowOf(part, r)) {
          const [i, j] = turned ? [c, r] : [r, c];
          cells.push({ row: row + i, column: column + j, value: weight * value });
        }
      }
    };
    put(inputs.weights, 0, 0, 1);
    put(friends!, 0, artists.size, 0.3);
    put(listenerTags(dataset)!, 0, artists.size + users.size, 0.7);
    put(inputs.sublinearTags, users.size, 0, 0.5, true);
    const stacked = csrFromCoordinates(
      users.size + inputs.sublinearTags.nCols,
      nColumns,
      Int32Array.from(cells, ({ row }) => row),
      Int32Array.from(cells, ({ column }) => column),
      Float64Array.from(cells, ({ value }) => value),
    );
    const model = fitIals(stacked, {
      ...parameters,
      randomState: FULL_PRESET.randomState,
      columnIds: [
        ...artists.ids.map((id) => `artist:${id}`),
        ...users.ids.map((id) => `friend:${id}`),
        ...tags.ids.map((id) => `tag:${id}`),
      ],
    });
    const [row, without] = [new Float64Array(nArtists), new Float64Array(nArtists)];
    const plain = fitSource(
      { name: 'ials', label: 'ials', k: 10, ...parameters, ...weighted, listenerTagWeight: 0 },
      inputs,
      FULL_PRESET,
    )!;
    for (const user of [0, 3, 17]) {
      fitted.scoreUser(user, row);
      const expected = row.map((_, i) => {
        let sum = 0;
        for (let f = 0; f < 8; f++) sum += model.rowFactors[user * 8 + f]! * model.columnFactors[i * 8 + f]!;
        return sum;
      });
      expect(maxDifference(row, expected)).toBeLessThan(1e-12);
      plain.scoreUser(user, without);
      expect(maxDifference(row, without)).toBeGreaterThan(1e-3);
    }
  });

  it('counts an artist tagged and not heard in what EDLAE is asked with, and in nothing that it is fitted on', () => {
    const source = {
      name: 'ease',
      label: 'ease',
      k: 10,
      lambda: 40,
      dropout: 0.7,
      weights: 'play-rank',
      tagWeight: 1,
    } as const;
    const [plain, asked] = [0, 0.6].map((taggedWeight) =>
      fitSource({ ...source, taggedWeight }, inputs, FULL_PRESET)!,
    );
    const [row, expected] = [new Float64Array(nArtists), new Float64Array(nArtists)];
    const users = Array.from(dataset.users.ids.keys()).filter(hasTaggedUnheard);
    expect(users.length).toBeGreaterThan(10);
    for (const user of users) {
      const heard = rowOf(inputs.weights, user);
      const joined = new Map(heard);
      for (const artist of rowOf(tagged, user).keys()) if (!heard.has(artist)) joined.set(artist, 0.6);
      asked!.scoreUser(user, row);
      plain!.scoreHistory(
        {
          ...rowHistory(inputs, user),
          items: Int32Array.from(joined.keys()),
          weights: Float64Array.from(joined.values()),
        },
        expected,
      );
      expect(maxDifference(row, expected)).toBeLessThan(1e-9);
    }
    // Whoever is asked about by history alone, and what a version stores, is the same with and without.
    expect(asked!.encode().tensors).toEqual(plain!.encode().tensors);
  });

  it('leaves tags that listeners give out where there are none', () => {
    const tagless = { ...inputs, dataset: { ...dataset, tagAssignments: null } };
    const ials = FULL_PRESET.sources.find((source) => sourceLabel(source) === 'ials-tags')!;
    const edlae = FULL_PRESET.sources.find((source) => sourceLabel(source) === 'edlae-tagged')!;
    const off = { listenerTagWeight: 0, taggedWeight: 0 };
    for (const source of [small(ials), edlae]) {
      const without = {
        ...source,
        ...Object.fromEntries(Object.entries(off).filter(([key]) => key in source)),
      };
      const [row, expected] = [new Float64Array(nArtists), new Float64Array(nArtists)];
      fitSource(source, tagless, FULL_PRESET)!.scoreUser(3, row);
      fitSource(without, tagless, FULL_PRESET)!.scoreUser(3, expected);
      expect(row).toEqual(expected);
      fitSource(source, inputs, FULL_PRESET)!.scoreUser(3, expected);
      expect(row).not.toEqual(expected);
    }
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
