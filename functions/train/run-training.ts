import {
  assertValid,
  buildVersion,
  formatFinding,
  eventLines,
  expireVersions,
  firstReceived,
  makeVersion,
  measureParameters,
  mergeEvents,
  parseParameters,
  publishVersion,
  readDataset,
  requireQuality,
  resolveOptions,
  trainModel,
  tunedParameters,
  withoutRowsOf,
  type CandidateEraser,
  type CandidateStore,
  type Dataset,
  type DataReport,
  type EventCounts,
  type EventLog,
  type LeaseStore,
  type ModelStore,
  type OpenFile,
  type ParallelMap,
  type Progress,
  type PublishOutcome,
  type TrainedModel,
  type TrainingMetrics,
} from '@encore/core/train';

import { hashingDataset } from '../shared/hashing-dataset.ts';
import { drainEvents, type Drained } from './drain-events.ts';
import { digestOf, remembering, type Erased } from './erasures.ts';
import type { TrainingEvent } from './request.ts';
import { readableManifest, savedParts } from './saved-parts.ts';
import { tunedChoice } from './tuned-choice.ts';

/** What a training works with: the same over AWS, over folders and in memory. */
export interface TrainingPorts {
  readonly openDataset: (name: string) => Promise<OpenFile>;
  readonly modelStore: ModelStore;
  readonly candidateStore: CandidateStore;
  readonly leaseStore: LeaseStore;
  readonly parallel: ParallelMap;
  readonly progress: Progress;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1): spreads retries, decides nothing. */
  readonly random: () => number;
  readonly codeVersion: string;
  /** How long candidates are kept, in milliseconds. */
  readonly candidatesTtlMs: number;
  /** Must be longer than a run can take, in milliseconds. */
  readonly leaseMs: number;
  /** Told what the data report says, before training begins. */
  readonly onReport: (report: DataReport) => void;
  /** Told of a tuned choice that cannot be used: the training goes on without it. */
  readonly onTuningIgnored: (message: string) => void;
  /** What listeners did since; a training of files alone goes without. */
  readonly events?: EventPorts;
  /** Who asked to be forgotten; where nobody can ask, nobody was. */
  readonly erasure?: ErasurePorts;
}

/** The way back from serving to training. */
export interface EventPorts {
  readonly eventLog: Pick<EventLog, 'ofDay'>;
  /** Told of every stored item that could not be read as an event, by its key, which names the listener. */
  readonly onPoison: (key: string) => void;
}

export interface ErasurePorts {
  /** Asked before a training reads anything, and again once it has published. */
  readonly readErasures: () => Promise<Erased>;
  readonly candidateEraser: CandidateEraser;
  /** Takes the rows of listeners who were erased out of a data set's files; safe to repeat. */
  readonly rewriteDataset: (dataset: string, erased: Erased) => Promise<unknown>;
}

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

/** What a training did with events: what the drain found, and what of it is in the model. */
export type EventSummary = EventCounts & Drained['report'] & { readonly erasedRows: number };

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
  const startedAt = clock();
  const tuning =
    event.options.ignoreTuning === true
      ? null
      : await tunedChoice(modelStore, event.preset, ports.onTuningIgnored);
  const parameters = resolveOptions(
    event.preset,
    event.options,
    tuning === null ? {} : { defaults: tunedParameters(tuning) },
  );
  const timings: Record<string, number> = {};
  const progress = timed(ports.progress, clock, timings);

  const { erasure } = ports;
  const erased = remembering((await erasure?.readErasures()) ?? (() => undefined));
  const drained = await drain(ports, { ...run, erased, progress });
  if (drained === null) {
    return { outcome: 'deadline', modelVersion: null, metrics: null, timings, events: null };
  }

  const source = hashingDataset(await ports.openDataset(event.dataset));
  const gone = new Set(drained.erasedListeners);
  let erasedRows = 0;
  const cleaned = hashingDataset(
    erasure === undefined
      ? source.open
      : withoutRowsOf(
          source.open,
          (userId) => erased(userId) !== undefined,
          (_, userId) => {
            erasedRows++;
            gone.add(userId);
          },
        ),
  );
  const readStep = progress.step('read', 1);
  const nowMs = event.now ?? startedAt;
  const read = await readDataset(cleaned.open, { nowMs });
  readStep.advance(1);
  readStep.end();
  ports.onReport(read.report);
  if (erasure !== undefined) {
    // First: a training that died between publishing and erasing has left candidates, and nothing but these rows names them.
    for (const userId of gone) await erasure.candidateEraser.erase(userId);
    if (erasedRows > 0) await erasure.rewriteDataset(event.dataset, erased);
  }
  const { dataset, counts } = mergeEvents(assertValid(read), drained.events);
  const events =
    drained.events.length > 0 || erasedRows > 0 || drained.report.poisoned > 0
      ? { ...drained.report, ...counts, erasedRows }
      : null;

  const reuse = await savedParts(modelStore, dataset, parameters, event.options);
  const io = { parallel: ports.parallel, progress };
  const trained = await trainModel(dataset, parameters, { ...io, reuse });
  await gate(modelStore, dataset, trained, io);

  const inputFingerprint =
    drained.events.length === 0
      ? cleaned.fingerprint()
      : digestOf(cleaned.fingerprint(), eventLines(firstReceived(drained.events)));
  const modelVersion = makeVersion({
    createdAtMs: startedAt,
    fingerprint: inputFingerprint,
    fence: run.fence,
  });
  const contents = await buildVersion(trained, dataset, {
    modelVersion,
    createdAtMs: startedAt,
    codeVersion: ports.codeVersion,
    inputFingerprint,
    datasetFingerprint: source.fingerprint(),
    ...(events === null ? {} : { events }),
    timings,
    tuning,
  });
  const publishStep = progress.step('publish', contents.candidates.length);
  let outcome: PublishOutcome;
  try {
    outcome = await publishVersion(ports, {
      version: modelVersion,
      fence: run.fence,
      files: contents.files,
      candidates: contents.candidates,
      popular: contents.popular,
      expiresAtMs: clock() + ports.candidatesTtlMs,
      ...(run.deadlineMs === undefined ? {} : { deadlineMs: run.deadlineMs }),
      onCandidatesWritten: (count) => publishStep.advance(count),
    });
  } finally {
    // However it ended, candidates may have been written.
    if (erasure !== undefined) await eraseSince(erasure, dataset, erased);
  }
  publishStep.end();
  // What is not deleted today is tomorrow; the new version does not depend on it.
  const expiredVersions = await expireVersions(ports).catch(() => null);
  return { outcome, modelVersion, metrics: trained.metrics, timings, events, expiredVersions };
}

const NOTHING_DRAINED: Drained = {
  events: [],
  erasedListeners: new Set(),
  report: { daysRead: 0, partitionsWritten: 0, newEvents: 0, erasedEvents: 0, poisoned: 0 },
};

async function drain(
  { modelStore, clock, events }: TrainingPorts,
  run: { readonly erased: Erased; readonly progress: Progress; readonly deadlineMs?: number },
): Promise<Drained | null> {
  if (events === undefined) return NOTHING_DRAINED;
  const step = run.progress.step('drain', 1);
  const options = run.deadlineMs === undefined ? {} : { deadlineMs: run.deadlineMs };
  const drained = await drainEvents({ ...events, modelStore, erased: run.erased, clock }, options);
  step.advance(1);
  step.end();
  return drained;
}

/** Erases the candidates of listeners of a model who were erased after it was begun. */
async function eraseSince(erasure: ErasurePorts, { users }: Dataset, before: Erased): Promise<void> {
  const now = await erasure.readErasures();
  for (const userId of users.ids) {
    if (now(userId) !== before(userId)) await erasure.candidateEraser.erase(userId);
  }
}

/**
 * Refuses a model that is clearly worse than the one served. Where both come from the same preset but other parameters,
 * the served one's parameters are measured on this run's data and holdout; where the parameters are the same, that
 * would give the new model's own figure (but for parts that were reused, which are not gated); another preset or effort is
 * somebody's decision.
 */
async function gate(
  modelStore: ModelStore,
  dataset: Dataset,
  trained: TrainedModel,
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<void> {
  const manifest = await readableManifest(modelStore);
  const served = manifest === null ? null : parseParameters(manifest.parameters);
  const { preset, effort } = trained.parameters;
  if (served === null || served.preset !== preset || served.effort !== effort) return;
  if (JSON.stringify(served) === JSON.stringify(trained.parameters)) return;
  const reached = await measureParameters(dataset, served, trained.parameters, io);
  requireQuality(trained.metrics['holdout-ndcg@20'], reached);
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

/** The findings of a report, errors first, a log line each: without what was found where that may name a listener. */
export function findingLines(report: DataReport): readonly string[] {
  return [...report.errors, ...report.warnings].map((finding) => formatFinding(finding, { forLogs: true }));
}
