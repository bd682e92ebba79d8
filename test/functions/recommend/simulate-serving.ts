import { expect } from 'vitest';
import { METRICS } from '../../../functions/shared/metrics.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import type { Experiment } from '../../../layers/core/src/experiment/assign-variant.ts';
import {
  assignmentOfExposure,
  type Reproduction,
} from '../../../layers/core/src/experiment/assignment-of-exposure.ts';
import { hash2 } from '../../../layers/core/src/math/rng.ts';
import type { Exposure } from '../../../layers/core/src/ports.ts';
import { LIST, listWorld } from './list-world.ts';
import { silentObservability } from '../recording-observability.ts';

/** What became of the lists. */
export interface ServingResult {
  readonly served: number;
  /** Lists whose answer names an exposure, which is in the log. */
  readonly logged: number;
  /** Lists that were counted as certainly not, or perhaps not, in the log. */
  readonly unlogged: number;
  readonly uncertain: number;
  /** Exposures of the log by what assigning their listener anew says. */
  readonly reproduced: ReadonlyMap<Reproduction, number>;
}

const revision = (fields: Partial<Experiment> & Pick<Experiment, 'key'>): Experiment => ({
  revision: 1,
  kind: 'ab',
  seed: fields.key,
  coverage: 1,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'other', weight: 0.5, ranker: 'trees' },
  ],
  status: 'running',
  ...fields,
});
/** What runs, one state after the other: experiments come, change and go while requests are served. */
const STATES: readonly (readonly Experiment[])[] = [
  [],
  [revision({ key: 'trees', coverage: 0.3 })],
  [
    revision({ key: 'trees', revision: 2, coverage: 0.6, layer: { namespace: 'n', start: 0, end: 0.5 } }),
    revision({ key: 'zigzag', kind: 'interleaving', layer: { namespace: 'n', start: 0.5, end: 1 } }),
  ],
  [
    revision({ key: 'trees', revision: 3, status: 'stopped' }),
    revision({ key: 'ranker', revision: 2, coverage: 0.2 }),
  ],
];

/**
 * Serves lists to listeners drawn by a seed while the log refuses, loses answers and stores what it says it lost, candidates are away now and then, and
 * experiments change. Every exposure is compared, as it is stored, with the answer that names it and with its own revision.
 */
export async function simulateServing(options: {
  readonly seed: number;
  readonly requests: number;
}): Promise<ServingResult> {
  const { seed, requests } = options;
  const draw = (i: number, what: number): number => hash2(hash2(seed, i), what) / 2 ** 32;
  const counted = new Map<string, number>();
  const reproduced = new Map<Reproduction, number>();
  let request = 0;
  let stored: Exposure | null = null;
  const state = (): readonly Experiment[] =>
    STATES[Math.floor((STATES.length * request) / requests)] ?? STATES[0]!;
  const { candidateStore } = await listWorld();
  const world = await listWorld({
    deps: {
      experiments: { current: () => Promise.resolve(draw(request, 0) < 0.01 ? null : state()) },
      candidateStore: {
        read: (userId, version) =>
          draw(request, 1) < 0.02
            ? Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'candidates are away'))
            : candidateStore.read(userId, version),
      },
      exposureLog: {
        append: (exposure) => {
          const fate = draw(request, 2);
          // Some answers are lost of what was stored all the same.
          if (fate < 0.96 || fate >= 0.99) stored = exposure;
          if (fate < 0.96) return Promise.resolve();
          const outcome = fate < 0.975 ? 'refused' : 'unknown';
          return Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'the log is away', { outcome }));
        },
      },
      observability: silentObservability({
        count: (metric, amount = 1) => counted.set(metric, (counted.get(metric) ?? 0) + amount),
      }),
    },
  });
  const users = [...world.dataset.users.ids, 'somebody new', 'ü'];
  let logged = 0;
  const all = STATES.flat();
  for (; request < requests; request++) {
    stored = null;
    const userId =
      draw(request, 3) < 0.5 ? users[hash2(seed, request) % users.length]! : `u${hash2(request, seed)}`;
    const force = draw(request, 4) < 0.01 ? { force: 'ranker:control' } : {};
    const { statusCode, json } = await world.ask(LIST, { params: { userId }, query: { n: '3', ...force } });
    if (statusCode !== 200) throw new Error(`request ${request} was answered ${statusCode}`);
    const exposure: Exposure | null = stored;
    if (json.exposureId !== null) {
      logged++;
      // Compared by hand: a million calls of expect take longer than the lists.
      if (exposure === null || !isExposureOf(exposure, { ...json, userId })) {
        expect(exposure, `exposure of request ${request}`).toMatchObject({ exposureId: json.exposureId });
        throw new Error(
          `request ${request} was exposed as ${JSON.stringify(exposure)}, not ${JSON.stringify(json)}`,
        );
      }
    }
    if (exposure === null) continue;
    const outcome = assignmentOfExposure(exposure, all);
    if (outcome === 'differs' || outcome === 'unknown') {
      throw new Error(`the assignment of request ${request} ${outcome}: ${JSON.stringify(exposure)}`);
    }
    reproduced.set(outcome, (reproduced.get(outcome) ?? 0) + 1);
  }
  return {
    served: counted.get(METRICS.listServed) ?? 0,
    logged,
    unlogged: counted.get(METRICS.exposureUnlogged) ?? 0,
    uncertain: counted.get(METRICS.exposureUncertain) ?? 0,
    reproduced,
  };
}

/** Whether an exposure says what was answered. */
function isExposureOf(
  exposure: Exposure,
  answer: {
    readonly userId: string;
    readonly exposureId: string;
    readonly experiment: string | null;
    readonly variant: string | null;
    readonly policy: string;
    readonly recommendations: readonly { readonly artistId: string }[];
  },
): boolean {
  return (
    exposure.userId === answer.userId &&
    exposure.exposureId === answer.exposureId &&
    exposure.experiment === answer.experiment &&
    exposure.variant === answer.variant &&
    exposure.policy === answer.policy &&
    exposure.artistIds.join('\t') === answer.recommendations.map(({ artistId }) => artistId).join('\t')
  );
}
