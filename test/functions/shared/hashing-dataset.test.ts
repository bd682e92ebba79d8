import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashingDataset } from '../../../functions/shared/hashing-dataset.ts';
import { fingerprintFiles } from '../../../layers/core/src/data/fingerprint.ts';
import type { OpenFile } from '../../../layers/core/src/data/hetrec.ts';

type Files = Readonly<Record<string, Uint8Array>>;

/** Opens files in chunks of a size. */
const inChunks =
  (files: Files, size: number): OpenFile =>
  async (name) => {
    const body = files[name];
    if (body === undefined) return undefined;
    return (async function* () {
      for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
    })();
  };

/** The fingerprint after reading files, and the bytes that came by. */
async function readThrough(
  files: Files,
  size: number,
  names: readonly string[] = Object.keys(files),
): Promise<{ readonly fingerprint: string; readonly bytes: Files }> {
  const source = hashingDataset(inChunks(files, size));
  const bytes: Record<string, Uint8Array> = {};
  for (const name of names) {
    const parts: Uint8Array[] = [];
    for await (const chunk of (await source.open(name)) ?? []) parts.push(chunk);
    bytes[name] = new Uint8Array(Buffer.concat(parts));
  }
  return { fingerprint: source.fingerprint(), bytes };
}

const someFiles = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__'),
  fc.uint8Array({ maxLength: 40 }),
  { noNullPrototype: true, minKeys: 1, maxKeys: 5 },
);

describe('hashingDataset', () => {
  it('lets the bytes through, and has the fingerprint of the files, however they are cut and in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(someFiles, fc.integer({ min: 1, max: 50 }), async (files, size) => {
        const { fingerprint, bytes } = await readThrough(files, size, Object.keys(files).toReversed());
        expect(fingerprint).toBe(await fingerprintFiles(files));
        expect(bytes).toEqual(files);
      }),
    );
  });

  it('depends on every byte', async () => {
    const files = { 'a.dat': Uint8Array.from({ length: 30 }, (_, i) => i), 'b.dat': new Uint8Array(0) };
    const { fingerprint } = await readThrough(files, 7);
    for (let i = 0; i < 30; i++) {
      const body = files['a.dat'].slice();
      body[i]! ^= 1;
      expect((await readThrough({ ...files, 'a.dat': body }, 7)).fingerprint).not.toBe(fingerprint);
    }
  });

  it('depends on the names, and on which file has which bytes', async () => {
    const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)];
    const prints = await Promise.all(
      [
        { a: one, b: two },
        { a: two, b: one },
        { a: one, c: two },
        { a: one },
        { a: one, b: two, c: new Uint8Array(0) },
      ].map(async (files) => (await readThrough(files, 1)).fingerprint),
    );
    expect(new Set(prints).size).toBe(5);
  });

  it('does not count a file that is not there, or one that nobody asked for', async () => {
    const files = { a: Uint8Array.of(1), b: Uint8Array.of(2) };
    const { fingerprint } = await readThrough(files, 1, ['a', 'absent']);
    expect(fingerprint).toBe(await fingerprintFiles({ a: Uint8Array.of(1) }));
  });

  it('counts a file once that is read twice', async () => {
    const files = { a: Uint8Array.of(1, 2, 3) };
    expect((await readThrough(files, 2, ['a', 'a'])).fingerprint).toBe(await fingerprintFiles(files));
  });
});
