import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inlineParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { split811 } from '../../layers/core/src/data/split.ts';
import { evaluateModels } from '../../layers/core/src/evaluate/evaluate-models.ts';
import { loadSample, SAMPLE_DIR } from '../core/sample.ts';
import { silentProgress } from '../core/tiny.ts';
import { encore } from './encore.ts';

// Both sides with the smaller preset: it is about the figures, not about the model.
const PRESET = 'seed';

let folder: string;
let scored: Readonly<Record<string, number>>;
/** What lists are scored against. */
function parts(): readonly string[] {
  const files = { train: 'train', test: 'test.tsv', masked: 'masked.tsv' };
  return Object.entries(files).flatMap(([name, file]) => [`--${name}`, join(folder, file)]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-score-'));
  await encore('split', '--data', SAMPLE_DIR, '--out', folder, '--protocol', '811', '--seed', '4');
  await encore('train', '--data', join(folder, 'train'), '--out', folder, '--preset', PRESET);
  const csv = join(folder, 'recommendations.csv');
  scored = JSON.parse(await encore('score', ...parts(), '--lists', csv, '--json'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the figures of evaluate, had again from files', () => {
  it('are those of a scorer that shares no code with it', async () => {
    const dataset = await loadSample();
    const { train, valid, test } = split811(dataset, { seed: 4 });
    const [model] = await evaluateModels({ train, test, masked: valid }, [PRESET], {
      parallel: inlineParallelMap,
      progress: silentProgress,
    });
    // recommendations.csv has 20 places, of which some are masked; nearly nobody is left with fewer than 10.
    expect(scored['listeners']).toBe(model!.users.length);
    expect(scored['listeners']).toBe(300);
    expect(scored['shorterThan10']).toBe(0);
    for (const name of ['ndcg@10', 'recall@10'] as const) {
      expect(scored[name]).toBeGreaterThan(0.02);
      expect(Math.abs(scored[name]! - model!.metrics[name])).toBeLessThan(1e-9);
    }
    // What is missing at the end can only have held hits.
    expect(scored['shorterThan20']).toBeGreaterThan(0);
    expect(scored['recall@20']).toBeLessThanOrEqual(model!.metrics['recall@20'] + 1e-12);
  });

  it('are refused for lists that recommend what was heard', async () => {
    const csv = await readFile(join(folder, 'recommendations.csv'), 'utf8');
    const [, first] = (await readFile(join(folder, 'train/user_artists.dat'), 'utf8')).split('\n');
    const [user, artist] = first!.split('\t');
    const bad = join(folder, 'bad.csv');
    await writeFile(bad, csv.replace(new RegExp(`^${user},[^,]+,1,`, 'm'), `${user},${artist},1,`));
    await expect(encore('score', ...parts(), '--lists', bad)).rejects.toThrow(
      new RegExp(`ended with 1: error: listener ${user}: artist ${artist} at rank 1 is heard in train`),
    );
  });
});
