import { createServer, type Server } from 'node:http';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { HETREC_FILES } from '@encore/core/train';

import { downloadHetrec, HETREC_ROWS } from '../../lib/local/download.ts';
import { closeServer, listenOnLoopback } from '../../lib/local/loopback.ts';
import { storedZip } from './stored-zip.ts';

const ROWS = { 'artists.dat': 2, 'user_artists.dat': 1 };
const FILES = {
  'artists.dat': 'id\tname\n1\tA\n2\tB\n',
  'user_artists.dat': 'userID\tartistID\tweight\n7\t1\t3\n',
  'readme.txt': 'not wanted',
};
const progress = { step: () => ({ advance: () => undefined, end: () => undefined }) };

let cache: string;
let server: Server | undefined;
let requests: (string | undefined)[];

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'encore-download-'));
  requests = [];
});

afterEach(async () => {
  if (server !== undefined) await closeServer(server, 0);
  server = undefined;
  await rm(cache, { recursive: true, force: true });
});

/** Waits until so many bytes of a download are on the disk. */
function untilKept(bytes: number): Promise<unknown> {
  const look = async (): Promise<void> => {
    const { size } = await stat(join(cache, 'download.zip.part'));
    expect(size).toBe(bytes);
  };
  return vi.waitFor(look, { timeout: 9_000 });
}

/** Serves a zip; `cutAt` ends the first connection once that many bytes have been kept, `silent` never answers. */
async function serve(
  body: Buffer,
  { cutAt, silent = false }: { readonly cutAt?: number; readonly silent?: boolean } = {},
): Promise<string> {
  let first = true;
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    if (silent) return;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const valid = from > 0 && request.headers['if-range'] === '"v1"';
    if (valid && from >= body.length) {
      response.writeHead(416).end();
      return;
    }
    const part = valid ? body.subarray(from) : body;
    response.writeHead(valid ? 206 : 200, { etag: '"v1"', 'content-length': part.length });
    if (first && cutAt !== undefined) {
      first = false;
      response.write(part.subarray(0, cutAt));
      void untilKept(cutAt).finally(() => response.destroy());
    } else {
      response.end(part);
    }
  });
  return `http://127.0.0.1:${await listenOnLoopback(server, 0)}/hetrec2011-lastfm-2k.zip`;
}

describe('downloadHetrec', () => {
  it('unpacks the wanted files, and only those, whatever folder of the zip they lie in', async () => {
    const url = await serve(storedZip({ ...FILES, 'docs/artists.dat.bak': 'x' }));
    const folder = await downloadHetrec(cache, { progress, url, rows: ROWS });
    expect((await readdir(folder)).toSorted()).toEqual(['artists.dat', 'user_artists.dat']);
    expect(await readFile(join(folder, 'artists.dat'), 'utf8')).toBe(FILES['artists.dat']);
  });

  it('asks nobody once the folder is complete', async () => {
    const url = await serve(storedZip(FILES));
    await downloadHetrec(cache, { progress, url, rows: ROWS });
    await downloadHetrec(cache, { progress, url, rows: ROWS });
    expect(requests).toHaveLength(1);
  });

  it('takes an interrupted download up where it stopped', async () => {
    const url = await serve(storedZip(FILES), { cutAt: 100 });
    await expect(downloadHetrec(cache, { progress, url, rows: ROWS })).rejects.toThrow(
      /could not be downloaded/,
    );
    await downloadHetrec(cache, { progress, url, rows: ROWS });
    expect(requests).toEqual([undefined, 'bytes=100-']);
  });

  it('begins afresh after a run that was stopped behind the last byte', async () => {
    const zip = storedZip(FILES);
    await writeFile(join(cache, 'download.zip.part'), zip);
    await writeFile(join(cache, 'download.zip.etag'), '"v1"');
    const url = await serve(zip);
    const folder = await downloadHetrec(cache, { progress, url, rows: ROWS });
    expect((await readdir(folder)).toSorted()).toEqual(['artists.dat', 'user_artists.dat']);
    expect(requests).toEqual([`bytes=${zip.length}-`, undefined]);
  });

  it('takes every file that the reader knows from the published zip', () => {
    expect(Object.keys(HETREC_ROWS).toSorted()).toEqual(Object.values(HETREC_FILES).toSorted());
  });

  it('gives up on a server that says nothing, naming the time', async () => {
    const url = await serve(storedZip(FILES), { silent: true });
    await expect(downloadHetrec(cache, { progress, url, rows: ROWS, silenceMs: 50 })).rejects.toThrow(
      /no answer within 0.05 s/,
    );
  });

  it('refuses a data set with missing rows and keeps nothing of it', async () => {
    const url = await serve(storedZip({ ...FILES, 'artists.dat': 'id\tname\n1\tA\n' }));
    await expect(downloadHetrec(cache, { progress, url, rows: ROWS })).rejects.toThrow(
      /artists.dat has 1 rows, the published data set has 2/,
    );
    expect(await readdir(cache)).toEqual([]);
  });

  it('refuses something that is no zip', async () => {
    const url = await serve(Buffer.from('<html>moved</html>'));
    await expect(downloadHetrec(cache, { progress, url, rows: ROWS })).rejects.toThrow(/is not the data set/);
  });

  it('does not take a stray file for a finished download', async () => {
    await writeFile(join(cache, 'download.zip.part'), 'garbage');
    const url = await serve(storedZip(FILES));
    const folder = await downloadHetrec(cache, { progress, url, rows: ROWS });
    expect(await readdir(folder)).toHaveLength(2);
  });
});
