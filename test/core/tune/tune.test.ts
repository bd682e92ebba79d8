import { beforeAll, describe, expect, it } from 'vitest';

import {
  createWorkerParallelMap,
  inlineParallelMap,
} from '../../../functions/shared/adapters/worker-parallel-map.ts';
import type { PlainDataset } from '../../../layers/core/src/candidates/stage-one.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../../layers/core/src/data/report.ts';
import { splitHoldout } from '../../../layers/core/src/data/split.ts';
import { csrFromCoordinates, type Csr } from '../../../layers/core/src/math/csr.ts';
import type { ParallelMap, Progress } from '../../../layers/core/src/ports.ts';
import { tune } from '../../../layers/core/src/tune/tune.ts';
import { loadSample, SAMPLE_NOW } from '../sample.ts';
import { silentProgress, tinyFiles } from '../tiny.ts';

let sample: Dataset;
let tiny: Dataset;
beforeAll(async () => {
  sample = await loadSample();
  tiny = assertValid(await readDataset(openInMemory(tinyFiles()), { nowMs: SAMPLE_NOW }));
});

const FEW = { seed: 1, trials: 6, validationSeeds: [1] };
const inline = { parallel: inlineParallelMap, progress: silentProgress };

const pairsOf = ({ nRows, indptr, indices }: Csr): ReadonlySet<string> =>
  new Set(
    Array.from({ length: nRows }, (_, row) =>
      [...indices.subarray(indptr[row], indptr[row + 1])].map((column) => `${row} ${column}`),
    ).flat(),
  );

const code = (message: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) });

/** A parallel map that remembers what each task was called and given. */
function spying() {
  const calls: { readonly task: string; readonly input: unknown }[] = [];
  const parallel: ParallelMap = async (task, inputs, onAdvance) => {
    for (const input of inputs) calls.push({ task: task.name, input });
    return inlineParallelMap(task, inputs, onAdvance);
  };
  return { calls, parallel };
}

const datasetOf = ({ input }: { readonly input: unknown }): PlainDataset => {
  const { dataset }: { dataset: PlainDataset } = Object(input);
  return dataset;
};

describe('tune', () => {
  it('gives the same trials and the same choice on any number of threads', async () => {
    const results = [];
    for (const parallel of [1, 3].map((threads) => createWorkerParallelMap({ threads }))) {
      results.push(await tune(tiny, 'item-knn', FEW, { parallel, progress: silentProgress }));
    }
    results.push(await tune(tiny, 'item-knn', FEW, inline));
    expect(results[0]!.trials).toHaveLength(6);
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('sees nothing but what it is given: neither test rows nor, when it learns, validation rows', async () => {
    const { train, test } = splitHoldout(sample, { seed: 42 });
    const { calls, parallel } = spying();
    const options = { seed: 1, trials: 8, validationSeeds: [7, 8] };
    const result = await tune(train, 'user-knn', options, { parallel, progress: silentProgress });
    // Eight trials on two parts, and defaults against best on the confirmation part.
    expect(result.confirmation).not.toBeNull();
    expect(calls.map(({ task }) => task)).toEqual(Array(18).fill('rank-source'));
    const hidden = pairsOf(test);
    for (const call of calls) {
      const pairs = pairsOf(datasetOf(call).plays);
      expect([...pairs].filter((pair) => hidden.has(pair))).toEqual([]);
      const { user, artist } = datasetOf(call).tagAssignments!;
      const tagged = Array.from(user, (u, a) => `${u} ${artist[a]}`);
      expect(tagged.filter((pair) => hidden.has(pair))).toEqual([]);
    }
    calls.slice(0, 16).forEach((call, i) => {
      const part = splitHoldout(train, { seed: options.validationSeeds[i % 2]! });
      expect(pairsOf(datasetOf(call).plays)).toEqual(pairsOf(part.train.plays));
    });
  });

  it('confirms on pairs that no validation part held out, and neither learns nor ranks those', async () => {
    const { calls, parallel } = spying();
    const result = await tune(
      sample,
      'user-knn',
      { ...FEW, trials: 8 },
      { parallel, progress: silentProgress },
    );
    const validated = pairsOf(splitHoldout(sample, { seed: 1 }).test);
    const confirming = pairsOf(splitHoldout(sample, { seed: result.confirmationSeed }).test);
    const last = calls.at(-1)!;
    const { masked }: { masked: Csr } = Object(last.input);
    expect(pairsOf(masked)).toEqual(new Set([...confirming].filter((pair) => validated.has(pair))));
    expect(pairsOf(masked).size).toBeGreaterThan(0);
    expect([...pairsOf(datasetOf(last).plays)].filter((pair) => confirming.has(pair))).toEqual([]);
  });

  it('takes a choice that is confirmed, and says where it differs from the defaults', async () => {
    // The sample's scenes are smaller than the published data's: other weights of its neighbours suit it.
    const result = await tune(sample, 'user-knn', { seed: 1, trials: 8, validationSeeds: [1] }, inline);
    expect(result.chosen).toBe('tuned');
    expect(result.confirmation!.difference.low).toBeGreaterThan(0);
    expect(Object.keys(result.overrides).length).toBeGreaterThan(0);
    for (const [name, value] of Object.entries(result.overrides)) {
      expect(result.trials[result.best]!.parameters[name]).toBe(value);
      expect(value).not.toBe(result.defaults[name]);
    }
  });

  it('keeps the defaults where the best of the trials may just have been lucky', async () => {
    const result = await tune(sample, 'item-knn', { seed: 1, trials: 8, validationSeeds: [1] }, inline);
    expect(result.best).toBeGreaterThan(0);
    expect(result.confirmation!.difference.low).toBeLessThanOrEqual(0);
    expect(result).toMatchObject({ chosen: 'default', overrides: {} });
  });

  it('asks for no confirmation where nothing was better', async () => {
    const steps: string[] = [];
    const progress: Progress = {
      step: (name) => {
        steps.push(name);
        return { advance: () => undefined, end: () => undefined };
      },
    };
    const result = await tune(tiny, 'item-knn', { ...FEW, trials: 1 }, { ...inline, progress });
    expect(steps).toEqual(['search']);
    expect(result).toMatchObject({ best: 0, confirmation: null, chosen: 'default', overrides: {} });
  });

  it('fits stage one of a preset once for all trials that differ in the ranker alone', async () => {
    const { calls, parallel } = spying();
    const result = await tune(tiny, 'seed', { ...FEW, trials: 4 }, { parallel, progress: silentProgress });
    const changed = result.trials.map(({ parameters }) => parameters['ranker.c']);
    expect(new Set(changed).size).toBe(4);
    expect(new Set(result.trials.map(({ parameters }) => parameters['sources.tag-knn.k'])).size).toBe(1);
    // Everything and one fold; the same again on the confirmation part.
    const expected = result.confirmation === null ? 2 : 4;
    expect(calls.filter(({ task }) => task === 'stage-one')).toHaveLength(expected);
    expect(new Set(result.trials.map(({ ndcg20 }) => ndcg20)).size).toBeGreaterThan(1);
  });

  it('refuses what it does not know or cannot search with', async () => {
    const refusal = (model: string, options: typeof FEW) => tune(tiny, model, options, inline);
    await expect(refusal('mlp', FEW)).rejects.toThrow(code('model mlp is unknown: allowed are seed, full'));
    await expect(refusal('popular', FEW)).rejects.toThrow(code('popular has no hyper-parameters'));
    await expect(refusal('ease', { ...FEW, validationSeeds: [] })).rejects.toThrow(code('validation seed'));
    await expect(refusal('ease', { ...FEW, validationSeeds: [2, 2] })).rejects.toThrow(code('each once'));
    await expect(refusal('ease', { ...FEW, seed: -1 })).rejects.toThrow(code('found seed -1'));
  });

  it('refuses data in which nobody has an artist to hold out', async () => {
    const { users, artists } = sample;
    const one = Int32Array.of(0);
    const plays = csrFromCoordinates(users.size, artists.size, one, one, Float64Array.of(3));
    await expect(tune({ ...sample, plays }, 'item-knn', FEW, inline)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_DATA_SET' }),
    );
  });
});
