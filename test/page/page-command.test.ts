import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { runEncore } from '../../bin/run-encore.ts';
import { readPageOutputs } from '../../lib/page/outputs.ts';

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

describe('encore page', () => {
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
