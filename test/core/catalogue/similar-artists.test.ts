import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import {
  createArtistCatalogue,
  type ArtistCatalogue,
} from '../../../layers/core/src/catalogue/artist-catalogue.ts';
import { createSimilarArtists } from '../../../layers/core/src/catalogue/similar-artists.ts';
import { loadFoldIn, type FoldInModel } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import { columnLengths, csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { trainTiny } from '../tiny.ts';
import { catalogueModel } from './small-catalogue.ts';

/** Who listens to what, by artist. */
const FANS = [[0, 1, 2, 3], [0, 1, 2], [3], [4, 5], []];
/** Counts of the tags rock, pop and jazz; these make the rows of the embedding too, with popularity in the last column. */
const TAGS = [
  [3, 4, 0],
  [0, 0, 2],
  [0, 5, 0],
  [6, 8, 0],
  [0, 0, 0],
];
const WORDS = ['rock', 'pop', 'jazz'];

function small(): {
  readonly model: Pick<ServingModel, 'artists' | 'terms'>;
  readonly catalogue: ArtistCatalogue;
  readonly foldIn: Pick<FoldInModel, 'plays' | 'listeners'>;
} {
  const facts = catalogueModel(
    FANS.map((fans, artist) => ({
      listeners: fans.length,
      tags: Object.fromEntries(
        WORDS.map((word, t) => [word, TAGS[artist]![t]!] as const).filter(([, count]) => count > 0),
      ),
    })),
    6,
  );
  const cells = TAGS.flatMap((row, artist) =>
    [...row, 9].map((value, column) => ({ artist, column, value })),
  ).filter(({ value }) => value > 0);
  const embedding = csrFromCoordinates(
    5,
    4,
    Int32Array.from(cells, ({ artist }) => artist),
    Int32Array.from(cells, ({ column }) => column),
    Float64Array.from(cells, ({ value }) => value),
  );
  const heard = FANS.flatMap((fans, artist) => fans.map((user) => ({ user, artist })));
  const plays = csrFromCoordinates(
    6,
    5,
    Int32Array.from(heard, ({ user }) => user),
    Int32Array.from(heard, ({ artist }) => artist),
    new Float64Array(heard.length).fill(7),
  );
  return {
    model: { artists: { ...facts.artists, embedding }, terms: WORDS },
    catalogue: createArtistCatalogue(facts),
    foldIn: { plays, listeners: columnLengths(plays) },
  };
}

function six(value: number): number {
  return Number(value.toPrecision(6));
}

describe('createSimilarArtists', () => {
  const { model, catalogue, foldIn } = small();

  it('weighs common listeners, shrunken, with tags, and says how many and which they are', () => {
    // Cosines with artist 0, whose tags are (3, 4, 0): 0, 0.8 and 1.
    expect(createSimilarArtists(model, catalogue, foldIn)(0, 10)).toEqual({
      basis: 'co-listening and tags',
      artists: [
        {
          artist: 1,
          rank: 1,
          score: six((0.9 * 3) / (Math.sqrt(12) + 10)),
          commonListeners: 3,
          listeners: 3,
          sharedTags: [],
        },
        {
          artist: 2,
          rank: 2,
          score: six((0.9 * 1) / (Math.sqrt(4) + 10) + 0.08),
          commonListeners: 1,
          listeners: 1,
          sharedTags: ['pop'],
        },
        {
          artist: 3,
          rank: 3,
          score: 0.1,
          commonListeners: 0,
          listeners: 2,
          sharedTags: ['pop', 'rock'],
        },
      ],
    });
  });

  it('compares tags alone where there is no listening, and says so', () => {
    const { basis, artists } = createSimilarArtists(model, catalogue, null)(0, 10);
    expect(basis).toBe('tags');
    expect(artists).toEqual([
      { artist: 3, rank: 1, score: 1, commonListeners: null, listeners: 2, sharedTags: ['pop', 'rock'] },
      { artist: 2, rank: 2, score: 0.8, commonListeners: null, listeners: 1, sharedTags: ['pop'] },
    ]);
  });

  it('takes equal scores by popularity', () => {
    const { artists } = createSimilarArtists(model, catalogue, null)(2, 10);
    expect(artists.map(({ artist, score }) => [artist, score])).toEqual([
      [0, 0.8],
      [3, 0.8],
    ]);
  });

  it('finds nothing for an artist of whom nothing is known, and nobody beyond n', () => {
    for (const tables of [foldIn, null]) {
      const find = createSimilarArtists(model, catalogue, tables);
      expect(find(4, 10).artists).toEqual([]);
      expect(find(0, 1).artists).toHaveLength(1);
      expect(find(0, 0).artists).toEqual([]);
    }
  });

  it('refuses the listening of another catalogue', () => {
    const other = { ...foldIn, plays: { ...foldIn.plays, nCols: 4 } };
    expect(() => createSimilarArtists(model, catalogue, other)).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: 'fold-in tensors are of another version: 4 artists, the model has 5',
      }),
    );
  });

  describe('of a trained model', () => {
    let serving: ServingModel;
    let whole: ArtistCatalogue;
    let listening: FoldInModel;
    beforeAll(async () => {
      const { files } = (await trainTiny('full')).contents;
      const tensors = files.get(MODEL_FILE)!;
      serving = await loadServingModel({ tensors, catalog: files.get(CATALOG_FILE)! });
      whole = createArtistCatalogue(serving);
      listening = loadFoldIn(tensors);
    });

    it('counts common listeners as comparing histories does, and leaves nobody nearer out', () => {
      const find = createSimilarArtists(serving, whole, listening);
      const { plays } = listening;
      const histories = Array.from(
        { length: plays.nRows },
        (_, user) => new Set(plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1])),
      );
      const commonOf = (a: number, b: number): number =>
        histories.filter((history) => history.has(a) && history.has(b)).length;
      fc.assert(
        fc.property(fc.nat({ max: 149 }), fc.integer({ min: 1, max: 40 }), (artist, n) => {
          const all = find(artist, 150).artists;
          const near = find(artist, n).artists;
          expect(near).toEqual(all.slice(0, n));
          expect(near.map(({ rank }) => rank)).toEqual(near.map((_, position) => position + 1));
          near.forEach((one, position) => {
            expect(one.commonListeners).toBe(commonOf(artist, one.artist));
            expect(one.listeners).toBe(whole.listeners[one.artist]);
            expect(one.artist).not.toBe(artist);
            expect(one.score).toBeGreaterThan(0);
            expect(one.score).toBeLessThanOrEqual(near[position - 1]?.score ?? 1);
            const tags = whole.tagsOf(one.artist).map(({ tag }) => tag);
            const own = whole.tagsOf(artist).map(({ tag }) => tag);
            for (const tag of one.sharedTags) {
              expect(tags).toContain(tag);
              expect(own).toContain(tag);
            }
          });
          const missing = histories.flatMap((history) => (history.has(artist) ? [...history] : []));
          const found = new Set(all.map((one) => one.artist));
          expect(missing.filter((other) => other !== artist && !found.has(other))).toEqual([]);
        }),
        { numRuns: 40 },
      );
    });

    it('gives two artists one score, whichever is asked for', () => {
      const find = createSimilarArtists(serving, whole, listening);
      const [a, b] = [3, 60];
      const there = find(a, 150).artists.find(({ artist }) => artist === b);
      const back = find(b, 150).artists.find(({ artist }) => artist === a);
      expect(there!.score).toBeCloseTo(back!.score, 6);
      expect(there!.commonListeners).toBe(back!.commonListeners);
    });
  });
});
