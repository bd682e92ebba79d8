import { createServer, type Server, type ServerResponse } from 'node:http';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3Client, TRAINING_LIMITS } from '../../../../functions/shared/adapters/clients.ts';
import { datasetKey, openS3Dataset } from '../../../../functions/shared/adapters/s3-dataset.ts';
import { awsEnvironment, parseEnv } from '../../../../functions/shared/parse-env.ts';
import type { OpenFile } from '../../../../layers/core/src/data/hetrec.ts';
import { startEmbeddedS3, type EmbeddedS3 } from '../../../../lib/local/embedded-s3.ts';
import { LOCAL_CREDENTIALS } from '../../../../lib/local/local-credentials.ts';
import { closeServer, listenOnLoopback } from '../../../../lib/local/loopback.ts';

let s3: EmbeddedS3;
let client: S3Client;
beforeAll(async () => {
  s3 = await startEmbeddedS3(null);
  s3.createBucket('bucket');
  client = clientOf(s3.endpoint);
});
afterAll(async () => {
  client.destroy();
  await s3.close();
});

function clientOf(endpoint: string): S3Client {
  const environment = parseEnv(awsEnvironment, {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  });
  return createS3Client(environment, { ...TRAINING_LIMITS, maxAttempts: 1 });
}

async function readAll(chunks: Awaited<ReturnType<OpenFile>>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks!) parts.push(chunk);
  return Buffer.concat(parts);
}

const options = { bucket: 'bucket', dataset: 'tiny', deadlineMs: 20_000 };

describe('a data set in S3', () => {
  it('lies under datasets/<name>/ and streams: its bytes in chunks', async () => {
    const body = Buffer.from(Uint8Array.from({ length: 700_000 }, (_, i) => (i * 7) % 256));
    expect(datasetKey('tiny', 'tags.dat')).toBe('datasets/tiny/tags.dat');
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'datasets/tiny/tags.dat', Body: body }));
    const open = openS3Dataset(client, options);
    let nChunks = 0;
    for await (const _chunk of (await open('tags.dat'))!) nChunks++;
    expect(nChunks).toBeGreaterThan(1);
    expect((await readAll(await open('tags.dat'))).equals(body)).toBe(true);
  });

  it('has nothing under a name that is not there', async () => {
    expect(await openS3Dataset(client, options)('absent.dat')).toBeUndefined();
    expect(await openS3Dataset(client, { ...options, dataset: 'other' })('tags.dat')).toBeUndefined();
  });

  it('is unavailable where the bucket is not there: no absent file', async () => {
    await expect(openS3Dataset(client, { ...options, bucket: 'absent' })('tags.dat')).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('reading datasets/tiny/tags.dat on s3 bucket absent'),
      }),
    );
  });
});

/** What a store is asked for that answers as told. */
async function withServer<T>(
  answer: (response: ServerResponse) => void,
  use: (client: S3Client) => Promise<T>,
): Promise<T> {
  const server: Server = createServer((_request, response) => answer(response));
  const faulty = clientOf(`http://127.0.0.1:${await listenOnLoopback(server, 0)}`);
  try {
    return await use(faulty);
  } finally {
    faulty.destroy();
    await closeServer(server, 0);
  }
}

const unavailable = expect.objectContaining({
  code: 'STORE_UNAVAILABLE',
  message: expect.stringContaining('reading datasets/tiny/tags.dat on s3 bucket bucket'),
});

describe('a data set in an S3 that fails', () => {
  it('is unavailable where no answer comes before the deadline', async () => {
    await withServer(
      () => undefined,
      async (faulty) => {
        const reading = openS3Dataset(faulty, { ...options, deadlineMs: 50 })('tags.dat');
        await expect(reading).rejects.toThrow(unavailable);
      },
    );
  });

  it('is unavailable where the file stalls half-way', async () => {
    await withServer(
      (response) => void response.writeHead(200, { 'content-length': '100' }).write('half'),
      async (faulty) => {
        const chunks = await openS3Dataset(faulty, { ...options, deadlineMs: 200 })('tags.dat');
        await expect(readAll(chunks)).rejects.toThrow(unavailable);
      },
    );
  });

  it('is unavailable where the connection breaks half-way: never a shorter file', async () => {
    await withServer(
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
      },
      async (faulty) => {
        const reading = openS3Dataset(faulty, options)('tags.dat').then(readAll);
        await expect(reading).rejects.toThrow(unavailable);
      },
    );
  });
});
