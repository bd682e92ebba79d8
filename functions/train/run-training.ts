import {
  assertValid,
  buildVersion,
  formatFinding,
  makeVersion,
  parseParameters,
  measureParameters,
  publishVersion,
  readDataset,
  requireQuality,
  resolveOptions,
  trainModel,
  tunedParameters,
  type CandidateStore,
  type Dataset,
  type DataReport,
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
}

/** How a training ended. */
export interface TrainingResult {
  /** `busy`: somebody else is training; nothing was done. */
  readonly outcome: PublishOutcome | 'busy';
  readonly modelVersion: string | null;
  readonly metrics: TrainingMetrics | null;
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
}

/**
 * The scheduled job: lease, read and validate, train, gate, publish.
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
  if (lease === undefined) return { outcome: 'busy', modelVersion: null, metrics: null, timings: {} };
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

  const source = hashingDataset(await ports.openDataset(event.dataset));
  const readStep = progress.step('read', 1);
  const nowMs = event.now ?? startedAt;
  const read = await readDataset(source.open, { nowMs });
  readStep.advance(1);
  readStep.end();
  ports.onReport(read.report);
  const dataset = assertValid(read);

  const reuse = await savedParts(modelStore, dataset, parameters, event.options);
  const io = { parallel: ports.parallel, progress };
  const trained = await trainModel(dataset, parameters, { ...io, reuse });
  await gate(modelStore, dataset, trained, io);

  const inputFingerprint = source.fingerprint();
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
    timings,
    tuning,
  });
  const publishStep = progress.step('publish', contents.candidates.length);
  const outcome = await publishVersion(ports, {
    version: modelVersion,
    fence: run.fence,
    files: contents.files,
    candidates: contents.candidates,
    popular: contents.popular,
    expiresAtMs: clock() + ports.candidatesTtlMs,
    ...(run.deadlineMs === undefined ? {} : { deadlineMs: run.deadlineMs }),
    onCandidatesWritten: (count) => publishStep.advance(count),
  });
  publishStep.end();
  return { outcome, modelVersion, metrics: trained.metrics, timings };
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
