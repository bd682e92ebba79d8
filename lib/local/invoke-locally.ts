import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3Client, TRAINING_LIMITS } from '../../functions/shared/adapters/clients.ts';
import { createS3ModelStore } from '../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../functions/shared/tables.ts';
import { stageFunctions } from '../build/stage-functions.ts';
import { sourcesVersion } from './code-version.ts';
import { datasetNameOf } from './dataset-name.ts';
import { invokeBundle, type BundleAnswer } from './invoke-bundle.ts';
import { startLocalStack, type LocalStack } from './local-stack.ts';
import { uploadDataset } from './upload-dataset.ts';

/**
 * Builds a function as it is deployed and invokes it over the local stores, which it leaves as the invocation did.
 *
 * @param options.name - Folder under `functions/`.
 * @param options.stateDir - Where the local stores lie.
 * @param options.folder - A data set to upload where the stage has none under the name that the event gives (`dataset`), else the folder's.
 * @throws EncoreError `STORE_UNAVAILABLE` where another process is using the stores.
 */
export async function invokeLocally(options: {
  readonly name: string;
  readonly event: unknown;
  readonly stateDir: string;
  readonly folder: string | null;
}): Promise<BundleAnswer> {
  const { name, event, stateDir, folder } = options;
  const stack = await startLocalStack({ stateDir });
  // Built anew each time: it takes a second, and what was built before may be of other sources.
  const staged = await mkdtemp(join(tmpdir(), 'encore-invoke-'));
  try {
    if (folder !== null) await uploadOnce(stack, folder, datasetOf(event) ?? datasetNameOf(folder));
    const { bundles } = stageFunctions(staged, [name]);
    return await invokeBundle({
      name,
      bundle: bundles.get(name)!.folder,
      event,
      variables: {
        ...stack.env,
        LOG_LEVEL: 'INFO',
        METRICS: 'on',
        // As `start` calls it, which then need not train again.
        CODE_VERSION: await sourcesVersion(),
      },
    });
  } finally {
    await stack.close();
    await rm(staged, { recursive: true, force: true });
  }
}

async function uploadOnce(stack: LocalStack, folder: string, dataset: string): Promise<void> {
  const s3 = createS3Client(parseEnv(awsEnvironment, stack.env), TRAINING_LIMITS);
  const bucket = stack.env[BUCKET_VARIABLE]!;
  const there = await createS3ModelStore(s3, bucket, { deadlineMs: 30_000 }).list(`datasets/${dataset}/`);
  if (there.length === 0) await uploadDataset(s3, { bucket, dataset, folder });
}

/** The data set that a training event names; any other event names none. */
function datasetOf(event: unknown): string | undefined {
  const name = typeof event === 'object' && event !== null && 'dataset' in event ? event.dataset : undefined;
  return typeof name === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(name) ? name : undefined;
}
