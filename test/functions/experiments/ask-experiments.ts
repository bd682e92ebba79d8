import { expect } from 'vitest';
import {
  createMemoryEventLog,
  createMemoryExperimentStore,
  createMemoryExposureLog,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { experimentsContracts } from '../../../functions/experiments/contract.ts';
import { createExperimentsHandler, type ExperimentsDeps } from '../../../functions/experiments/handler.ts';
import type { Exposure, ListenerEvent } from '../../../layers/core/src/ports.ts';
import { recordingObservability } from '../recording-observability.ts';
import { httpEvent } from '../http-event.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
/** When the tests take place, unless they say otherwise. */
export const NOW_MS = Date.UTC(2026, 10, 24, 12);

/** What was answered; `body` is whatever JSON says. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look at all of it
  readonly body: any;
}

/** The experiments function over stores in memory, with a clock that the test moves. */
export function experimentsWorld(deps: Partial<ExperimentsDeps> = {}) {
  const clock = { nowMs: NOW_MS };
  const experiments = createMemoryExperimentStore();
  const exposures = createMemoryExposureLog();
  const events = createMemoryEventLog();
  const { counted, logged, observability } = recordingObservability();
  const handler = createExperimentsHandler({
    experiments,
    exposures,
    events,
    observability,
    now: () => clock.nowMs,
    ...deps,
  });

  /** Asks one route; a success must have exactly what its contract says. */
  async function ask(
    routeKey: keyof typeof experimentsContracts,
    request: {
      readonly key?: string;
      readonly query?: Record<string, string>;
      readonly body?: unknown;
    } = {},
  ): Promise<Answer> {
    const { key, query, body } = request;
    const {
      statusCode,
      headers,
      body: text,
    } = await handler(
      httpEvent(routeKey, {
        ...(key === undefined ? {} : { params: { key } }),
        ...(query === undefined ? {} : { query }),
        ...(body === undefined ? {} : { body }),
      }),
    );
    const found: unknown = JSON.parse(text ?? '');
    const contract = experimentsContracts[routeKey];
    if (statusCode === 200) expect(contract.responses[200].schema.parse(found)).toStrictEqual(found);
    else expect(contract.problems).toContain(statusCode);
    return { status: statusCode ?? 0, headers: headers ?? {}, body: found };
  }

  return {
    clock,
    experiments,
    exposures,
    events,
    counted,
    logged,
    list: () => ask('GET /experiments'),
    put: (key: string, body: unknown) => ask('PUT /experiments/{key}', { key, body }),
    results: (key: string, query: Record<string, string> = {}) =>
      ask('GET /experiments/{key}/results', { key, query }),
  };
}

/** An experiment as somebody sends it. */
export const trees = {
  coverage: 1,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'treatment', weight: 0.5, ranker: 'trees' },
  ],
  status: 'running',
};

export function exposureOf(fields: Partial<Exposure>): Exposure {
  return {
    exposureId: 'exposure-1',
    userId: '51',
    at: NOW_MS,
    modelVersion: '20261123T125604Z-0123456789ab-7',
    policy: 'personal',
    experiment: 'trees',
    revision: 1,
    variant: 'control',
    forced: false,
    propensity: 0.5,
    ranker: 'lr',
    artistIds: ['289', '7', '51'],
    firstRank: 1,
    teams: null,
    featuresHash: 'c0ffee',
    ...fields,
  };
}

export function eventOf(fields: Partial<ListenerEvent>): ListenerEvent {
  const event = { id: 'event-1', userId: '51', artistId: '289', type: 'play' as const, at: NOW_MS };
  return { ...event, receivedAt: fields.at ?? event.at, exposureId: null, plays: 1, ...fields };
}
