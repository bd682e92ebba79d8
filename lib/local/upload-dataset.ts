import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { HETREC_FILES } from '@encore/core/train';

import { datasetKey } from '../../functions/shared/adapters/s3-dataset.ts';

/**
 * Makes `datasets/<dataset>/` in a bucket hold what a folder holds: a file that the folder lacks is removed there too, or a
 * training would go on reading that of an earlier upload.
 */
export async function uploadDataset(
  s3: S3Client,
  target: { readonly bucket: string; readonly dataset: string; readonly folder: string },
): Promise<void> {
  for (const file of Object.values(HETREC_FILES)) {
    const object = { Bucket: target.bucket, Key: datasetKey(target.dataset, file) };
    const body = await readIfThere(join(target.folder, file));
    if (body === null) await s3.send(new DeleteObjectCommand(object));
    else await s3.send(new PutObjectCommand({ ...object, Body: body }));
  }
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
