import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedTags, tagContributions, tagProfile } from '../../../layers/core/src/explain/tag-profile.ts';
import { randomMatrix, sparse } from '../factors/sparse.ts';

/** Five artists of three tags, and a column that is none. The last has no tags. */
const EMBEDDING = sparse([1, 0, 0, 9, 0.6, 0.8, 0, 9, 0, 1, 0, 9, 0, 0.6, 0.8, 9, 0, 0, 0, 9], 5, 4);
const HEARD = { items: Int32Array.of(0, 2), weights: Float64Array.of(0.5, 1.5) };

describe('tagContributions', () => {
  it('is what was worked out by hand, and leaves dimensions beyond the tags out', () => {
    // p = (0.5, 1.5, 0), ‖p‖² = 2.5; candidate 1 = (0.6, 0.8, 0).
    const profile = tagProfile(EMBEDDING, 3, HEARD);
    expect([...profile.vector]).toEqual([0.5, 1.5, 0]);
    const out = new Float64Array(2);
    const cosine = tagContributions(EMBEDDING, profile, HEARD, 1, out);
    expect(out[0]).toBeCloseTo((0.5 * 0.6) / Math.sqrt(2.5), 14);
    expect(out[1]).toBeCloseTo((1.5 * 0.8) / Math.sqrt(2.5), 14);
    expect(cosine).toBeCloseTo(1.5 / Math.sqrt(2.5), 14);
  });

  it('sums to the cosine between profile and candidate', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 6 }), (seed, nHeard) => {
        const embedding = randomMatrix(9, 7, seed);
        const heard = {
          items: Int32Array.from({ length: nHeard }, (_, h) => h),
          weights: Float64Array.from({ length: nHeard }, (_, h) => 0.5 + (h + 0.5) / nHeard),
        };
        const profile = tagProfile(embedding, 6, heard);
        const out = new Float64Array(nHeard).fill(NaN);
        for (let candidate = 0; candidate < 9; candidate++) {
          const dense = new Float64Array(6);
          for (let e = embedding.indptr[candidate]!; e < embedding.indptr[candidate + 1]!; e++) {
            if (embedding.indices[e]! < 6) dense[embedding.indices[e]!] = embedding.values[e]!;
          }
          const dot = dense.reduce((sum, value, d) => sum + value * profile.vector[d]!, 0);
          const norms = Math.hypot(...dense) * Math.hypot(...profile.vector);
          const cosine = tagContributions(embedding, profile, heard, candidate, out);
          expect(cosine).toBeCloseTo(norms > 0 ? dot / norms : 0, 12);
          expect(out.reduce((sum, term) => sum + term, 0)).toBeCloseTo(cosine, 12);
          expect(Math.min(0, ...out)).toBe(0);
        }
      }),
    );
  });

  it('is 0 for an artist without tags and for a listener without any', () => {
    const out = new Float64Array(2).fill(NaN);
    expect(tagContributions(EMBEDDING, tagProfile(EMBEDDING, 3, HEARD), HEARD, 4, out)).toBe(0);
    expect([...out]).toEqual([0, 0]);
    const untagged = { items: Int32Array.of(4), weights: Float64Array.of(1) };
    const profile = tagProfile(EMBEDDING, 3, untagged);
    expect(tagContributions(EMBEDDING, profile, untagged, 1, out.subarray(0, 1))).toBe(0);
  });
});

const WORDS = { phrases: [], terms: ['a', 'b', 'c'], most: 5 };

describe('sharedTags', () => {
  it('orders by product and gives shares of all products, of those cut off as well', () => {
    const profile = tagProfile(EMBEDDING, 3, HEARD);
    const [first, second, ...rest] = sharedTags(EMBEDDING, profile, 1, WORDS);
    expect([first!.tag, second!.tag]).toEqual(['b', 'a']);
    expect(first!.share).toBeCloseTo(1.2 / 1.5, 14);
    expect(second!.share).toBeCloseTo(0.3 / 1.5, 14);
    expect(rest).toEqual([]);
    expect(sharedTags(EMBEDDING, profile, 1, { ...WORDS, most: 1 })).toEqual([first]);
  });

  it('gives a tag of several words in the place of its words, where all of them are shared', () => {
    const profile = tagProfile(EMBEDDING, 3, HEARD);
    const phrases = [
      { tag: 'b c', dimensions: [1, 2] },
      { tag: 'a b', dimensions: [0, 1] },
      { tag: 'b a', dimensions: [0, 1] },
    ];
    const shared = sharedTags(EMBEDDING, profile, 1, { ...WORDS, phrases });
    expect(shared.map(({ tag }) => tag)).toEqual(['a b']);
    expect(shared[0]!.share).toBeCloseTo(1, 14);
    // What one artist shares is not left behind for the next.
    expect(sharedTags(EMBEDDING, profile, 1, { ...WORDS, phrases })).toEqual(shared);
  });

  it('has none where nothing is shared', () => {
    const profile = tagProfile(EMBEDDING, 3, { items: Int32Array.of(0), weights: Float64Array.of(1) });
    expect(sharedTags(EMBEDDING, profile, 3, WORDS)).toEqual([]);
    expect(sharedTags(EMBEDDING, profile, 4, WORDS)).toEqual([]);
  });
});
