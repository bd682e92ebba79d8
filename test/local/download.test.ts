import { createServer, type Server } from 'node:http';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { HETREC_FILES } from '@encore/core/train';

import { downloadHetrec, HETREC_ROWS } from '../../lib/local/download.ts';
import { storedZip } from './stored-zip.ts';

const ROWS = { 'artists.dat': 2, 'user_artists.dat': 1 };
const FILES = {
  'artists.dat': 'id\tname\n1\tA\n2\tB\n',
  'user_artists.dat': 'userID\tartistID\tweight\n7\t1\t3\n',
  'readme.txt': 'not wanted',
};
const progress = { step: () => ({ advance: () => undefined, end: () => undefined }) };

let cache: string;
let server: Server;
let requests: (string | undefined)[];

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'encore-download-'));
  requests = [];
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(cache, { recursive: true, force: true });
});

function portOf(listening: Server): number {
  const address = listening.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
  return address.port;
}

/** Serves a zip; `cutAt` ends the first connection after that many bytes, `silent` never answers. */
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
      setTimeout(() => response.destroy(), 50);
    } else {
      response.end(part);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${portOf(server)}/hetrec2011-lastfm-2k.zip`;
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
