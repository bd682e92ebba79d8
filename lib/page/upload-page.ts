import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { contentType } from './content-type.ts';
import { cacheControl } from './headers.ts';
import type { PageStore } from './page-store.ts';

/** For how long a page that somebody has open may go on loading what it is made of, after another has taken its place. */
const USABLE_DAYS = 30;
const DAY_MS = 86_400_000;

const ASSETS = 'assets/';
const INDEX = 'index.html';
const CONFIG = 'config.json';
/** Which pages there were, and of which assets. Anybody may read it, as they may the assets. */
const RELEASES = 'releases.json';

const release = z.object({ at: z.iso.datetime(), assets: z.array(z.string()) });
type Release = z.output<typeof release>;

/** What an upload has done. */
export interface UploadedPage {
  readonly files: number;
  /** Assets of pages that nobody has open any more. */
  readonly deleted: number;
}

/**
 * Puts a built page where CloudFront reads it. What the page is made of comes first and the page itself last: whoever asks meanwhile,
 * or after an upload that died, gets the page before, whole. Its assets stay for {@link USABLE_DAYS} after it has been replaced, and
 * are then deleted by a later upload. A lifecycle rule could not: it counts from when a file was put, and would delete the assets of a
 * page that has not been deployed for a month.
 *
 * @param page.folder - The built page.
 * @param page.config - `config.json`.
 * @throws Error where the folder holds no page, or a file of a kind that browsers are not told of; once the page is up, where
 *   `releases.json` cannot be read.
 */
export async function uploadPage(
  store: PageStore,
  page: { readonly folder: string; readonly config: string; readonly now: Date },
): Promise<UploadedPage> {
  const names = await filesBelow(page.folder);
  if (!names.includes(INDEX)) throw new Error(`${page.folder} holds no ${INDEX}: it is no page`);
  // Before anything is put.
  for (const name of names) contentType(name);
  const put = async (key: string): Promise<void> => {
    const body = await readFile(join(page.folder, key));
    await store.put({ key, body, contentType: contentType(key), cacheControl: cacheControl(key) });
  };
  const putJson = (key: string, body: string): Promise<void> =>
    store.put({ key, body, contentType: contentType(key), cacheControl: cacheControl(key) });

  const assets = names.filter((name) => name.startsWith(ASSETS));
  const others = names.filter((name) => !name.startsWith(ASSETS) && name !== INDEX && name !== CONFIG);
  await Promise.all([...assets, ...others].map(put));
  await putJson(CONFIG, page.config);
  await put(INDEX);

  const releases = releasesInUse(
    [...readReleases(await store.read(RELEASES)), { at: page.now.toISOString(), assets }],
    page.now,
  );
  await putJson(RELEASES, JSON.stringify(releases));
  const inUse = new Set(releases.flatMap((found) => found.assets));
  const isOld = (putAt: Date): boolean => page.now.getTime() - putAt.getTime() > USABLE_DAYS * DAY_MS;
  const stale = (await store.list(ASSETS))
    // Not by its age alone, for that of a page is not that of its end; but what is new may be of an upload that goes on beside this one.
    .filter(({ key, putAt }) => !inUse.has(key) && isOld(putAt))
    .map(({ key }) => key);
  await store.delete(stale);
  return { files: names.length + (names.includes(CONFIG) ? 0 : 1), deleted: stale.length };
}

/** The releases that somebody may have open: the last, and those that it or another replaced less than {@link USABLE_DAYS} ago. */
function releasesInUse(releases: readonly Release[], now: Date): readonly Release[] {
  const since = now.getTime() - USABLE_DAYS * DAY_MS;
  return releases.filter((_, i) => {
    const next = releases[i + 1];
    return next === undefined || Date.parse(next.at) >= since;
  });
}

function readReleases(text: string | null): readonly Release[] {
  if (text === null) return [];
  try {
    return z.array(release).parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `the page is up, but ${RELEASES} beside it cannot be read: which assets earlier pages need is not known, and none was deleted; remove that file, and the next upload writes it anew`,
      { cause },
    );
  }
}

/** The files of a folder and of those in it, by name with `/` between. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'))
    .toSorted();
}
