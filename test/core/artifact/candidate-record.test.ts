import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCandidates,
  encodeCandidates,
  MAX_HEARD,
  MAX_RECORD_BYTES,
  type CandidateRecord,
  type RecordShape,
} from '../../../layers/core/src/artifact/candidate-record.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

const shape: RecordShape = { catalogueSize: 1000, nSources: 3, nUserFeatures: 2 };
const record: CandidateRecord = {
  items: Int32Array.of(7, 999, 0),
  nominatedBy: Uint32Array.of(0b101, 0b010, 0b111),
  scores: Float64Array.of(0, 5, -1, 255, 5, 0, 51, 5, 1),
  userFeatures: Float64Array.of(0.5, -2),
  heard: { items: Int32Array.of(3, 998), weights: Float64Array.of(0.75, 1.25) },
};

/** Interaction weights of the first artists, the highest index the heaviest. */
function firstHeard(n: number): CandidateRecord['heard'] {
  return {
    items: Int32Array.from({ length: n }, (_, h) => h),
    weights: Float64Array.from({ length: n }, (_, h) => 0.5 + (h + 0.5) / n),
  };
}

/** A record with as many candidates as a listener may have, scores like z-scores. */
function fullRecord(
  n: number,
  { catalogueSize, nSources, nUserFeatures }: RecordShape,
  { nHeard = 0, nominators = nSources }: { readonly nHeard?: number; readonly nominators?: number } = {},
): CandidateRecord {
  const rng = createRng(n + nSources);
  return {
    items: Int32Array.from({ length: n }, (_, i) => Math.floor((i * catalogueSize) / n)),
    nominatedBy: Uint32Array.from({ length: n }, () => rng.integer(2 ** nominators)),
    scores: Float64Array.from({ length: n * nSources }, () => 3 * rng.normal()),
    userFeatures: Float64Array.from({ length: nUserFeatures }, () => rng.normal()),
    heard: firstHeard(nHeard),
  };
}

/** Any record that may be packed: 0 to 250 candidates, 0 to 20 sources, scores of all magnitudes and ties. */
const anyScore = fc.oneof(
  fc.double({ min: -8, max: 8, noNaN: true }),
  fc.double({ min: -3e38, max: 3e38, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 1e-45, 1e-40, -1e-38, 1 + 2 ** -23, 1 + 2 ** -40, 1e30, 16777217),
);
const anyPacking = fc
  .record({
    catalogueSize: fc.constantFrom(300, 65_536, 65_537, 2_000_000),
    nSources: fc.integer({ min: 0, max: 20 }),
    userFeatures: fc.array(fc.double({ min: -1e30, max: 1e30, noNaN: true }), { maxLength: 20 }),
    n: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 12 }) }, fc.constantFrom(250)),
    nHeard: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(255, 256, 300)),
    seed: fc.integer(),
  })
  .chain(({ catalogueSize, nSources, userFeatures, n, nHeard, seed }) =>
    fc
      .array(anyScore, { minLength: Math.min(n, 12) * nSources, maxLength: Math.min(n, 12) * nSources })
      .map((drawn): { readonly record: CandidateRecord; readonly shape: RecordShape } => {
        const rng = createRng(seed);
        const first = rng.integer(catalogueSize);
        return {
          shape: { catalogueSize, nSources, nUserFeatures: userFeatures.length },
          record: {
            items: Int32Array.from({ length: n }, (_, i) => (first + i) % catalogueSize),
            nominatedBy: Uint32Array.from({ length: n }, () => rng.integer(2 ** nSources)),
            scores: Float64Array.from({ length: n * nSources }, (_, i) => drawn[i % drawn.length]!),
            userFeatures: Float64Array.from(userFeatures),
            heard: {
              items: Int32Array.from({ length: nHeard }, (_, h) => nHeard - 1 - h),
              weights: Float64Array.from({ length: nHeard }, () => 0.5 + rng.integer(7) / 6),
            },
          },
        };
      }),
  );

describe('encodeCandidates and decodeCandidates', () => {
  it('give back exactly what lies on the grid', () => {
    // Scores of source 0 run from 0 to 255 in steps of 1; source 1 is constant.
    const decoded = decodeCandidates(encodeCandidates(record, shape), shape);
    expect(decoded.items).toEqual(record.items);
    expect(decoded.nominatedBy).toEqual(record.nominatedBy);
    expect(decoded.userFeatures).toEqual(record.userFeatures);
    expect([0, 3, 6].map((at) => decoded.scores[at])).toEqual([0, 255, 51]);
    expect([1, 4, 7].map((at) => decoded.scores[at])).toEqual([5, 5, 5]);
    const step = Math.fround(2 / 255);
    expect([2, 5, 8].map((at) => decoded.scores[at])).toEqual([-1, -1 + 127 * step, -1 + 255 * step]);
  });

  it('lay the bytes out as documented', () => {
    const tiny = encodeCandidates(
      {
        items: Int32Array.of(258, 3),
        nominatedBy: Uint32Array.of(1, 0),
        scores: Float64Array.of(-1, 254),
        userFeatures: Float64Array.of(1),
        heard: { items: Int32Array.of(256, 7), weights: Float64Array.of(1.25, 0.5) },
      },
      { catalogueSize: 259, nSources: 1, nUserFeatures: 1 },
    );
    expect(Array.from(tiny)).toEqual(
      [
        [0x45, 0x43, 2, 1, 1, 0, 2, 0], // "EC", version 2, 1 source, 1 user feature, 2 candidates
        [2, 1, 0, 0, 0], // 2 artists heard, source 0 nominated
        [0, 0, 0x80, 0x3f], // 1.0
        [0, 0, 0x80, 0xbf, 0, 0, 0x80, 0x3f], // min -1, step 1
        [2, 1, 3, 0], // artists 258 and 3
        [0b01], // nominated by source 0; by none
        [0, 255],
        [7, 0, 0, 1], // heard: artists 7 and 256
        [0, 192], // weights 1/2 and 5/4
      ].flat(),
    );
  });

  it('are off by at most half a step, and keep the order of scores', () => {
    fc.assert(
      fc.property(anyPacking, ({ record, shape }) => {
        const { nSources } = shape;
        const decoded = decodeCandidates(encodeCandidates(record, shape), shape);
        expect(decoded.items).toEqual(record.items);
        expect(decoded.nominatedBy).toEqual(record.nominatedBy);
        expect(decoded.userFeatures).toEqual(record.userFeatures.map(Math.fround));
        for (let s = 0; s < nSources; s++) {
          const before = Array.from(record.items, (_, i) => record.scores[i * nSources + s]!);
          const after = Array.from(record.items, (_, i) => decoded.scores[i * nSources + s]!);
          const [low, high] = [Math.min(...before), Math.max(...before)];
          // Half a step; 255 roundings of step and the one of min to single precision; scores counted as equal.
          const bound = (high - low) / 510 + (high - low) * 2 ** -23 + Math.abs(low) * 2 ** -13 + 2 ** -118;
          for (let i = 0; i < before.length; i++) {
            expect(Math.abs(after[i]! - before[i]!)).toBeLessThanOrEqual(bound);
          }
          const order = Array.from(before, (_, i) => i).toSorted((a, b) => before[a]! - before[b]!);
          const descents = order.filter((i, rank) => rank > 0 && after[i]! < after[order[rank - 1]!]!);
          expect(descents).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('pack what was unpacked to the same bytes', () => {
    fc.assert(
      fc.property(anyPacking, ({ record, shape }) => {
        const bytes = encodeCandidates(record, shape);
        expect(encodeCandidates(decodeCandidates(bytes, shape), shape)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('keep a listener without candidates, and one with one', () => {
    for (const n of [0, 1]) {
      const packed = encodeCandidates(
        {
          items: record.items.subarray(0, n),
          nominatedBy: record.nominatedBy.subarray(0, n),
          scores: record.scores.subarray(0, n * 3),
          userFeatures: record.userFeatures,
          heard: record.heard,
        },
        shape,
      );
      const decoded = decodeCandidates(packed, shape);
      expect(Array.from(decoded.items)).toEqual([7].slice(0, n));
      expect(Array.from(decoded.scores)).toEqual([0, 5, -1].slice(0, 3 * n));
      expect(decoded.userFeatures).toEqual(record.userFeatures);
    }
  });

  it.each([
    [65_536, 16, 16, 13 + 4 * 15 + 8 * 16 + 250 * (2 + 2 + 16) + 50 * 3],
    [65_537, 16, 16, 13 + 4 * 15 + 8 * 16 + 250 * (4 + 2 + 16) + 50 * 5],
    [17_632, 28, 7, 13 + 4 * 15 + 8 * 28 + 250 * (2 + 28) + 219 + 50 * 3],
  ])(
    'keep 250 candidates and 50 heard in a catalogue of %d: %d scores, %d nominating, %d bytes',
    (catalogueSize, nSources, nominators, size) => {
      const shape: RecordShape = { catalogueSize, nSources, nUserFeatures: 15 };
      const full = fullRecord(250, shape, { nHeard: 50, nominators });
      const packed = encodeCandidates(full, shape);
      expect(packed).toHaveLength(size);
      expect(size).toBeLessThanOrEqual(MAX_RECORD_BYTES);
      const decoded = decodeCandidates(packed, shape);
      expect(decoded.items).toEqual(full.items);
      expect(decoded.nominatedBy).toEqual(full.nominatedBy);
      expect(decoded.heard.items).toEqual(full.heard.items);
    },
  );

  it('keep heard weights to within 1/512, never at 1/2 or 3/2', () => {
    const weights = Float64Array.of(0.5, 1.5, 1, 0.51, 1.499, 0.75);
    const items = Int32Array.of(0, 1, 2, 3, 4, 5);
    const { heard } = decodeCandidates(
      encodeCandidates({ ...record, heard: { items, weights } }, shape),
      shape,
    );
    heard.weights.forEach((weight, h) => {
      expect(Math.abs(weight - weights[h]!)).toBeLessThanOrEqual(1 / 512);
      expect(weight).toBeGreaterThan(0.5);
      expect(weight).toBeLessThan(1.5);
    });
  });

  it('keep the 255 heaviest of 2,000 artists heard, equal weights by lower index', () => {
    const wide = { ...shape, catalogueSize: 2000 };
    const heard = decodeCandidates(
      encodeCandidates({ ...record, heard: firstHeard(2000) }, wide),
      wide,
    ).heard;
    expect(Array.from(heard.items)).toEqual(
      Array.from({ length: MAX_HEARD }, (_, h) => 2000 - MAX_HEARD + h),
    );
    const even = { items: firstHeard(2000).items.toReversed(), weights: new Float64Array(2000).fill(1) };
    expect(
      Array.from(decodeCandidates(encodeCandidates({ ...record, heard: even }, wide), wide).heard.items),
    ).toEqual(Array.from({ length: MAX_HEARD }, (_, h) => h));
  });

  it('keep all candidates and only as much history as there is room for', () => {
    const wide: RecordShape = { catalogueSize: 17_632, nSources: 28, nUserFeatures: 15 };
    const full = fullRecord(250, wide, { nHeard: 200, nominators: 7 });
    const packed = encodeCandidates(full, wide);
    const decoded = decodeCandidates(packed, wide);
    expect(packed.length).toBeGreaterThan(MAX_RECORD_BYTES - 3);
    expect(packed.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(decoded.items).toEqual(full.items);
    // (8,192 - 8,016) / 3 artists fit, the heaviest.
    expect(Array.from(decoded.heard.items)).toEqual(Array.from({ length: 58 }, (_, h) => 142 + h));
  });

  it('keep the bit of the 32nd source', () => {
    const wide: RecordShape = { catalogueSize: 10, nSources: 32, nUserFeatures: 0 };
    const packed = encodeCandidates(
      {
        items: Int32Array.of(1),
        nominatedBy: Uint32Array.of(0x80000001),
        scores: new Float64Array(32),
        userFeatures: new Float64Array(0),
        heard: firstHeard(0),
      },
      wide,
    );
    expect(Array.from(decodeCandidates(packed, wide).nominatedBy)).toEqual([0x80000001]);
  });

  it('read a record that lies anywhere in a larger buffer', () => {
    const packed = encodeCandidates(record, shape);
    const buffer = new Uint8Array(packed.length + 5);
    buffer.set(packed, 5);
    expect(decodeCandidates(buffer.subarray(5), shape)).toEqual(decodeCandidates(packed, shape));
  });
});

describe('encodeCandidates', () => {
  it.each<[string, Partial<CandidateRecord>]>([
    ['a score that is NaN', { scores: record.scores.with(4, Number.NaN) }],
    ['an infinite score', { scores: record.scores.with(0, -Infinity) }],
    ['a score beyond single precision', { scores: record.scores.with(0, -1e39) }],
    ['a user feature that is NaN', { userFeatures: Float64Array.of(0, Number.NaN) }],
    ['a user feature beyond single precision', { userFeatures: Float64Array.of(1e39, 0) }],
  ])('refuses %s', (_, change) => {
    expect(() => encodeCandidates({ ...record, ...change }, shape)).toThrow(
      expect.objectContaining({ code: 'NOT_FINITE' }),
    );
  });

  it.each<[string, Partial<CandidateRecord>, string]>([
    ['an artist twice', { items: Int32Array.of(7, 8, 7) }, 'artist index of candidate 2 is 7'],
    ['an artist outside the catalogue', { items: Int32Array.of(7, 1000, 3) }, 'candidate 1 is 1000'],
    ['a negative artist', { items: Int32Array.of(-1, 8, 3) }, 'candidate 0 is -1'],
    ['a bit of no source', { nominatedBy: Uint32Array.of(1, 8, 1) }, 'sources of candidate 1 is 8'],
    [
      'a heard artist twice',
      { heard: { items: Int32Array.of(5, 5), weights: Float64Array.of(1, 1) } },
      'heard artist 1 is 5',
    ],
    [
      'a heard artist outside the catalogue',
      { heard: { items: Int32Array.of(1000), weights: Float64Array.of(1) } },
      'heard artist 0 is 1000',
    ],
    [
      'a heard weight above 3/2',
      { heard: { items: Int32Array.of(5), weights: Float64Array.of(1.6) } },
      'weight of heard artist 0 is 1.6; allowed: in [0.5, 1.5]',
    ],
    [
      'a heard weight that is NaN',
      { heard: { items: Int32Array.of(5), weights: Float64Array.of(Number.NaN) } },
      'weight of heard artist 0 is NaN',
    ],
    [
      'too few heard weights',
      { heard: { items: Int32Array.of(5), weights: new Float64Array(0) } },
      'length of heard weights is 0; allowed: 1',
    ],
    ['too few masks', { nominatedBy: Uint32Array.of(1, 2) }, 'length of nominatedBy is 2; allowed: 3'],
    ['too few scores', { scores: new Float64Array(8) }, 'length of scores is 8; allowed: 9'],
    ['too many features', { userFeatures: new Float64Array(3) }, 'length of userFeatures is 3; allowed: 2'],
  ])('refuses %s and says where', (_, change, message) => {
    expect(() => encodeCandidates({ ...record, ...change }, shape)).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining(message) }),
    );
  });

  it('refuses more sources than a mask has bits', () => {
    const wide: RecordShape = { catalogueSize: 10, nSources: 33, nUserFeatures: 0 };
    expect(() => encodeCandidates(fullRecord(0, wide), wide)).toThrow(
      'candidate record: nSources is 33; allowed: at most 32',
    );
  });

  it('refuses a record above 8 KB', () => {
    const wide: RecordShape = { catalogueSize: 17_632, nSources: 30, nUserFeatures: 15 };
    expect(() => encodeCandidates(fullRecord(250, wide), wide)).toThrow(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: 'candidate record: bytes of a record of 250 candidates is 9251; allowed: at most 8192',
      }),
    );
  });
});

describe('decodeCandidates', () => {
  const packed = encodeCandidates(record, shape);
  it.each<[string, Uint8Array, RecordShape, string]>([
    ['no bytes', new Uint8Array(0), shape, 'length is 0; expected: at least 13'],
    ['half a header', packed.subarray(0, 12), shape, 'length is 12; expected: at least 13'],
    ['foreign bytes', packed.with(0, 0), shape, 'magic is 0,67; expected: 69,67'],
    ['a record of version 1', packed.with(2, 1), shape, 'format version is 1; expected: 2'],
    [
      'the shortest record of version 1',
      Uint8Array.of(0x45, 0x43, 1, 0, 0, 0, 0, 0),
      shape,
      'format version is 1; expected: 2',
    ],
    ['a model of other sources', packed, { ...shape, nSources: 4 }, 'number of sources is 3; expected: 4'],
    [
      'a model of other features',
      packed,
      { ...shape, nUserFeatures: 3 },
      'number of user features is 2; expected: 3',
    ],
    ['a cut record', packed.subarray(0, 40), shape, 'length is 40; expected: 68'],
    ['a record with more behind', Uint8Array.of(...packed, 0), shape, 'length is 69; expected: 68'],
    [
      'a smaller catalogue',
      packed,
      { ...shape, catalogueSize: 999 },
      'artist index of candidate 1 is 999; expected: in [0, 999)',
    ],
    [
      'an artist twice',
      packed.with(49, 7),
      shape,
      'artist index of candidate 2 is 7; expected: one that no other candidate has',
    ],
    ['a bit of no source', packed.with(9, 8), shape, 'sources that nominated is 8; expected: below 8'],
    [
      'a heard artist outside the catalogue',
      packed.with(65, 4),
      shape,
      'artist index of heard artist 1 is 1254',
    ],
    ['a feature that is no number', packed.with(15, 0xff).with(16, 0x7f), shape, 'user feature 0 is NaN'],
    [
      'a scale that is no number',
      packed.with(27, 0xff).with(28, 0x7f),
      shape,
      'scale of source 0 is min 0, step NaN',
    ],
  ])('refuses %s, saying what it found and expected', (_, bytes, shape, message) => {
    expect(() => decodeCandidates(bytes, shape)).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(`candidate record: ${message}`),
      }),
    );
  });
});
