import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEncore, type Ended, type RunningEncore } from './encore.ts';
import { makeQuickState, writeTiny } from './quick-state.ts';

const EVENTS = join(import.meta.dirname, '../events');

let folder: string;
let state: string;
const started: RunningEncore[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-invoke-'));
  state = join(folder, 'state');
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.kill();
  await rm(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): RunningEncore {
  const one = startEncore(args, { ENCORE_STATE: state });
  started.push(one);
  return one;
}

const invoke = (...args: readonly string[]): Promise<Ended> => start('invoke', ...args).ended;

/** Writes one of the event files with other fields. */
async function eventLike(path: string, fields: object): Promise<string> {
  const event: object = JSON.parse(await readFile(join(EVENTS, path), 'utf8'));
  const file = join(folder, path.replaceAll('/', '-'));
  await writeFile(file, JSON.stringify({ ...event, ...fields }));
  return file;
}

describe('encore invoke', () => {
  it('runs functions as they are deployed, one after the other over the same stores', async () => {
    const data = join(folder, 'data');
    const { userId } = await writeTiny(data);
    await makeQuickState(state);
    const event = await eventLike('train/schedule.json', { dataset: 'tiny', now: new Date().toISOString() });
    const training = await invoke('train', event, '--data', data);
    expect(training).toMatchObject({ code: 0, err: expect.stringContaining('"message":"training ended"') });
    const trained: { readonly modelVersion: string } = JSON.parse(training.out);
    expect(trained).toMatchObject({ outcome: 'published' });

    const ask = await eventLike('recommend/list.json', {
      rawPath: `/users/${userId}/recommendations`,
      pathParameters: { userId },
    });
    const { code, out } = await invoke('recommend', ask);
    const answer: { readonly statusCode: number; readonly body: string } = JSON.parse(out);
    expect([code, answer.statusCode]).toEqual([0, 200]);
    const { modelVersion } = trained;
    const list: unknown = JSON.parse(answer.body);
    expect(list).toMatchObject({ userId, policy: 'personal', modelVersion });
    expect(list).toHaveProperty('recommendations.length', 5);

    // A training is what `start` would have done.
    const server = start('start', '--data', data, '--port', '0');
    const [, reused] = await server.until(
      /^The model (\S+) was trained on this data by this code: reusing it\.$/m,
    );
    expect(reused).toBe(modelVersion);
  });

  it('ends with 1 where the function throws, and prints what Lambda would answer', async () => {
    const { code, out, err } = await invoke('train', join(EVENTS, 'train/unknown-preset.json'));
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      errorType: 'EncoreError',
      errorMessage: 'preset is "fast": allowed is "seed" or "full"',
      trace: expect.arrayContaining([expect.stringMatching(/^ {4}at .+handler\.mjs:/)]),
    });
    expect(err).toContain('"message":"training failed"');
  });

  it('ends with 2 where the event is no JSON, before it builds anything', async () => {
    const file = join(folder, 'event.json');
    await writeFile(file, 'play');
    const { code, out, err } = await invoke('events', file);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(
      /^error: the event \S+event\.json cannot be used: .+; allowed is a file with JSON \(/,
    );
  });
});
