import { describe, expect, it } from 'vitest';
import type { FenceIssuer, LeaseStore } from '../../../layers/core/src/ports.ts';

const NOW_MS = 1_795_438_564_000;
const TTL_MS = 1_200_000;

/**
 * What every {@link LeaseStore} that is a {@link FenceIssuer} too keeps.
 *
 * @param make - A store in which nobody ever held the lease, a new one for each test.
 */
export function leaseStoreContract(name: string, make: () => Promise<LeaseStore & FenceIssuer>): void {
  describe(`${name} keeps the LeaseStore contract`, () => {
    it('hands a free lease out with a fence that is a positive integer', async () => {
      const store = await make();
      const lease = await store.acquire('a', NOW_MS, TTL_MS);
      expect(Number.isSafeInteger(lease?.fence)).toBe(true);
      expect(lease!.fence).toBeGreaterThan(0);
    });

    it('refuses a second holder until the first gives it back', async () => {
      const store = await make();
      const first = await store.acquire('a', NOW_MS, TTL_MS);
      expect(await store.acquire('b', NOW_MS + 1000, TTL_MS)).toBeUndefined();
      await store.release('a');
      const second = await store.acquire('b', NOW_MS + 2000, TTL_MS);
      expect(second!.fence).toBeGreaterThan(first!.fence);
    });

    it('refuses a second holder just before the lease expires and accepts it afterwards', async () => {
      const store = await make();
      const first = await store.acquire('a', NOW_MS, TTL_MS);
      expect(await store.acquire('b', NOW_MS + TTL_MS - 1000, TTL_MS)).toBeUndefined();
      const second = await store.acquire('b', NOW_MS + TTL_MS + 1000, TTL_MS);
      expect(second!.fence).toBeGreaterThan(first!.fence);
      expect(await store.acquire('a', NOW_MS + TTL_MS + 2000, TTL_MS)).toBeUndefined();
    });

    it('gives its holder the lease again, extended, with a greater fence', async () => {
      const store = await make();
      const first = await store.acquire('a', NOW_MS, TTL_MS);
      const second = await store.acquire('a', NOW_MS + 1_000_000, TTL_MS);
      expect(second!.fence).toBeGreaterThan(first!.fence);
      expect(await store.acquire('b', NOW_MS + TTL_MS + 1000, TTL_MS)).toBeUndefined();
    });

    it('ignores a release by somebody who does not hold it', async () => {
      const store = await make();
      await store.release('nobody');
      await store.acquire('a', NOW_MS, TTL_MS);
      await store.release('b');
      expect(await store.acquire('b', NOW_MS + 1000, TTL_MS)).toBeUndefined();
    });

    it('never issues a fence twice, whoever comes and goes', async () => {
      const store = await make();
      const fences: number[] = [];
      for (let i = 0; i < 6; i++) {
        const holder = `holder ${i % 3}`;
        fences.push((await store.acquire(holder, NOW_MS + i * 1000, TTL_MS))!.fence);
        if (i % 2 === 0) await store.release(holder);
        else await store.release(holder).then(() => store.release(holder));
      }
      expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
      expect(fences).toHaveLength(6);
    });

    it('hands the lease to exactly one of eight that ask at once', async () => {
      const store = await make();
      const holders = Array.from({ length: 8 }, (_, i) => `holder ${i}`);
      const leases = await Promise.all(holders.map((holder) => store.acquire(holder, NOW_MS, TTL_MS)));
      const winners = holders.filter((_, i) => leases[i] !== undefined);
      expect(winners).toHaveLength(1);
      expect(await store.acquire('somebody else', NOW_MS + 1000, TTL_MS)).toBeUndefined();
    });

    it('issues fences that grow, across leases taken and given back', async () => {
      const store = await make();
      const fences = [await store.issueFence()];
      fences.push((await store.acquire('a', NOW_MS, TTL_MS))!.fence);
      fences.push(await store.issueFence(), await store.issueFence());
      await store.release('a');
      fences.push(await store.issueFence());
      fences.push((await store.acquire('b', NOW_MS + 1000, TTL_MS))!.fence);
      expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
      expect(fences.every((fence) => Number.isSafeInteger(fence) && fence > 0)).toBe(true);
    });

    it('leaves the lease with its holder, and free where it was free, when it issues a fence', async () => {
      const store = await make();
      await store.issueFence();
      expect(await store.acquire('a', NOW_MS, TTL_MS)).toBeDefined();
      await store.issueFence();
      expect(await store.acquire('b', NOW_MS + 1000, TTL_MS)).toBeUndefined();
      expect(await store.acquire('b', NOW_MS + TTL_MS + 1000, TTL_MS)).toBeDefined();
    });

    it('issues each of eight that ask at once a fence of their own', async () => {
      const store = await make();
      const fences = await Promise.all(Array.from({ length: 8 }, () => store.issueFence()));
      expect(new Set(fences).size).toBe(8);
      const { fence } = (await store.acquire('a', NOW_MS, TTL_MS))!;
      expect(fence).toBeGreaterThan(Math.max(...fences));
    });
  });
}
