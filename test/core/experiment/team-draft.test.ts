import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draftCoin, teamDraft } from '../../../layers/core/src/experiment/team-draft.ts';

const heads = (): 0 => 0;
const tails = (): 1 => 1;

/** Two orders of the same artists, and coins. */
const rankings = fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 30 }).chain((items) =>
  fc.record({
    a: fc.shuffledSubarray(items, { minLength: items.length }),
    b: fc.shuffledSubarray(items, { minLength: items.length }),
    id: fc.string(),
  }),
);

describe('teamDraft', () => {
  it('drafts by hand as the paper does', () => {
    // Round 0, a first: 1, then b's best that is left, 2. Round 1, a first: 3, then b's 4.
    expect(teamDraft([1, 2, 3, 4], [2, 1, 4, 3], 4, heads)).toEqual({
      order: Int32Array.of(1, 2, 3, 4),
      teams: '0101',
    });
    expect(teamDraft([1, 2, 3, 4], [2, 1, 4, 3], 4, tails)).toEqual({
      order: Int32Array.of(2, 1, 4, 3),
      teams: '1010',
    });
    expect(teamDraft([1, 2, 3, 4], [2, 1, 4, 3], 3, (round) => (round === 0 ? 0 : 1))).toEqual({
      order: Int32Array.of(1, 2, 4),
      teams: '011',
    });
  });

  it('gives nobody credit for what both begin with, and drafts the rest', () => {
    expect(teamDraft([7, 8, 1, 2], [7, 8, 2, 1], 4, tails)).toEqual({
      order: Int32Array.of(7, 8, 2, 1),
      teams: '--10',
    });
    expect(teamDraft([5, 6], [5, 6], 9, heads)).toEqual({ order: Int32Array.of(5, 6), teams: '--' });
  });

  it('goes on with the ranking that has items left', () => {
    expect(teamDraft([1], [2, 1, 3, 4], 9, heads)).toEqual({
      order: Int32Array.of(1, 2, 3, 4),
      teams: '0111',
    });
    expect(teamDraft([], [], 5, heads)).toEqual({ order: new Int32Array(0), teams: '' });
    expect(teamDraft([1, 2], [2, 1], 0, heads)).toEqual({ order: new Int32Array(0), teams: '' });
  });

  it('lists every item once, and the best of either first', () => {
    fc.assert(
      fc.property(rankings, ({ a, b, id }) => {
        const { order, teams } = teamDraft(a, b, a.length, draftCoin(id));
        expect(order.toSorted()).toEqual(Int32Array.from(a).toSorted());
        expect(teams).toMatch(/^-*[01]*$/);
        expect(teams).toHaveLength(order.length);
        // A pick is the best of its team's items that was not there yet.
        order.forEach((item, at) => {
          if (teams[at] === '-') return;
          const ranking = teams[at] === '0' ? a : b;
          const before = new Set(order.subarray(0, at));
          expect(ranking.find((candidate) => !before.has(candidate))).toBe(item);
        });
      }),
    );
  });

  it('is the beginning of the longer list, and its teams differ by one item at most in every prefix', () => {
    fc.assert(
      fc.property(rankings, fc.nat(30), ({ a, b, id }, n) => {
        const whole = teamDraft(a, b, a.length, draftCoin(id));
        const part = teamDraft(a, b, n, draftCoin(id));
        expect(Array.from(part.order)).toEqual(Array.from(whole.order.subarray(0, n)));
        expect(part.teams).toBe(whole.teams.slice(0, n));
        let lead = 0;
        for (const team of whole.teams) {
          if (team === '0') lead++;
          if (team === '1') lead--;
          expect(Math.abs(lead)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('swaps all teams where all coins are turned over: positions favour nobody', () => {
    fc.assert(
      fc.property(rankings, ({ a, b, id }) => {
        const coin = draftCoin(id);
        const teams = teamDraft(a, b, a.length, coin).teams;
        const turned = teamDraft(a, b, a.length, (round) => (coin(round) === 0 ? 1 : 0)).teams;
        const swapped = teams.replaceAll(/[01]/g, (team) => (team === '0' ? '1' : '0'));
        expect(turned).toBe(swapped);
      }),
    );
  });
});

describe('draftCoin', () => {
  it('is fair in each round, and independent from one round to the next', () => {
    const n = 40_000;
    const ones = [0, 0, 0, 0, 0, 0];
    let same = 0;
    for (let i = 0; i < n; i++) {
      const coin = draftCoin(`exposure-${i}`);
      ones.forEach((_, round) => (ones[round]! += coin(round)));
      if (coin(0) === coin(1)) same++;
    }
    // Five standard deviations of a fair coin's count.
    const bound = 5 * Math.sqrt(n * 0.25);
    for (const count of [...ones, same]) expect(Math.abs(count - n / 2)).toBeLessThan(bound);
  });

  it('is the same whenever it is asked', () => {
    const rounds = Array.from({ length: 64 }, (_, round) => round);
    expect(rounds.map(draftCoin('x'))).toEqual(rounds.map(draftCoin('x')));
    expect(rounds.map(draftCoin('x'))).not.toEqual(rounds.map(draftCoin('y')));
  });
});
