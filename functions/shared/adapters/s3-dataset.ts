import { Readable } from 'node:stream';

import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import type { OpenFile } from '@encore/core/train';

import { callStore, storeUnavailable, type StoreCall } from './store-call.ts';

/** The key of a data set's file. */
export function datasetKey(dataset: string, file: string): string {
  return `datasets/${dataset}/${file}`;
}

/**
 * A data set under `datasets/<name>/` in a bucket, its files streamed.
 *
 * @param options.deadlineMs - Milliseconds that reading a file may take, to its last byte.
 */
export function openS3Dataset(
  client: S3Client,
  {
    bucket,
    dataset,
    deadlineMs,
  }: { readonly bucket: string; readonly dataset: string; readonly deadlineMs: number },
): OpenFile {
  return (name) => {
    const key = datasetKey(dataset, name);
    const call: StoreCall = { store: `s3 bucket ${bucket}`, operation: `reading ${key}`, deadlineMs };
    return callStore(call, async ({ abortSignal }) => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
          abortSignal,
        });
        // On Node, and nowhere else, the body is a stream that iterates over its chunks.
        if (Body instanceof Readable) return readThrough(Body, call);
        throw new TypeError('the body of the answer is no stream of Node');
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    });
  };
}

/** The chunks of a body; what breaks it off is a failure of the store too, and one that stalls is cut off at the deadline. */
async function* readThrough(body: Readable, call: StoreCall): AsyncGenerator<Uint8Array, void, undefined> {
  const { deadlineMs } = call;
  const timer = setTimeout(() => {
    body.destroy(new Error(`no last byte within ${deadlineMs} ms`));
  }, deadlineMs);
  try {
    yield* body;
  } catch (error) {
    throw storeUnavailable(call, error);
  } finally {
    clearTimeout(timer);
  }
}
