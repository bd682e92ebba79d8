import { describe, expect, it } from 'vitest';
import {
  createMemoryModelStore,
  createMemoryTombstoneStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import {
  ensureErasureKey,
  ERASURE_KEY,
  listenerHash,
  loadErasures,
} from '../../../functions/shared/listener-hash.ts';

describe('listenerHash', () => {
  it('is HMAC-SHA256 (RFC 4231, test cases 1 and 2)', () => {
    expect(listenerHash('Hi There', new Uint8Array(20).fill(0x0b))).toBe(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    );
    expect(listenerHash('what do ya want for nothing?', new TextEncoder().encode('Jefe'))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });
});

describe('ensureErasureKey', () => {
  it('makes a key of 32 bytes once and keeps it', async () => {
    const store = createMemoryModelStore();
    const key = await ensureErasureKey(store);
    expect(key).toHaveLength(32);
    expect(new Set(key).size).toBeGreaterThan(8);
    expect(await ensureErasureKey(store)).toEqual(key);
    expect(await ensureErasureKey(createMemoryModelStore())).not.toEqual(key);
  });

  it('gives all who ask at once the same key', async () => {
    const store = createMemoryModelStore();
    const keys = await Promise.all(Array.from({ length: 8 }, () => ensureErasureKey(store)));
    for (const key of keys) expect(key).toEqual(keys[0]);
  });

  it('refuses an object that is no key: hashes by it would match nobody', async () => {
    const store = createMemoryModelStore();
    await store.put(ERASURE_KEY, Uint8Array.of(1, 2, 3));
    await expect(ensureErasureKey(store)).rejects.toThrow('keys/erasure has 3 bytes; allowed: 32');
  });
});

describe('loadErasures', () => {
  it('tells when a listener was erased, and nothing of anybody else', async () => {
    const [store, tombstones] = [createMemoryModelStore(), createMemoryTombstoneStore()];
    const key = await ensureErasureKey(store);
    await tombstones.add(listenerHash('51', key), 1000);
    const erasedAt = await loadErasures(tombstones, store);
    expect(erasedAt('51')).toBe(1000);
    expect(erasedAt('52')).toBeUndefined();
  });

  it('makes no key where nobody was erased', async () => {
    const store = createMemoryModelStore();
    const erasedAt = await loadErasures(createMemoryTombstoneStore(), store);
    expect(erasedAt('51')).toBeUndefined();
    expect(await store.list('')).toEqual([]);
  });

  it('fails where there are tombstones and no key, rather than bring everybody back', async () => {
    const tombstones = createMemoryTombstoneStore();
    await tombstones.add('a'.repeat(64), 1000);
    await expect(loadErasures(tombstones, createMemoryModelStore())).rejects.toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });
});
