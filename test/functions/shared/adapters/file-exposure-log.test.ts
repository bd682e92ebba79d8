import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileExposureLog } from '../../../../functions/shared/adapters/file-exposure-log.ts';
import type { Exposure } from '../../../../layers/core/src/ports.ts';
import { exposureLogContract } from '../../../core/contracts/exposure-log.contract.ts';

const folders: string[] = [];
async function makePath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'encore-exposures-'));
  folders.push(folder);
  return join(folder, 'exposures.ndjson');
}
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

async function readLines(path: string): Promise<readonly Exposure[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line): Exposure => JSON.parse(line));
}

exposureLogContract('the exposure log in a file', async () => createFileExposureLog(await makePath()));

const exposure: Exposure = {
  exposureId: 'a',
  userId: 'line\nbreak "and" ü',
  at: 1,
  modelVersion: null,
  policy: 'popular',
  experiment: null,
  revision: null,
  variant: null,
  forced: false,
  propensity: 1,
  ranker: null,
  firstRank: 1,
  teams: null,
  artistIds: ['1'],
  featuresHash: '00000000',
};

describe('the exposure log in a file', () => {
  it('is one line of JSON for each, whatever the ids hold, and goes on where it ended', async () => {
    const path = await makePath();
    await createFileExposureLog(path).append(exposure);
    await createFileExposureLog(path).append({ ...exposure, exposureId: 'b' });
    expect(await readLines(path)).toEqual([exposure, { ...exposure, exposureId: 'b' }]);
  });

  it('says that an exposure may be lost where the file cannot be written', async () => {
    const path = join(await makePath(), 'no such folder', 'exposures.ndjson');
    await expect(createFileExposureLog(path).append(exposure)).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        details: { path, outcome: 'unknown' },
        cause: expect.objectContaining({ code: 'ENOENT' }),
      }),
    );
  });
});
