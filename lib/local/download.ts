import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Progress } from '@encore/core/train';
import { openPromise } from 'yauzl';

/** The data set as GroupLens publishes it. */
const HETREC_URL = 'https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip';

/** Rows, without the header, that the data set's own readme states. */
export const HETREC_ROWS: Readonly<Record<string, number>> = {
  'artists.dat': 17_632,
  'tags.dat': 11_946,
  'user_artists.dat': 92_834,
  'user_friends.dat': 25_434,
  'user_taggedartists.dat': 186_479,
  'user_taggedartists-timestamps.dat': 186_479,
};

/** A file that announces more than this is not the data set, whatever it calls itself. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

const SILENCE_MS = 10_000;

export interface DownloadOptions {
  readonly progress: Progress;
  /** Where the zip is. @default the address at GroupLens */
  readonly url?: string;
  /** Gives up when nothing has arrived for this long. @default 10 seconds */
  readonly silenceMs?: number;
  /** Rows that each file must have. @default those of the published data set */
  readonly rows?: Readonly<Record<string, number>>;
}

/**
 * Downloads and unpacks the published data set, once: a folder that is complete is reused, an interrupted download is
 * taken up where it stopped (if the server still has the same file), and nothing counts as complete before every
 * file has the rows that it should have.
 *
 * @param cacheDir - Kept from run to run; created where it is missing.
 * @returns The folder with the data set's files.
 * @throws Error when the server cannot be reached, falls silent, or sends something else.
 */
export async function downloadHetrec(cacheDir: string, options: DownloadOptions): Promise<string> {
  const { url = HETREC_URL, rows = HETREC_ROWS } = options;
  const folder = join(cacheDir, basename(new URL(url).pathname, '.zip'));
  if (await exists(folder)) return folder;
  await mkdir(cacheDir, { recursive: true });
  const zip = join(cacheDir, 'download.zip');
  await fetchResumably(url, zip, options);
  const unpacked = `${folder}.unpacked`;
  await rm(unpacked, { recursive: true, force: true });
  try {
    await unpack(zip, unpacked, Object.keys(rows));
    for (const [file, expected] of Object.entries(rows)) {
      const found = (await countLines(join(unpacked, file))) - 1;
      if (found !== expected)
        throw new Error(`${file} has ${found} rows, the published data set has ${expected}`);
    }
  } catch (error) {
    // What arrived is not the data set: keep none of it, so that the next start tries afresh.
    await rm(unpacked, { recursive: true, force: true });
    await rm(zip, { force: true });
    throw new Error(`what ${url} sent is not the data set: ${messageOf(error)}`, { cause: error });
  }
  await rename(unpacked, folder);
  await rm(zip, { force: true });
  return folder;
}

async function fetchResumably(url: string, target: string, options: DownloadOptions): Promise<void> {
  const part = `${target}.part`;
  const tag = `${target}.etag`;
  const have = await sizeOf(part);
  const etag = have > 0 ? await readFile(tag, 'utf8').catch(() => '') : '';
  const silence = new AbortController();
  const restart = restartable(() => {
    silence.abort(new Error(`no answer within ${(options.silenceMs ?? SILENCE_MS) / 1000} s`));
  }, options.silenceMs ?? SILENCE_MS);
  try {
    const { signal } = silence;
    // Without the entity tag of the first part the rest could belong to another file.
    const headers = etag === '' ? {} : { range: `bytes=${have}-`, 'if-range': etag };
    let response = await fetch(url, { signal, headers });
    // A run that was stopped behind the last byte has left nothing to ask for.
    if (response.status === 416) response = await fetch(url, { signal });
    restart.again();
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    const resumed = response.status === 206;
    await writeFile(tag, response.headers.get('etag') ?? '');
    const length = Number(response.headers.get('content-length') ?? 0);
    const step = options.progress.step('download', Math.max(1, length));
    const count = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        restart.again();
        step.advance(chunk.length);
        done(null, chunk);
      },
    });
    await pipeline(response.body, count, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), {
      signal: silence.signal,
    });
    step.end();
    const total = (resumed ? have : 0) + length;
    if (length > 0 && (await sizeOf(part)) !== total) {
      throw new Error(`the connection ended after ${await sizeOf(part)} of ${total} bytes`);
    }
  } catch (error) {
    const cause: unknown = silence.signal.aborted ? silence.signal.reason : error;
    throw new Error(`${url} could not be downloaded: ${messageOf(cause)}`, { cause: error });
  } finally {
    restart.stop();
  }
  await rm(tag, { force: true });
  await rename(part, target);
}

/** Unpacks the wanted files, flat, whatever folder of the zip they lie in; nothing else of the zip is written. */
async function unpack(zip: string, folder: string, wanted: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const archive = await openPromise(zip);
  for await (const entry of archive.eachEntry()) {
    const name = basename(entry.fileName);
    if (!wanted.includes(name)) continue;
    if (entry.uncompressedSize > MAX_UNPACKED_BYTES) {
      throw new Error(
        `${name} would be ${entry.uncompressedSize} bytes, at most ${MAX_UNPACKED_BYTES} are expected`,
      );
    }
    await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(join(folder, name)));
  }
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  let last = 10;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte === 10) lines++;
    last = chunk.at(-1) ?? last;
  }
  return last === 10 ? lines : lines + 1;
}

function restartable(action: () => void, ms: number): { again: () => void; stop: () => void } {
  let timer = setTimeout(action, ms);
  return {
    again: () => {
      clearTimeout(timer);
      timer = setTimeout(action, ms);
    },
    stop: () => clearTimeout(timer),
  };
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (s) => s.size,
    () => 0,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; why is in its cause.
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
