import { expect } from 'vitest';
import {
  createDynamoClient,
  createS3Client,
  TRAINING_LIMITS,
} from '../../../functions/shared/adapters/clients.ts';
import { createDynamoCandidateStore } from '../../../functions/shared/adapters/dynamo-candidate-store.ts';
import { createDynamoLeaseStore } from '../../../functions/shared/adapters/dynamo-lease-store.ts';
import { createS3ModelStore } from '../../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE, TABLES } from '../../../functions/shared/tables.ts';
import { createTrainHandlerFromEnvironment, localContext } from '../../../functions/train/handler.ts';
import { decodeCandidateShard } from '../../../layers/core/src/artifact/candidates-file.ts';
import { decodeManifest } from '../../../layers/core/src/artifact/manifest.ts';
import { readPointer, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { startLocalStack } from '../../../lib/local/local-stack.ts';
import { uploadDataset } from '../../../lib/local/upload-dataset.ts';

export const DATASET = 'listening';

/** Embedded stores with a data set in them. */
export async function createWorld(folder: string) {
  const stack = await startLocalStack({ stateDir: null });
  const env = { ...stack.env, CODE_VERSION: 'test', LOG_LEVEL: 'SILENT' };
  const aws = parseEnv(awsEnvironment, env);
  const s3 = createS3Client(aws, TRAINING_LIMITS);
  const dynamo = createDynamoClient(aws, TRAINING_LIMITS);
  const bucket = stack.env[BUCKET_VARIABLE]!;
  const deadline = { deadlineMs: 60_000 };
  const modelStore = createS3ModelStore(s3, bucket, deadline);
  const candidateStore = createDynamoCandidateStore(dynamo, stack.env[TABLES.candidates.variable]!, {
    ...deadline,
    consistentRead: true,
  });
  const leaseStore = createDynamoLeaseStore(dynamo, stack.env[TABLES.leases.variable]!, {
    ...deadline,
    leaseName: 'training',
  });
  await uploadDataset(s3, { bucket, dataset: DATASET, folder });
  return { env, modelStore, candidateStore, leaseStore, close: () => stack.close() };
}
export type World = Awaited<ReturnType<typeof createWorld>>;

/** Trains in one invocation. */
export async function trainInOne(world: World, event: Readonly<Record<string, unknown>>) {
  return await createTrainHandlerFromEnvironment(world.env)(event, localContext());
}

/** The files of the version served but the manifest, and its candidate records as the candidate store holds them. */
export async function servedVersion({ modelStore, candidateStore }: World) {
  const { version } = (await readPointer(modelStore))!.pointer;
  const read = async (path: string): Promise<Uint8Array> =>
    (await modelStore.get(versionKey(version, path)))!.body;
  const manifest = decodeManifest(await read('manifest.json'));
  const files = new Map<string, Uint8Array>();
  for (const path of Object.keys(manifest.files).toSorted()) files.set(path, await read(path));
  const records = new Map<string, Uint8Array | undefined>();
  for (const [path, bytes] of files) {
    if (!path.startsWith('candidates/')) continue;
    for (const { userId } of decodeCandidateShard(bytes)) {
      records.set(userId, await candidateStore.read(userId, version));
    }
  }
  return { version, manifest, files, records };
}

/** Holds that what two worlds serve has the same files, candidate records and metrics, byte for byte. */
export async function expectSameVersion(one: World, other: World): Promise<void> {
  const [expected, found] = [await servedVersion(one), await servedVersion(other)];
  expect([...found.files.keys()]).toEqual([...expected.files.keys()]);
  for (const [path, bytes] of expected.files) {
    expect([path, Buffer.compare(found.files.get(path)!, bytes)]).toEqual([path, 0]);
  }
  expect(found.records).toEqual(expected.records);
  expect(found.manifest.metrics).toEqual(expected.manifest.metrics);
}
