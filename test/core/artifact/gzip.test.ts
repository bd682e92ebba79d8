import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip, gzip } from '../../../layers/core/src/artifact/gzip.ts';

const text = new TextEncoder().encode('artist '.repeat(5000));

describe('gzip', () => {
  it('is read by zlib, is smaller, and is the same each time', async () => {
    const packed = await gzip(text);
    expect(new Uint8Array(gunzipSync(packed))).toEqual(text);
    expect(packed.length).toBeLessThan(text.length / 20);
    expect(await gzip(text)).toEqual(packed);
  });

  it('compresses nothing, and the window of a view', async () => {
    expect(await gunzip(await gzip(new Uint8Array(0)))).toHaveLength(0);
    expect(await gunzip(await gzip(text.subarray(7, 14)))).toEqual(text.subarray(0, 7));
  });
});

describe('gunzip', () => {
  it('reads what zlib wrote', async () => {
    expect(await gunzip(new Uint8Array(gzipSync(text, { level: 1 })))).toEqual(text);
  });

  it.each<[string, (packed: Uint8Array) => Uint8Array]>([
    ['plain text', () => text],
    ['no bytes', () => new Uint8Array(0)],
    ['a cut file', (packed) => packed.subarray(0, packed.length - 9)],
    ['a flipped checksum', (packed) => packed.with(packed.length - 6, packed.at(-6)! ^ 1)],
  ])('refuses %s', async (_, damage) => {
    await expect(gunzip(damage(await gzip(text)))).rejects.toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });
});
