import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedS3 } from '../../lib/local/embedded-s3.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../lib/local/local-credentials.ts';
import type { PageStore } from '../../lib/page/page-store.ts';
import { createS3PageStore } from '../../lib/page/s3-page-store.ts';
import { startFaultProxy } from '../functions/shared/adapters/fault-proxy.ts';

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

function storeAt(endpoint: string): PageStore {
  const client = new S3Client({
    endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    forcePathStyle: true,
  });
  undo.push(() => client.destroy());
  return createS3PageStore(client, 'page');
}

/** A store whose every request is answered with what S3 says of a deletion; `asked` are the keys of each. */
async function deleting(
  result: string,
): Promise<{ readonly store: PageStore; readonly asked: readonly (readonly string[])[] }> {
  const asked: string[][] = [];
  const s3 = await startFaultProxy('http://nobody.invalid', [
    {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: (request) => {
        asked.push([...request.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key!));
        return `<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${result}</DeleteResult>`;
      },
    },
  ]);
  undo.push(() => s3.close());
  return { store: storeAt(s3.endpoint), asked };
}

const keysOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `assets/index-${i}.js`);

describe('deleting files of a page', () => {
  it('names each once, 1,000 by a request, which is all that S3 takes', async () => {
    const { store, asked } = await deleting('');
    await store.delete(keysOf(2_001));
    expect(asked.map((keys) => keys.length)).toEqual([1_000, 1_000, 1]);
    expect(asked.flat()).toEqual(keysOf(2_001));
  });

  it('asks for nothing where there is none', async () => {
    const { store, asked } = await deleting('');
    await store.delete([]);
    expect(asked).toEqual([]);
  });

  it('fails where S3 deletes some and not others, saying which and why', async () => {
    const { store, asked } = await deleting(
      '<Error><Key>assets/index-7.js</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
    );
    await expect(store.delete(keysOf(1_500))).rejects.toThrow(
      /^S3 did not delete assets\/index-7\.js: Access Denied$/,
    );
    // No more of it once something is wrong.
    expect(asked).toHaveLength(1);
  });

  it('deletes what is there, and is content with what is not', async () => {
    const s3 = await startEmbeddedS3(null);
    undo.push(() => s3.close());
    s3.createBucket('page');
    const store = storeAt(s3.endpoint);
    for (const key of ['assets/a.js', 'assets/b.js']) {
      await store.put({ key, body: '//', contentType: 'text/javascript', cacheControl: 'no-cache' });
    }
    await store.delete(['assets/a.js', 'assets/absent.js']);
    expect((await store.list('')).map(({ key }) => key)).toEqual(['assets/b.js']);
  });
});

describe('reading a file of a page', () => {
  it('finds null where there is none, and fails where there is no bucket', async () => {
    const s3 = await startEmbeddedS3(null);
    undo.push(() => s3.close());
    const store = storeAt(s3.endpoint);
    await expect(store.read('releases.json')).rejects.toThrow(
      expect.objectContaining({ name: 'NoSuchBucket' }),
    );
    s3.createBucket('page');
    expect(await store.read('releases.json')).toBeNull();
  });
});
