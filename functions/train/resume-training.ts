import { loadServingModel } from '@encore/core/serve';
import {
  encodePopularFile,
  expireVersions,
  resumePublication,
  type Manifest,
  type Progress,
  type ProgressStep,
  type TrainingMetrics,
} from '@encore/core/train';

import { isMadeOf } from './made-of.ts';
import type { PreparedTraining } from './prepare-training.ts';
import type { PublishedModel } from './publish-trained.ts';
import type { TrainingEvent } from './request.ts';
import type { TrainingPorts } from './training-ports.ts';

/** Older ones are left: a training is expected to see what listeners did since. */
const OLDEST_MS = 24 * 3_600_000;

/** A model that an earlier run had trained, and how its publication ended. */
export interface ResumedModel extends PublishedModel {
  readonly metrics: TrainingMetrics;
}

/**
 * Finishes the version that an earlier run has trained and left unpublished, where this run would make it of the same data set files,
 * parameters and code, and it is younger than 24 hours. What listeners did since waits for the next training.
 *
 * @param run - `deadlineMs` (epoch) is when publishing has to stop.
 * @returns `null` where there is no such version, where the event says `resume: false`, or asks for parts of the current model.
 * @throws EncoreError as `resumePublication` does; the pointer has not moved.
 */
export async function resumeTraining(
  ports: TrainingPorts,
  { options }: TrainingEvent,
  prepared: PreparedTraining,
  run: { readonly progress: Progress; readonly deadlineMs?: number },
): Promise<ResumedModel | null> {
  if (options.resume === false || options.reuseFactors === true || options.reuseRanker === true) return null;
  const { codeVersion, clock, erasure } = ports;
  const { parameters, datasetFingerprint, startedAtMs } = prepared;
  let step: ProgressStep | undefined;
  const resumed = await resumePublication(ports, {
    isWanted: (manifest) =>
      isMadeOf(manifest, { datasetFingerprint, codeVersion, parameters }) &&
      startedAtMs - Date.parse(manifest.createdAt) < OLDEST_MS &&
      metricsOf(manifest) !== null,
    popular: async ({ version, ...files }) => encodePopularFile(await loadServingModel(files), version),
    expiresAtMs: clock() + ports.candidatesTtlMs,
    ...(run.deadlineMs === undefined ? {} : { deadlineMs: run.deadlineMs }),
    ...(erasure === undefined
      ? {}
      : {
          erasures: {
            load: () => erasure.readErasures(),
            erase: (userId) => erasure.candidateEraser.erase(userId),
          },
        }),
    onFound: ({ candidates }) => {
      step = run.progress.step('publish', candidates.count);
    },
    onCandidatesWritten: (count) => step?.advance(count),
    ...(ports.onPassedOver === undefined ? {} : { onPassedOver: ports.onPassedOver }),
  });
  if (resumed === null) return null;
  step?.end();
  const { outcome, manifest } = resumed;
  const expiredVersions = await expireVersions(ports).catch(() => null);
  return { outcome, modelVersion: manifest.modelVersion, metrics: metricsOf(manifest)!, expiredVersions };
}

/** What the training measured; `null` where the manifest has something else. */
function metricsOf({ metrics }: Manifest): TrainingMetrics | null {
  return isTrainingMetrics(metrics) ? metrics : null;
}

const KINDS: Readonly<Record<keyof TrainingMetrics, readonly string[]>> = {
  'holdout-ndcg@20': ['number'],
  'holdout-recall@20': ['number'],
  'holdout-candidate-recall': ['number'],
  'mean-candidates': ['number'],
  'holdout-calibration-error': ['number', 'object'],
  'ranker-iterations': ['number'],
  'ranker-converged': ['boolean', 'object'],
};

function isTrainingMetrics(metrics: object): metrics is TrainingMetrics {
  return Object.entries(KINDS).every(([name, kinds]) => kinds.includes(typeof Reflect.get(metrics, name)));
}
