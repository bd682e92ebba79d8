import { beforeEach, describe, expect, it } from 'vitest';
import { createModelsHandler, type ModelsDeps } from '../../../functions/models/handler.ts';
import {
  createMemoryCandidateStore,
  createMemoryLeaseStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import type { HttpHandler } from '../../../functions/shared/http.ts';
import { RECOMMENDATIONS_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { listenersInCsv } from '../../../layers/core/src/artifact/recommendations-csv.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { POINTER_KEY, readPointer, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion, type Publication } from '../../../layers/core/src/publish/publish.ts';
import { makePublication } from '../../core/publish/make-publication.ts';
import { callRoute, type Called } from '../call-route.ts';
import { recordingObservability } from '../recording-observability.ts';

const NOW_MS = Date.UTC(2026, 10, 24);
const ACTIVATE = 'POST /models/{version}/activate';

let store: ModelStore;
let leases: ReturnType<typeof createMemoryLeaseStore>;
let deps: ModelsDeps;
let handler: HttpHandler;
let logged: readonly unknown[];
beforeEach(() => {
  store = createMemoryModelStore();
  leases = createMemoryLeaseStore();
  const { observability, logged: lines } = recordingObservability();
  logged = lines;
  deps = {
    publishing: {
      modelStore: store,
      candidateStore: createMemoryCandidateStore({ clock: () => NOW_MS }),
      clock: () => NOW_MS,
      sleep: () => Promise.resolve(),
      random: () => 0,
    },
    fences: leases,
    erasures: { load: () => Promise.resolve(() => undefined), erase: () => Promise.resolve(0) },
    load: () => Promise.resolve(),
    observability,
  };
  handler = createModelsHandler(deps);
});

/** Publishes as a training does, each with the fence of the lease. */
async function train(options: { readonly hasLists?: boolean } = {}): Promise<Publication> {
  const { fence } = (await leases.acquire('training', NOW_MS, 1000))!;
  const publication = await makePublication(fence, options);
  await publishVersion(deps.publishing, publication);
  await leases.release('training');
  return publication;
}

const activate = (version: string, body?: unknown): Promise<Called> =>
  callRoute(handler, ACTIVATE, { params: { version }, ...(body === undefined ? {} : { body }) });
const list = (query: Record<string, string> = {}): Promise<Called> =>
  callRoute(handler, 'GET /models', { query });
const versionsOf = ({ body }: Called): readonly string[] => body.versions.map(({ version }) => version);
const users = (query: Record<string, string> = {}): Promise<Called> =>
  callRoute(handler, 'GET /users', { query });
const idsOf = ({ body }: Called): readonly string[] => body.users.map(({ userId }) => userId);
const report = (headers: Record<string, string> = {}): Promise<Called> =>
  callRoute(handler, 'GET /models/current/report', { headers });
const pointer = async () => (await readPointer(store))?.pointer;
const withStore = (change: Partial<ModelStore>): HttpHandler =>
  createModelsHandler({
    ...deps,
    publishing: { ...deps.publishing, modelStore: { ...store, ...change } },
  });
const unavailable = (): Promise<never> => Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'no answer'));

describe('GET /users', () => {
  it('answers 404 before anything is published', async () => {
    expect(await users()).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it('lists listeners of the version served, from wherever is asked for', async () => {
    const { version, files } = await train({ hasLists: true });
    const all = listenersInCsv(files.get(RECOMMENDATIONS_FILE)!);
    expect(await users({ n: '3' })).toMatchObject({ status: 200, body: { version, total: all.length } });
    expect(idsOf(await users({ n: '3' }))).toEqual(all.slice(0, 3));
    expect(idsOf(await users({ n: '1', at: '1' }))).toHaveLength(1);
  });

  it('knows how many there are, and lists none, where a version has no lists', async () => {
    await train();
    expect(await users()).toMatchObject({ status: 200, body: { total: 5, users: [] } });
  });

  it('leaves out who was erased since', async () => {
    const { files } = await train({ hasLists: true });
    const [first, second] = listenersInCsv(files.get(RECOMMENDATIONS_FILE)!);
    handler = createModelsHandler({
      ...deps,
      erasures: {
        ...deps.erasures,
        load: () => Promise.resolve((id) => (id === first ? NOW_MS : undefined)),
      },
    });
    expect(idsOf(await users({ n: '1' }))).toEqual([second]);
  });

  it.each([{ n: '0' }, { n: '51' }, { at: '1.1' }, { at: 'x' }])('refuses %j', async (query) => {
    expect(await users(query)).toMatchObject({ status: 400, body: { field: Object.keys(query)[0] } });
  });

  it('answers 503 where the store does not answer', async () => {
    await train();
    expect(await callRoute(withStore({ get: unavailable }), 'GET /users')).toMatchObject({ status: 503 });
  });
});

describe('GET /models', () => {
  it('answers an empty list before anything is published', async () => {
    expect(await list()).toMatchObject({ status: 200, body: { pointer: null, total: 0, versions: [] } });
  });

  it('has an entity tag that changes with what is served', async () => {
    const [first] = [await train(), await train()];
    const { headers: before } = await list();
    expect((await list()).headers['etag']).toBe(before['etag']);
    await activate(first.version);
    expect((await list()).headers['etag']).not.toBe(before['etag']);
  });

  it('lists versions newest first, with what their manifests say and which is served', async () => {
    const [first, second] = [await train(), await train()];
    await activate(first.version);
    const { body } = await list();
    expect(body.pointer).toEqual({
      version: first.version,
      previous: second.version,
      fence: 3,
      pinned: true,
    });
    expect(body.total).toBe(2);
    expect(body.versions).toEqual([
      {
        version: second.version,
        createdAt: '2026-11-23T12:00:02.000Z',
        current: false,
        pinned: false,
        readable: true,
        preset: 'full',
        effort: null,
        codeVersion: '0.1.0',
        metrics: { 'ndcg@20': 0.3 },
        counts: { users: 5 },
      },
      expect.objectContaining({ version: first.version, current: true, pinned: true }),
    ]);
  });

  it('reads no more manifests than it lists, the newest', async () => {
    const trained: string[] = [];
    for (let i = 0; i < 25; i++) trained.push((await train()).version);
    const reads: string[] = [];
    handler = withStore({
      get: (key) => {
        reads.push(key);
        return store.get(key);
      },
    });
    expect(versionsOf(await list({ n: '3' }))).toEqual(trained.toReversed().slice(0, 3));
    expect(reads.filter((key) => key !== POINTER_KEY)).toHaveLength(3);
    const answer = await list();
    expect(versionsOf(answer)).toEqual(trained.toReversed().slice(0, 20));
    expect(answer.body.total).toBe(25);
    expect(versionsOf(await list({ n: '100' }))).toEqual(trained.toReversed());
  });

  it('leaves out versions without a manifest, and lists one that is damaged with the reason', async () => {
    const [first, second] = [await train(), await train()];
    const half = await makePublication(9);
    await store.put(versionKey(half.version, 'model.safetensors'), Uint8Array.of(1));
    await store.put(
      versionKey(first.version, 'manifest.json'),
      new TextEncoder().encode('{"schemaVersion":9}'),
    );
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body.versions).toEqual([
      expect.objectContaining({ version: second.version, readable: true }),
      {
        version: first.version,
        createdAt: '2026-11-23T12:00:01.000Z',
        current: false,
        pinned: false,
        readable: false,
        reason: expect.stringContaining('a newer Encore wrote it'),
      },
    ]);
  });

  it.each(['0', '101', '1.5', 'x', ''])('refuses n=%s', async (n) => {
    expect(await list({ n })).toMatchObject({
      status: 400,
      body: { field: 'n', detail: expect.stringContaining('allowed is an integer from 1 to 100') },
    });
  });

  it('answers 503 where the store does not answer, and 409 where the pointer is no pointer', async () => {
    await train();
    handler = withStore({ list: unavailable });
    const down = await list();
    expect(down).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    handler = createModelsHandler(deps);
    await store.put(POINTER_KEY, Uint8Array.of(1));
    expect(await list()).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT', detail: expect.stringContaining('models/current.json') },
    });
  });
});

describe('POST /models/{version}/activate', () => {
  it('serves the version and pins it without a body; the next training is held back', async () => {
    const [first] = [await train(), await train()];
    expect(await activate(first.version)).toMatchObject({
      status: 200,
      body: { version: first.version, pinned: true, candidatesWritten: 0 },
    });
    expect(await pointer()).toMatchObject({ version: first.version, pinned: true });
    await train();
    expect(await pointer()).toMatchObject({ version: first.version, pinned: true });
  });

  it('unpins the version that is served with pinned false; the next training is served', async () => {
    const [first] = [await train(), await train()];
    await activate(first.version);
    expect(await activate(first.version, { pinned: false })).toMatchObject({
      status: 200,
      body: { version: first.version, pinned: false, candidatesWritten: 0 },
    });
    expect(await pointer()).toMatchObject({ version: first.version, pinned: false });
    const next = await train();
    expect(await pointer()).toMatchObject({ version: next.version });
  });

  it('unpins a served version that could not be activated any more', async () => {
    const only = await train();
    await activate(only.version);
    await store.delete([versionKey(only.version, 'model.safetensors')]);
    expect((await activate(only.version)).status).toBe(409);
    expect((await activate(only.version, { pinned: false })).status).toBe(200);
    expect(await pointer()).toMatchObject({ version: only.version, pinned: false });
  });

  it('serves another version without pinning it', async () => {
    const [first] = [await train(), await train()];
    expect((await activate(first.version, { pinned: false })).status).toBe(200);
    expect(await pointer()).toMatchObject({ version: first.version, pinned: false });
  });

  it('is safe to repeat', async () => {
    const [first, second] = [await train(), await train()];
    for (let i = 0; i < 3; i++) expect((await activate(first.version)).status).toBe(200);
    expect(await pointer()).toEqual({
      version: first.version,
      previous: second.version,
      fence: 3,
      pinned: true,
    });
  });

  it('does not wait for a training, which keeps its lease and is superseded', async () => {
    const [first] = [await train(), await train()];
    const lease = (await leases.acquire('training', NOW_MS, 60_000))!;
    expect((await activate(first.version)).status).toBe(200);
    expect(await leases.acquire('another', NOW_MS, 60_000)).toBeUndefined();
    expect(await publishVersion(deps.publishing, await makePublication(lease.fence))).toBe('superseded');
  });

  it.each(['20260101T000000Z-0123456789ab-7', 'current.json', '../../keys', 'x'])(
    'answers 404 for %j, which is no published version',
    async (version) => {
      await train();
      const before = await store.list('');
      expect(await activate(version)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      expect(await store.list('')).toEqual(before);
    },
  );

  it('answers 409 for a damaged version, says what is wrong, and leaves the pointer', async () => {
    const [first, second] = [await train(), await train()];
    await store.put(versionKey(first.version, 'catalog.json.gz'), Uint8Array.of(1));
    expect(await activate(first.version)).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT', detail: expect.stringContaining('has a file catalog.json.gz of 1 bytes') },
    });
    expect(await pointer()).toMatchObject({ version: second.version });
  });

  it('answers 409 where somebody with a greater fence was faster', async () => {
    const [first] = [await train(), await train()];
    handler = createModelsHandler({ ...deps, fences: { issueFence: () => Promise.resolve(2) } });
    expect(await activate(first.version)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
  });

  it.each<[string, () => HttpHandler]>([
    ['the leases', () => createModelsHandler({ ...deps, fences: { issueFence: unavailable } })],
    ['the models', () => withStore({ get: unavailable })],
    ['the listing of models', () => withStore({ list: unavailable })],
    ['the writing of models', () => withStore({ putIf: unavailable })],
  ])('answers 503 where %s cannot be reached', async (_, makeHandler) => {
    const [first] = [await train(), await train()];
    handler = makeHandler();
    expect(await activate(first.version)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'STORE_UNAVAILABLE' },
    });
    expect(logged).toHaveLength(1);
  });

  it('answers 503 when time runs out, with the pointer where it was', async () => {
    const [first, second] = [await train(), await train()];
    let nowMs = NOW_MS;
    handler = createModelsHandler({
      ...deps,
      publishing: { ...deps.publishing, clock: () => nowMs },
      load: async () => {
        nowMs += 60_000;
      },
    });
    expect((await activate(first.version)).status).toBe(503);
    expect(await pointer()).toMatchObject({ version: second.version });
  });

  it.each([
    ['[]', 'body'],
    ['{"pinned":"yes"}', 'pinned'],
    ['{"pin":true}', 'pin'],
    ['{', 'body'],
    ['null', 'body'],
  ])('refuses the body %s', async (body, field) => {
    const [first, second] = [await train(), await train()];
    expect(await activate(first.version, body)).toMatchObject({ status: 400, body: { field } });
    expect(await pointer()).toMatchObject({ version: second.version });
  });
});

describe('GET /models/current/report', () => {
  it('answers what made the version served, under the version as its tag', async () => {
    const [first, second] = [await train(), await train()];
    const answer = await report();
    expect(answer).toMatchObject({ status: 200, headers: { etag: `"${second.version}"` } });
    expect(answer.body).toEqual({
      version: second.version,
      createdAt: '2026-11-23T12:00:02.000Z',
      codeVersion: '0.1.0',
      inputFingerprint: '2'.padStart(64, 'a'),
      preset: 'full',
      effort: null,
      tuning: null,
      listeners: 5,
      report: { fence: 2, timings: { train: 12.5 } },
    });
    expect(await report({ 'if-none-match': `"${second.version}"` })).toMatchObject({
      status: 304,
      body: null,
    });
    await activate(first.version);
    expect(await report({ 'if-none-match': `"${second.version}"` })).toMatchObject({
      status: 200,
      body: { version: first.version },
    });
  });

  it('answers 404 before anything is published', async () => {
    expect(await report()).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it('answers without a report where the version has none, and 409 where it is damaged', async () => {
    const { version } = await train();
    await store.put(versionKey(version, 'report.json'), new TextEncoder().encode('[]'));
    expect((await report()).status).toBe(409);
    await store.delete([versionKey(version, 'report.json')]);
    expect(await report()).toMatchObject({ status: 200, body: { report: null } });
    await store.delete([versionKey(version, 'manifest.json')]);
    expect((await report()).status).toBe(409);
  });
});
