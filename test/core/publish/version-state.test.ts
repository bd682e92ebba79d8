import { expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { changeVersionState, type VersionState } from '../../../layers/core/src/publish/version-state.ts';

it('keeps candidates that never expire, as those in files, as far ahead as a time can be', async () => {
  const ports = {
    modelStore: createMemoryModelStore(),
    candidateStore: createMemoryCandidateStore(),
    clock: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0,
  };
  const state: VersionState = { candidatesUntil: Infinity, activatedAt: null, deleting: false };
  await changeVersionState(ports, 'v', () => state);
  const { found } = await changeVersionState(ports, 'v', () => null);
  expect(found).toEqual({ ...state, candidatesUntil: 8.64e15 });
});
