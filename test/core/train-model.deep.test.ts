import { expect, it } from 'vitest';
import { inlineParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { splitHoldout } from '../../layers/core/src/data/split.ts';
import { evaluateModels } from '../../layers/core/src/evaluate/evaluate-models.ts';
import { loadSample } from './sample.ts';
import { silentProgress as progress } from './tiny.ts';

it('ranks better than popularity and than the seed on listening held out', async () => {
  const [popular, seed, best] = await evaluateModels(
    splitHoldout(await loadSample(), { seed: 5 }),
    ['popular', 'seed', 'full'],
    {
      parallel: inlineParallelMap,
      progress,
    },
  );
  expect(best!.metrics['ndcg@20']).toBeGreaterThan(2 * popular!.metrics['ndcg@20']);
  expect(best!.metrics['ndcg@20']).toBeGreaterThan(seed!.metrics['ndcg@20']);
});
