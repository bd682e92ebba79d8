import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryLeaseStore,
  createMemoryModelStore,
} from '../../functions/shared/adapters/memory-stores.ts';
import { inlineParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { ROUTES } from '../../functions/routes.ts';
import { createTrainHandler } from '../../functions/train/handler.ts';
import { parseTrainingEvent } from '../../functions/train/request.ts';
import { parseUpkeepEvent } from '../../functions/upkeep/request.ts';
import { openInMemory } from '../../layers/core/src/data/hetrec.ts';
import { silentProgress } from '../core/tiny.ts';
import { allFunctions } from '../functions/all-functions.ts';
import { recordingObservability } from '../functions/recording-observability.ts';
import { EVENT_FILES } from './event-files.ts';

const FOLDER = import.meta.dirname;

const read = (file: string): unknown => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
const readHttp = (file: string): APIGatewayProxyEventV2 =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));

describe('the table of event files', () => {
  it('names every file there is, and no other', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => name.endsWith('.json'));
    expect(files.toSorted()).toEqual(Object.keys(EVENT_FILES).toSorted());
  });

  it('has an event for every function that answers HTTP', () => {
    const named = new Set(Object.values(EVENT_FILES).map((file) => file.function));
    for (const { handledBy } of ROUTES) expect(named).toContain(handledBy);
  });
});

describe('an HTTP event', () => {
  let functions: Awaited<ReturnType<typeof allFunctions>>;
  let clock = 0;

  beforeAll(async () => {
    functions = await allFunctions({ now: () => clock });
  });

  const http = Object.entries(EVENT_FILES).flatMap(([file, { function: name, outcome }]) =>
    name === 'train' || name === 'upkeep' ? [] : [{ file, name, outcome }],
  );

  it.each(http)('$file is answered with $outcome', async ({ file, name, outcome }) => {
    const event = readHttp(file);
    clock = event.requestContext.timeEpoch;
    const { statusCode } = await functions.handlers[name](event);
    expect(statusCode).toBe(outcome);
  });

  it.each(http)('$file names a route of its function', ({ file, name }) => {
    const { routeKey, requestContext } = readHttp(file);
    const route = ROUTES.find(({ method, path }) => routeKey === `${method} ${path}`);
    expect(route?.handledBy).toBe(name);
    expect(requestContext.routeKey).toBe(routeKey);
  });

  it('events/play.json holds one play, which is stored', async () => {
    const event = readHttp('events/play.json');
    clock = event.requestContext.timeEpoch;
    const { body = '' } = await functions.handlers.events(event);
    const { results }: { readonly results: readonly { readonly status: string }[] } = JSON.parse(body);
    // The test above may have sent it before.
    expect(['accepted', 'duplicate']).toContain(results[0]!.status);
    expect(results).toHaveLength(1);
  });
});

describe('an event of the upkeep', () => {
  it.each(['model', 'experiments'])('upkeep/%s.json asks for the check that it is named after', (check) => {
    expect(parseUpkeepEvent(read(`upkeep/${check}.json`))).toEqual({ check });
  });
});

/** A handler for which there is no data set: it gets as far as looking for one. */
async function endOf(event: unknown): Promise<string> {
  const opened: string[] = [];
  const handler = createTrainHandler(
    {
      openDataset: (name) => {
        opened.push(name);
        return Promise.resolve(openInMemory({}));
      },
      modelStore: createMemoryModelStore(),
      candidateStore: createMemoryCandidateStore(),
      leaseStore: createMemoryLeaseStore(),
      parallel: inlineParallelMap,
      progress: silentProgress,
      clock: () => Date.parse('2026-11-24T03:00:00Z'),
      sleep: () => Promise.resolve(),
      random: () => 0.5,
      codeVersion: 'test',
      candidatesTtlMs: 1_000,
      leaseMs: 1_000,
      onReport: () => undefined,
    },
    recordingObservability().observability,
  );
  const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 900_000 };
  const code = await handler(event, context).then(
    ({ outcome }) => outcome,
    (error: unknown): unknown => Object(error).code,
  );
  return [...opened, code].join(' ');
}

describe('a training event', () => {
  it('of the schedule is a whole one, and leads to the data set that it names', async () => {
    const event = read('train/schedule.json');
    expect(parseTrainingEvent(event)).toEqual({
      dataset: 'hetrec2011-lastfm-2k',
      preset: 'full',
      options: {},
      now: Date.parse('2026-11-24T03:00:00Z'),
    });
    expect(await endOf(event)).toBe('hetrec2011-lastfm-2k INVALID_DATA_SET');
  });

  it('with an unknown preset is refused before a data set is looked for', async () => {
    expect(await endOf(read('train/unknown-preset.json'))).toBe(
      EVENT_FILES['train/unknown-preset.json']!.outcome,
    );
  });

  it('of an unknown data set fails where that is looked for', async () => {
    expect(await endOf(read('train/unknown-data-set.json'))).toBe(
      `nobody-uploaded-this ${EVENT_FILES['train/unknown-data-set.json']!.outcome}`,
    );
  });
});
