import {
  bootstrapMean,
  evaluateNewListeners,
  meanPerListener,
  NEW_LISTENER_MODELS,
  splitNewListeners,
  type NewListenersEvaluation,
} from '@encore/core/train';

import { average, formatTable, type ProtocolResult, type ProtocolRun } from './protocol-run.ts';

/** `evaluate --protocol new-listeners`: a tenth of the listeners held out whole, half of each one's artists given. */
export async function measureNewListeners(run: ProtocolRun): Promise<ProtocolResult> {
  const runs: { readonly seed: number; readonly models: readonly NewListenersEvaluation[] }[] = [];
  for (const seed of run.seeds) {
    const split = splitNewListeners(run.dataset, { seed });
    runs.push({ seed, models: await evaluateNewListeners(split, run.parameters, run) });
  }
  const perListener = (m: number): Float64Array =>
    meanPerListener(
      runs.map(({ models }) => ({ users: models[m]!.users, values: models[m]!.perUser.ndcg20 })),
    );
  const trained = perListener(NEW_LISTENER_MODELS.indexOf('trained'));
  const summary = NEW_LISTENER_MODELS.map((model, m) => {
    const mean = (metric: 'ndcg@20' | 'recall@20'): number =>
      average(runs.map(({ models }) => models[m]!.metrics[metric]));
    return {
      model,
      'ndcg@20': mean('ndcg@20'),
      'recall@20': mean('recall@20'),
      behindTrained:
        model === 'trained'
          ? null
          : bootstrapMean(
              perListener(m).map((value, i) => value - trained[i]!),
              { seed: 1 },
            ),
    };
  });
  const reference = summary.at(-1)!['ndcg@20'];
  const n = runs.reduce((sum, { models }) => sum + models[0]!.users.length, 0);
  const rows = summary.map(({ model, behindTrained, ...metrics }) => [
    model,
    metrics['ndcg@20'].toFixed(4),
    metrics['recall@20'].toFixed(4),
    `${((100 * metrics['ndcg@20']) / reference).toFixed(1)}%`,
    behindTrained === null
      ? ''
      : `${behindTrained.mean.toFixed(4)} [${behindTrained.low.toFixed(4)}, ${behindTrained.high.toFixed(4)}]`,
  ]);
  return {
    text: [
      `New listeners, seeds ${run.seeds.join(', ')}: a tenth of the listeners held out whole (${n} in all), half of each one's`,
      'artists given, the other half predicted; full ranking. trained: the given half was in the training set.',
      '',
      formatTable([
        ['model', 'NDCG@20', 'recall@20', 'of trained', 'NDCG@20 against trained [95%]'],
        ...rows,
      ]),
    ].join('\n'),
    report: {
      protocol: 'new-listeners',
      seeds: run.seeds,
      summary,
      runs: runs.map(({ seed, models }) => ({
        seed,
        models: models.map(({ model, metrics, users }) => ({ model, nEvaluated: users.length, metrics })),
      })),
    },
  };
}
