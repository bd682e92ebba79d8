import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importListens } from '../../layers/core/src/import/import-listens.ts';
import { openImportSources } from '../../lib/local/import-sources.ts';
import { storedZip } from './stored-zip.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-sources-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What comes out of files of these names and contents: by source name. */
async function opened(
  files: Readonly<Record<string, string | Uint8Array>>,
  format: Parameters<typeof openImportSources>[1] = 'auto',
): Promise<Readonly<Record<string, string>>> {
  const paths: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(path, content);
    paths.push(path);
  }
  const texts: Record<string, string> = {};
  for await (const { name, chunks } of openImportSources(paths, format)) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    texts[name] = Buffer.concat(parts).toString();
  }
  return texts;
}

describe('openImportSources', () => {
  it('opens plain files and gzip, told apart by content', async () => {
    expect(await opened({ 'a.csv': 'x,1', 'b.csv': gzipSync('y,2'), 'empty.csv': '' })).toEqual({
      'a.csv': 'x,1',
      'b.csv': 'y,2',
      'empty.csv': '',
    });
  });

  it('takes the listening out of an archive of Spotify, and nothing that lies beside it', async () => {
    const archive = storedZip({
      'Spotify Extended Streaming History/Streaming_History_Audio_2020-2021_1.json': '[1]',
      'Spotify Extended Streaming History/Streaming_History_Video_2020.json': '[2]',
      'Spotify Extended Streaming History/ReadMeFirst.pdf': 'pdf',
      'MyData/StreamingHistory0.json': '[3]',
      'MyData/StreamingHistory_music_1.json': '[4]',
      'MyData/StreamingHistory_podcast_0.json': '[5]',
      'MyData/Userdata.json': '{"email":"ada@example.org"}',
      '__MACOSX/MyData/._StreamingHistory0.json': 'x',
      'endsong_0.json': '[6]',
    });
    for (const format of ['auto', 'spotify'] as const) {
      expect(Object.values(await opened({ 'my_data.zip': archive }, format)).toSorted()).toEqual([
        '[1]',
        '[3]',
        '[4]',
        '[6]',
      ]);
    }
  });

  it('takes the listens out of an export of ListenBrainz, of other archives every file of the format', async () => {
    const listens = storedZip({
      'listens/2024/5.jsonl': '{"a":1}',
      'user.json': '{}',
      'feedback.jsonl': '{}',
    });
    expect(await opened({ 'lb.zip': listens })).toEqual({ 'lb.zip/listens/2024/5.jsonl': '{"a":1}' });
    const pages = storedZip({ 'p/1.json': '{}', 'p/2.json': '[]', 'notes.txt': 'x', 't.csv': 'a,1' });
    expect(Object.keys(await opened({ 'lfm.zip': pages }, 'lastfm-top-artists'))).toEqual([
      'lfm.zip/p/1.json',
      'lfm.zip/p/2.json',
    ]);
    expect(Object.keys(await opened({ 'csv.zip': pages }, 'csv'))).toEqual(['csv.zip/t.csv']);
  });

  it('refuses what is missing, damaged, or has nothing that fits', async () => {
    const good = storedZip({ 'notes.txt': 'x' });
    const many = storedZip(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`${i}.csv`, ''])));
    const cases: readonly (readonly [string, Uint8Array, string])[] = [
      ['cut.gz', gzipSync('x'.repeat(1000)).subarray(0, 20), 'cut.gz cannot be read: unexpected end of file'],
      ['cut.zip', good.subarray(0, 40), 'cut.zip cannot be read: '],
      ['none.zip', good, 'none.zip cannot be read: none of its 1 entries is listening'],
      ['many.zip', many, 'many.zip cannot be read: it has 10001 entries, at most 10000 are allowed'],
    ];
    for (const [name, bytes, why] of cases) {
      await expect(opened({ [name]: bytes })).rejects.toMatchObject({
        code: 'INVALID_DATA_SET',
        message: expect.stringContaining(why),
      });
    }
    const absent = openImportSources([join(folder, 'absent')], 'auto');
    await expect(absent.next()).rejects.toThrow('absent is missing: expected a file, plain, .gz or .zip');
    await expect(openImportSources([folder], 'auto').next()).rejects.toThrow('is not a file');
  });

  it('is stopped by the limit of what comes out, not of what goes in', async () => {
    const path = join(folder, 'bomb.gz');
    await writeFile(path, gzipSync(Buffer.alloc(8_000_000, ' ')));
    await expect(
      importListens(openImportSources([path], 'auto'), {
        format: 'csv',
        listener: 'ada',
        nowMs: 0,
        limits: { maxBytes: 30_000 },
      }),
    ).rejects.toThrow('bomb.gz: with it the files have more than 30000 bytes unpacked');
  });
});
