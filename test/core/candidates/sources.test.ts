import { describe, expect, it } from 'vitest';

import { fitSource, prepareSourceInputs } from '../../../layers/core/src/candidates/fit-source.ts';
import { fitTfIdf } from '../../../layers/core/src/features/tf-idf.ts';
import { sourceLabel, type SourceParameters } from '../../../layers/core/src/options.ts';
import { BASELINES, FULL_PRESET } from '../../../layers/core/src/presets.ts';
import { candidateSourceContract, type Agreement } from '../contracts/candidate-source.contract.ts';
import { loadSample } from '../sample.ts';

const dataset = await loadSample();
const inputs = prepareSourceInputs(dataset, fitTfIdf(dataset, { maxFeatures: 500 }).terms);

/** The same source, small enough for a test. */
function small(source: SourceParameters): SourceParameters {
  return source.name === 'ials' ? { ...source, factors: Math.min(16, source.factors), sweeps: 3 } : source;
}

function agreementOf({ name }: SourceParameters): Agreement {
  // Friends are not in a history. A row of iALS is solved before the last columns, and has its friends;
  // a listener is no neighbour of theirs, while whoever has their history could be.
  if (name === 'friends') return 'silent';
  return name === 'ials' || name === 'user-knn' ? 'alike' : 'equal';
}

for (const source of [...BASELINES, ...FULL_PRESET.sources].map(small)) {
  candidateSourceContract(sourceLabel(source), inputs, {
    agreement: agreementOf(source),
    make: () => fitSource(source, inputs, FULL_PRESET)!,
  });
}

describe('fitSource', () => {
  it('is off, and says so, where the data set lacks what the source is made of', () => {
    const friendless = { ...inputs, dataset: { ...dataset, friends: null } };
    expect(fitSource({ name: 'friends', k: 10 }, friendless, FULL_PRESET)).toBeNull();
    const tagless = { ...inputs, dataset: { ...dataset, tagAssignments: null } };
    expect(fitSource({ name: 'tag-profile', k: 10, contextWeight: 0.3 }, tagless, FULL_PRESET)).toBeNull();
  });

  it('nominates by popularity where there are no tags to be near in', () => {
    const tagless = { ...inputs, dataset: { ...dataset, tagAssignments: null } };
    const source = fitSource({ name: 'tag-knn', k: 10 }, tagless, FULL_PRESET)!;
    const popular = fitSource({ name: 'popular', k: 10 }, inputs, FULL_PRESET)!;
    const [row, expected] = [new Float64Array(dataset.artists.size), new Float64Array(dataset.artists.size)];
    source.scoreUser(3, row);
    popular.scoreUser(3, expected);
    expect(source.name).toBe('tag-knn');
    expect(row).toEqual(expected);
  });
});
