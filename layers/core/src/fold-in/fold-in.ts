import { encodeCandidates } from '../artifact/candidate-record.ts';
import type { ServingModel } from '../artifact/serving-model.ts';
import { listenerFeatures } from '../rank/features.ts';
import type { History } from '../scoring/history.ts';
import { nominate, sourcesForHistory } from '../scoring/nominate.ts';
import { foldInSvdFactors } from '../scoring/svd.ts';
import { requireSameVersion, type FoldInModel } from './fold-in-model.ts';

/**
 * The candidates of a listener who was not there at training, or whose history has changed since: scored by every source in
 * closed form, nominated and packed as at training, so that the ranker sees what it always sees.
 *
 * What nobody can know of them is as for a listener without it: no friends, no tags given.
 *
 * @param model - The version's serving model; `foldInModel` must be of the same version.
 * @returns A packed record for `recommend`, or `undefined` for an empty history: the popular list is the answer.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the two models do not belong together.
 */
export function foldIn(
  model: ServingModel,
  foldInModel: FoldInModel,
  history: History,
): Uint8Array | undefined {
  requireSameVersion(model, foldInModel);
  const { space, recordShape } = model;
  const { sources, pairScorers, buffers, listeners, svd, neverTagged } = foldInModel;
  if (history.items.length === 0) return undefined;
  return encodeCandidates(
    {
      ...nominate(history, sourcesForHistory(sources, history), pairScorers, buffers),
      userFeatures: listenerFeatures(space, {
        freshness: neverTagged,
        heard: history.items,
        listeners,
        factors: foldInSvdFactors(svd, history),
      }),
      heard: history,
    },
    recordShape,
  );
}
