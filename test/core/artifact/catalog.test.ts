import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCatalog, encodeCatalog } from '../../../layers/core/src/artifact/catalog.ts';
import { gzip } from '../../../layers/core/src/artifact/gzip.ts';

const refused = expect.objectContaining({
  code: 'ARTIFACT_INCOMPATIBLE',
  message: expect.stringContaining('catalog'),
});

const packed = (value: unknown): Promise<Uint8Array> => gzip(new TextEncoder().encode(JSON.stringify(value)));

describe('the catalogue', () => {
  it('comes back as it was, whatever letters the names have', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ id: fc.string(), name: fc.string({ unit: 'grapheme' }), url: fc.webUrl() })),
        async (artists) => {
          const catalog = {
            ids: artists.map(({ id }) => id),
            names: artists.map(({ name }) => name),
            urls: artists.map(({ url }) => url),
          };
          expect(await decodeCatalog(await encodeCatalog(catalog))).toEqual(catalog);
        },
      ),
      { numRuns: 30 },
    );
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
  ])('is refused when it is %s', async (_, value) => {
    await expect(decodeCatalog(await packed(value))).rejects.toThrow(refused);
  });
});
