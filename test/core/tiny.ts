import { inlineParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { buildVersion, type VersionContents } from '../../layers/core/src/artifact/build-version.ts';
import type { Dataset } from '../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { generateSample } from '../../layers/core/src/data/synthetic.ts';
import { resolveOptions, type Preset, type TrainParameters } from '../../layers/core/src/options.ts';
import type { Progress } from '../../layers/core/src/ports.ts';
import { trainModel, type TrainedModel } from '../../layers/core/src/train-model.ts';
import { SAMPLE_NOW } from './sample.ts';

export const silentProgress: Progress = {
  step: () => ({ advance: () => undefined, end: () => undefined }),
};

/** HetRec files of a data set that trains in a moment. */
export function tinyFiles(seed = 1): Readonly<Record<string, Uint8Array>> {
  return generateSample({ seed, nUsers: 40, nArtists: 150, nClusters: 3 }).files;
}

/** Reads and validates such files. */
export async function readTiny(files: Readonly<Record<string, Uint8Array>>): Promise<Dataset> {
  return assertValid(await readDataset(openInMemory(files), { nowMs: SAMPLE_NOW }));
}

/** A preset with few factors. */
export function tinyParameters(preset: Preset): TrainParameters {
  const parameters = resolveOptions(preset, { svdFactors: 4, svdEpochs: 20, maxFeatures: 30 });
  return {
    ...parameters,
    sources: parameters.sources.map((source) =>
      source.name === 'ials' ? { ...source, factors: 8 } : source,
    ),
  };
}

export const TINY_INFO = {
  modelVersion: '20260101T000000Z-0123456789ab-1',
  createdAtMs: SAMPLE_NOW,
  codeVersion: 'test',
  inputFingerprint: '0'.repeat(64),
  timings: { candidates: 12 },
};

/** A data set, the model trained on it, and the model's version. */
export interface Trained {
  readonly dataset: Dataset;
  readonly model: TrainedModel;
  readonly contents: VersionContents;
}

/**
 * Trains a moment on a tiny data set.
 *
 * @param change - What is done to the data set before.
 */
export async function trainTiny(
  preset: Preset,
  change: (dataset: Dataset) => Dataset = (dataset) => dataset,
): Promise<Trained> {
  const dataset = change(await readTiny(tinyFiles()));
  const model = await trainModel(dataset, tinyParameters(preset), {
    parallel: inlineParallelMap,
    progress: silentProgress,
  });
  return { dataset, model, contents: await buildVersion(model, dataset, TINY_INFO) };
}
