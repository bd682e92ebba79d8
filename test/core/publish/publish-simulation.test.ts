import { describe, expect, it } from 'vitest';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { encodePointer, POINTER_KEY, type Pointer } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion } from '../../../layers/core/src/publish/publish.ts';
import { resumePublication } from '../../../layers/core/src/publish/resume-publication.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { changeVersionState } from '../../../layers/core/src/publish/version-state.ts';
import { simulateMany } from './simulate-many.ts';
import type { Protocol } from './simulate.ts';

// On demand: ENCORE_SCHEDULES=100000 ENCORE_SEED=7 npx vitest run test/core/publish/publish-simulation.test.ts
const SCHEDULES = Number(process.env['ENCORE_SCHEDULES'] ?? 10_000);
const FIRST_SEED = Number(process.env['ENCORE_SEED'] ?? 0);
const LONG_MS = 20 * 60_000;

const PROTOCOL: Protocol = { publish: publishVersion, resume: resumePublication };

describe('trainings among rivals, crashes, lost answers, wrong clocks, rollbacks and readers', () => {
  it(
    `keep readers on whole versions, fences growing and pins held in ${SCHEDULES} schedules`,
    { timeout: LONG_MS },
    async () => {
      const { broken, counts } = await simulateMany(PROTOCOL, {
        schedules: SCHEDULES,
        firstSeed: FIRST_SEED,
      });
      expect(broken).toEqual([]);
      // The schedules reached what they are meant to reach.
      for (const what of [
        'published',
        'superseded',
        'pinned',
        'deadline',
        'busy',
        'failed',
        'resumed and published',
        'resumed and deadline',
        'resumed and pinned',
        'resumed and superseded',
        'activated',
        'rewritten and activated',
        'rewritten in part and activated',
        'rewritten in part and deadline',
        'unpin unpinned',
        'crash before',
        'crash after',
        'lost request',
        'lost answer',
        'late request',
      ]) {
        expect([what, (counts.get(what) ?? 0) >= SCHEDULES / 1000]).toEqual([what, true]);
      }
      expect(counts.get('read')).toBeGreaterThan(2 * SCHEDULES);
    },
  );
});

/** The protocol over ports that are changed for each of its runs. */
const over = (change: (ports: PublishPorts) => PublishPorts): Protocol => ({
  publish: (ports, publication) => publishVersion(change(ports), publication),
  resume: (ports, resumption) => resumePublication(change(ports), resumption),
});

const withStore = (change: (store: ModelStore) => Partial<ModelStore>): Protocol =>
  over((ports) => ({ ...ports, modelStore: { ...ports.modelStore, ...change(ports.modelStore) } }));

/** To this protocol every pointer looks changed. */
const seeing = (change: Partial<Pointer>): Protocol =>
  withStore((store) => ({
    get: async (key) => {
      const object = await store.get(key);
      if (key !== POINTER_KEY || object === undefined) return object;
      const pointer: Pointer = JSON.parse(new TextDecoder().decode(object.body));
      return { ...object, body: encodePointer({ ...pointer, ...change }) };
    },
  }));

/** Does something else with the pointer's conditional write. */
const moving = (write: (store: ModelStore, args: Parameters<ModelStore['putIf']>) => Promise<boolean>) =>
  withStore((store) => ({
    putIf: (...args) => (args[0] === POINTER_KEY ? write(store, args) : store.putIf(...args)),
  }));

const skippingCandidates = over((ports) => {
  const claimed = new Map<string, Uint8Array>();
  return {
    ...ports,
    candidateStore: {
      write: async (_, records) => {
        for (const { userId, record } of records) claimed.set(userId, record);
        return records.length;
      },
      // Whatever is read back looks right.
      read: async (userId) => claimed.get(userId),
    },
  };
});

const notingAhead = over((ports) => ({
  ...ports,
  candidateStore: {
    ...ports.candidateStore,
    write: async (version, records, options) => {
      await changeVersionState(ports, version, (state) => ({
        ...state,
        candidatesStored: {
          count: (state.candidatesStored?.count ?? 0) + records.length,
          until: options.expiresAtMs,
        },
      }));
      return ports.candidateStore.write(version, records, options);
    },
  },
}));

const movingFirst: Protocol = {
  ...PROTOCOL,
  publish: async (ports, publication) => {
    const { version, fence } = publication;
    const pointer = encodePointer({ version, previous: null, fence, pinned: false });
    await ports.modelStore.putIf(POINTER_KEY, pointer, null).catch(() => false);
    return publishVersion(ports, publication);
  },
};

/** Fails where the pointer's write got no answer, instead of reading back what became of it. */
const failingWhereAnswersAreLost = withStore((store) => {
  let isLost = false;
  return {
    putIf: (...args) =>
      store.putIf(...args).catch((error: unknown) => {
        isLost ||= args[0] === POINTER_KEY;
        throw error;
      }),
    get: (key) => {
      if (isLost && key === POINTER_KEY) throw new EncoreError('PUBLISH_FAILED', 'the answer was lost');
      return store.get(key);
    },
  };
});

describe('the simulation', () => {
  it.each<[string, Protocol, RegExp]>([
    ['does not compare fences', seeing({ fence: 0 }), /fence \d+ of \S+ was followed by/],
    ['ignores the pin', seeing({ pinned: false }), /the pinned \S+ was replaced by a training/],
    [
      'moves the pointer without a condition',
      moving((store, [key, body]) => store.put(key, body).then(() => true)),
      /fence \d+ of \S+ was followed by/,
    ],
    ['moves the pointer first', movingFirst, /was served with no/],
    [
      'writes no candidates',
      skippingCandidates,
      /was served with no candidates|are stored, with no candidates/,
    ],
    ['notes candidates before they are stored', notingAhead, /says that \d are stored, with no candidates/],
    [
      'takes a lost answer for a success',
      moving((store, args) => store.putIf(...args).catch(() => true)),
      /says published but never was served/,
    ],
    [
      'takes a lost race for a success',
      moving((store, args) => store.putIf(...args).then(() => true)),
      /says published but never was served/,
    ],
    [
      'takes a lost answer for a failure',
      failingWhereAnswersAreLost,
      /failed after \d setbacks: the answer was lost/,
    ],
  ])('finds a protocol that %s', async (_, protocol, message) => {
    const { broken } = await simulateMany(protocol, { schedules: 2000, firstSeed: 0, limit: 3 });
    expect(broken).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(message)));
  });
});
