import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { startEmbeddedS3, type EmbeddedS3 } from '../../lib/local/embedded-s3.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../lib/local/local-credentials.ts';
import { uploadDataset } from '../../lib/local/upload-dataset.ts';

let folder: string;
let s3: EmbeddedS3;
let client: S3Client;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-upload-'));
  s3 = await startEmbeddedS3(null);
  s3.createBucket('bucket');
  client = new S3Client({
    endpoint: s3.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    forcePathStyle: true,
  });
});

afterEach(async () => {
  client.destroy();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

async function uploaded(): Promise<readonly (string | undefined)[]> {
  await uploadDataset(client, { bucket: 'bucket', dataset: 'mine', folder });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }));
  return Contents.map(({ Key }) => Key);
}

it('removes a file that the folder lacks from what an earlier upload left', async () => {
  await writeFile(join(folder, 'user_artists.dat'), '1\t2\t3\n');
  await writeFile(join(folder, 'user_friends.dat'), '1\t2\n');
  expect(await uploaded()).toEqual(['datasets/mine/user_artists.dat', 'datasets/mine/user_friends.dat']);
  await rm(join(folder, 'user_friends.dat'));
  expect(await uploaded()).toEqual(['datasets/mine/user_artists.dat']);
});
