import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignVariant,
  DEFAULT_EXPERIMENT,
  forceVariant,
  type Experiment,
} from '../../../layers/core/src/experiment/assign-variant.ts';
import {
  chooseExperiment,
  overlappingExperiment,
} from '../../../layers/core/src/experiment/choose-experiment.ts';

const named = (key: string, change: Partial<Experiment> = {}): Experiment => ({
  ...DEFAULT_EXPERIMENT,
  key,
  seed: key,
  ...change,
});
const layer = (start: number, end: number, namespace = 'page') => ({ layer: { namespace, start, end } });

describe('forceVariant', () => {
  it('gives the variant for certain, of a draft too', () => {
    expect(forceVariant(named('trees', { status: 'draft' }), 'treatment')).toEqual({
      experiment: 'trees',
      revision: 1,
      kind: 'ab',
      variant: 'treatment',
      ranker: 'lr',
      propensity: 1,
    });
  });

  it('names the variants that there are', () => {
    expect(() => forceVariant(named('trees'), 'tretment')).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: 'variant is "tretment"; allowed in experiment "trees": control, treatment',
        details: expect.objectContaining({ field: 'variant', allowed: ['control', 'treatment'] }),
      }),
    );
  });
});

describe('chooseExperiment', () => {
  it('asks in the order of keys, whatever the order given', () => {
    const half = named('a', { coverage: 0.5 });
    const all = named('b');
    for (let i = 0; i < 200; i++) {
      const expected = assignVariant(half, String(i)) ?? assignVariant(all, String(i));
      expect(chooseExperiment([all, half], String(i))).toEqual(expected);
      expect(chooseExperiment([half, all], String(i))).toEqual(expected);
    }
  });

  it('asks the built-in experiment last, and not at all where one of its key is stored', () => {
    const draft = named('zebra', { status: 'draft' });
    expect(chooseExperiment([], '51')).toEqual(assignVariant(DEFAULT_EXPERIMENT, '51'));
    expect(chooseExperiment([draft], '51')).toEqual(assignVariant(DEFAULT_EXPERIMENT, '51'));
    expect(chooseExperiment([named('zebra')], '51')?.experiment).toBe('zebra');
    expect(chooseExperiment([{ ...DEFAULT_EXPERIMENT, status: 'stopped' }], '51')).toBeNull();
    expect(chooseExperiment([named('zebra')], '')).toBeNull();
  });

  it('keeps the shares of variants among those whom an earlier experiment passes on', () => {
    const earlier = named('a', { coverage: 0.6 });
    const later = named('b', {
      variants: [
        { key: 'control', weight: 0.7, ranker: 'lr' },
        { key: 'treatment', weight: 0.3, ranker: 'lr' },
      ],
    });
    let passed = 0;
    let treated = 0;
    for (let i = 0; i < 100_000; i++) {
      const chosen = chooseExperiment([earlier, later], `u${i}`);
      if (chosen?.experiment !== 'b') continue;
      passed++;
      if (chosen.variant === 'treatment') treated++;
    }
    expect(Math.abs(passed - 40_000)).toBeLessThan(5 * Math.sqrt(100_000 * 0.24));
    expect(Math.abs(treated - 0.3 * passed)).toBeLessThan(5 * Math.sqrt(passed * 0.21));
  });
});

describe('overlappingExperiment', () => {
  it.each<[string, Experiment, Experiment, string | null]>([
    ['no layers', named('a'), named('b'), 'b'],
    ['one layer', named('a', layer(0, 0.5)), named('b'), 'b'],
    ['other namespaces', named('a', layer(0, 0.5)), named('b', layer(0.5, 1, 'list')), 'b'],
    ['ranges that overlap', named('a', layer(0, 0.5)), named('b', layer(0.4, 1)), 'b'],
    ['ranges that touch', named('a', layer(0, 0.5)), named('b', layer(0.5, 1)), null],
    ['ranges the other way round', named('a', layer(0.5, 1)), named('b', layer(0, 0.5)), null],
    ['a stopped one', named('a'), named('b', { status: 'stopped' }), null],
    ['a draft as candidate', named('a', { status: 'draft' }), named('b'), null],
    ['itself', named('a'), named('a', { revision: 7 }), null],
  ])('answers for %s', (_, candidate, other, expected) => {
    expect(overlappingExperiment(candidate, [other])).toBe(expected);
  });

  it('names the first by key', () => {
    expect(overlappingExperiment(named('m'), [named('z'), named('b'), named('c')])).toBe('b');
  });

  it('finds none exactly where no listener is in both', () => {
    const share = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(share, share, share, share, (a, b, c, d) => {
        const first = named('a', layer(Math.min(a, b) / 10, (Math.max(a, b) + 1) / 10));
        const second = named('b', layer(Math.min(c, d) / 10, (Math.max(c, d) + 1) / 10));
        let both = 0;
        for (let i = 0; i < 300; i++) {
          if (assignVariant(first, `u${i}`) !== null && assignVariant(second, `u${i}`) !== null) both++;
        }
        expect(overlappingExperiment(first, [second]) === null).toBe(both === 0);
      }),
    );
  });
});
