import { describe, expect, it } from 'vitest';
import { activateVersion, unpin } from '../../../layers/core/src/publish/activate-version.ts';
import { readPointer } from '../../../layers/core/src/publish/pointer.ts';
import { runRounds } from './concurrent-trainings.ts';
import { trainingWorld } from './training-world.ts';

describe('10 trainings at the same time, 3 times', () => {
  it('publish one version a round under the lease, and the others give way', async () => {
    const { published, gaveWay, pointers, violations } = await runRounds({
      trainings: 10,
      rounds: 3,
      seed: 1,
      hasLease: true,
    });
    expect(violations).toEqual([]);
    expect(published.map((versions) => versions.length)).toEqual([1, 1, 1]);
    expect(pointers.map(({ version }) => version)).toEqual(published.flat());
    expect(gaveWay).toBe(27);
  });

  it('never serve a torn or an older version where the lease lets everybody in', async () => {
    const { published, gaveWay, pointers, violations } = await runRounds({
      trainings: 10,
      rounds: 3,
      seed: 2,
      hasLease: false,
    });
    expect(violations).toEqual([]);
    // Each says what became of it: served at some time, or overtaken.
    expect(published.flat().length + gaveWay).toBe(30);
    expect(new Set(pointers.map(({ version }) => version))).toEqual(new Set(published.flat()));
    expect(pointers.length).toBeGreaterThan(3);
  });
});

it('a rollback survives trainings until it is unpinned', async () => {
  const { run, ports, modelStore, candidateStore } = await trainingWorld();
  const pointer = async () => (await readPointer(modelStore))!.pointer;
  const first = await run();
  await run();
  const issueFence = async (): Promise<number> => {
    const lease = await ports.leaseStore.acquire('operator', ports.clock(), 1000);
    await ports.leaseStore.release('operator');
    return lease!.fence;
  };
  await activateVersion(ports, first.modelVersion!, {
    fence: await issueFence(),
    pinned: true,
    expiresAtMs: ports.clock() + 60 * 86_400_000,
    load: () => Promise.resolve(),
    erasures: {
      load: () => Promise.resolve(() => undefined),
      erase: (userId) => candidateStore.erase(userId),
    },
  });
  for (let again = 0; again < 2; again++) {
    const held = await run();
    expect(held).toMatchObject({ outcome: 'pinned', resumed: false });
    expect(await pointer()).toMatchObject({ version: first.modelVersion, pinned: true });
  }
  await unpin(ports, { version: first.modelVersion!, fence: await issueFence() });
  const next = await run();
  expect(next.outcome).toBe('published');
  expect(await pointer()).toMatchObject({ version: next.modelVersion, previous: first.modelVersion });
});
