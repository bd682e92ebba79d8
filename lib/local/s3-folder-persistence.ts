import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { buildApp } from 'fauxqs';

type S3Store = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>['s3Store'];
/** Where fauxqs keeps what its memory should not. */
export type S3Persistence = NonNullable<S3Store['persistence']>;

/**
 * Keeps S3 objects as plain files, `<folder>/<bucket>/<key>`.
 *
 * A file is written beside its place and renamed into it, so that a process killed at any moment leaves every object
 * as it was or as it should be. fauxqs's own folder form writes two files in place and does not survive that. Entity
 * tags are MD5 of the content and are computed again when loading; content types and checksums are not kept.
 */
export function createS3FolderPersistence(folder: string): S3Persistence {
  const staging = join(folder, '.staging');
  const buckets = join(folder, 'buckets');
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  mkdirSync(buckets, { recursive: true });
  const pathOf = (bucket: string, key: string): string =>
    join(buckets, bucket, ...key.split('/').map(encodeSegment));
  let nStaged = 0;

  return {
    insertBucket: (name) => mkdirSync(join(buckets, name), { recursive: true }),
    upsertObject: (bucket, { key, body }) => {
      const path = pathOf(bucket, key);
      const staged = join(staging, String(nStaged++));
      writeFileSync(staged, body);
      mkdirSync(dirname(path), { recursive: true });
      renameSync(staged, path);
    },
    readBody: (bucket, key) => readFileSync(pathOf(bucket, key)),
    deleteObject: (bucket, key) => rmSync(pathOf(bucket, key), { force: true }),
    loadS3: (store) => {
      for (const bucket of readdirSync(buckets)) {
        store.createBucket(bucket);
        const root = join(buckets, bucket);
        for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile()) continue;
          const path = join(entry.parentPath, entry.name);
          const key = path
            .slice(root.length + 1)
            .split(/[\\/]/)
            .map(decodeURIComponent)
            .join('/');
          const content = readFileSync(path);
          store.restoreObject(bucket, {
            key,
            // Left on disk: fauxqs asks for it by `readBody`.
            body: Buffer.alloc(0),
            contentLength: content.length,
            contentType: 'application/octet-stream',
            etag: `"${createHash('md5').update(content).digest('hex')}"`,
            lastModified: statSync(path).mtime,
            metadata: {},
          });
        }
      }
    },
    close: () => undefined,
    deleteBucket: refuse,
    deleteObjectsByBucket: refuse,
    deleteAllObjects: refuse,
    renameObject: refuse,
    purgeAll: refuse,
    saveBucketLifecycleConfiguration: refuse,
    deleteBucketLifecycleConfiguration: refuse,
    insertMultipartUpload: refuse,
    upsertMultipartPart: refuse,
    deleteMultipartUpload: refuse,
    completeMultipartUpload: refuse,
    deleteAllMultipartUploads: refuse,
  };
}

/** Escapes what a file system could take for more than a name, `.` and `..` among it. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment)
    .replaceAll('*', '%2A')
    .replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
}

function refuse(): never {
  throw new Error(
    'this S3 keeps objects in a folder: only PUT, GET, LIST and DELETE of whole objects are kept',
  );
}
