import { describe, expect, it } from 'vitest';
import {
  decodeManifest,
  describeFiles,
  encodeManifest,
  type Manifest,
} from '../../../layers/core/src/artifact/manifest.ts';
import { sha256Hex } from '../../../layers/core/src/math/sha256.ts';

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const manifest: Manifest = {
  schemaVersion: 1,
  modelVersion: '20261123T125604Z-0123456789ab-7',
  createdAt: '2026-11-23T12:56:04.000Z',
  codeVersion: '0.1.0+abc',
  inputFingerprint: ABC,
  parameters: { preset: 'full', svd: { factors: 10 } },
  metrics: { 'ndcg@20': 0.31, notes: ['a', null] },
  timings: { 'fit factors': 489.5 },
  counts: { users: 1892 },
  servingBytes: 4096,
  files: {
    'model.safetensors': { sha256: ABC, bytes: 3 },
    'candidates/000000.bin': { sha256: ABC, bytes: 3, shape: [500] },
  },
  candidates: { count: 1892, shards: 1 },
};
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('sha256Hex', () => {
  it.each([
    // FIPS 180-2, appendix B, and the digest of nothing.
    ['abc', ABC],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ])('digests %j as published', async (text, digest) => {
    expect(await sha256Hex(new TextEncoder().encode(text))).toBe(digest);
  });

  it('digests the window of a view', async () => {
    expect(await sha256Hex(new TextEncoder().encode('xabcx').subarray(1, 4))).toBe(ABC);
  });
});

describe('describeFiles', () => {
  it('gives size, digest and shape by ascending path', async () => {
    const files = new Map([
      ['b', new TextEncoder().encode('abc')],
      ['a', new Uint8Array(0)],
    ]);
    const described = await describeFiles(files, new Map([['b', [3, 1]]]));
    expect(Object.entries(described)).toEqual([
      ['a', { sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', bytes: 0 }],
      ['b', { sha256: ABC, bytes: 3, shape: [3, 1] }],
    ]);
  });
});

describe('encodeManifest and decodeManifest', () => {
  it('give every field back', () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it('write the same bytes each time, ending in a line feed', () => {
    const bytes = encodeManifest(manifest);
    expect(encodeManifest(decodeManifest(bytes))).toEqual(bytes);
    expect(bytes.at(-1)).toBe(10);
  });

  it('leave out fields that they do not know', () => {
    const value = { ...manifest, signature: 'x', candidates: { ...manifest.candidates, format: 2 } };
    expect(decodeManifest(encode(value))).toEqual(manifest);
  });

  it('refuse a newer schema and say what to do', () => {
    expect(() => decodeManifest(encode({ ...manifest, schemaVersion: 2, files: 'elsewhere' }))).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message:
          'manifest field schemaVersion: found 2, expected at most 1: ' +
          'a newer Encore wrote it, update the code that reads it',
      }),
    );
  });

  it.each<[string, object]>([
    ['schemaVersion: found nothing, expected 1', { schemaVersion: undefined }],
    ['schemaVersion: found "1", expected 1', { schemaVersion: '1' }],
    ['modelVersion: found "", expected a non-empty string', { modelVersion: '' }],
    ['createdAt: found "yesterday", expected an ISO 8601 time in UTC', { createdAt: 'yesterday' }],
    [
      'createdAt: found "2026-11-23T12:56:04+01:00", expected an ISO 8601 time in UTC',
      { createdAt: '2026-11-23T12:56:04+01:00' },
    ],
    ['codeVersion: found nothing, expected a non-empty string', { codeVersion: undefined }],
    [
      'inputFingerprint: found "0123", expected 64 lower-case hexadecimal digits',
      { inputFingerprint: '0123' },
    ],
    ['parameters: found [], expected an object', { parameters: [] }],
    ['metrics: found null, expected an object', { metrics: null }],
    ['timings.fit: found "1 s", expected a finite number', { timings: { fit: '1 s' } }],
    ['counts.users: found null, expected a finite number', { counts: { users: null } }],
    ['servingBytes: found -1, expected an integer >= 0', { servingBytes: -1 }],
    ['files: found nothing, expected an object', { files: undefined }],
    ['files["a"]: found 1, expected an object', { files: { a: 1 } }],
    [
      'files["a"].sha256: found "ABC", expected 64 lower-case hexadecimal digits',
      { files: { a: { sha256: 'ABC', bytes: 1 } } },
    ],
    ['files["a"].bytes: found 1.5, expected an integer >= 0', { files: { a: { sha256: ABC, bytes: 1.5 } } }],
    [
      'files["a"].shape: found 3, expected a list of integers >= 0',
      { files: { a: { sha256: ABC, bytes: 1, shape: 3 } } },
    ],
    [
      'files["a"].shape[1]: found -3, expected an integer >= 0',
      { files: { a: { sha256: ABC, bytes: 1, shape: [1, -3] } } },
    ],
    ['candidates: found nothing, expected an object', { candidates: undefined }],
    ['candidates.count: found nothing, expected an integer >= 0', { candidates: { shards: 1 } }],
    ['candidates.shards: found "1", expected an integer >= 0', { candidates: { count: 1, shards: '1' } }],
  ])('refuse field %s', (message, change) => {
    expect(() => decodeManifest(encode({ ...manifest, ...change }))).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message: `manifest field ${message}` }),
    );
  });

  it.each(['../secret', '/etc/passwd', 'a//b', 'a/../b', '.hidden', 'a b', 'manifest.json', ''])(
    'refuse a file at %j',
    (path) => {
      expect(() =>
        decodeManifest(encode({ ...manifest, files: { [path]: { sha256: ABC, bytes: 1 } } })),
      ).toThrow(expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }));
    },
  );

  it.each<[string, Uint8Array]>([
    ['no JSON', new TextEncoder().encode('{"schemaVersion":1')],
    ['no JSON', Uint8Array.of(0x22, 0xff, 0x22)],
    ['[1]', encode([1])],
    ['null', encode(null)],
  ])('refuse what is no manifest: %s', (found, bytes) => {
    expect(() => decodeManifest(bytes)).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(`manifest: found ${found}`),
      }),
    );
  });

  it('keep the search that chose parameters, and read a version trained without one', () => {
    const tuning = { seed: 1, overrides: { 'ranker.c': 0.02 } };
    expect(decodeManifest(encodeManifest({ ...manifest, tuning })).tuning).toEqual(tuning);
    expect(decodeManifest(encodeManifest(manifest))).not.toHaveProperty('tuning');
    expect(() => decodeManifest(encode({ ...manifest, tuning: 'by hand' }))).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: 'manifest field tuning: found "by hand", expected an object',
      }),
    );
  });

  it('refuse to write what JSON cannot say, naming it', () => {
    expect(() => encodeManifest({ ...manifest, metrics: { fold: { ndcg: [0.1, Number.NaN] } } })).toThrow(
      expect.objectContaining({
        code: 'NOT_FINITE',
        message: 'manifest.metrics.fold.ndcg.1 is NaN; allowed: finite numbers',
      }),
    );
  });
});
