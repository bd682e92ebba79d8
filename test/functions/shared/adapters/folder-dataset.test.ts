import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFolder } from '../../../../functions/shared/adapters/folder-dataset.ts';
import { readDataset, type OpenFile } from '../../../../layers/core/src/data/hetrec.ts';
import { loadSample, SAMPLE_DIR, SAMPLE_NOW } from '../../../core/sample.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-data-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readAll(chunks: Awaited<ReturnType<OpenFile>>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks!) parts.push(chunk);
  return Buffer.concat(parts);
}

describe('a data set in a folder', () => {
  it('is read as it is from memory', async () => {
    const { dataset } = await readDataset(await openFolder(SAMPLE_DIR), { nowMs: SAMPLE_NOW });
    const expected = await loadSample();
    expect(dataset!.plays).toEqual(expected.plays);
    expect(dataset!.artistNames).toEqual(expected.artistNames);
    expect(dataset!.tagAssignments).toEqual(expected.tagAssignments);
  });

  it('streams a file: its bytes in chunks', async () => {
    const body = Buffer.from(Uint8Array.from({ length: 700_000 }, (_, i) => (i * 7) % 256));
    await writeFile(join(folder, 'large.dat'), body);
    const open = await openFolder(folder);
    let nChunks = 0;
    for await (const _chunk of (await open('large.dat'))!) nChunks++;
    expect(nChunks).toBeGreaterThan(1);
    expect((await readAll(await open('large.dat'))).equals(body)).toBe(true);
  });

  it('has nothing under a name that is not there', async () => {
    expect(await (await openFolder(folder))('absent.dat')).toBeUndefined();
  });

  it('is refused where there is no folder, saying what was expected', async () => {
    const file = join(folder, 'a file');
    await writeFile(file, '');
    await expect(openFolder(file)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_DATA_SET', message: expect.stringContaining('not a folder') }),
    );
    await expect(openFolder(join(folder, 'absent'))).rejects.toThrow(
      expect.objectContaining({
        code: 'INVALID_DATA_SET',
        message: expect.stringContaining('is missing: expected a folder with the HetRec files'),
      }),
    );
  });

  it('names the file that cannot be read', async () => {
    await mkdir(join(folder, 'artists.dat'));
    const reading = openFolder(folder)
      .then((open) => open('artists.dat'))
      .then(readAll);
    await expect(reading).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining(`${join(folder, 'artists.dat')} cannot be read: EISDIR`),
      }),
    );
  });
});
