import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BASELINES, FULL_PRESET } from '../../../layers/core/src/presets.ts';
import { PRESETS, parseParameters, resolveOptions, sourceLabel } from '../../../layers/core/src/options.ts';
import { tunablePreset, tunableSource } from '../../../layers/core/src/tune/model-spaces.ts';
import {
  drawNear,
  requirePoint,
  type Point,
  type SearchSpace,
} from '../../../layers/core/src/tune/search-space.ts';
import { bestOf, search } from '../../../layers/core/src/tune/search.ts';

const SPACE: SearchSpace = {
  rate: { kind: 'number', low: 0.001, high: 10, scale: 'log', step: null },
  size: { kind: 'number', low: 4, high: 64, scale: 'linear', step: 4 },
  kind: { kind: 'choice', of: ['plain', 'ranked', 'none'] },
};
const START: Point = { rate: 1, size: 64, kind: 'plain' };

/** Highest, 0, at rate 0.03, size 24, ranked. */
function planted({ rate, size, kind }: Point): number {
  const away = Math.log10(Number(rate) / 0.03) ** 2 + ((Number(size) - 24) / 60) ** 2;
  return -away - (kind === 'ranked' ? 0 : 1);
}

/** Runs a search over the planted score, noting which points were asked for together. */
async function run(options: { readonly seed: number; readonly trials: number }) {
  const calls: number[] = [];
  const trials = await search(SPACE, START, options, async (points) => {
    calls.push(points.length);
    return points.map((point) => ({ score: planted(point) }));
  });
  return { trials, calls };
}

describe('search', () => {
  it('finds a planted optimum from a bad start, whatever the seed', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { trials } = await run({ seed, trials: 64 });
      const { point, result } = trials[bestOf(trials)]!;
      expect(planted(START)).toBeLessThan(-3);
      expect(point['kind']).toBe('ranked');
      expect(result.score).toBeGreaterThan(-0.06);
    }
  });

  it('gets nearer by narrowing than by as many random draws alone', async () => {
    let narrowed = 0;
    let random = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { trials } = await run({ seed, trials: 40 });
      narrowed += trials[bestOf(trials)]!.result.score;
      // Of 80 trials the first half is random.
      const only = (await run({ seed, trials: 80 })).trials.slice(0, 40);
      random += only[bestOf(only)]!.result.score;
    }
    expect(narrowed).toBeGreaterThan(random / 2);
  });

  it('begins with the defaults, tries nothing twice, and asks for no more than its budget', async () => {
    const { trials, calls } = await run({ seed: 3, trials: 22 });
    expect(trials[0]!.point).toEqual(START);
    expect(new Set(trials.map(({ point }) => JSON.stringify(point))).size).toBe(22);
    // Six rounds: three drawn at once, then one at a time, the last cut by the budget.
    expect(calls).toEqual([12, 4, 4, 2]);
  });

  it('repeats itself with the same seed, and not with another', async () => {
    const [first, again, other] = [
      await run({ seed: 7, trials: 16 }),
      await run({ seed: 7, trials: 16 }),
      await run({ seed: 8, trials: 16 }),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('stays inside the space', async () => {
    for (const { point } of (await run({ seed: 11, trials: 60 })).trials) {
      expect(requirePoint(SPACE, point)).toEqual(point);
    }
  });

  it('ends early where there is nothing left to try', async () => {
    const space: SearchSpace = { kind: { kind: 'choice', of: ['a', 'b', 'c'] } };
    const trials = await search(space, { kind: 'a' }, { seed: 1, trials: 30 }, async (points) =>
      points.map(() => ({ score: 0 })),
    );
    expect(trials).toHaveLength(3);
    expect(new Set(trials.map(({ point }) => point['kind']))).toEqual(new Set(['a', 'b', 'c']));
  });

  it('prefers the defaults among equals', async () => {
    const trials = await search(SPACE, START, { seed: 1, trials: 9 }, async (points) =>
      points.map(() => ({ score: 0.5 })),
    );
    expect(bestOf(trials)).toBe(0);
  });

  it('changes what is dear only from round to round, and not in the first', async () => {
    const space: SearchSpace = {
      cheap: { kind: 'number', low: 0, high: 1, scale: 'linear', step: null },
      dear: { kind: 'number', low: 0, high: 1, scale: 'linear', step: null, dear: true },
    };
    const trials = await search(space, { cheap: 0.5, dear: 0.5 }, { seed: 1, trials: 12 }, async (points) =>
      points.map(({ dear }) => ({ score: Number(dear) })),
    );
    const byRound = [0, 4, 8].map(
      (from) => new Set(trials.slice(from, from + 4).map((t) => t.point['dear'])),
    );
    expect(byRound.map(({ size }) => size)).toEqual([1, 1, 1]);
    expect([...byRound[0]!]).toEqual([0.5]);
    expect(new Set(byRound.flatMap((values) => [...values])).size).toBe(3);
  });

  it('refuses a budget that is none, and a score that is no number', async () => {
    await expect(run({ seed: 1, trials: 0 })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('trials is 0') }),
    );
    await expect(
      search(SPACE, START, { seed: 1, trials: 2 }, async (points) => points.map(() => ({ score: NaN }))),
    ).rejects.toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
  });
});

describe('a draw', () => {
  it('stays within half its width on the scale of the dimension', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(1000),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (seed, trial, width) => {
          const drawn = drawNear(SPACE, START, width, { seed, trial, round: 0, attempt: 0 });
          // Four decades; three digits are kept.
          const moved = Math.abs(Math.log10(Number(drawn['rate'])));
          expect(moved).toBeLessThanOrEqual(4 * (width / 2) + 0.003);
          expect(Number(drawn['size'])).toBeGreaterThanOrEqual(64 - 60 * (width / 2) - 2);
        },
      ),
    );
  });

  it('does not depend on what else there is to choose', () => {
    const draw = { seed: 5, trial: 9, round: 2, attempt: 0 };
    const { rate } = SPACE;
    const alone = drawNear({ rate: rate! }, { rate: 1 }, Infinity, draw);
    expect(drawNear(SPACE, START, Infinity, draw)['rate']).toBe(alone['rate']);
  });

  it('moves about four dimensions of a space with many', () => {
    const names = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const space: SearchSpace = Object.fromEntries(names.map((name) => [name, SPACE['rate']!]));
    const from = Object.fromEntries(names.map((name) => [name, 1]));
    let moved = 0;
    for (let trial = 0; trial < 200; trial++) {
      const drawn = drawNear(space, from, Infinity, { seed: 1, trial, round: 0, attempt: 0 });
      moved += names.filter((name) => drawn[name] !== 1).length;
    }
    expect(moved / 200).toBeGreaterThan(3.5);
    expect(moved / 200).toBeLessThan(4.5);
  });
});

describe('requirePoint', () => {
  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ size: 10 }, 'hyper-parameter size is 10: allowed is 4 to 64 in steps of 4'],
    [{ size: '8' }, 'hyper-parameter size is "8": allowed is 4 to 64 in steps of 4'],
    [{ rate: 11 }, 'hyper-parameter rate is 11: allowed is 0.001 to 10'],
    [{ rate: NaN }, 'hyper-parameter rate is null: allowed is 0.001 to 10'],
    [{ kind: 'loud' }, 'hyper-parameter kind is "loud": allowed is one of plain, ranked, none'],
    [{ toString: 1 }, 'there is no hyper-parameter toString to choose: allowed are rate, size, kind'],
  ])('refuses %o', (point, message) => {
    expect(() => requirePoint(SPACE, point)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message }),
    );
  });
});

const SOURCES = [...BASELINES, ...FULL_PRESET.sources];
const TUNABLE = SOURCES.filter(({ name }) => !['popular', 'tag-knn', 'friends'].includes(name));

describe('the spaces of the models', () => {
  it.each(TUNABLE.map((source) => [sourceLabel(source), source] as const))(
    'start %s from its defaults',
    (_, source) => {
      const { space, start, at } = tunableSource(source);
      expect(requirePoint(space, start)).toEqual(start);
      expect(at(start)).toEqual(source);
      expect(at({})).toEqual(source);
    },
  );

  it.each(PRESETS)('start the %s preset from its defaults', (name) => {
    const preset = resolveOptions(name, {});
    const { space, start, at } = tunablePreset(preset);
    expect(requirePoint(space, start)).toEqual(start);
    expect(at(start)).toEqual(preset);
    expect(at({})).toEqual(preset);
  });

  it('make of any point of a preset parameters that this code trains with, and that a manifest keeps', () => {
    const { space, start, at } = tunablePreset(resolveOptions('full', {}));
    for (let trial = 0; trial < 200; trial++) {
      const point = drawNear(space, start, Infinity, { seed: 1, trial, round: trial, attempt: 0 });
      const parameters = at(point);
      expect(parseParameters(JSON.parse(JSON.stringify(parameters)))).toEqual(parameters);
      expect(parameters.sources.some(({ k }) => k > 0)).toBe(true);
    }
  });

  it('put every hyper-parameter of the full preset where training reads it', () => {
    const preset = resolveOptions('full', {});
    const { at } = tunablePreset(preset);
    const changed = at({
      'ranker.c': 0.1,
      'ranker.negatives': 20,
      metric: 'euclidean',
      'sources.ials-plus.k': 40,
      'sources.ials-16.lambda': 0.1,
      'sources.friends.on': false,
    });
    expect(changed.ranker).toMatchObject({ c: 0.1, labels: { negatives: 20, dealt: 5 } });
    expect(changed.metric).toBe('euclidean');
    expect(changed.sources.map(sourceLabel)).toEqual(
      preset.sources.map(sourceLabel).filter((label) => label !== 'friends'),
    );
    const byLabel = new Map(changed.sources.map((source) => [sourceLabel(source), source]));
    expect(byLabel.get('ials-plus')).toMatchObject({ k: 40, lambda: 0.015 });
    expect(byLabel.get('ials-16')).toMatchObject({ k: 0, lambda: 0.1 });
  });

  it('leave a part of a model that is off as it is', () => {
    const ease = SOURCES.find((source) => sourceLabel(source) === 'ease')!;
    expect(Object.keys(tunableSource(ease).space)).toEqual(['lambda', 'weights']);
  });

  it('put the parameters of a weighting back where they belong', () => {
    const bm25 = BASELINES.find((source) => sourceLabel(source) === 'user-knn-bm25')!;
    const { space, at } = tunableSource(bm25);
    expect(Object.keys(space)).toEqual(['neighbours', 'exponent', 'weighting.k1', 'weighting.b']);
    expect(at({ exponent: 3, 'weighting.k1': 20 })).toEqual({
      ...bm25,
      exponent: 3,
      weighting: { kind: 'bm25', k1: 20, b: 0.75 },
    });
  });

  it('refuse a model that has nothing to choose', () => {
    expect(() => tunableSource({ name: 'popular', k: 20 })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('popular has no') }),
    );
  });
});
