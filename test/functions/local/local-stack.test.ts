import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createDynamoClient,
  createS3Client,
  TRAINING_LIMITS,
} from '../../../functions/shared/adapters/clients.ts';
import { createDynamoCandidateStore } from '../../../functions/shared/adapters/dynamo-candidate-store.ts';
import { createDynamoLeaseStore } from '../../../functions/shared/adapters/dynamo-lease-store.ts';
import { createS3ModelStore } from '../../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../../functions/shared/parse-env.ts';
import { startEmbeddedDynamoDb } from '../../../lib/local/embedded-dynamodb.ts';
import { startLocalStack, type LocalStack } from '../../../lib/local/local-stack.ts';

const NEVER = 4_102_444_800_000;
const deadlineMs = 20_000;
const undo: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'encore-local-stack-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a stack and the stores that a function would make of its environment. */
async function start(stateDir: string | null) {
  const stack: LocalStack = await startLocalStack({ stateDir });
  const environment = parseEnv(awsEnvironment, stack.env);
  const s3 = createS3Client(environment, TRAINING_LIMITS);
  const dynamo = createDynamoClient(environment, TRAINING_LIMITS);
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    s3.destroy();
    dynamo.destroy();
    await stack.close();
  };
  undo.push(close);
  return {
    stack,
    close,
    models: createS3ModelStore(s3, stack.env['BUCKET_NAME']!, { deadlineMs }),
    candidates: createDynamoCandidateStore(dynamo, stack.env['CANDIDATES_TABLE']!, { deadlineMs }),
    leases: createDynamoLeaseStore(dynamo, stack.env['LEASES_TABLE']!, { leaseName: 'train', deadlineMs }),
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the local stack', () => {
  it('has the bucket and the tables that its environment names', async () => {
    const { models, candidates, leases, stack } = await start(null);
    await models.put('a', bytes('1'));
    await candidates.write('v1', [{ userId: '51', record: Uint8Array.of(1, 2) }], { expiresAtMs: NEVER });
    expect(await models.list('')).toEqual(['a']);
    expect(await candidates.read('51', 'v1')).toEqual(Uint8Array.of(1, 2));
    expect(await leases.acquire('me', 1, 1_000)).toEqual({ fence: 1 });
    expect(Object.keys(stack.env).toSorted()).toEqual([
      'ADMIN_SCOPE',
      'AUTH_MODE',
      'AWS_ACCESS_KEY_ID',
      'AWS_ENDPOINT_URL_DYNAMODB',
      'AWS_ENDPOINT_URL_S3',
      'AWS_REGION',
      'AWS_SECRET_ACCESS_KEY',
      'BUCKET_NAME',
      'CANDIDATES_TABLE',
      'EVENTS_TABLE',
      'EXPERIMENTS_TABLE',
      'EXPOSURES_TABLE',
      'LEASES_TABLE',
      'LOG_LEVEL',
      'METRICS',
      'STORE_PATIENCE',
      'TOMBSTONES_TABLE',
    ]);
  });

  it('forgets everything when it keeps its state in memory', async () => {
    const first = await start(null);
    await first.models.put('a', bytes('1'));
    await first.close();
    const second = await start(null);
    expect(await second.models.list('')).toEqual([]);
  });

  it('finds objects, entity tags, items and fences again after a restart', async () => {
    const folder = makeFolder();
    const first = await start(folder);
    await first.models.put('models/current.json', bytes('{"version":"v1"}'));
    await first.models.put('models/v1/a b%2F+ü.json', bytes('odd name'));
    await first.models.put('models/v1/empty', new Uint8Array(0));
    await first.candidates.write('v1', [{ userId: '51', record: Uint8Array.of(7) }], { expiresAtMs: NEVER });
    await first.leases.acquire('me', 1, 1_000);
    const before = await first.models.get('models/current.json');
    await first.close();

    const second = await start(folder);
    expect(await second.models.list('models/')).toEqual([
      'models/current.json',
      'models/v1/a b%2F+ü.json',
      'models/v1/empty',
    ]);
    const after = await second.models.get('models/current.json');
    expect(after).toEqual(before);
    expect((await second.models.get('models/v1/a b%2F+ü.json'))?.body).toEqual(bytes('odd name'));
    expect((await second.models.get('models/v1/empty'))?.body).toHaveLength(0);
    expect(await second.models.putIf('models/current.json', bytes('{"version":"v2"}'), after!.etag)).toBe(
      true,
    );
    expect(await second.candidates.read('51', 'v1')).toEqual(Uint8Array.of(7));
    expect(await second.leases.acquire('you', 5_000, 1_000)).toEqual({ fence: 2 });
  });

  it('replaces a kept object whole, and never lists a half-written one', async () => {
    const folder = makeFolder();
    const first = await start(folder);
    await first.models.put('models/current.json', bytes('old'));
    await first.models.put('models/current.json', bytes('new and longer'));
    await first.close();
    // What a process killed while writing leaves behind.
    writeFileSync(join(folder, 's3', '.staging', '0'), 'ha');
    const second = await start(folder);
    expect(await second.models.list('')).toEqual(['models/current.json']);
    expect((await second.models.get('models/current.json'))?.body).toEqual(bytes('new and longer'));
    expect(readdirSync(join(folder, 's3', '.staging'))).toEqual([]);
  });

  it('keeps a key that climbs out of its folder inside', async () => {
    const folder = makeFolder();
    const { models } = await start(folder);
    const keys = ['../../../escaped', './here', 'models/..%2F..%2F/x'];
    for (const key of keys) {
      await models.put(key, bytes(key));
      expect((await models.get(key))?.body).toEqual(bytes(key));
    }
    expect(await models.list('')).toEqual(keys);
    expect(readdirSync(folder).toSorted()).toEqual(['dynamodb', 's3']);
  });

  it('refuses a folder that another stack has open, and says so', async () => {
    const folder = makeFolder();
    await start(folder);
    await expect(startLocalStack({ stateDir: folder })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `${join(folder, 'dynamodb')} cannot be opened: another process is using it`,
    });
  });

  it('says why a folder cannot be written', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    await expect(startLocalStack({ stateDir: file })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('ENOTDIR'),
    });
  });
});

describe('the embedded DynamoDB', () => {
  it('can be closed twice', async () => {
    const dynamo = await startEmbeddedDynamoDb(null);
    await dynamo.close();
    await dynamo.close();
    await expect(fetch(dynamo.endpoint)).rejects.toThrow('fetch failed');
  });

  it('answers while the thread that started it computes', async () => {
    const dynamo = await startEmbeddedDynamoDb(null);
    undo.push(() => dynamo.close());
    // The answer of another process, which this thread waits for without letting its event loop run.
    const script = `fetch(${JSON.stringify(dynamo.endpoint)}).then((r) => r.text()).then((t) => process.stdout.write(t))`;
    const answer = execFileSync(process.execPath, ['--eval', script], { encoding: 'utf8', timeout: 20_000 });
    expect(answer).toContain('healthy: dynamodb');
  });

  it('lets a process end once it is closed', async () => {
    const script = `
      import { startEmbeddedDynamoDb } from ${JSON.stringify(new URL('../../../lib/local/embedded-dynamodb.ts', import.meta.url).href)};
      const dynamo = await startEmbeddedDynamoDb(null);
      await dynamo.createTable('things', { partitionKey: 'a', sortKey: null, ttlAttribute: null, variable: 'X' });
      await fetch(dynamo.endpoint).then((response) => response.text());
      await dynamo.close();
      console.log('closed');`;
    // Killed, and so rejected, where something keeps it alive.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { timeout: 20_000 },
    );
    expect(stdout).toBe('closed\n');
  });
});
