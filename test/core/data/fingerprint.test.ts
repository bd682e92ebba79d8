import { describe, expect, it } from 'vitest';
import { fingerprintFiles } from '../../../layers/core/src/data/fingerprint.ts';
import { utf8 } from './hetrec-files.ts';

describe('fingerprintFiles', () => {
  it('is the SHA-256 of the names and SHA-256 sums of the files, by name', async () => {
    // sha256sum over "a.dat NUL <sha256sum of abc> LF b.dat NUL <sha256sum of nothing> LF".
    const files = { 'b.dat': utf8(''), 'a.dat': utf8('abc') };
    expect(await fingerprintFiles(files)).toBe(
      'd01ed6c73fb2db786929cd5d6d4823e622e442c44524702f797d13fc2bf623ae',
    );
  });

  it('does not depend on the order of the files', async () => {
    const one = await fingerprintFiles({ a: utf8('1'), b: utf8('2') });
    expect(await fingerprintFiles({ b: utf8('2'), a: utf8('1') })).toBe(one);
  });

  it('tells names, bytes and the places of bytes apart', async () => {
    const sets = [
      { a: utf8('1'), b: utf8('2') },
      { a: utf8('2'), b: utf8('1') },
      { a: utf8('12'), b: utf8('') },
      { a: utf8('1'), c: utf8('2') },
      { a: utf8('1') },
      {},
    ];
    const prints = await Promise.all(sets.map(fingerprintFiles));
    expect(new Set(prints).size).toBe(sets.length);
  });

  it('reads only the bytes of a view', async () => {
    const view = utf8('xabcx').subarray(1, 4);
    expect(await fingerprintFiles({ a: view })).toBe(await fingerprintFiles({ a: utf8('abc') }));
  });
});
