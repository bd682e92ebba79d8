import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { METRICS } from '../../../functions/shared/metrics.ts';
import {
  decodeCandidateShard,
  encodeCandidateShards,
} from '../../../layers/core/src/artifact/candidates-file.ts';
import { gunzip, gzip } from '../../../layers/core/src/artifact/gzip.ts';
import { decodeManifest, describeFiles } from '../../../layers/core/src/artifact/manifest.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../layers/core/src/artifact/safetensors.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { readStored } from './stored-versions.ts';
import { administer, serveFrom } from './stored-world.ts';

/** A version beside the stored one, published later. */
const NEWER = '20261126T130000Z-12316c2948d9-2';
/** A listener of the stored version. */
const LISTENER = '7';
/** A training that takes a moment. */
const QUICK = { preset: 'seed', options: { svdFactors: 3, svdEpochs: 5, maxFeatures: 25 } } as const;

type Json = Readonly<Record<string, unknown>>;
type Change = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

const inJson =
  (fields: Json): Change =>
  (bytes) => {
    const value: Json = JSON.parse(new TextDecoder().decode(bytes));
    return new TextEncoder().encode(JSON.stringify({ ...value, ...fields }));
  };

const inCatalogue =
  (fields: Json): Change =>
  async (bytes) =>
    gzip(await inJson(fields)(await gunzip(bytes)));

const inMetadata =
  (fields: Readonly<Record<string, string>>): Change =>
  (bytes) => {
    const { tensors, metadata } = decodeSafetensors(bytes);
    return encodeSafetensors([...tensors.values()], { ...metadata, ...fields });
  };

const withByte =
  (at: number, value: number): Change =>
  (bytes) =>
    bytes.with(at, value);

const inRecords =
  (change: Change): Change =>
  async (bytes) => {
    const entries = await Promise.all(
      decodeCandidateShard(bytes).map(async ({ userId, record }) => ({
        userId,
        record: await change(record),
      })),
    );
    return [...encodeCandidateShards(entries).values()][0]!;
  };

const upTo = (newest: number): string =>
  `at most ${newest}: a newer Encore wrote it, update the code that reads it`;

/** One file of a version in a newer format, and what is said of it. */
interface Case {
  readonly what: string;
  readonly path: string;
  readonly change: Change;
  readonly message: string;
}

/** What a request for the model meets. */
const OF_THE_MODEL: readonly Case[] = [
  {
    what: 'manifest',
    path: 'manifest.json',
    change: inJson({ schemaVersion: 2 }),
    message: `manifest field schemaVersion: found 2, expected ${upTo(1)}`,
  },
  {
    what: 'model file',
    path: 'model.safetensors',
    change: inMetadata({ format: '2' }),
    message: `model.safetensors field format: found 2, expected ${upTo(1)}`,
  },
  {
    what: 'catalogue',
    path: 'catalog.json.gz',
    change: inCatalogue({ format: 2 }),
    message: `catalog field format: found 2, expected ${upTo(1)}`,
  },
];

const OF_CANDIDATES: readonly Case[] = [
  {
    what: 'candidate record',
    path: 'candidates/000000.bin',
    change: inRecords(withByte(2, 3)),
    message: `candidate record: format version is 3; expected: ${upTo(2)}`,
  },
  {
    what: 'candidates file',
    path: 'candidates/000000.bin',
    change: withByte(3, 2),
    message: `candidates file: found format version 2, expected ${upTo(1)}`,
  },
];

const STATE: Case = {
  what: 'state',
  path: 'state.json',
  change: inJson({ format: 2 }),
  message: `models/${NEWER}/state.json field format: found 2, expected ${upTo(1)}`,
};

/** Files that say the format which those without a number are of. */
const EXPLICIT: readonly Pick<Case, 'what' | 'path' | 'change'>[] = [
  { what: 'model file', path: 'model.safetensors', change: inMetadata({ format: '1' }) },
  { what: 'catalogue', path: 'catalog.json.gz', change: inCatalogue({ format: 1 }) },
  { what: 'state', path: 'state.json', change: inJson({ format: 1 }) },
];

let store: ModelStore;
let version: string;
beforeEach(async () => {
  ({ modelStore: store, version } = await readStored('1'));
});

async function rewrite(key: string, change: Change): Promise<void> {
  await store.put(key, await change((await store.get(key))!.body));
}

/** Publishes the stored version again under another name, one file of it changed, its manifest in keeping. */
async function addNewer({ path, change }: Pick<Case, 'path' | 'change'>): Promise<void> {
  for (const key of await store.list(`models/${version}/`)) {
    await store.put(key.replace(version, NEWER), (await store.get(key))!.body);
  }
  const [key, manifestKey] = [`models/${NEWER}/${path}`, `models/${NEWER}/manifest.json`];
  const manifest = decodeManifest((await store.get(manifestKey))!.body);
  await store.put(manifestKey, await inJson({ modelVersion: NEWER })((await store.get(manifestKey))!.body));
  await rewrite(key, change);
  const { body } = (await store.get(key))!;
  const described = manifest.files[path];
  if (described === undefined) return;
  const longer = path === 'model.safetensors' ? body.length - described.bytes : 0;
  await rewrite(
    manifestKey,
    inJson({
      files: { ...manifest.files, ...(await describeFiles(new Map([[path, body]]))) },
      servingBytes: manifest.servingBytes + longer,
    }),
  );
}

const pointToNewer = (): Promise<void> =>
  rewrite('models/current.json', inJson({ version: NEWER, previous: version, fence: 2 }));

/** A process that has served the stored version; `later` is when it looks at the pointer again. */
async function warm() {
  const serving = serveFrom(store);
  await serving.preload();
  expect(await serving.list(LISTENER)).toMatchObject({ policy: 'personal', modelVersion: version });
  return {
    ...serving,
    later: async () => {
      vi.setSystemTime(Date.now() + 60_000);
      await serving.list(LISTENER);
      await vi.waitFor(() => expect(serving.failures).not.toEqual([]), { timeout: 10_000 });
      return serving.list(LISTENER);
    },
  };
}

describe('serving', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(OF_THE_MODEL)(
    'keeps the last model where the $what of the next is of a newer format',
    async (newer) => {
      const { later, failures } = await warm();
      await addNewer(newer);
      await pointToNewer();
      expect(await later()).toMatchObject({ policy: 'personal', modelVersion: version });
      expect(failures[0]).toContain(newer.message);
    },
  );

  it('keeps the last model where the pointer is of a newer format', async () => {
    const { later, failures } = await warm();
    await addNewer({ path: 'state.json', change: (bytes) => bytes });
    await pointToNewer();
    await rewrite('models/current.json', inJson({ format: 2 }));
    expect(await later()).toMatchObject({ policy: 'personal', modelVersion: version });
    expect(failures[0]).toContain(`models/current.json field format: found 2, expected ${upTo(1)}`);
  });

  it('answers the popular list where it has never had a model that it can read', async () => {
    await rewrite(`models/${version}/manifest.json`, inJson({ schemaVersion: 2 }));
    const serving = serveFrom(store);
    await serving.preload();
    expect(await serving.list(LISTENER)).toMatchObject({ policy: 'popular', modelVersion: version });
  });

  it('answers no list where the popular list is of a newer format as well', async () => {
    await rewrite(`models/${version}/manifest.json`, inJson({ schemaVersion: 2 }));
    await rewrite('models/popular.json', inJson({ format: 2 }));
    const serving = serveFrom(store);
    await serving.preload();
    expect(await serving.list(LISTENER)).toMatchObject({ policy: 'none', recommendations: [] });
    const message = `models/popular.json field format: found 2, expected ${upTo(1)}`;
    expect(serving.failures).toContainEqual(expect.stringContaining(message));
  });

  it('answers the popular list where a record is of a newer format, and counts it', async () => {
    await addNewer(OF_CANDIDATES[0]!);
    await pointToNewer();
    const serving = serveFrom(store);
    await serving.preload();
    expect(await serving.list(LISTENER)).toMatchObject({ policy: 'popular', modelVersion: NEWER });
    expect(serving.counted).toContain(METRICS.personalListFailed);
  });
});

describe('activation', () => {
  it.each([...OF_THE_MODEL, ...OF_CANDIDATES, STATE])(
    'answers 409 and moves nothing where the $what is of a newer format',
    async (newer) => {
      await addNewer(newer);
      const before = await store.get('models/current.json');
      const { status, body } = await (await administer(store)).activate(NEWER);
      expect({ status, body }).toEqual({
        status: 409,
        body: expect.objectContaining({ detail: expect.stringContaining(newer.message) }),
      });
      expect(await store.get('models/current.json')).toEqual(before);
    },
  );

  it('answers 409 and leaves the pointer where that is of a newer format', async () => {
    await rewrite('models/current.json', inJson({ format: 2 }));
    const before = await store.get('models/current.json');
    expect((await (await administer(store)).activate(version)).status).toBe(409);
    expect(await store.get('models/current.json')).toEqual(before);
  });

  it('goes back from a version whose manifest is of a newer format, which is listed with the reason', async () => {
    const newer = OF_THE_MODEL[0]!;
    await addNewer(newer);
    await pointToNewer();
    const { list, activate } = await administer(store);
    expect((await list()).body.versions).toEqual([
      expect.objectContaining({ version: NEWER, current: true, readable: false, reason: newer.message }),
      expect.objectContaining({ version, current: false, readable: true }),
    ]);
    expect(await activate(version)).toMatchObject({ status: 200, body: { version, pinned: true } });
    expect((await list()).body.pointer).toMatchObject({ version, previous: NEWER, pinned: true });
  });

  it.each(EXPLICIT)('serves a version whose $what says format 1', async (explicit) => {
    await addNewer(explicit);
    expect(await (await administer(store)).activate(NEWER)).toMatchObject({
      status: 200,
      body: { version: NEWER },
    });
    const serving = serveFrom(store);
    await serving.preload();
    expect(await serving.list(LISTENER)).toMatchObject({ policy: 'personal', modelVersion: NEWER });
  });
});

describe('a training', () => {
  it.each([...OF_THE_MODEL, ...OF_CANDIDATES, STATE])(
    'goes on where the $what of the version served is of a newer format',
    async (newer) => {
      await addNewer(newer);
      await pointToNewer();
      const { train } = await administer(store);
      expect(await train(QUICK)).toMatchObject({ outcome: 'published' });
    },
  );

  it('writes a popular list over one of a newer format', async () => {
    await rewrite('models/popular.json', inJson({ format: 2 }));
    const { modelVersion } = await (await administer(store)).train(QUICK);
    const popular = JSON.parse(new TextDecoder().decode((await store.get('models/popular.json'))!.body));
    expect(popular).toMatchObject({ modelVersion });
    expect(popular).not.toHaveProperty('format');
  });

  it('fails before it trains where the pointer is of a newer format, and leaves it as it is', async () => {
    await rewrite('models/current.json', inJson({ format: 2 }));
    const before = await store.get('models/current.json');
    const { train, steps } = await administer(store);
    await expect(train(QUICK)).rejects.toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: `models/current.json field format: found 2, expected ${upTo(1)}`,
      }),
    );
    expect(steps).toEqual(['read']);
    expect(await store.get('models/current.json')).toEqual(before);
  });
});
