import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { createArtistCatalogue } from '../../../layers/core/src/catalogue/artist-catalogue.ts';
import { topTags } from '../../../layers/core/src/features/top-tags.ts';
import { columnLengths } from '../../../layers/core/src/math/csr.ts';
import { recommend } from '../../../layers/core/src/recommend.ts';
import { trainTiny, type Trained } from '../tiny.ts';
import { catalogueModel } from './small-catalogue.ts';

const withListeners = (...listeners: number[]) =>
  createArtistCatalogue(
    catalogueModel(
      listeners.map((count) => ({ listeners: count })),
      Math.max(1, ...listeners),
    ),
  );

describe('createArtistCatalogue', () => {
  it('gives percentiles by mid-rank: 100 to the most popular, the mean to equals, 0 to the least', () => {
    expect([...withListeners(5, 1, 9, 5, 2).percentiles]).toEqual([62.5, 0, 100, 62.5, 25]);
    expect([...withListeners(1, 1, 1).percentiles]).toEqual([50, 50, 50]);
    expect([...withListeners(4).percentiles]).toEqual([100]);
    expect([...withListeners().percentiles]).toEqual([]);
  });

  it('gives the percentile of every artist as counting the others does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 6 }), { minLength: 2 }), (listeners) => {
        const { percentiles } = withListeners(...listeners);
        listeners.forEach((count, artist) => {
          const others = listeners.filter((_, other) => other !== artist);
          const below = others.filter((other) => other < count).length;
          const equal = others.filter((other) => other === count).length;
          const percentile = (100 * (below + equal / 2)) / others.length;
          expect(percentiles[artist]).toBe(Number(percentile.toPrecision(6)));
        });
      }),
    );
  });

  it('orders all artists by listeners, ties by index', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000_000 })), (listeners) => {
        const expected = [...listeners.keys()].toSorted((a, b) => listeners[b]! - listeners[a]! || a - b);
        expect([...withListeners(...listeners).byPopularity]).toEqual(expected);
      }),
    );
  });

  it('has the whole numbers of listeners that the degrees were made of', () => {
    const counts = [0, 1, 2, 611, 99_999, 1_000_000];
    expect([...withListeners(...counts).listeners]).toEqual(counts);
  });

  it('has 0 for shares where nobody listens to anything', () => {
    expect([...withListeners(0, 0).shares]).toEqual([0, 0]);
  });

  it('lists tags in the order kept, and finds their artists whatever case and accents are asked for', () => {
    const catalogue = createArtistCatalogue(
      catalogueModel(
        [
          { listeners: 3, tags: { 'trip-hop': 4, électro: 2, electro: 1 } },
          { listeners: 1 },
          { listeners: 2, tags: { electro: 7 } },
        ],
        4,
      ),
    );
    expect(catalogue.tagsOf(0)).toEqual([
      { tag: 'trip-hop', count: 4 },
      { tag: 'électro', count: 2 },
      { tag: 'electro', count: 1 },
    ]);
    expect(catalogue.tagsOf(1)).toEqual([]);
    expect([...catalogue.artistsWith('  ELECTRO ')]).toEqual([0, 2]);
    expect([...catalogue.artistsWith('Trip-Hop')]).toEqual([0]);
    expect([...catalogue.artistsWith('hop')]).toEqual([]);
    expect([...catalogue.artistsWith('__proto__')]).toEqual([]);
    expect([...catalogue.shares]).toEqual([0.75, 0.25, 0.5]);
  });

  describe('of a trained model', () => {
    let trained: Trained;
    let model: ServingModel;
    beforeAll(async () => {
      trained = await trainTiny('seed');
      const { files } = trained.contents;
      model = await loadServingModel({
        tensors: files.get(MODEL_FILE)!,
        catalog: files.get(CATALOG_FILE)!,
      });
    });

    it('counts the listeners of the data set, and shares of all of them', () => {
      const { listeners, shares } = createArtistCatalogue(model);
      const { plays, users } = trained.dataset;
      expect(listeners).toEqual(columnLengths(plays));
      expect([...shares]).toEqual(Array.from(listeners, (count) => count / users.size));
    });

    it('begins its order and its shares as the popular list does', () => {
      const { byPopularity, shares } = createArtistCatalogue(model);
      const { recommendations } = recommend(model, undefined, { n: 150 });
      expect(recommendations.map(({ artistId }) => artistId)).toEqual(
        Array.from(byPopularity, (artist) => model.artistIds[artist]),
      );
      expect(recommendations.map(({ score }) => score)).toEqual(
        Array.from(byPopularity, (artist) => Number(shares[artist]!.toPrecision(6))),
      );
    });

    it('has the tags and pages of the data set', () => {
      expect(model.artistTags).toEqual(topTags(trained.dataset));
      expect(model.artistTags.tags.length).toBeGreaterThan(150);
      expect(model.artistUrls).toEqual(trained.dataset.artistUrls);
    });
  });
});
