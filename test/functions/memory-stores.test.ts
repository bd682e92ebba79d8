import { describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryExperimentStore,
  createMemoryExposureLog,
  createMemoryLeaseStore,
  createMemoryModelStore,
  createMemoryTombstoneStore,
} from '../../functions/shared/adapters/memory-stores.ts';
import { candidateEraserContract } from '../core/contracts/candidate-eraser.contract.ts';
import { candidateStoreContract } from '../core/contracts/candidate-store.contract.ts';
import { eventLogContract } from '../core/contracts/event-log.contract.ts';
import { experimentStoreContract } from '../core/contracts/experiment-store.contract.ts';
import { exposureLogContract } from '../core/contracts/exposure-log.contract.ts';
import { leaseStoreContract } from '../core/contracts/lease-store.contract.ts';
import { modelStoreContract } from '../core/contracts/model-store.contract.ts';
import { tombstoneStoreContract } from '../core/contracts/tombstone-store.contract.ts';

modelStoreContract('the model store in memory', async () => createMemoryModelStore());
candidateStoreContract('the candidate store in memory', async () => createMemoryCandidateStore());
exposureLogContract('the exposure log in memory', async () => createMemoryExposureLog());
experimentStoreContract('the experiment store in memory', async () => createMemoryExperimentStore());
eventLogContract('the event log in memory', async () => createMemoryEventLog());
leaseStoreContract('the lease store in memory', async () => createMemoryLeaseStore());

tombstoneStoreContract('the tombstone store in memory', async () => createMemoryTombstoneStore());
candidateEraserContract('the candidate store in memory', async () => {
  const store = createMemoryCandidateStore();
  return { store, eraser: store };
});

describe('the candidate store in memory', () => {
  it('stops at the record before which the deadline passed', async () => {
    let nowMs = 0;
    const store = createMemoryCandidateStore({ clock: () => nowMs++ });
    const records = Array.from({ length: 10 }, (_, i) => ({
      userId: String(i),
      record: Uint8Array.of(i),
    }));
    expect(await store.write('v1', records, { expiresAtMs: 1e12, deadlineMs: 4 })).toBe(4);
    expect(await store.read('3', 'v1')).toEqual(Uint8Array.of(3));
    expect(await store.read('4', 'v1')).toBeUndefined();
  });
});
