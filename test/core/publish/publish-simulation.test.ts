import { describe, expect, it } from 'vitest';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { encodePointer, POINTER_KEY } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion } from '../../../layers/core/src/publish/publish.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { makePublication } from './make-publication.ts';
import { simulate } from './simulate.ts';

const SCHEDULES = 2000;

const publications = await Promise.all(
  [10, 20, 30, 40].map((fence) =>
    // What the first keeps in the candidate store is about to expire by the simulation's clock.
    makePublication(fence, fence === 10 ? { expiresAtMs: 86_400_000 } : {}),
  ),
);

/** The schedules in which a publisher breaks an invariant, at most `limit` of them. */
async function broken(
  publish: typeof publishVersion,
  schedules: number,
  limit: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let seed = 0; seed < schedules && found.length < limit; seed++) {
    const { violations } = await simulate(seed, publications, publish);
    if (violations.length > 0) found.push(`schedule ${seed}: ${violations[0]}`);
  }
  return found;
}

const withModelStore = (
  ports: PublishPorts,
  change: (store: ModelStore) => Partial<ModelStore>,
): PublishPorts => ({
  ...ports,
  modelStore: { ...ports.modelStore, ...change(ports.modelStore) },
});

describe('publishVersion among rivals, crashes, lost answers and readers', () => {
  it(`keeps readers on whole versions and fences growing in ${SCHEDULES} schedules`, async () => {
    const total = new Map<string, number>();
    const found: string[] = [];
    for (let seed = 0; seed < SCHEDULES; seed++) {
      const { violations, counts } = await simulate(seed, publications, publishVersion);
      if (violations.length > 0) found.push(`schedule ${seed}: ${violations.join('; ')}`);
      for (const [what, n] of counts) total.set(what, (total.get(what) ?? 0) + n);
    }
    expect(found).toEqual([]);
    // The schedules reached what they are meant to reach.
    for (const what of [
      'published',
      'superseded',
      'pinned',
      'deadline',
      'activated',
      'rewritten and activated',
      'unpin unpinned',
      'crash before',
      'crash after',
      'lost request',
      'lost answer',
      'late request',
    ]) {
      expect([what, (total.get(what) ?? 0) >= 20]).toEqual([what, true]);
    }
    expect(total.get('read')).toBeGreaterThan(3 * SCHEDULES);
  });
});

/** To this publisher every pointer looks as if fence 0 had moved it. */
const ignoringFences: typeof publishVersion = (ports, publication) =>
  publishVersion(
    withModelStore(ports, (store) => ({
      get: async (key) => {
        const object = await store.get(key);
        if (key !== POINTER_KEY || object === undefined) return object;
        const body = encodePointer({ ...JSON.parse(new TextDecoder().decode(object.body)), fence: 0 });
        return { ...object, body };
      },
    })),
    publication,
  );

const movingUnconditionally: typeof publishVersion = (ports, publication) =>
  publishVersion(
    withModelStore(ports, (store) => ({
      putIf: (key, body, etag) =>
        key === POINTER_KEY ? store.put(key, body).then(() => true) : store.putIf(key, body, etag),
    })),
    publication,
  );

const movingFirst: typeof publishVersion = async (ports, publication) => {
  const { version, fence } = publication;
  const pointer = encodePointer({ version, previous: null, fence, pinned: false });
  await ports.modelStore.putIf(POINTER_KEY, pointer, null).catch(() => false);
  return publishVersion(ports, publication);
};

const skippingCandidates: typeof publishVersion = (ports, publication) =>
  publishVersion(
    {
      ...ports,
      candidateStore: {
        write: async (_, records) => records.length,
        // Whatever is read back looks right.
        read: async (userId) => publication.candidates.find((entry) => entry.userId === userId)?.record,
      },
    },
    publication,
  );

describe('the simulation', () => {
  it.each<[string, typeof publishVersion, RegExp]>([
    ['does not compare fences', ignoringFences, /fence \d+ of \S+ was followed by/],
    ['moves the pointer without a condition', movingUnconditionally, /fence \d+ of \S+ was followed by/],
    ['moves the pointer first', movingFirst, /a reader of \S+ found no/],
    ['writes no candidates', skippingCandidates, /a reader of \S+ found no candidates/],
  ])('finds a publisher that %s', async (_, publish, message) => {
    const found = await broken(publish, SCHEDULES, 3);
    expect(found).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(message)));
  });
});
