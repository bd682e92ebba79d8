import { describe, expect, it } from 'vitest';
import {
  EFFORTS,
  parseParameters,
  PRESETS,
  resolveOptions,
  sourceLabel,
  type TrainOptions,
  type TrainParameters,
} from '../../layers/core/src/options.ts';
import { VARIANTS } from '../../layers/core/src/presets.ts';

const tagKnn = ({ sources }: TrainParameters): number | undefined =>
  sources.find(({ name }) => name === 'tag-knn')?.k;

describe('resolveOptions', () => {
  it('has the defaults of the seed: 500 terms, 20 neighbours, cosine, C 1.25, 600 iterations, state 2023', () => {
    expect(resolveOptions('seed', {})).toEqual({
      preset: 'seed',
      effort: 'default',
      randomState: 2023,
      maxFeatures: 500,
      metric: 'cosine',
      svd: { factors: 10, epochs: 100, learningRate: 0.005, regularisation: 0.08 },
      playScales: { ratingQuantile: null, popularityQuantile: null },
      sources: [{ name: 'tag-knn', k: 20 }],
      tagSimilarity: null,
      ranker: {
        c: 1.25,
        maxIter: 600,
        crossFeatures: false,
        contexts: [],
        labels: { kind: 'plays-above', threshold: 260 },
        variants: { trees: null, mlp: null },
      },
    });
  });

  it('gives full a co-listening source, cross features and labels that stage one has not seen', () => {
    const { sources, ranker } = resolveOptions('full', {});
    expect(sources.map(({ name }) => name)).toContain('ease');
    expect(new Set(sources.map(sourceLabel)).size).toBe(sources.length);
    expect(ranker.crossFeatures).toBe(true);
    expect(ranker.labels.kind).toBe('held-out');
  });

  it.each<[TrainOptions, (parameters: TrainParameters) => unknown]>([
    [{ maxFeatures: 77 }, (p) => p.maxFeatures],
    [{ nNeighbors: 77 }, tagKnn],
    [{ metric: 'euclidean' }, (p) => p.metric],
    [{ c: 77 }, (p) => p.ranker.c],
    [{ maxIter: 77 }, (p) => p.ranker.maxIter],
    [{ randomState: 77 }, (p) => p.randomState],
    [{ svdFactors: 77 }, (p) => p.svd.factors],
    [{ svdEpochs: 77 }, (p) => p.svd.epochs],
    [{ svdLearningRate: 77 }, (p) => p.svd.learningRate],
    [{ svdRegularisation: 0 }, (p) => p.svd.regularisation],
  ])('puts %o where training reads it, and changes nothing else', (options, read) => {
    for (const preset of PRESETS) {
      const parameters = resolveOptions(preset, options);
      const [given] = Object.values(options);
      expect(read(parameters)).toBe(given);
      const before = leaves(resolveOptions(preset, {}));
      const changed = leaves(parameters).filter((leaf, i) => leaf !== before[i]);
      expect(changed).toHaveLength(1);
    }
  });

  it('trains less at low effort, and every ranker at high effort', () => {
    const [low, usual, high] = EFFORTS.map((effort) => resolveOptions('full', { effort }));
    expect([low!.effort, usual!.effort, high!.effort]).toEqual(['low', 'default', 'high']);
    expect(usual).toEqual(resolveOptions('full', {}));
    expect(low!.sources.length).toBeLessThan(usual!.sources.length);
    expect(low!.ranker.labels).toMatchObject({ kind: 'held-out', dealt: 5, used: 2 });
    expect(low!.ranker.variants).toEqual({ trees: null, mlp: null });
    expect(high!.sources.map(sourceLabel)).toEqual(usual!.sources.map(sourceLabel));
    expect(high!.ranker.labels).toMatchObject({ kind: 'held-out', dealt: 5, used: 4 });
    expect(high!.ranker.variants).toEqual(VARIANTS);
    // A caller's own options stand at any effort.
    expect(resolveOptions('full', { effort: 'high', c: 7 }).ranker.c).toBe(7);
  });

  it('lends low effort no context that its sources do not score', () => {
    const { sources, ranker } = resolveOptions('full', { effort: 'low' });
    const scored = ranker.contexts.filter((context) => context.startsWith('score:'));
    expect(scored.length).toBeGreaterThan(0);
    expect(sources.map((source) => `score:${sourceLabel(source)}`)).toEqual(expect.arrayContaining(scored));
  });

  it('knows one effort of the seed', () => {
    expect(resolveOptions('seed', { effort: 'default' })).toEqual(resolveOptions('seed', {}));
    expect(() => resolveOptions('seed', { effort: 'high' })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        details: { field: 'effort', found: 'high', allowed: 'default' },
      }),
    );
  });

  it('leaves the preset as it was for the next caller', () => {
    resolveOptions('seed', { nNeighbors: 3, c: 9, svdFactors: 3 });
    expect(resolveOptions('seed', {})).toMatchObject({ ranker: { c: 1.25 }, svd: { factors: 10 } });
    expect(tagKnn(resolveOptions('seed', {}))).toBe(20);
  });

  it('takes an option that is undefined for one that is not given', () => {
    expect(resolveOptions('full', { c: undefined, metric: undefined })).toEqual(resolveOptions('full', {}));
  });

  it.each<[keyof TrainOptions, readonly number[]]>([
    ['maxFeatures', [0, 1.5, 5001, NaN]],
    ['nNeighbors', [0, 251, 2.5]],
    ['c', [0, -1, Infinity, NaN]],
    ['maxIter', [0, 0.5]],
    ['randomState', [-1, 0.5, 2 ** 32]],
    ['svdFactors', [0, 101, 1.5]],
    ['svdEpochs', [0, 1.5]],
    ['svdLearningRate', [0, -1, NaN]],
    ['svdRegularisation', [-0.1, Infinity]],
  ])('refuses %s out of range, naming it, what was given and what is allowed', (field, values) => {
    for (const found of values) {
      expect(() => resolveOptions('full', { [field]: found })).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: expect.stringMatching(new RegExp(`^${field} is .+: allowed is an? `)),
          details: expect.objectContaining({ field, found }),
        }),
      );
    }
  });
});

describe('parseParameters', () => {
  it.each(PRESETS)('reads back what a manifest of %s recorded', (preset) => {
    const parameters = resolveOptions(preset, { nNeighbors: 7, c: 3 });
    expect(parseParameters(JSON.parse(JSON.stringify(parameters)))).toEqual(parameters);
  });

  it.each(EFFORTS)('reads back %s effort', (effort) => {
    const parameters = resolveOptions('full', { effort });
    expect(parseParameters(JSON.parse(JSON.stringify(parameters)))).toEqual(parameters);
  });

  const full = resolveOptions('full', {});
  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', [full]],
    ['another preset', { ...full, preset: 'mlp' }],
    ['a field more', { ...full, extra: 1 }],
    ['a field less', { ...full, metric: undefined, sources: full.sources, svd: undefined }],
    ['a source that there is no more', { ...full, sources: [{ name: 'lda', k: 20 }] }],
    ['a source with another field', { ...full, sources: [{ name: 'friends', k: 20, depth: 2 }] }],
    ['sources that are none', { ...full, sources: [null] }],
    ['another effort', { ...full, effort: 'heroic' }],
    [
      'variants with another field',
      { ...full, ranker: { ...full.ranker, variants: { trees: { depth: 3 }, mlp: null } } },
    ],
    ['a variant less', { ...full, ranker: { ...full.ranker, variants: { trees: null } } }],
    ['another ranker', { ...full, ranker: { c: 1, layers: 3 } }],
  ])('does not take %s for parameters', (_, value) => {
    expect(parseParameters(value === undefined ? value : JSON.parse(JSON.stringify(value)))).toBeNull();
  });
});

/** Every number, text and truth value in a value, by its path. */
function leaves(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [`${path}=${String(value)}`];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, `${path}.${key}`));
}
