import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { ClientRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { runEncore } from '../../bin/run-encore.ts';
import { startEmbeddedS3 } from '../../lib/local/embedded-s3.ts';
import { LOCAL_CREDENTIALS } from '../../lib/local/local-credentials.ts';
import { readPageOutputs } from '../../lib/page/outputs.ts';
import { createS3PageStore } from '../../lib/page/s3-page-store.ts';

const PAGE = {
  PageUrl: 'https://d111111abcdef8.cloudfront.net/',
  PageDistribution: 'd111111abcdef8.cloudfront.net',
  PageBucket: 'encore-dev-page-files',
  PageRegion: 'eu-central-1',
  PageConfig: '{"auth":"demo"}',
};
const API = { ApiUrl: 'https://abc.execute-api.eu-central-1.amazonaws.com' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-outputs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function run(text: string | null): Promise<{ readonly code: number; readonly said: string }> {
  const file = join(folder, 'outputs.json');
  await rm(file, { force: true });
  if (text !== null) await writeFile(file, text);
  let said = '';
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((line) => ((said += String(line)), true)),
  );
  try {
    return { code: await runEncore(['page', '--outputs', file]), said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** The bucket of the outputs, where the SDK finds it by its environment; told which regions requests are signed for. */
async function startBucket(regions: Set<string | undefined>): Promise<S3Client> {
  const s3 = await startEmbeddedS3(null);
  undo.push(() => s3.close());
  s3.createBucket(PAGE.PageBucket);
  const environment = {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    AWS_REGION: 'us-west-2',
  };
  undo.push(() => void vi.unstubAllEnvs());
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const look = (message: unknown): void => {
    const isRequest = typeof message === 'object' && message !== null && 'request' in message;
    if (!isRequest || !(message.request instanceof ClientRequest)) return;
    if (message.request.host !== '127.0.0.1') return;
    const signature = String(message.request.getHeader('authorization'));
    regions.add(/\/\d{8}\/([^/]+)\/s3\//.exec(signature)?.[1]);
  };
  subscribe('http.client.request.start', look);
  undo.push(() => void unsubscribe('http.client.request.start', look));
  const client = new S3Client({ region: PAGE.PageRegion });
  undo.push(() => client.destroy());
  return client;
}

describe('encore page', () => {
  it('builds the page, puts it into the bucket of the outputs in its region, and says where it is', async () => {
    const regions = new Set<string | undefined>();
    const store = createS3PageStore(await startBucket(regions), PAGE.PageBucket);
    const outputs = JSON.stringify({ 'encore-dev-serving': API, 'encore-dev-page': PAGE });
    const { code, said } = await run(outputs);
    expect([...regions]).toEqual([PAGE.PageRegion]);

    const keys = (await store.list('')).map(({ key }) => key);
    // What is in it is written down for the next upload.
    const { length } = keys.filter((key) => key !== 'releases.json');
    expect([code, said]).toEqual([0, `${PAGE.PageUrl}  ${length} files put\n`]);
    expect(await store.read('config.json')).toBe(PAGE.PageConfig);
    const html = (await store.read('index.html'))!;
    const loaded = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, key]) => key);
    expect(loaded).toEqual(
      expect.arrayContaining([expect.stringMatching(/\.js$/), expect.stringMatching(/\.css$/)]),
    );
    expect(keys).toEqual(expect.arrayContaining(loaded));
  });

  it('ends with 1 where the bucket is not there', async () => {
    await startBucket(new Set());
    const { code, said } = await run(
      JSON.stringify({ 'encore-dev-page': { ...PAGE, PageBucket: 'absent' } }),
    );
    expect([code, said]).toEqual([1, expect.stringMatching(/^error: .*NoSuchBucket/)]);
  });

  it('says that a deployment has no page, and is done', async () => {
    const { code, said } = await run(JSON.stringify({ 'encore-dev-serving': API }));
    expect([code, said]).toEqual([0, expect.stringMatching(/^no page: this deployment has none/)]);
  });

  it.each([
    ['is not there', null],
    ['is no JSON', 'outputs'],
    ['lacks what the stack says', JSON.stringify({ 'encore-dev-page': API })],
  ])('refuses a file that %s, in one line', async (_, text) => {
    const { code, said } = await run(text);
    expect([code, said.trim().split('\n')]).toEqual([
      2,
      [
        expect.stringMatching(
          /^error: .*outputs\.json is nothing that cdk deploy --outputs-file has written/,
        ),
      ],
    ]);
  });

  it('finds the page of either stage among the others', () => {
    for (const name of ['encore-dev-page', 'encore-prod-page']) {
      expect(readPageOutputs(JSON.stringify({ 'encore-dev-serving': API, [name]: PAGE }))).toEqual(PAGE);
    }
  });
});
