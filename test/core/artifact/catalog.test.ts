import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCatalog, encodeCatalog, noTags } from '../../../layers/core/src/artifact/catalog.ts';
import { gzip } from '../../../layers/core/src/artifact/gzip.ts';

const refused = expect.objectContaining({
  code: 'ARTIFACT_INCOMPATIBLE',
  message: expect.stringContaining('catalog'),
});

const ONE = { ids: ['1'], names: ['a'], urls: [''] };

const packed = (value: unknown): Promise<Uint8Array> => gzip(new TextEncoder().encode(JSON.stringify(value)));

describe('the catalogue', () => {
  it('comes back as it was, whatever letters the names have', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
        fc.array(
          fc.record({
            id: fc.string(),
            name: fc.string({ unit: 'grapheme' }),
            url: fc.webUrl(),
            tags: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 2 ** 31 - 1 }))),
          }),
        ),
        async (tagNames, artists) => {
          const entries = artists.flatMap(({ tags }) => tags);
          const starts = [0];
          for (const { tags } of artists) starts.push(starts.at(-1)! + tags.length);
          const catalog = {
            ids: artists.map(({ id }) => id),
            names: artists.map(({ name }) => name),
            urls: artists.map(({ url }) => url),
            tags: {
              names: tagNames,
              starts: Int32Array.from(starts),
              tags: Int32Array.from(entries, ([tag]) => tag % tagNames.length),
              counts: Int32Array.from(entries, ([, count]) => count),
            },
          };
          expect(await decodeCatalog(await encodeCatalog(catalog))).toEqual(catalog);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('has no tags where it was written before there were any', async () => {
    const written = { ids: ['1', '2'], names: ['a', 'b'], urls: ['', ''] };
    expect(await decodeCatalog(await packed(written))).toEqual({ ...written, tags: noTags(2) });
    expect([...noTags(2).starts]).toEqual([0, 0, 0]);
  });

  it('is the same bytes each time', async () => {
    const catalog = { ids: ['1'], names: ['Kāši'], urls: [''] };
    expect(await encodeCatalog(catalog)).toEqual(await encodeCatalog({ ...catalog }));
  });

  it('is refused when cut short, when not packed, or when no JSON was packed', async () => {
    const whole = await encodeCatalog({ ids: ['1'], names: ['a'], urls: [''] });
    const broken = [
      whole.subarray(0, whole.length - 9),
      new Uint8Array(0),
      new TextEncoder().encode('{"ids":[],"names":[],"urls":[]}'),
      await gzip(new TextEncoder().encode('{"ids":')),
    ];
    for (const bytes of broken) await expect(decodeCatalog(bytes)).rejects.toThrow(refused);
  });

  it.each([
    ['null', null],
    ['a list', []],
    ['without urls', { ids: ['1'], names: ['a'] }],
    ['of ids that are numbers', { ids: [1], names: ['a'], urls: [''] }],
    ['of fewer names than ids', { ids: ['1', '2'], names: ['a'], urls: ['', ''] }],
    ['of fewer urls than ids', { ids: ['1'], names: ['a'], urls: [] }],
    ['with tags that are none', { ...ONE, tags: null }],
    ['with tags of numbers', { ...ONE, tags: { names: [1], lengths: [1], tags: [0], counts: [1] } }],
    ['with a tag that has no name', { ...ONE, tags: { names: ['a'], lengths: [1], tags: [1], counts: [1] } }],
    ['with half a tag', { ...ONE, tags: { names: ['a', 'b'], lengths: [1], tags: [0.5], counts: [1] } }],
    ['with a tag that nobody gave', { ...ONE, tags: { names: ['a'], lengths: [1], tags: [0], counts: [0] } }],
    ['with a tag not counted', { ...ONE, tags: { names: ['a'], lengths: [1], tags: [0], counts: [] } }],
    [
      'with fewer tags than lengths',
      { ...ONE, tags: { names: ['a'], lengths: [2], tags: [0], counts: [1] } },
    ],
    ['with tags of no artist', { ...ONE, tags: { names: ['a'], lengths: [0, 1], tags: [0], counts: [1] } }],
    [
      'with lengths that only sum up in 32 bits',
      {
        ids: ['1', '2', '3'],
        names: ['a', 'b', 'c'],
        urls: ['', '', ''],
        tags: { names: ['a'], lengths: [2 ** 31 - 1, 2 ** 31 - 1, 3], tags: [0], counts: [1] },
      },
    ],
  ])('is refused when it is %s', async (_, value) => {
    await expect(decodeCatalog(await packed(value))).rejects.toThrow(refused);
  });
});
