import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TagAssignments } from '../../../layers/core/src/data/dataset.ts';
import { artistFreshness, userFreshness } from '../../../layers/core/src/features/freshness.ts';

/** Rows of [user, artist, time]. */
function assignments(rows: readonly (readonly [number, number, number])[]): TagAssignments {
  return {
    user: Int32Array.from(rows, (row) => row[0]),
    artist: Int32Array.from(rows, (row) => row[1]),
    tag: new Int32Array(rows.length),
    time: Float64Array.from(rows, (row) => row[2]),
  };
}

describe('artistFreshness', () => {
  it('counts the age of the last tag back from the newest tag and scales it', () => {
    const tags = assignments([
      [0, 0, 1000],
      [0, 0, 400],
      [1, 1, 800],
      [1, 2, 200],
    ]);
    expect(Array.from(artistFreshness(tags, 3)!)).toEqual([0, 0.25, 1]);
  });

  it('is 1 for an artist that nobody tagged at a valid time', () => {
    const tags = assignments([
      [0, 0, 1000],
      [0, 1, 500],
      [0, 2, NaN],
    ]);
    expect(Array.from(artistFreshness(tags, 4)!)).toEqual([0, 1, 1, 1]);
  });

  it('is 0 for every tagged artist where all ages are equal', () => {
    const tags = assignments([
      [0, 0, 1000],
      [0, 1, 1000],
    ]);
    expect(Array.from(artistFreshness(tags, 3)!)).toEqual([0, 0, 1]);
  });

  it('is off without tags and without valid times', () => {
    expect(artistFreshness(null, 3)).toBeNull();
    expect(artistFreshness(assignments([[0, 0, NaN]]), 3)).toBeNull();
    expect(artistFreshness(assignments([]), 3)).toBeNull();
  });

  it('stays in [0, 1] and does not depend on the order of rows or the origin of time', () => {
    const time = fc.oneof(fc.integer({ min: 0, max: 1e9 }), fc.constant(NaN));
    const row = fc.tuple(fc.integer({ min: -1, max: 4 }), fc.integer({ min: 0, max: 4 }), time);
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), (rows) => {
        const fresh = artistFreshness(assignments(rows), 5);
        expect(artistFreshness(assignments(rows.toReversed()), 5)).toEqual(fresh);
        expect(artistFreshness(assignments(rows.map(([u, a, t]) => [u, a, t + 1e6])), 5)).toEqual(fresh);
        for (const x of fresh ?? []) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('userFreshness', () => {
  it('gives each listener the time since they last tagged, and 1 to one who never did', () => {
    const tags = assignments([
      [0, 0, 1000],
      [1, 1, 600],
      [1, 1, 750],
      [2, 0, 500],
    ]);
    expect(Array.from(userFreshness(tags, 4)!)).toEqual([0, 0.5, 1, 1]);
  });

  it('takes tags of people without plays for nobody in particular', () => {
    const tags = assignments([
      [-1, 0, 5000],
      [0, 1, 1000],
      [1, 1, 3000],
    ]);
    expect(Array.from(userFreshness(tags, 2)!)).toEqual([1, 0]);
  });
});
