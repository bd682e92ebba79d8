import {
  DeleteObjectsCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { PageStore } from './page-store.ts';

/** What S3 deletes by one request. */
const DELETED_AT_ONCE = 1_000;

/** The files of a page as objects of a bucket, which CloudFront reads. */
export function createS3PageStore(s3: S3Client, bucket: string): PageStore {
  return {
    put: async ({ key, body, contentType, cacheControl }) => {
      await s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: contentType,
          CacheControl: cacheControl,
        }),
      );
    },
    read: async (key) => {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return (await Body?.transformToString()) ?? null;
      } catch (error) {
        if (error instanceof NoSuchKey) return null;
        throw error;
      }
    },
    list: async (prefix) => {
      const found: { key: string; putAt: Date }[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client: s3 },
        { Bucket: bucket, Prefix: prefix },
      )) {
        for (const { Key, LastModified } of Contents) {
          if (Key !== undefined && LastModified !== undefined) found.push({ key: Key, putAt: LastModified });
        }
      }
      return found;
    },
    delete: async (keys) => {
      for (let first = 0; first < keys.length; first += DELETED_AT_ONCE) {
        const Objects = keys.slice(first, first + DELETED_AT_ONCE).map((Key) => ({ Key }));
        const { Errors = [] } = await s3.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        if (Errors.length > 0) throw new Error(`S3 did not delete ${Errors[0]!.Key}: ${Errors[0]!.Message}`);
      }
    },
  };
}
