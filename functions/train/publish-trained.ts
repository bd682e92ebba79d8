import {
  buildVersion,
  expireVersions,
  makeVersion,
  publishVersion,
  type Dataset,
  type Progress,
  type Publication,
  type PublishOutcome,
  type TrainedModel,
  type VersionContents,
  type VersionInfo,
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
  const info = versionInfo(ports, prepared, run);
  return await publishContents(ports, prepared, await buildVersion(trained, prepared.dataset, info), run);
}

/** What a training calls its version, and where it says that it comes from. */
export function versionInfo(
  { codeVersion }: Pick<TrainingPorts, 'codeVersion'>,
  prepared: Omit<PreparedTraining, 'dataset' | 'erased'>,
  run: { readonly fence: number; readonly timings: Readonly<Record<string, number>> },
): VersionInfo {
  const { startedAtMs, events, reading, tuning, inputFingerprint, datasetFingerprint, rewrittenFingerprint } =
    prepared;
  return {
    modelVersion: makeVersion({
      createdAtMs: startedAtMs,
      fingerprint: inputFingerprint,
      fence: run.fence,
    }),
    createdAtMs: startedAtMs,
    codeVersion,
    inputFingerprint,
    datasetFingerprint,
    ...(rewrittenFingerprint === null ? {} : { rewrittenFingerprint }),
    ...(events === null ? {} : { events: { ...events } }),
    reading,
    timings: run.timings,
    tuning,
  };
}

/** The second half of {@link publishTrained}, once the version is encoded. Safe to repeat with the same contents. */
export async function publishContents(
  ports: TrainingPorts,
  { dataset, erased }: Pick<PreparedTraining, 'dataset' | 'erased'>,
  contents: VersionContents,
  run: { readonly fence: number; readonly progress: Progress; readonly deadlineMs?: number },
): Promise<PublishedModel> {
  const { clock, erasure } = ports;
  const { modelVersion } = contents.manifest;
  const { fence, progress } = run;
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
      ...(erasure === undefined ? {} : { erased: erasedSinceBegun(erasure, erased) }),
      onCandidatesWritten: (count) => publishStep.advance(count),
    });
  } finally {
    // However it ended, candidates may have been written.
    if (erasure !== undefined) await eraseSince(erasure, dataset, erased);
  }
  publishStep.end();
  // What is not deleted today is tomorrow; the new version does not depend on it.
  const expiredVersions = await expireVersions(ports).catch(() => null);
  return { outcome, modelVersion, expiredVersions };
}

/** Who was erased after a model was begun: its data knew nothing of that. */
function erasedSinceBegun(
  { readErasures, candidateEraser }: ErasurePorts,
  before: Erased,
): NonNullable<Publication['erased']> {
  return {
    load: async () => {
      const now = await readErasures();
      return (userId) => now(userId) !== before(userId);
    },
    erase: (userId) => candidateEraser.erase(userId),
  };
}

/** Erases the candidates of listeners of a model who were erased after it was begun. */
async function eraseSince(erasure: ErasurePorts, { users }: Dataset, before: Erased): Promise<void> {
  const since = erasedSinceBegun(erasure, before);
  const isErased = await since.load();
  for (const userId of users.ids) if (isErased(userId)) await since.erase(userId);
}
