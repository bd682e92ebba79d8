import { EncoreError, type ModelStore } from '@encore/core/serve';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { callStore, describeSdkError, storeUnavailable } from './store-call.ts';

/**
 * Model versions and their pointer in an S3 bucket.
 *
 * @param options.deadlineMs - Milliseconds that one operation may take, retries included.
 */
export function createS3ModelStore(
  client: S3Client,
  bucket: string,
  options: { readonly deadlineMs: number },
): ModelStore {
  const call = (operation: string) => ({
    store: `s3 bucket ${bucket}`,
    operation,
    deadlineMs: options.deadlineMs,
  });
  return {
    get: (key, range) =>
      callStore(call(`reading ${key}`), async ({ abortSignal }) => {
        try {
          const { Body, ETag } = await client.send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
            }),
            { abortSignal },
          );
          // A body that stalls is cut off too: the signal covers the stream, not only the headers.
          const body = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
          return { body, etag: ETag ?? '' };
        } catch (error) {
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      }),

    put: (key, body) =>
      callStore(call(`writing ${key}`), async ({ abortSignal }) => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }), { abortSignal });
      }),

    putIf: async (key, body, etag) => {
      const { deadlineMs, ...where } = call(`conditionally writing ${key}`);
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: body,
            ...(etag === null ? { IfNoneMatch: '*' } : { IfMatch: etag }),
          }),
          { abortSignal: AbortSignal.timeout(deadlineMs) },
        );
        return true;
      } catch (error) {
        // 412: the condition failed; 409: somebody writes right now; 404: there is nothing to match. Only the
        // first attempt can say so of us: after a retry it may be our own lost write that stands in the way.
        const { status, attempts } = describeSdkError(error);
        if (attempts === 1 && (status === 412 || status === 409 || (status === 404 && etag !== null)))
          return false;
        throw storeUnavailable({ ...where, deadlineMs }, error);
      }
    },

    list: async (prefix) => {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const page = await callStore(call(`listing ${prefix}`), ({ abortSignal }) =>
          client.send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: prefix,
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
            { abortSignal },
          ),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
      return keys;
    },

    delete: async (keys) => {
      for (let start = 0; start < keys.length; start += DELETE_BATCH_SIZE) {
        const { Errors } = await callStore(call('deleting objects'), ({ abortSignal }) =>
          client.send(
            new DeleteObjectsCommand({
              Bucket: bucket,
              Delete: {
                Objects: keys.slice(start, start + DELETE_BATCH_SIZE).map((Key) => ({ Key })),
                Quiet: true,
              },
            }),
            { abortSignal },
          ),
        );
        // The answer is a 200 whatever became of the single objects.
        const [error] = Errors ?? [];
        if (error !== undefined) {
          throw new EncoreError(
            'STORE_UNAVAILABLE',
            `deleting ${error.Key ?? 'objects'} on s3 bucket ${bucket} failed with ${error.Code ?? 'no reason given'}`,
            { store: `s3 bucket ${bucket}`, failed: Errors?.length, outcome: 'unknown' },
          );
        }
      }
    },
  };
}

/** S3 takes no more keys in one request. */
const DELETE_BATCH_SIZE = 1_000;
