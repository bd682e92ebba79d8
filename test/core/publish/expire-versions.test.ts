import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { EncoreError, isEncoreError } from '../../../layers/core/src/errors.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { activateVersion } from '../../../layers/core/src/publish/activate-version.ts';
import { expireVersions, groupVersions } from '../../../layers/core/src/publish/expire-versions.ts';
import {
  encodePointer,
  POINTER_KEY,
  readPointer,
  versionKey,
} from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion, type Publication } from '../../../layers/core/src/publish/publish.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { makePublication } from './make-publication.ts';

const DAY_MS = 86_400_000;
/** All are made within these minutes. */
const MADE_MS = Date.UTC(2026, 10, 23, 12);
const OLD_MS = MADE_MS + 31 * DAY_MS;

const publications = await Promise.all([1, 2, 3, 4, 5, 6].map((fence) => makePublication(fence)));
const versions = publications.map(({ version }) => version);

let store: ModelStore;
let nowMs: number;
let ports: PublishPorts;
beforeEach(async () => {
  store = createMemoryModelStore();
  nowMs = MADE_MS;
  ports = {
    modelStore: store,
    candidateStore: createMemoryCandidateStore({ clock: () => nowMs }),
    clock: () => nowMs,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  };
});

const publishAll = async (): Promise<void> => {
  for (const publication of publications) await publishVersion(ports, publication);
};
const stored = async (): Promise<readonly string[]> =>
  groupVersions(await store.list('models/')).map(({ version }) => version);
const at = (...indices: readonly number[]): readonly string[] => indices.map((i) => versions[i]!);

const activate = (through: PublishPorts, publication: Publication, fence: number) =>
  activateVersion(through, publication.version, {
    fence,
    pinned: true,
    expiresAtMs: OLD_MS + 60 * DAY_MS,
    load: () => Promise.resolve(),
    erasures: { load: () => Promise.resolve(() => undefined), erase: () => Promise.resolve(0) },
  });

/** Ports of which every call to the model store waits in `parked` for its turn. */
function slow(parked: (() => void)[]): PublishPorts {
  const underlying = store;
  const turn = (): Promise<void> => new Promise((resolve) => parked.push(resolve));
  return {
    ...ports,
    modelStore: {
      get: (...args) => turn().then(() => underlying.get(...args)),
      put: (...args) => turn().then(() => underlying.put(...args)),
      putIf: (...args) => turn().then(() => underlying.putIf(...args)),
      list: (...args) => turn().then(() => underlying.list(...args)),
      delete: (...args) => turn().then(() => underlying.delete(...args)),
    },
  };
}

describe('groupVersions', () => {
  it('lists versions newest first, by time and then by fence, and nothing else under models/', () => {
    const keys = [
      'models/20260101T000000Z-0123456789ab-9/manifest.json',
      'models/20260101T000000Z-0123456789ab-10/candidates/000000.bin',
      'models/20260101T000000Z-0123456789ab-10/manifest.json',
      'models/20260301T000000Z-0123456789ab-2/manifest.json',
      'models/current.json',
      'models/popular.json',
      'models/tuning/full.json',
      'models/20269999T000000Z-0123456789ab-2/manifest.json',
    ];
    expect(groupVersions(keys).map(({ version, keys: group }) => [version, group.length])).toEqual([
      ['20260301T000000Z-0123456789ab-2', 1],
      ['20260101T000000Z-0123456789ab-10', 2],
      ['20260101T000000Z-0123456789ab-9', 1],
    ]);
  });
});

describe('expireVersions', () => {
  it('deletes every file of old versions but the one served, the one before it and the newest two', async () => {
    await publishAll();
    await activate(ports, publications[1]!, 7);
    await activate(ports, publications[0]!, 8);
    nowMs = OLD_MS;
    expect(await expireVersions(ports)).toEqual(at(3, 2));
    expect(await stored()).toEqual(at(5, 4, 1, 0));
    expect(await store.list('models/')).toContain(POINTER_KEY);
    for (const i of [0, 1, 4, 5]) {
      for (const path of publications[i]!.files.keys()) {
        expect(await store.get(versionKey(versions[i]!, path))).toBeDefined();
      }
    }
  });

  it('keeps what is 30 days old or younger', async () => {
    await publishAll();
    nowMs = MADE_MS + 1000 + 30 * DAY_MS;
    expect(await expireVersions(ports)).toEqual([]);
    nowMs += 1;
    expect(await expireVersions(ports)).toEqual(at(0));
  });

  it('deletes what a publication that died long ago left behind, and does not count it among the newest', async () => {
    await publishAll();
    const orphan = await makePublication(7);
    await store.put(versionKey(orphan.version, 'model.safetensors'), Uint8Array.of(1));
    nowMs = OLD_MS;
    expect(await expireVersions(ports)).toEqual([orphan.version, ...at(3, 2, 1, 0)]);
    expect(await stored()).toEqual(at(5, 4));
  });

  it('deletes nothing before a version is served, nor where the pointer cannot be read', async () => {
    await publishAll();
    nowMs = OLD_MS;
    await store.put(POINTER_KEY, Uint8Array.of(1));
    await expect(expireVersions(ports)).rejects.toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
    await store.delete([POINTER_KEY]);
    expect(await expireVersions(ports)).toEqual([]);
    expect(await stored()).toHaveLength(6);
  });

  it('leaves a version for a day that somebody has set out to activate', async () => {
    await publishAll();
    nowMs = OLD_MS;
    // Superseded: it stays where it was, but who asked may ask again.
    expect((await activate(ports, publications[0]!, 1)).outcome).toBe('superseded');
    expect(await expireVersions(ports)).toEqual(at(3, 2, 1));
    nowMs += DAY_MS;
    expect(await expireVersions(ports)).toEqual(at(0));
  });

  it('goes on where a run died, and nobody can activate the version meanwhile', async () => {
    await publishAll();
    nowMs = OLD_MS;
    let nDeletes = 0;
    const dying: PublishPorts = {
      ...ports,
      modelStore: {
        ...store,
        delete: (keys) =>
          ++nDeletes === 2 ? Promise.reject(new EncoreError('INVALID_OPTION', 'killed')) : store.delete(keys),
      },
    };
    await expect(expireVersions(dying)).rejects.toThrow('killed');
    const left = publications[3]!;
    expect(await store.list(versionKey(left.version, ''))).not.toEqual([]);
    // Even with a manifest again.
    await store.put(versionKey(left.version, 'manifest.json'), left.files.get('manifest.json')!);
    await expect(activate(ports, left, 9)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(await expireVersions(ports)).toEqual(at(3, 2, 1, 0));
  });

  it('never takes files from under a version that is activated meanwhile, however the two interleave', async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < 300; seed++) {
      const rng = createRng(seed);
      store = createMemoryModelStore();
      nowMs = MADE_MS;
      ports = { ...ports, modelStore: store };
      await publishAll();
      nowMs = OLD_MS;
      const parked: (() => void)[] = [];
      const left = new Set(['activation', 'expiry']);
      const activating = activate(slow(parked), publications[3]!, 9)
        .then(
          ({ outcome }) => outcome,
          (error: unknown) => (isEncoreError(error) ? error.code : String(error)),
        )
        .finally(() => left.delete('activation'));
      const expiring = expireVersions(slow(parked)).finally(() => left.delete('expiry'));
      while (left.size > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        if (parked.length > 0) parked.splice(rng.integer(parked.length), 1)[0]!();
      }
      const outcome = await activating;
      const deleted = (await expiring).includes(versions[3]!);
      outcomes.set(`${outcome} ${deleted}`, (outcomes.get(`${outcome} ${deleted}`) ?? 0) + 1);
      const { version } = (await readPointer(store))!.pointer;
      const publication = publications.find((one) => one.version === version)!;
      expect(version === versions[3]).toBe(outcome === 'activated');
      for (const path of publication.files.keys()) {
        expect([seed, path, await store.get(versionKey(version, path))]).not.toContain(undefined);
      }
    }
    expect([...outcomes.keys()].toSorted()).toEqual(['NOT_FOUND true', 'activated false']);
    for (const n of outcomes.values()) expect(n).toBeGreaterThan(20);
  });

  it('does not mistake a pointer to a version it does not know for leave to delete all', async () => {
    await publishAll();
    await store.put(
      POINTER_KEY,
      encodePointer({ version: 'elsewhere', previous: null, fence: 9, pinned: false }),
    );
    nowMs = OLD_MS;
    await expireVersions(ports);
    expect(await stored()).toEqual(at(5, 4));
  });
});
