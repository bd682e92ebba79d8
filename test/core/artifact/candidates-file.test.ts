import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCandidateShard,
  encodeCandidateShards,
} from '../../../layers/core/src/artifact/candidates-file.ts';

const anyEntries = fc.array(
  fc.record({ userId: fc.string({ unit: 'grapheme' }), record: fc.uint8Array({ maxLength: 60 }) }),
  { maxLength: 25 },
);
const plain = (
  entries: readonly { readonly userId: string; readonly record: Uint8Array }[],
): readonly unknown[] => entries.map(({ userId, record }) => [userId, ...record]);

describe('encodeCandidateShards and decodeCandidateShard', () => {
  it('give every record back in order, whatever the ids and the size of a shard', () => {
    fc.assert(
      fc.property(anyEntries, fc.integer({ min: 1, max: 9 }), (entries, shardSize) => {
        const shards = encodeCandidateShards(entries, { shardSize });
        expect(shards.size).toBe(Math.ceil(entries.length / shardSize));
        expect(plain([...shards.values()].flatMap(decodeCandidateShard))).toEqual(plain(entries));
      }),
    );
  });

  it('name the files in ascending order, 500 listeners in each', () => {
    const entries = Array.from({ length: 1001 }, (_, i) => ({ userId: `${i}`, record: Uint8Array.of(1) }));
    const shards = encodeCandidateShards(entries);
    expect([...shards.keys()]).toEqual([
      'candidates/000000.bin',
      'candidates/000001.bin',
      'candidates/000002.bin',
    ]);
    expect([...shards.values()].map((shard) => decodeCandidateShard(shard).length)).toEqual([500, 500, 1]);
  });

  it('lay the bytes out as documented', () => {
    const [shard] = encodeCandidateShards([{ userId: 'ü', record: Uint8Array.of(7, 8, 9) }]).values();
    expect(Array.from(shard!)).toEqual([69, 67, 83, 1, 1, 0, 0, 0, 2, 0, 0xc3, 0xbc, 3, 0, 7, 8, 9]);
  });

  it('refuse a record of 64 KB', () => {
    expect(() => encodeCandidateShards([{ userId: '1', record: new Uint8Array(65_536) }])).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });

  it('refuse foreign bytes, any cut and anything behind', () => {
    const [shard] = encodeCandidateShards([
      { userId: '2', record: Uint8Array.of(7, 8, 9) },
      { userId: '3', record: Uint8Array.of(1) },
    ]).values();
    const refused = expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' });
    for (let length = 0; length < shard!.length; length++) {
      expect(() => decodeCandidateShard(shard!.subarray(0, length))).toThrow(refused);
    }
    expect(() => decodeCandidateShard(Uint8Array.of(...shard!, 0))).toThrow(refused);
    expect(() => decodeCandidateShard(shard!.with(3, 2))).toThrow(refused);
  });
});
