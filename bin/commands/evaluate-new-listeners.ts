import {
  evaluateNewListeners,
  splitNewListeners,
  summarise,
  type ModelSummary,
  type SplitRun,
} from '@encore/core/train';

import { signedInterval, textTable, withInterval } from '../../lib/report/format.ts';
import type { ProtocolResult, ProtocolRun } from './protocol-run.ts';

/** What the others are compared with. */
const REFERENCE = 'trained';

/** `evaluate --protocol new-listeners`: a tenth of the listeners held out whole, half of each one's artists given. */
export async function measureNewListeners(run: ProtocolRun): Promise<ProtocolResult> {
  const runs: SplitRun[] = [];
  for (const seed of run.seeds) {
    const models = await evaluateNewListeners(splitNewListeners(run.dataset, { seed }), run.parameters, run);
    runs.push({ split: `seed ${seed}`, models: models.map((model) => ({ ...model, twoStage: null })) });
  }
  const summary = summarise(runs, { reference: REFERENCE });
  const trained = summary.models.find(({ model }) => model === REFERENCE)!.metrics['ndcg@20'].mean;
  return {
    text: [
      `New listeners, seeds ${run.seeds.join(', ')}: a tenth of the listeners held out whole (${summary.listeners} in all), half of each`,
      "one's artists given, the other half predicted; full ranking. trained: the given half was in the training set.",
      '',
      textTable(
        ['model', 'NDCG@20 [95%]', 'recall@20 [95%]', 'of trained', 'NDCG@20 against trained [95%]'],
        summary.models.map(({ model, metrics, against }) => [
          model,
          withInterval(metrics['ndcg@20']),
          withInterval(metrics['recall@20']),
          `${((100 * metrics['ndcg@20'].mean) / trained).toFixed(1)}%`,
          difference(against),
        ]),
      ),
    ].join('\n'),
    report: {
      protocol: 'new-listeners',
      seeds: run.seeds,
      summary,
      runs: runs.map(({ split, models }) => ({
        split,
        models: models.map(({ model, metrics, users }) => ({ model, listeners: users.length, metrics })),
      })),
    },
  };
}

function difference(against: ModelSummary['against']): string {
  const found = against?.find(({ metric }) => metric === 'ndcg@20');
  return found === undefined ? '' : signedInterval(found.difference);
}
