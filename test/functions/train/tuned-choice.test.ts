import { describe, expect, it } from 'vitest';

import { createMemoryModelStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { storeChoice, tunedChoice } from '../../../functions/train/tuned-choice.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { tuningKey } from '../../../layers/core/src/tune/tuning-record.ts';
import { seedChoice } from './seed-choice.ts';

const KEY = tuningKey('seed');

describe('storing a choice', () => {
  it('lets a training read it, and replaces an earlier one', async () => {
    const store = createMemoryModelStore();
    await storeChoice(store, seedChoice({ 'ranker.c': 0.3 }));
    await storeChoice(store, seedChoice({ 'ranker.c': 0.4 }));
    const warnings: string[] = [];
    const found = await tunedChoice(store, 'seed', (message) => warnings.push(message));
    expect(found).toEqual(seedChoice({ 'ranker.c': 0.4 }));
    expect(warnings).toEqual([]);
    expect(await tunedChoice(store, 'full', () => undefined)).toBeNull();
  });

  it('does not overwrite what somebody else stored meanwhile', async () => {
    const store = createMemoryModelStore();
    const other = new TextEncoder().encode('{}');
    const raced: ModelStore = {
      ...store,
      putIf: async (key, body, etag) => {
        await store.put(key, other);
        return store.putIf(key, body, etag);
      },
    };
    await expect(storeChoice(raced, seedChoice({}))).rejects.toThrow(
      expect.objectContaining({ code: 'PUBLISH_FAILED', message: expect.stringContaining(KEY) }),
    );
    expect((await store.get(KEY))!.body).toEqual(other);
  });
});
