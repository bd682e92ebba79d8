import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { invokeBundle, type BundleAnswer } from '../../lib/local/invoke-bundle.ts';

let bundle: string;
beforeEach(async () => {
  bundle = await mkdtemp(join(tmpdir(), 'encore-bundle-'));
});
afterEach(() => rm(bundle, { recursive: true, force: true }));

/** Invokes a bundle of this code. */
async function invoke(code: string, event: unknown = {}): Promise<BundleAnswer> {
  await writeFile(join(bundle, 'handler.mjs'), code);
  return invokeBundle({
    name: 'train',
    bundle,
    event,
    variables: { AWS_REGION: 'eu-central-1', TABLE: 't' },
  });
}

describe('a bundle that is invoked', () => {
  it('gets the event, a context, and the environment of a Lambda with nothing of this one', async () => {
    const answer = await invoke(
      `export const handler = async (event, context) =>
        ({ event, context: { ...context, left: context.getRemainingTimeInMillis() }, variables: process.env });`,
      { n: [1, null] },
    );
    expect(answer).toEqual({
      failed: false,
      result: {
        event: { n: [1, null] },
        context: expect.objectContaining({
          functionName: 'encore-local-train',
          functionVersion: '$LATEST',
          invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:encore-local-train',
          awsRequestId: 'local',
        }),
        variables: {
          AWS_REGION: 'eu-central-1',
          TABLE: 't',
          AWS_LAMBDA_FUNCTION_NAME: 'encore-local-train',
          AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3538',
          TZ: ':UTC',
        },
      },
    });
    // Lambda lets a function run for 15 minutes.
    expect(answer).toHaveProperty(
      'result.context.left',
      expect.toSatisfy((ms) => ms > 0 && ms <= 900_000),
    );
  });

  it('returns null where it returns nothing', async () => {
    expect(await invoke('export const handler = async () => undefined;')).toEqual({
      failed: false,
      result: null,
    });
  });

  it.each([
    ['throws', 'export const handler = async () => { throw new RangeError("too far"); };', 'RangeError'],
    ['throws what is no error', 'export const handler = async () => { throw "too far"; };', 'Error'],
    ['cannot be loaded', 'throw new TypeError("too far");', 'TypeError'],
  ])('has failed where it %s', async (_, code, errorType) => {
    const { failed, result } = await invoke(code);
    expect(failed).toBe(true);
    expect(result).toEqual({ errorType, errorMessage: 'too far', trace: expect.any(Array) });
  });

  it.each([
    ['process.exit(3)', 'exit status 3'],
    ['process.kill(process.pid, "SIGKILL")', 'SIGKILL'],
    ['// It waits for nothing.', 'exit status 0'],
  ])('has failed where its process ends without an answer: %s', async (end, how) => {
    const code = `export const handler = async () => {\n${end}\nawait new Promise(() => {}); };`;
    expect(await invoke(code)).toEqual({
      failed: true,
      result: {
        errorType: 'Runtime.ExitError',
        errorMessage: `the runtime exited without an answer: ${how}`,
      },
    });
  });
});
