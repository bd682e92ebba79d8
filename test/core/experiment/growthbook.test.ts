import { GrowthBook } from '@growthbook/growthbook';
import { expect, it } from 'vitest';
import { assignVariant, type Experiment } from '../../../layers/core/src/experiment/assign-variant.ts';

const LISTENERS = 100_000;

const experiment = (change: Partial<Experiment>, weights: readonly number[]): Experiment => ({
  key: 'page',
  revision: 1,
  kind: 'ab',
  seed: 'page',
  coverage: 1,
  status: 'running',
  ...change,
  variants: weights.map((weight, i) => ({ key: `v${i}`, weight, ranker: 'lr' })),
});

const namespace = { namespace: 'home page', start: 0.2, end: 0.65 };

it.each<[string, Experiment]>([
  ['halves', experiment({ seed: 'ranker' }, [0.5, 0.5])],
  ['thirds, a part of the listeners', experiment({ seed: 's/2', coverage: 0.37 }, [1 / 3, 1 / 3, 1 / 3])],
  ['uneven weights in a namespace', experiment({ layer: namespace, coverage: 0.9 }, [0.1, 0.2, 0.05, 0.65])],
  ['a seed outside ASCII', experiment({ seed: 'größe 中', layer: { ...namespace, start: 0 } }, [0.95, 0.05])],
])('assigns 100,000 listeners as the GrowthBook SDK does: %s', (_, ours) => {
  const { seed, coverage, layer, variants } = ours;
  const theirs = {
    key: 'key',
    variations: [variants[0]!.key, variants[1]!.key, ...variants.slice(2).map(({ key }) => key)] as [
      string,
      string,
      ...string[],
    ],
    weights: variants.map(({ weight }) => weight),
    coverage,
    seed,
    hashVersion: 2,
    ...(layer === undefined
      ? {}
      : { namespace: [layer.namespace, layer.start, layer.end] as [string, number, number] }),
  };
  const differ: string[] = [];
  const counts = new Map<string | null, number>();
  for (let i = 0; i < LISTENERS; i++) {
    const id = i % 3 === 0 ? String(i) : `listener-${i}@ö`;
    const growthbook = new GrowthBook({ attributes: { id } });
    const { inExperiment, value } = growthbook.run(theirs);
    const variant = assignVariant(ours, id)?.variant ?? null;
    if (variant !== (inExperiment ? value : null)) differ.push(id);
    counts.set(variant, (counts.get(variant) ?? 0) + 1);
  }
  expect(differ).toEqual([]);
  // Nobody compared nothing with nothing.
  expect(counts.size).toBe(variants.length + (coverage < 1 || layer !== undefined ? 1 : 0));
});
