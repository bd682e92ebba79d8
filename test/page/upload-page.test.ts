import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startEmbeddedS3, type EmbeddedS3 } from '../../lib/local/embedded-s3.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../lib/local/local-credentials.ts';
import type { PageFile, PageStore } from '../../lib/page/page-store.ts';
import { createS3PageStore } from '../../lib/page/s3-page-store.ts';
import { uploadPage, type UploadedPage } from '../../lib/page/upload-page.ts';

const CONFIG = JSON.stringify({ auth: 'demo' });
const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

let folder: string;
let s3: EmbeddedS3;
let client: S3Client;
let store: PageStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-page-'));
  s3 = await startEmbeddedS3(null);
  s3.createBucket('page');
  client = new S3Client({
    endpoint: s3.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    forcePathStyle: true,
  });
  store = createS3PageStore(client, 'page');
});

afterEach(async () => {
  client.destroy();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

/** Makes the folder hold a page whose script has this name. */
async function build(script: string, files: Readonly<Record<string, string>> = {}): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const page = {
    'index.html': `<script type="module" src="./assets/${script}"></script>`,
    'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'assets/style-1.css': 'body{}',
    [`assets/${script}`]: `// ${script}`,
    ...files,
  };
  for (const [name, text] of Object.entries(page)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const upload = (now = new Date(), to = store): Promise<UploadedPage> =>
  uploadPage(to, { folder, config: CONFIG, now });

async function keys(): Promise<readonly (string | undefined)[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'page' }));
  return Contents.map(({ Key }) => Key);
}

/** A store that remembers what was put, and where it fails. */
function watched(
  failAt: string | null,
): PageStore & { readonly put: PageStore['put']; readonly seen: PageFile[] } {
  const seen: PageFile[] = [];
  return {
    ...store,
    seen,
    put: async (file) => {
      if (file.key === failAt) throw new Error('the network is gone');
      seen.push(file);
      await store.put(file);
    },
  };
}

describe('uploading a page', () => {
  it('stores each file with its type and how long it may be kept', async () => {
    await build('index-1.js');
    expect(await upload()).toEqual({ files: 5, deleted: 0 });
    const stored = await Promise.all(
      (await keys()).map(async (Key) => {
        const { ContentType, CacheControl } = await client.send(
          new GetObjectCommand({ Bucket: 'page', Key }),
        );
        return [Key, ContentType, CacheControl];
      }),
    );
    const forGood = 'public, max-age=31536000, immutable';
    expect(stored).toEqual([
      ['assets/index-1.js', 'text/javascript; charset=utf-8', forGood],
      ['assets/style-1.css', 'text/css; charset=utf-8', forGood],
      ['config.json', 'application/json', 'no-cache'],
      ['icon.svg', 'image/svg+xml', 'no-cache'],
      ['index.html', 'text/html; charset=utf-8', 'no-cache'],
      ['releases.json', 'application/json', 'no-cache'],
    ]);
    expect(await store.read('config.json')).toBe(CONFIG);
  });

  it('puts the page after all that it is made of', async () => {
    await build('index-1.js');
    const to = watched(null);
    await upload(new Date(), to);
    expect(to.seen.map(({ key }) => key).slice(-3)).toEqual(['config.json', 'index.html', 'releases.json']);
  });

  it.each(['assets/index-2.js', 'icon.svg', 'config.json', 'index.html'])(
    'leaves the page before whole where %s does not arrive, and can be done again',
    async (failAt) => {
      await build('index-1.js');
      await upload();
      await build('index-2.js');
      await expect(upload(new Date(), watched(failAt))).rejects.toThrow('the network is gone');
      expect(await store.read('index.html')).toContain('index-1.js');
      expect(await store.read('assets/index-1.js')).toBe('// index-1.js');
      await upload();
      expect(await store.read('index.html')).toContain('index-2.js');
      expect(await store.read('assets/index-2.js')).toBe('// index-2.js');
    },
  );

  it('knows of a page that was not written down before its upload died', async () => {
    await build('index-1.js');
    await expect(upload(new Date(), watched('releases.json'))).rejects.toThrow('the network is gone');
    await build('index-2.js');
    expect(await upload()).toMatchObject({ deleted: 0 });
    expect(await keys()).toContain('assets/index-1.js');
  });

  it('keeps the assets of a page for 30 days after its end, however old they are', async () => {
    await build('index-1.js');
    await upload();
    await build('index-2.js');
    expect(await upload(inDays(100))).toMatchObject({ deleted: 0 });
    await build('index-3.js');
    expect(await upload(inDays(129))).toMatchObject({ deleted: 0 });
    expect(await keys()).toEqual(
      expect.arrayContaining(['assets/index-1.js', 'assets/index-2.js', 'assets/index-3.js']),
    );
    expect(await upload(inDays(131))).toEqual({ files: 5, deleted: 1 });
    expect(await keys()).not.toContain('assets/index-1.js');
    // All pages have it.
    expect(await keys()).toEqual(expect.arrayContaining(['assets/index-2.js', 'assets/style-1.css']));
  });

  it.each([
    ['no JSON', '['],
    ['of another form', '{"releases":[]}'],
  ])('puts the page and deletes nothing where releases.json is %s, and says what to do', async (_, text) => {
    await build('index-1.js');
    await upload();
    await build('index-2.js');
    const releases = { key: 'releases.json', body: text, contentType: 'application/json', cacheControl: '' };
    await store.put(releases);
    await expect(upload(inDays(100))).rejects.toThrow(
      /^the page is up, but releases\.json beside it cannot be read: .+; remove that file, and the next upload/,
    );
    expect(await store.read('index.html')).toContain('index-2.js');
    expect(await keys()).toContain('assets/index-1.js');
    expect(await store.read('releases.json')).toBe(text);

    await store.delete(['releases.json']);
    expect(await upload()).toMatchObject({ deleted: 0 });
    expect(JSON.parse((await store.read('releases.json'))!)).toMatchObject([
      { assets: ['assets/index-2.js', 'assets/style-1.css'] },
    ]);
  });

  it('is the same page when it is put again', async () => {
    await build('index-1.js');
    await upload();
    const before = await keys();
    expect(await upload(inDays(100))).toMatchObject({ deleted: 0 });
    expect(await keys()).toEqual(before);
  });

  it('puts nothing where a browser would not be told what a file is, or there is no page', async () => {
    await build('index-1.js', { 'assets/font-1.woff9': '' });
    await expect(upload()).rejects.toThrow('assets/font-1.woff9 has no content type: known are .css, .html');
    await rm(join(folder, 'assets'), { recursive: true });
    await rm(join(folder, 'index.html'));
    await expect(upload()).rejects.toThrow('holds no index.html: it is no page');
    expect(await keys()).toEqual([]);
  });
});
