import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { createRecommendHandler } from '../../functions/recommend/handler.ts';
import { followStore } from '../../functions/recommend/stored-models.ts';
import { createFolderModelStore } from '../../functions/shared/adapters/folder-model-store.ts';
import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryExposureLog,
} from '../../functions/shared/adapters/memory-stores.ts';
import { decodeCandidateShard, shardPath } from '../../layers/core/src/artifact/candidates-file.ts';
import { decodeManifest, MANIFEST_FILE } from '../../layers/core/src/artifact/manifest.ts';
import { quantile } from '../../layers/core/src/math/quantile.ts';
import { hash2 } from '../../layers/core/src/math/rng.ts';
import { readPointer, versionKey } from '../../layers/core/src/publish/pointer.ts';
import { httpEvent } from '../functions/http-event.ts';
import { silentObservability } from '../functions/recording-observability.ts';

const WARM_UP = 2_000;
const REQUESTS = 4_000;

/**
 * The recommend function called in-process over stores in memory, with a model that `encore train` wrote to the folder in
 * `ENCORE_OUT`: what ranking, explaining and answering cost without any network.
 */
export async function run(): Promise<void> {
  const out = process.env['ENCORE_OUT'];
  if (out === undefined) {
    console.log('  skipped: name a folder that encore train wrote to in ENCORE_OUT');
    return;
  }
  const modelStore = createFolderModelStore(resolve(out));
  const { version } = (await readPointer(modelStore))!.pointer;
  const read = (path: string) => readFile(join(out, versionKey(version, path)));
  const manifest = decodeManifest(await read(MANIFEST_FILE));
  const candidateStore = createMemoryCandidateStore();
  const users: string[] = [];
  for (let i = 0; i < manifest.candidates.shards; i++) {
    const entries = decodeCandidateShard(new Uint8Array(await read(shardPath(i))));
    users.push(...entries.map(({ userId }) => userId));
    await candidateStore.write(version, entries, { expiresAtMs: Infinity });
  }
  const stored = followStore(modelStore, (error) => console.error(error));
  await stored.models.preload();
  const loaded = await stored.models.current();
  const foldIn = await stored.foldIn.wait(version, 10_000);
  const eventLog = createMemoryEventLog();
  const handler = createRecommendHandler({
    // Requests follow each other without a pause in which a pointer could be read.
    models: { current: () => Promise.resolve(loaded) },
    popular: stored.popular,
    foldIn: { get: () => foldIn, wait: () => Promise.resolve(foldIn) },
    candidateStore,
    eventLog,
    exposureLog: createMemoryExposureLog(),
    experiments: { current: () => Promise.resolve([]) },
    observability: silentObservability({ error: (message, error) => console.error(message, error) }),
    now: Date.now,
    newExposureId: () => crypto.randomUUID(),
  });

  async function measure(
    name: string,
    ask: (i: number) => Parameters<typeof handler>[0],
    n: number,
  ): Promise<void> {
    const milliseconds = new Float64Array(n);
    for (let i = -Math.ceil(n / 2); i < n; i++) {
      const event = ask(i + n);
      const startedAt = performance.now();
      const { statusCode } = await handler(event);
      if (i >= 0) milliseconds[i] = performance.now() - startedAt;
      if (statusCode !== 200) throw new Error(`${name}: the answer was ${statusCode}`);
    }
    milliseconds.sort();
    const at = (share: number): string => quantile(milliseconds, share).toFixed(2);
    console.log(
      `  ${name}: p50 ${at(0.5)} ms [5%: ${at(0.05)}, 95%: ${at(0.95)}, 99%: ${at(0.99)}], ${n} requests`,
    );
  }
  const list = (i: number, query: Record<string, string>) =>
    httpEvent('GET /users/{userId}/recommendations', {
      params: { userId: users[hash2(7, i) % users.length]! },
      query,
    });
  await measure('warm-up', (i) => list(i, { n: '20', explain: 'true' }), WARM_UP);
  await measure('20 artists', (i) => list(i, { n: '20' }), REQUESTS);
  await measure('20 artists, explained', (i) => list(i, { n: '20', explain: 'true' }), REQUESTS);
  await measure('20 artists of a tag', (i) => list(i, { n: '20', tags: 'rock' }), REQUESTS);
  await measure('20 artists, diversity .2', (i) => list(i, { n: '20', diversity: '0.2' }), REQUESTS);
  await measure('20 artists, exclude=none', (i) => list(i, { n: '20', exclude: 'none' }), 100);
  await measure(
    '20 artists for 10 names',
    (i) =>
      httpEvent('POST /recommendations', {
        body: {
          artists: Array.from({ length: 10 }, (_, a) => ({ id: `${1 + (hash2(i, a) % 900)}` })),
          n: 20,
        },
      }),
    300,
  );
  const now = Date.now();
  for (const [i, userId] of users.slice(0, 100).entries()) {
    await eventLog.append([
      {
        id: `${i}`,
        userId,
        artistId: '289',
        type: 'play',
        at: now,
        receivedAt: now,
        exposureId: null,
        plays: 1,
      },
    ]);
  }
  await measure(
    '20 artists after a play',
    (i) =>
      httpEvent('GET /users/{userId}/recommendations', {
        params: { userId: users[i % 100]! },
        query: { n: '20' },
      }),
    300,
  );
}
