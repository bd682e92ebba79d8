import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createArtistCatalogue } from '../../../layers/core/src/catalogue/artist-catalogue.ts';
import { createArtistFilter } from '../../../layers/core/src/catalogue/artist-filter.ts';
import { catalogueModel } from './small-catalogue.ts';

// Percentiles 100, 75, 50, 25 and 0.
const ARTISTS = [
  { listeners: 9, tags: { rock: 3, indie: 1 } },
  { listeners: 7, tags: { jazz: 2 } },
  { listeners: 5, tags: { rock: 1, jazz: 1 } },
  { listeners: 2 },
  { listeners: 1, tags: { Indie: 1 } },
];
const catalogue = createArtistCatalogue(catalogueModel(ARTISTS, 10));

type Options = Parameters<typeof createArtistFilter>[1];

function kept(options: Options): number[] {
  const filter = createArtistFilter(catalogue, options)!;
  return [...ARTISTS.keys()].filter((artist) => filter(artist));
}

describe('createArtistFilter', () => {
  it('is null where nothing is asked for', () => {
    const nothing: Options[] = [{}, { tags: [], excludeTags: [] }, { minPopularity: 0, maxPopularity: 100 }];
    expect(nothing.map((options) => createArtistFilter(catalogue, options))).toEqual([null, null, null]);
  });

  it.each<[string, Options, number[]]>([
    ['one of the tags', { tags: ['jazz', 'Indié'] }, [0, 1, 2, 4]],
    ['none of the tags', { excludeTags: ['rock'] }, [1, 3, 4]],
    ['some tags and none of others', { tags: ['rock'], excludeTags: ['JAZZ'] }, [0]],
    ['a tag that no artist has', { tags: ['polka'] }, []],
    ['a known tag or an unknown one', { tags: ['polka', 'jazz'] }, [1, 2]],
    ['none of an unknown tag', { excludeTags: ['polka', '__proto__'] }, [0, 1, 2, 3, 4]],
    ['a least popularity, itself allowed', { minPopularity: 75 }, [0, 1]],
    ['a largest popularity, itself allowed', { maxPopularity: 25 }, [3, 4]],
    ['both', { minPopularity: 20, maxPopularity: 75 }, [1, 2, 3]],
    ['a range that is empty', { minPopularity: 60, maxPopularity: 40 }, []],
    ['tags and popularity', { tags: ['rock', 'jazz'], maxPopularity: 80 }, [1, 2]],
  ])('keeps artists by %s', (_, options, expected) => {
    expect(kept(options)).toEqual(expected);
  });

  it('keeps whom each condition by itself keeps', () => {
    const tags = fc.subarray(['rock', 'jazz', 'indie', 'polka']);
    const percentile = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(
        fc.record(
          { tags, excludeTags: tags, minPopularity: percentile, maxPopularity: percentile },
          { requiredKeys: [] },
        ),
        (options) => {
          const filter = createArtistFilter(catalogue, options);
          ARTISTS.forEach(({ tags: given = {} }, artist) => {
            const own = new Set(Object.keys(given).map((tag) => tag.toLowerCase()));
            const { tags: asked = [], excludeTags = [], minPopularity = 0, maxPopularity = 100 } = options;
            const percent = 100 - 25 * artist;
            const expected =
              (asked.length === 0 || asked.some((tag) => own.has(tag))) &&
              !excludeTags.some((tag) => own.has(tag)) &&
              percent >= minPopularity &&
              percent <= maxPopularity;
            expect(filter === null || filter(artist)).toBe(expected);
          });
        },
      ),
    );
  });

  it.each([NaN, -1, 100.5, Infinity])('refuses %s for a percentile', (found) => {
    for (const option of ['minPopularity', 'maxPopularity'] as const) {
      expect(() => createArtistFilter(catalogue, { [option]: found })).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: `${option} is ${found}: allowed is a percentile from 0 to 100`,
        }),
      );
    }
  });
});
