import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPairTable, grown, hashToPair } from '../../../layers/core/src/math/pair-table.ts';

describe('createPairTable', () => {
  it('numbers pairs as a map would, whatever they are', () => {
    const part = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), { maxLength: 200 }), (pairs) => {
        const table = createPairTable();
        const map = new Map<string, number>();
        for (const [high, low] of pairs) {
          const key = `${high >>> 0} ${low >>> 0}`;
          expect(table.find(high, low)).toBe(map.get(key) ?? -1);
          if (!map.has(key)) map.set(key, map.size);
          expect(table.add(high, low)).toBe(map.get(key));
        }
        expect(table.size).toBe(map.size);
      }),
    );
  });

  it('finds each of 300,000 pairs again after it has grown', () => {
    const table = createPairTable();
    for (let i = 0; i < 300_000; i++) table.add(i, i % 7);
    let wrong = 0;
    for (let i = 0; i < 300_000; i++) if (table.find(i, i % 7) !== i || table.find(i, 8) !== -1) wrong++;
    expect(wrong).toBe(0);
  });
});

describe('hashToPair', () => {
  it('keeps 500,000 similar strings apart, and a string under two salts', () => {
    const table = createPairTable();
    const lanes = new Uint32Array(2);
    for (let i = 0; i < 250_000; i++) {
      for (const salt of [0, 1]) {
        hashToPair(`user-${i}`, salt, lanes);
        table.add(lanes[0]!, lanes[1]!);
      }
    }
    expect(table.size).toBe(500_000);
  });

  it('fills each lane evenly, so that either is a hash of its own', () => {
    // 20,000 strings in 2³² values collide about 0.05 times in a lane; a lane with 2²⁴ values would give 12.
    const lanes = new Uint32Array(2);
    const seen = [new Set<number>(), new Set<number>()];
    for (let i = 0; i < 20_000; i++) {
      hashToPair(`e${i}`, 3, lanes);
      seen[0]!.add(lanes[0]!);
      seen[1]!.add(lanes[1]!);
    }
    expect(seen.map((set) => set.size).every((size) => size >= 19_997)).toBe(true);
  });
});

describe('grown', () => {
  it('keeps the values and is the array itself where there is room', () => {
    const values = Int32Array.of(1, 2, 3);
    expect(grown(values, 3, Int32Array)).toBe(values);
    expect(Array.from(grown(values, 4, Int32Array))).toEqual([1, 2, 3, 0, 0, 0]);
    expect(grown(values, 20, Int32Array)).toHaveLength(20);
  });
});
