import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { SAMPLE_DIR } from '../core/sample.ts';
import { encore } from './encore.ts';

/**
 * The figure of the whole model under ids that say nothing, from rows in no order, by a scorer that shares no code with
 * `evaluate`. Runs on the data set of `ENCORE_DATA`, else on the sample.
 */
const FOLDER = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
const SEED = '20';

interface Report {
  readonly dataset: { readonly listeners: number };
  readonly runs: readonly {
    readonly models: readonly { readonly metrics: Readonly<Record<string, number>> }[];
  }[];
}

const folder = await mkdtemp(join(tmpdir(), 'encore-independent-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function trainAndScore(
  name: string,
  permute: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const out = join(folder, name);
  await encore('split', '--data', FOLDER, '--out', out, '--seed', SEED, ...permute);
  await encore('train', '--data', join(out, 'train'), '--out', join(out, 'model'));
  const lists = join(out, 'model/recommendations.csv');
  const files = ['--train', join(out, 'train'), '--test', join(out, 'test.tsv'), '--lists', lists];
  return JSON.parse(await encore('score', ...files, '--json'));
}

it('is had again from files, exactly with the same ids and nearly with permuted ones', async () => {
  const out = join(folder, 'evaluated');
  await encore('evaluate', '--data', FOLDER, '--seeds', SEED, '--models', 'full', '--out', out);
  const report: Report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'));
  const { metrics } = report.runs[0]!.models[0]!;
  const same = await trainAndScore('same', []);
  const permuted = await trainAndScore('permuted', ['--permute', '21']);
  const names = [
    'ndcg@10',
    'ndcg@20',
    'recall@10',
    'recall@20',
    'coverage@20',
    'tagged-not-heard@20',
  ] as const;
  for (const name of names) {
    console.log(`${name}: evaluate ${metrics[name]}, files ${same[name]}, permuted ${permuted[name]}`);
    // Same ids: the same folds, draws and ties, so the same lists.
    expect(Math.abs(same[name]! - metrics[name]!)).toBeLessThan(1e-9);
  }
  // Other folds, draws and ties: 0.002 on the 1,892 listeners of HetRec; noise shrinks with their number.
  const width = 0.002 * Math.sqrt(1892 / report.dataset.listeners);
  expect(Math.abs(permuted['ndcg@20']! - metrics['ndcg@20']!)).toBeLessThan(width);
});
