import { describe, expect, it } from 'vitest';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import {
  evaluateNewListeners,
  NEW_LISTENER_MODELS,
  splitNewListeners,
} from '../../../layers/core/src/evaluate/new-listeners.ts';
import { rowLength } from '../../../layers/core/src/math/csr.ts';
import { readTiny, silentProgress, tinyFiles, tinyParameters } from '../tiny.ts';

const dataset = await readTiny(tinyFiles());
const { plays } = dataset;

describe('splitNewListeners', () => {
  const split = splitNewListeners(dataset, { seed: 1, share: 0.3 });

  it('predicts half of the artists of each listener held out, and of nobody else', () => {
    expect(split.users.length).toBeGreaterThan(5);
    expect(split.users.length).toBeLessThan(20);
    const held = new Set(split.users);
    for (let user = 0; user < dataset.users.size; user++) {
      const n = rowLength(plays, user);
      const predicted = rowLength(split.test, user);
      expect(predicted).toBe(held.has(user) ? Math.round(n / 2) : 0);
      expect(rowLength(split.given.plays, user)).toBe(n - predicted);
    }
  });

  it('keeps the listeners held out from the others altogether', () => {
    const held = new Set(Array.from(split.users, (user) => dataset.users.ids[user]!));
    expect(split.others.users.ids).toEqual(dataset.users.ids.filter((id) => !held.has(id)));
  });

  it('draws others for another seed, the same for the same', () => {
    const again = splitNewListeners(dataset, { seed: 1, share: 0.3 });
    expect([again.users, again.test, again.others.plays]).toEqual([
      split.users,
      split.test,
      split.others.plays,
    ]);
    expect(splitNewListeners(dataset, { seed: 2, share: 0.3 }).users).not.toEqual(split.users);
  });
});

describe('evaluateNewListeners', () => {
  it('serves the same listeners in every way, and folded in nearly as well as trained on', async () => {
    const split = splitNewListeners(dataset, { seed: 1, share: 0.3 });
    const evaluations = await evaluateNewListeners(split, tinyParameters('full'), {
      parallel: inlineParallelMap,
      progress: silentProgress,
    });
    expect(evaluations.map(({ model }) => model)).toEqual(NEW_LISTENER_MODELS);
    for (const { users } of evaluations) expect(users).toEqual(split.users);
    const [popular, names, foldedIn, trained] = evaluations.map(({ metrics }) => metrics['ndcg@20']);
    // The planted clusters are found; popularity knows nothing of them.
    expect(trained).toBeGreaterThan(popular! + 0.05);
    // A listener trained on has friends and tags besides, which a history has not.
    expect(foldedIn).toBeGreaterThan(0.8 * trained!);
    expect(names).toBeGreaterThan(0.75 * trained!);
  });
});
