import { beforeEach, describe, expect, it } from 'vitest';
import { METRICS } from '../../../functions/shared/metrics.ts';
import { createMemoryModelStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { servedParameters } from '../../../functions/train/gate.ts';
import { readableManifest } from '../../../functions/train/saved-parts.ts';
import {
  decodeRecommendationsCsv,
  type RecommendationRow,
} from '../../../layers/core/src/artifact/recommendations-csv.ts';
import { resolveOptions } from '../../../layers/core/src/options.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { readPointer } from '../../../layers/core/src/publish/pointer.ts';
import { readVersionState } from '../../../layers/core/src/publish/version-state.ts';
import { VERSION_EVENT, VERSION_SAMPLE } from '../../fixtures/versions/seed.ts';
import { readStored, STORED, type StoredVersion } from './stored-versions.ts';
import { administer, serveFrom, trainingPorts, type AnsweredList } from './stored-world.ts';

/** Other parameters than those of the stored version. */
const CHANGED = { ...VERSION_EVENT.options, svdEpochs: 6 };

const rowsOf = (userId: string, { recommendations }: AnsweredList): readonly RecommendationRow[] =>
  recommendations.map(({ artistId, rank, score }) => ({ userId, artistId, rank, score }));

const bytesOf = async (store: ModelStore, key: string): Promise<Uint8Array> => (await store.get(key))!.body;

const textOf = async (store: ModelStore, key: string): Promise<string> =>
  new TextDecoder().decode(await bytesOf(store, key));

it('there is a stored version to read', () => {
  expect(STORED).toContain('1');
});

describe.each(STORED)('stored version %s', (name) => {
  let stored: StoredVersion;
  let rows: readonly RecommendationRow[];
  let listeners: readonly string[];
  beforeEach(async () => {
    stored = await readStored(name);
    const csv = await bytesOf(stored.modelStore, `models/${stored.version}/recommendations.csv`);
    rows = decodeRecommendationsCsv(csv);
    listeners = [...new Set(rows.map(({ userId }) => userId))];
  });

  it('serves every listener the list that its recommendations.csv says', async () => {
    const serving = serveFrom(stored.modelStore);
    await serving.preload();
    const served: RecommendationRow[] = [];
    for (const userId of listeners) {
      const list = await serving.list(userId);
      expect(list).toMatchObject({ policy: 'personal', modelVersion: stored.version });
      served.push(...rowsOf(userId, list));
    }
    expect(listeners).toHaveLength(VERSION_SAMPLE.nUsers!);
    expect(served).toEqual(rows);
    expect(serving.failures).toEqual([]);
  });

  it('folds somebody new in as its own code did', async () => {
    const serving = serveFrom(stored.modelStore);
    await serving.preload();
    const list = await serving.foldIn(stored.foldIn.artists);
    expect(list.policy).toBe('fold-in');
    expect(rowsOf('', list)).toEqual(rowsOf('', stored.foldIn.list));
  });

  it('answers its popular list where its model is gone', async () => {
    const popular = JSON.parse(await textOf(stored.modelStore, 'models/popular.json'));
    await stored.modelStore.delete([`models/${stored.version}/manifest.json`]);
    const serving = serveFrom(stored.modelStore);
    await serving.preload();
    const list = await serving.list(listeners[0]!);
    expect(list).toMatchObject({ policy: 'popular', modelVersion: stored.version });
    expect(list.recommendations).toEqual(popular.recommendations.slice(0, 20));
    expect(serving.counted).toContain(METRICS.modelMissing);
  });

  it('is listed as readable and served, with its report', async () => {
    const { list, report } = await administer(stored.modelStore);
    const listed = await list();
    expect(listed.status).toBe(200);
    expect(listed.body).toMatchObject({ total: 1, pointer: { version: stored.version, fence: 1 } });
    expect(listed.body.versions).toEqual([
      expect.objectContaining({ version: stored.version, current: true, readable: true, effort: 'low' }),
    ]);
    const { counts } = JSON.parse(await textOf(stored.modelStore, `models/${stored.version}/report.json`));
    expect((await report()).body).toMatchObject({ version: stored.version, report: { counts } });
  });

  it('is gone back to after a training has published a newer one, and serves its own lists', async () => {
    const { modelStore, version } = stored;
    const { activate, train, candidateStore } = await administer(modelStore);
    const { modelVersion, outcome } = await train({ options: CHANGED });
    expect(outcome).toBe('published');
    expect((await readPointer(modelStore))!.pointer).toMatchObject({
      version: modelVersion,
      previous: version,
    });
    const { status, body } = await activate(version);
    // The candidates were never in this store: they are written from the version's own files.
    expect({ status, body }).toEqual({
      status: 200,
      body: { version, pinned: true, candidatesWritten: listeners.length },
    });
    expect((await readPointer(modelStore))!.pointer).toMatchObject({ version, pinned: true });
    const serving = serveFrom(modelStore, candidateStore);
    await serving.preload();
    const userId = listeners[3]!;
    const own = rows.filter((row) => row.userId === userId);
    expect(rowsOf(userId, await serving.list(userId))).toEqual(own);
  });

  it('is what the gate measures new parameters against', async () => {
    const saved = await readableManifest(stored.modelStore);
    const parameters = resolveOptions(VERSION_EVENT.preset, CHANGED);
    expect(await servedParameters(stored.modelStore, parameters)).toEqual(saved!.parameters);
    const [withServed, alone] = [
      await administer(stored.modelStore),
      await administer(createMemoryModelStore()),
    ];
    await withServed.train({ options: CHANGED });
    await alone.train({ options: CHANGED });
    // The gate fits the served version's parameters: a second time the same steps.
    expect(withServed.steps.length).toBeGreaterThan(alone.steps.length);
  });

  it('lends a training its factors and its ranker', async () => {
    const { train } = await administer(stored.modelStore);
    const options = { ...VERSION_EVENT.options, reuseFactors: true, reuseRanker: true };
    expect(await train({ options })).toMatchObject({ outcome: 'published' });
  });

  it('has a state that says until when its candidates are kept', async () => {
    const ports = trainingPorts(stored.modelStore);
    expect(await readVersionState(ports, stored.version)).toEqual({
      candidatesUntil: Date.UTC(2027, 0, 25, 12),
      candidatesStored: null,
      activatedAt: null,
      deleting: false,
    });
  });
});
