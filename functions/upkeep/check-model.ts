import {
  activateVersion,
  decodeManifest,
  EncoreError,
  MANIFEST_FILE,
  readPointer,
  readVersionState,
  versionKey,
  type Activated,
  type Activation,
  type Manifest,
  type PublishPorts,
} from '@encore/core/train';
import { GAUGES, type Gauge } from '../shared/metrics.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Candidates of the version that is served are written again from here on. */
const LEAST_CANDIDATES_MS = 30 * DAY_MS;

/** What a check works with; tests give it stores in memory. */
export interface ModelCheckDeps {
  readonly publishing: PublishPorts;
  readonly erasures: Activation['erasures'];
  /** Reads a version as serving does. */
  readonly load: Activation['load'];
  /** How long candidates are kept, in milliseconds. */
  readonly candidatesTtlMs: number;
  readonly gauge: (metric: Gauge, value: number, properties: Readonly<Record<string, string>>) => void;
}

/** What became of the candidates of the version that is served. */
export interface ModelCheck {
  /** `null` before the first. */
  readonly modelVersion: string | null;
  /** `kept`: they last long enough. Else how writing them again ended. */
  readonly candidates: 'kept' | Activated['outcome'] | null;
  readonly candidatesWritten: number;
}

/** The metrics of a manifest that are shown, by name. */
const QUALITY: readonly (readonly [Gauge, string])[] = [
  [GAUGES.servedNdcg, 'holdout-ndcg@20'],
  [GAUGES.servedRecall, 'holdout-recall@20'],
  [GAUGES.servedCandidateRecall, 'holdout-candidate-recall'],
  [GAUGES.servedCalibrationError, 'holdout-calibration-error'],
];

/**
 * Measures the version that is served, and writes its candidates again, from its own files, where they are kept for 30 days or less, or
 * nobody knows for how long. The pointer stays as it is, pinned or not; where it moves meanwhile nothing is lost.
 *
 * @param options.deadlineMs - No step of the writing begins after it, epoch milliseconds; the next run goes on.
 * @throws EncoreError `STORE_UNAVAILABLE`, `PUBLISH_FAILED`; `ARTIFACT_INCOMPATIBLE` when something cannot be read by this code.
 */
export async function checkModel(
  deps: ModelCheckDeps,
  options: { readonly deadlineMs: number },
): Promise<ModelCheck> {
  const { publishing, gauge, candidatesTtlMs, load, erasures } = deps;
  const { modelStore, clock } = publishing;
  const stored = await readPointer(modelStore);
  if (stored === undefined) return { modelVersion: null, candidates: null, candidatesWritten: 0 };
  const { version: modelVersion, pinned } = stored.pointer;
  const manifest = await modelStore.get(versionKey(modelVersion, MANIFEST_FILE));
  if (manifest === undefined) {
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', `model version ${modelVersion} lacks ${MANIFEST_FILE}`, {
      version: modelVersion,
    });
  }
  measure(decodeManifest(manifest.body), { gauge, nowMs: clock() });
  const leftMs = async (): Promise<number> => {
    const { candidatesUntil } = await readVersionState(publishing, modelVersion);
    return (candidatesUntil ?? clock()) - clock();
  };
  const left = await leftMs();
  if (left > LEAST_CANDIDATES_MS) {
    gauge(GAUGES.candidatesLeft, left / DAY_MS, { modelVersion });
    return { modelVersion, candidates: 'kept', candidatesWritten: 0 };
  }
  const { outcome, candidatesWritten } = await activateVersion(publishing, modelVersion, {
    // Lower than any that was issued: it can move no pointer.
    fence: 0,
    pinned,
    expiresAtMs: clock() + candidatesTtlMs,
    leastCandidatesMs: LEAST_CANDIDATES_MS + 1,
    load,
    erasures,
    deadlineMs: options.deadlineMs,
  });
  // Afterwards: an alarm is for what could not be put right.
  gauge(GAUGES.candidatesLeft, (await leftMs()) / DAY_MS, { modelVersion });
  return { modelVersion, candidates: outcome, candidatesWritten };
}

function measure(
  { modelVersion, createdAt, metrics }: Manifest,
  { gauge, nowMs }: Pick<ModelCheckDeps, 'gauge'> & { readonly nowMs: number },
): void {
  gauge(GAUGES.modelAge, (nowMs - Date.parse(createdAt)) / HOUR_MS, { modelVersion });
  for (const [metric, name] of QUALITY) {
    const value = metrics[name];
    if (typeof value === 'number') gauge(metric, value, { modelVersion });
  }
}
