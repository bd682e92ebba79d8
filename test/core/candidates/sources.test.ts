import { describe, expect, it } from 'vitest';

import { fitSource, prepareSourceInputs } from '../../../layers/core/src/candidates/fit-source.ts';
import { fitTfIdf } from '../../../layers/core/src/features/tf-idf.ts';
import { sourceLabel, type SourceParameters } from '../../../layers/core/src/options.ts';
import { BASELINES, FULL_PRESET } from '../../../layers/core/src/presets.ts';
import { candidateSourceContract } from '../contracts/candidate-source.contract.ts';
import { loadSample } from '../sample.ts';

const dataset = await loadSample();
const inputs = prepareSourceInputs(dataset, fitTfIdf(dataset, { maxFeatures: 500 }).terms);

/** The same source, small enough for a test. */
function small(source: SourceParameters): SourceParameters {
  return source.name === 'ials' ? { ...source, factors: Math.min(16, source.factors), sweeps: 3 } : source;
}

for (const source of [...BASELINES, ...FULL_PRESET.sources].map(small)) {
  candidateSourceContract(sourceLabel(source), dataset, () => fitSource(source, inputs, FULL_PRESET)!);
}

describe('fitSource', () => {
  it('is off, and says so, where the data set lacks what the source is made of', () => {
    const friendless = { ...inputs, dataset: { ...dataset, friends: null } };
    expect(fitSource({ name: 'friends', k: 10 }, friendless, FULL_PRESET)).toBeNull();
  });
});
