import type { ExperimentRevision } from '../../../layers/core/src/experiment/assign-variant.ts';
import type { Exposure, ListenerEvent } from '../../../layers/core/src/ports.ts';

/** 2026-11-02, midnight UTC: a day of everything below. */
export const START = Date.UTC(2026, 10, 2);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const trees: ExperimentRevision = {
  key: 'trees',
  revision: 3,
  readOutFrom: 2,
  createdAt: START - DAY,
  kind: 'ab',
  seed: 'trees',
  coverage: 1,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'treatment', weight: 0.5, ranker: 'trees' },
  ],
  status: 'running',
};

let serial = 0;

export function exposure(userId: string, variant: string, change: Partial<Exposure> = {}): Exposure {
  serial++;
  return {
    exposureId: `exposure-${serial}`,
    userId,
    at: START,
    modelVersion: 'v',
    policy: 'personal',
    experiment: trees.key,
    revision: trees.revision,
    variant,
    forced: false,
    propensity: 0.5,
    ranker: 'lr',
    artistIds: ['1', '2', '3', '4'],
    firstRank: 1,
    teams: null,
    featuresHash: 'f',
    ...change,
  };
}

export function event(
  userId: string,
  type: ListenerEvent['type'],
  change: Partial<ListenerEvent> = {},
): ListenerEvent {
  serial++;
  return {
    id: `event-${serial}`,
    userId,
    artistId: '1',
    type,
    at: START + HOUR,
    receivedAt: START + HOUR,
    exposureId: null,
    plays: 1,
    ...change,
  };
}
