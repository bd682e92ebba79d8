import {
  buildVersion,
  expireVersions,
  makeVersion,
  publishVersion,
  type Dataset,
  type Progress,
  type PublishOutcome,
  type TrainedModel,
} from '@encore/core/train';

import type { Erased } from './erasures.ts';
import type { PreparedTraining } from './prepare-training.ts';
import type { ErasurePorts, TrainingPorts } from './training-ports.ts';

/** How a model's publication ended. */
export interface PublishedModel {
  readonly outcome: PublishOutcome;
  readonly modelVersion: string;
  /** Old versions that were deleted; `null` where that failed. */
  readonly expiredVersions: readonly string[] | null;
}

/**
 * The last phase of a training: names the version, encodes and publishes it, erases the candidates of who was erased meanwhile,
 * and deletes old versions.
 *
 * @param run - `fence`: of the lease. `timings`: milliseconds by step, as the manifest will say. `deadlineMs` (epoch) is when
 *   publishing has to stop.
 * @throws EncoreError as `buildVersion` and `publishVersion` do; the pointer has not moved.
 */
export async function publishTrained(
  ports: TrainingPorts,
  prepared: PreparedTraining,
  trained: TrainedModel,
  run: {
    readonly fence: number;
    readonly progress: Progress;
    readonly timings: Readonly<Record<string, number>>;
    readonly deadlineMs?: number;
  },
): Promise<PublishedModel> {
  const { clock, erasure, codeVersion } = ports;
  const { startedAtMs, dataset, events, tuning, inputFingerprint, datasetFingerprint } = prepared;
  const { fence, progress, timings } = run;
  const modelVersion = makeVersion({ createdAtMs: startedAtMs, fingerprint: inputFingerprint, fence });
  const contents = await buildVersion(trained, dataset, {
    modelVersion,
    createdAtMs: startedAtMs,
    codeVersion,
    inputFingerprint,
    datasetFingerprint,
    ...(events === null ? {} : { events: { ...events } }),
    timings,
    tuning,
  });
  const publishStep = progress.step('publish', contents.candidates.length);
  let outcome: PublishOutcome;
  try {
    outcome = await publishVersion(ports, {
      version: modelVersion,
      fence,
      files: contents.files,
      candidates: contents.candidates,
      popular: contents.popular,
      expiresAtMs: clock() + ports.candidatesTtlMs,
      ...(run.deadlineMs === undefined ? {} : { deadlineMs: run.deadlineMs }),
      onCandidatesWritten: (count) => publishStep.advance(count),
    });
  } finally {
    // However it ended, candidates may have been written.
    if (erasure !== undefined) await eraseSince(erasure, dataset, prepared.erased);
  }
  publishStep.end();
  // What is not deleted today is tomorrow; the new version does not depend on it.
  const expiredVersions = await expireVersions(ports).catch(() => null);
  return { outcome, modelVersion, expiredVersions };
}

/** Erases the candidates of listeners of a model who were erased after it was begun. */
async function eraseSince(erasure: ErasurePorts, { users }: Dataset, before: Erased): Promise<void> {
  const now = await erasure.readErasures();
  for (const userId of users.ids) {
    if (now(userId) !== before(userId)) await erasure.candidateEraser.erase(userId);
  }
}
