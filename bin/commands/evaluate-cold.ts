import { evaluateColdArtists, splitColdArtists, type ColdEvaluation } from '@encore/core/train';

import { average, formatTable, type ProtocolResult, type ProtocolRun } from './protocol-run.ts';

const MODELS = ['popular', 'tag-profile', 'tag-knn', 'ials-plus', 'full'];

/** `evaluate --protocol cold`: a tenth of the artists with five listeners or more held out whole. */
export async function measureColdArtists(run: ProtocolRun): Promise<ProtocolResult> {
  const runs: { readonly seed: number; readonly models: readonly ColdEvaluation[] }[] = [];
  for (const seed of run.seeds) {
    const split = splitColdArtists(run.dataset, { seed });
    const models = await evaluateColdArtists(split, MODELS, run);
    runs.push({ seed, models });
  }
  const summary = MODELS.map((model, m) => {
    const mean = (ranking: 'among' | 'full', metric: 'ndcg@20' | 'recall@20'): number =>
      average(runs.map(({ models }) => models[m]![ranking].metrics[metric]));
    return {
      model,
      among: { 'ndcg@20': mean('among', 'ndcg@20'), 'recall@20': mean('among', 'recall@20') },
      full: { 'ndcg@20': mean('full', 'ndcg@20'), 'recall@20': mean('full', 'recall@20') },
    };
  });
  const rows = summary.map(({ model, among, full }) => [
    model,
    ...[among, full].flatMap((m) => [m['ndcg@20'].toFixed(4), m['recall@20'].toFixed(4)]),
  ]);
  return {
    text: [
      `Cold artists, seeds ${run.seeds.join(', ')}: a tenth of the artists with five listeners or more lost all their plays, and the`,
      'tags of those pairs. Ranked among themselves (full: those that stage one nominated), and among all artists.',
      '',
      formatTable([
        ['model', 'NDCG@20 among', 'recall@20 among', 'NDCG@20 in all', 'recall@20 in all'],
        ...rows,
      ]),
    ].join('\n'),
    report: {
      protocol: 'cold',
      seeds: run.seeds,
      summary,
      runs: runs.map(({ seed, models }) => ({
        seed,
        models: models.map(({ model, among, full }) => ({
          model,
          nEvaluated: among.users.length,
          among: among.metrics,
          full: full.metrics,
        })),
      })),
    },
  };
}
