import {
  evaluateColdArtists,
  splitColdArtists,
  summarise,
  type ColdEvaluation,
  type EvaluationSummary,
} from '@encore/core/train';

import { textTable, withInterval } from '../../lib/report/format.ts';
import type { ProtocolResult, ProtocolRun } from './protocol-run.ts';

const MODELS = ['popular', 'tag-profile', 'tag-knn', 'ials-plus', 'full'];
const REFERENCE = 'full';

/** `evaluate --protocol cold`: a tenth of the artists with five listeners or more held out whole. */
export async function measureColdArtists(run: ProtocolRun): Promise<ProtocolResult> {
  const runs: { readonly seed: number; readonly models: readonly ColdEvaluation[] }[] = [];
  for (const seed of run.seeds) {
    const split = splitColdArtists(run.dataset, { seed });
    const models = await evaluateColdArtists(split, MODELS, run);
    runs.push({ seed, models });
  }
  const summaryOf = (ranking: 'among' | 'full'): EvaluationSummary =>
    summarise(
      runs.map(({ seed, models }) => ({
        split: `seed ${seed}`,
        models: models.map(({ model, [ranking]: evaluation }) => ({ model, twoStage: null, ...evaluation })),
      })),
      { reference: REFERENCE },
    );
  const among = summaryOf('among');
  const full = summaryOf('full');
  return {
    text: [
      `Cold artists, seeds ${run.seeds.join(', ')}: a tenth of the artists with five listeners or more lost all their plays, and the`,
      'tags of those pairs. Ranked among themselves (full: those that stage one nominated), and among all artists.',
      '',
      textTable(
        ['model', 'NDCG@20 among [95%]', 'recall@20 among', 'NDCG@20 in all [95%]', 'recall@20 in all'],
        MODELS.map((model, m) => [
          model,
          ...[among, full].flatMap(({ models }) => {
            const { metrics } = models[m]!;
            return [withInterval(metrics['ndcg@20']), metrics['recall@20'].mean.toFixed(4)];
          }),
        ]),
      ),
    ].join('\n'),
    report: {
      protocol: 'cold',
      seeds: run.seeds,
      summary: { among, full },
      runs: runs.map(({ seed, models }) => ({
        split: `seed ${seed}`,
        models: models.map(({ model, ...rankings }) => ({
          model,
          listeners: rankings.among.users.length,
          among: rankings.among.metrics,
          full: rankings.full.metrics,
        })),
      })),
    },
  };
}
