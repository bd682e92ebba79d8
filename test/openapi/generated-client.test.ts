import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateSource } from 'oazapfts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROUTES } from '../../functions/routes.ts';
import { startHttpServer, type HttpServer } from '../../lib/local/http-server.ts';
import { allFunctions } from '../functions/all-functions.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What a call of a generated client gives. */
interface Answer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A generated client: `defaults`, and a function for each operation. */
interface Client {
  readonly defaults: { baseUrl: string };
  readonly [operation: string]: { baseUrl: string } | ((...args: readonly unknown[]) => Promise<Answer>);
}

let folder: string;
let server: HttpServer;
let client: Client;
let world: Awaited<ReturnType<typeof allFunctions>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-client-'));
  world = await allFunctions();
  server = await startHttpServer({
    port: 0,
    routes: ROUTES,
    handlers: world.handlers,
    cors: null,
    onError: (error) => {
      throw error;
    },
  });
  // From the document that the server has, as somebody else would.
  const document = join(folder, 'openapi.json');
  await writeFile(document, await (await fetch(`${server.url}/openapi.json`)).text());
  await writeFile(join(folder, 'client.ts'), await generateSource(document));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const generated: Client = await import(join(folder, 'client.ts'));
  client = generated;
  client.defaults.baseUrl = server.url;
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function call(name: string, ...args: readonly unknown[]): Promise<Answer> {
  const operation = client[name];
  if (typeof operation !== 'function') throw new Error(`the client has no ${name}`);
  return operation(...args);
}

describe('a client generated from the OpenAPI document', () => {
  it('compiles', async () => {
    await writeFile(
      join(folder, 'use.ts'),
      `import { getRecommendations, recommendForArtists, postEvents } from './client.ts';
       export async function use(): Promise<number> {
         const list = await getRecommendations('2', { n: 5, explain: true, tags: 'rock' });
         if (list.status !== 200) throw new Error(list.data.detail);
         const [first] = list.data.recommendations;
         const anybody = await recommendForArtists({ artists: [{ name: 'Radiohead', plays: 3 }], n: 5 });
         await postEvents({ events: [{ userId: '2', artistId: first!.artistId, type: 'play', at: Date.now(), plays: 2 }] });
         return first!.score + (anybody.status === 200 ? anybody.data.unresolved.length : 0);
       }`,
    );
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options =
      '--noEmit --strict --skipLibCheck --target ES2022 --module NodeNext --lib ES2023,DOM,DOM.Iterable --allowImportingTsExtensions';
    const done = await promisify(execFile)(process.execPath, [tsc, ...options.split(' '), 'use.ts'], {
      cwd: folder,
    });
    expect(done.stdout).toBe('');
  });

  it('asks every route, and is understood', async () => {
    const [userId] = world.dataset.users.ids;
    const [artistId] = world.dataset.artists.ids;
    const at = '2026-01-01T00:30:00Z';
    const { version } = z
      .object({ versions: z.tuple([z.object({ version: z.string() })]) })
      .parse((await call('listModels')).data).versions[0];
    const answers = {
      getRecommendations: await call('getRecommendations', userId, { n: 3, explain: true, exclude: 'none' }),
      recommendForArtists: await call('recommendForArtists', {
        artists: [{ id: artistId }, { name: 'nobody' }],
        n: 3,
      }),
      searchArtists: await call('searchArtists', 'artist', { n: 3 }),
      listPopularArtists: await call('listPopularArtists', { n: 3 }),
      getArtist: await call('getArtist', artistId),
      listSimilarArtists: await call('listSimilarArtists', artistId, { n: 3 }),
      postEvents: await call('postEvents', { events: [{ userId, artistId, type: 'like', at }] }),
      listExperiments: await call('listExperiments'),
      putExperiment: await call('putExperiment', 'trees', {
        coverage: 0.5,
        variants: [
          { key: 'a', weight: 0.5, ranker: 'lr' },
          { key: 'b', weight: 0.5, ranker: 'trees' },
        ],
        status: 'draft',
      }),
      getExperimentResults: await call('getExperimentResults', 'ranker'),
      listModels: await call('listModels'),
      activateModel: await call('activateModel', version, { pinned: false }),
      getModelReport: await call('getModelReport'),
      listUsers: await call('listUsers', { n: 3 }),
      eraseUser: await call('eraseUser', userId),
      getLiveness: await call('getLiveness'),
      getReadiness: await call('getReadiness'),
      getOpenApi: await call('getOpenApi'),
    };
    expect(Object.entries(answers).map(([name, { status }]) => [name, status])).toEqual(
      Object.keys(answers).map((name) => [name, 200]),
    );
    expect(Object.keys(answers)).toHaveLength(ROUTES.length);
    expect(answers.getRecommendations.data).toMatchObject({ userId, recommendations: [{}, {}, {}] });
    expect(answers.recommendForArtists.data).toMatchObject({ unresolved: [{ name: 'nobody' }] });
  });

  it('gets a problem for what is refused', async () => {
    const { status, data } = await call('getRecommendations', 'a', { n: 101 });
    expect({ status, data }).toMatchObject({ status: 400, data: { code: 'INVALID_REQUEST', field: 'n' } });
  });
});
