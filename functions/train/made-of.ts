import type { Manifest, TrainParameters } from '@encore/core/train';

/** What a training would make a model of. */
export interface Ingredients {
  /** SHA-256 over the data set's files as they lie there, 64 hexadecimal digits. */
  readonly datasetFingerprint: string;
  readonly codeVersion: string;
  readonly parameters: TrainParameters;
}

/**
 * Whether a version was made of the same data set files, by the same code, with the same parameters. What listeners did since is
 * no difference: it waits for the next training.
 */
export function isMadeOf(manifest: Manifest, now: Ingredients): boolean {
  const { datasetFingerprint = manifest.inputFingerprint, rewrittenFingerprint } = manifest;
  return (
    // A training that took rows of erased listeners out has left other files than it read.
    (datasetFingerprint === now.datasetFingerprint || rewrittenFingerprint === now.datasetFingerprint) &&
    manifest.codeVersion === now.codeVersion &&
    JSON.stringify(manifest.parameters) === JSON.stringify(now.parameters)
  );
}
