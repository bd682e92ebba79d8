import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignVariant,
  DEFAULT_EXPERIMENT,
  fnv32a,
  hashBucket,
  validateExperiment,
  type Experiment,
} from '../../../layers/core/src/experiment/assign-variant.ts';

const threeWay: Experiment = {
  key: 'three-way',
  revision: 4,
  kind: 'ab',
  seed: 'spring',
  coverage: 0.5,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'mlp', weight: 0.3, ranker: 'mlp' },
    { key: 'seed', weight: 0.2, ranker: 'seed' },
  ],
  status: 'running',
};

const split = (weight: number): Experiment => ({
  ...threeWay,
  seed: 'seed',
  coverage: 1,
  variants: [
    { key: 'first', weight, ranker: 'lr' },
    { key: 'second', weight: 1 - weight, ranker: 'lr' },
  ],
});

const inLayer = (start: number, end: number): Experiment => ({
  ...DEFAULT_EXPERIMENT,
  layer: { namespace: 'namespace', start, end },
});

/** Six standard deviations of a binomial count: a correct hash leaves it about twice in 10⁹. */
const sixSigma = (n: number, p: number): number => 6 * Math.sqrt(n * p * (1 - p));

describe('fnv32a', () => {
  it.each([
    // Offset basis; and values of the FNV authors' test suite (test_fnv.c) for 32-bit FNV-1a.
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('hashes %j as its authors do', (text, expected) => {
    expect(fnv32a(text)).toBe(expected);
  });

  it.each([
    // Buckets of hash version 1 in the GrowthBook SDK's cases.json: fnv32a(id + seed) in thousandths.
    ['123feature', 863],
    ['456feature', 178],
    ['fdsfeature', 514],
  ])('hashes %j as GrowthBook does', (text, thousandths) => {
    expect(fnv32a(text) % 1000).toBe(thousandths);
  });

  it('hashes UTF-16 code units, not bytes', () => {
    // (basis ^ 0x4e2d) · prime, and not (basis ^ 0x2d) · prime.
    expect(fnv32a('中')).toBe(Math.imul(0x811c9dc5 ^ 0x4e2d, 0x01000193) >>> 0);
    expect(fnv32a('中')).not.toBe(fnv32a('-'));
  });
});

describe('hashBucket', () => {
  it.each([
    // Test values of hash version 2 in the GrowthBook SDK's cases.json.
    ['seed', 'a', 0.0505],
    ['foo', 'ab', 0.2575],
    ['feature', '123', 0.5231],
    ['feature-exp', 'i123', 0.9943],
    ['feature-exp', 'd123', 0.6468],
  ])('places seed %j, listener %j at %d', (seed, userId, bucket) => {
    expect(hashBucket(seed, userId)).toBe(bucket);
  });
});

describe('assignVariant', () => {
  it('gives the variant, its ranker, revision and propensity', () => {
    // hashBucket('seed', 'a') is 0.0505, inside [0, 0.5 · 0.5).
    expect(assignVariant({ ...threeWay, seed: 'seed' }, 'a')).toEqual({
      experiment: 'three-way',
      revision: 4,
      kind: 'ab',
      variant: 'control',
      ranker: 'lr',
      propensity: 0.25,
    });
  });

  it('covers [W, W + coverage · w) for each variant and nobody between', () => {
    for (let i = 0; i < 5000; i++) {
      const userId = String(i);
      const bucket = hashBucket('spring', userId);
      let expected: string | null = null;
      if (bucket < 0.25) expected = 'control';
      else if (bucket >= 0.5 && bucket < 0.65) expected = 'mlp';
      else if (bucket >= 0.8 && bucket < 0.9) expected = 'seed';
      expect(assignVariant(threeWay, userId)?.variant ?? null).toBe(expected);
    }
  });

  it('includes the lower and excludes the upper end of a range', () => {
    // ("seed", "a") falls at 0.0505.
    expect(assignVariant(split(0.0505), 'a')?.variant).toBe('second');
    expect(assignVariant(split(0.0506), 'a')?.variant).toBe('first');
  });

  it('shares 100,000 listeners out by the weights, within a binomial bound', () => {
    const n = 100_000;
    const counts = new Map<string | null, number>();
    for (let i = 0; i < n; i++) {
      const variant = assignVariant(threeWay, `user-${i}`)?.variant ?? null;
      counts.set(variant, (counts.get(variant) ?? 0) + 1);
    }
    for (const [variant, p] of [
      ['control', 0.25],
      ['mlp', 0.15],
      ['seed', 0.1],
      [null, 0.5],
    ] as const) {
      expect(Math.abs((counts.get(variant) ?? 0) - n * p)).toBeLessThan(sixSigma(n, p));
    }
  });

  it('assigns two experiments with different seeds independently of each other', () => {
    const n = 100_000;
    let both = 0;
    for (let i = 0; i < n; i++) {
      const first = assignVariant(DEFAULT_EXPERIMENT, String(i))?.variant;
      const second = assignVariant({ ...DEFAULT_EXPERIMENT, seed: 'other' }, String(i))?.variant;
      if (first === 'control' && second === 'control') both++;
    }
    expect(Math.abs(both - n * 0.25)).toBeLessThan(sixSigma(n, 0.25));
  });

  it('never moves an assigned listener when coverage is raised', () => {
    const steps = [0, 0.01, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.99, 1];
    const moved: string[] = [];
    let joined = 0;
    for (let i = 0; i < 20_000; i++) {
      let previous: string | null = null;
      for (const coverage of steps) {
        const variant: string | null = assignVariant({ ...threeWay, coverage }, `u${i}`)?.variant ?? null;
        if (previous !== null && variant !== previous) moved.push(`u${i}`);
        if (previous === null && variant !== null) joined++;
        previous = variant;
      }
    }
    expect(moved).toEqual([]);
    expect(joined).toBe(20_000);
  });

  it('covers everybody at coverage 1 and nobody at 0, whatever the weights', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 12 }),
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        (parts, seed, userId) => {
          const total = parts.reduce((sum, part) => sum + part, 0);
          const variants = parts.map((part, i) => ({ key: `v${i}`, weight: part / total, ranker: 'lr' }));
          const experiment: Experiment = { ...threeWay, seed, variants, coverage: 1 };
          validateExperiment(experiment);
          const assignment = assignVariant(experiment, userId);
          expect(assignment?.propensity).toBeGreaterThan(0);
          expect(assignVariant({ ...experiment, coverage: 0 }, userId)).toBeNull();
        },
      ),
    );
  });

  it('leaves out a listener without an id, and everybody while the experiment does not run', () => {
    expect(assignVariant(DEFAULT_EXPERIMENT, '')).toBeNull();
    expect(assignVariant(DEFAULT_EXPERIMENT, '2')).not.toBeNull();
    expect(assignVariant({ ...DEFAULT_EXPERIMENT, status: 'draft' }, '2')).toBeNull();
    expect(assignVariant({ ...DEFAULT_EXPERIMENT, status: 'stopped' }, '2')).toBeNull();
  });

  it('admits to a layer whom GrowthBook admits to the namespace', () => {
    // cases.json, "Experiment namespace - pass" and "- fail": listener "1" in ["namespace", 0.1, 1] but not in [0, 0.1].
    expect(assignVariant(inLayer(0.1, 1), '1')).not.toBeNull();
    expect(assignVariant(inLayer(0, 0.1), '1')).toBeNull();
  });

  it('never lets a listener into two experiments that divide a layer, and leaves nobody out', () => {
    const left: Experiment = { ...DEFAULT_EXPERIMENT, layer: { namespace: 'page', start: 0, end: 0.4 } };
    const right: Experiment = { ...DEFAULT_EXPERIMENT, layer: { namespace: 'page', start: 0.4, end: 1 } };
    const n = 20_000;
    let inLeft = 0;
    let conflicts = 0;
    for (let i = 0; i < n; i++) {
      const a = assignVariant(left, String(i)) !== null;
      if (a === (assignVariant(right, String(i)) !== null)) conflicts++;
      if (a) inLeft++;
    }
    expect(conflicts).toBe(0);
    expect(Math.abs(inLeft - n * 0.4)).toBeLessThan(sixSigma(n, 0.4));
  });
});

describe('the default experiment', () => {
  it('is a valid A/A test of everybody, half and half, both by logistic regression', () => {
    validateExperiment(DEFAULT_EXPERIMENT);
    expect(DEFAULT_EXPERIMENT.coverage).toBe(1);
    expect(DEFAULT_EXPERIMENT.variants).toEqual([
      { key: 'control', weight: 0.5, ranker: 'lr' },
      { key: 'treatment', weight: 0.5, ranker: 'lr' },
    ]);
  });

  it.each([
    // Buckets by an independent implementation of the formula in Python.
    ['2', 0.0774, 'control'],
    ['51', 0.7408, 'treatment'],
    ['257', 0.1189, 'control'],
    ['1008', 0.6112, 'treatment'],
    ['2100', 0.1022, 'control'],
  ])('keeps the assignment that listener %j was given', (userId, bucket, variant) => {
    expect(hashBucket(DEFAULT_EXPERIMENT.seed, userId)).toBe(bucket);
    expect(assignVariant(DEFAULT_EXPERIMENT, userId)?.variant).toBe(variant);
  });
});

describe('validateExperiment', () => {
  const [first, second, third] = threeWay.variants;
  it.each<[string, Partial<Experiment>]>([
    ['key', { key: 'with blank' }],
    ['revision', { revision: 0 }],
    ['revision', { revision: 1.5 }],
    ['seed', { seed: '' }],
    ['coverage', { coverage: 1.01 }],
    ['coverage', { coverage: Number.NaN }],
    ['layer.namespace', { layer: { namespace: '', start: 0, end: 1 } }],
    ['layer.start', { layer: { namespace: 'page', start: -0.1, end: 1 } }],
    ['layer.end', { layer: { namespace: 'page', start: 0.5, end: 0.5 } }],
    ['variants', { variants: [{ ...first!, weight: 1 }] }],
    ['variants', { variants: [first!, second!] }],
    ['variants.1.key', { variants: [first!, { ...second!, key: first!.key }, third!] }],
    ['variants.2.key', { variants: [first!, second!, { ...third!, key: '' }] }],
    ['variants.0.weight', { variants: [{ ...first!, weight: -0.5 }, second!, third!] }],
    ['variants.1.ranker', { variants: [first!, { ...second!, ranker: '' }, third!] }],
  ])('refuses a wrong %s and names it', (field, change) => {
    expect(() => validateExperiment({ ...threeWay, ...change })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ field }) }),
    );
  });
});
