import {
  measureParameters,
  parseParameters,
  requireQuality,
  type Dataset,
  type ModelStore,
  type ParallelMap,
  type Progress,
  type TrainedModel,
  type TrainParameters,
} from '@encore/core/train';

import { readableManifest } from './saved-parts.ts';

/**
 * Refuses a model that is clearly worse than the one served. Where both come from the same preset but other parameters,
 * the served one's parameters are measured on this run's data and holdout; where the parameters are the same, that
 * would give the new model's own figure (but for parts that were reused, which are not gated); another preset or effort is
 * somebody's decision.
 *
 * @throws EncoreError `QUALITY_GATE_FAILED` with both numbers.
 */
export async function gate(
  modelStore: ModelStore,
  dataset: Dataset,
  trained: TrainedModel,
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<void> {
  const served = await servedParameters(modelStore, trained.parameters);
  if (served === null) return;
  const reached = await measureParameters(dataset, served, trained.parameters, io);
  requireQuality(trained.metrics['holdout-ndcg@20'], reached);
}

/** The parameters of the version served that {@link gate} measures new ones against; `null` where it does not. */
export async function servedParameters(
  modelStore: ModelStore,
  parameters: TrainParameters,
): Promise<TrainParameters | null> {
  const manifest = await readableManifest(modelStore);
  const served = manifest === null ? null : parseParameters(manifest.parameters);
  const { preset, effort } = parameters;
  if (served === null || served.preset !== preset || served.effort !== effort) return null;
  return JSON.stringify(served) === JSON.stringify(parameters) ? null : served;
}
