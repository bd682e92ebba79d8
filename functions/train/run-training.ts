import { trainModel, type Progress, type PublishOutcome, type TrainingMetrics } from '@encore/core/train';

import { gate } from './gate.ts';
import { prepareTraining, type EventSummary } from './prepare-training.ts';
import { publishTrained } from './publish-trained.ts';
import type { TrainingEvent } from './request.ts';
import { savedParts } from './saved-parts.ts';
import type { TrainingPorts } from './training-ports.ts';

/** How a training ended. */
export interface TrainingResult {
  /** `busy`: somebody else is training; nothing was done. */
  readonly outcome: PublishOutcome | 'busy';
  readonly modelVersion: string | null;
  readonly metrics: TrainingMetrics | null;
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
  /** What became of the events; `null` where there are none. */
  readonly events: EventSummary | null;
  /** Old versions that were deleted; `null` where that failed, absent where it was not tried. */
  readonly expiredVersions?: readonly string[] | null;
}

/**
 * The scheduled job: lease, drain, read and validate, merge, train, gate, publish.
 *
 * Listeners who were erased are in no model that begins after it: their rows are left out of what is read and taken out of the data
 * set's files, their events taken out of the offline store. Who was erased during a run is found at its end, and the candidates
 * that it has written for them are erased.
 *
 * @param run - `holder` names this run to the lease; `deadlineMs` (epoch) is when publishing has to stop.
 * @throws EncoreError as the steps do; the lease is given back and the pointer has not moved.
 */
export async function runTraining(
  ports: TrainingPorts,
  event: TrainingEvent,
  run: { readonly holder: string; readonly deadlineMs?: number },
): Promise<TrainingResult> {
  const { leaseStore, clock } = ports;
  const lease = await leaseStore.acquire(run.holder, clock(), ports.leaseMs);
  if (lease === undefined)
    return { outcome: 'busy', modelVersion: null, metrics: null, timings: {}, events: null };
  try {
    return await trainUnderLease(ports, event, { ...run, fence: lease.fence });
  } finally {
    // An expired lease frees itself: failing to give it back costs time, not safety.
    await leaseStore.release(run.holder).catch(() => undefined);
  }
}

async function trainUnderLease(
  ports: TrainingPorts,
  event: TrainingEvent,
  run: { readonly fence: number; readonly deadlineMs?: number },
): Promise<TrainingResult> {
  const { modelStore, clock } = ports;
  const startedAtMs = clock();
  const timings: Record<string, number> = {};
  const progress = timed(ports.progress, clock, timings);
  const prepared = await prepareTraining(ports, event, { ...run, startedAtMs, progress });
  if (prepared === null) {
    return { outcome: 'deadline', modelVersion: null, metrics: null, timings, events: null };
  }
  const { dataset, parameters, events } = prepared;
  const reuse = await savedParts(modelStore, dataset, parameters, event.options);
  const io = { parallel: ports.parallel, progress };
  const trained = await trainModel(dataset, parameters, { ...io, reuse });
  await gate(modelStore, dataset, trained, io);
  const published = await publishTrained(ports, prepared, trained, { ...run, progress, timings });
  return { ...published, metrics: trained.metrics, timings, events };
}

/** The same progress, and how long each step took. */
function timed(progress: Progress, clock: () => number, timings: Record<string, number>): Progress {
  return {
    step: (name, total) => {
      const startedAt = clock();
      const step = progress.step(name, total);
      return {
        advance: (units) => step.advance(units),
        end: () => {
          timings[name] = (timings[name] ?? 0) + clock() - startedAt;
          step.end();
        },
      };
    },
  };
}
