import { beforeEach, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { versionKey } from '../../../layers/core/src/publish/pointer.ts';
import {
  changeVersionState,
  readVersionState,
  type VersionState,
} from '../../../layers/core/src/publish/version-state.ts';

let ports: PublishPorts;
beforeEach(() => {
  ports = {
    modelStore: createMemoryModelStore(),
    candidateStore: createMemoryCandidateStore(),
    clock: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0,
  };
});

const NOTHING: VersionState = {
  candidatesUntil: null,
  candidatesStored: null,
  activatedAt: null,
  deleting: false,
};

it('keeps candidates that never expire, as those in files, as far ahead as a time can be', async () => {
  const candidatesStored = { count: 3, until: Infinity };
  await changeVersionState(ports, 'v', () => ({ ...NOTHING, candidatesUntil: Infinity, candidatesStored }));
  expect(await readVersionState(ports, 'v')).toEqual({
    ...NOTHING,
    candidatesUntil: 8.64e15,
    candidatesStored: { count: 3, until: 8.64e15 },
  });
});

const putState = (state: unknown): Promise<void> =>
  ports.modelStore.put(versionKey('v', 'state.json'), new TextEncoder().encode(JSON.stringify(state)));

it('reads the states of older code, which did not remember how far candidates came', async () => {
  await putState({ candidatesUntil: null, activatedAt: '1970-01-01T00:00:00.007Z', deleting: true });
  expect(await readVersionState(ports, 'v')).toEqual({ ...NOTHING, activatedAt: 7, deleting: true });
});

it('knows nothing of a version without a state', async () => {
  expect(await readVersionState(ports, 'v')).toEqual(NOTHING);
});

it.each([
  { count: 0, until: '2027-01-01T00:00:00.000Z' },
  { count: 1.5, until: '2027-01-01T00:00:00.000Z' },
  { count: 3, until: 'soon' },
  { count: 3 },
  7,
])('refuses a state whose candidatesStored is %j', async (candidatesStored) => {
  await putState({ ...NOTHING, candidatesStored });
  await expect(readVersionState(ports, 'v')).rejects.toThrow(
    expect.objectContaining({
      code: 'ARTIFACT_INCOMPATIBLE',
      message: expect.stringContaining('models/v/state.json: found "{'),
    }),
  );
});
