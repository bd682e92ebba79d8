import { decodeCandidates, encodeCandidates, type CandidateRecord } from '../artifact/candidate-record.ts';
import type { ServingModel } from '../artifact/serving-model.ts';
import { listenerFactors, listenerFeatures } from '../rank/features.ts';
import { createHistory, withRecent } from '../scoring/history.ts';
import { nominate, sourcesForHistory, type Nominations } from '../scoring/nominate.ts';
import { ownRowOf, requireSameVersion, type FoldInModel } from './fold-in-model.ts';
import { foldIn } from './fold-in.ts';

/**
 * A listener's record as it would be with what they have heard lately, without retraining: a fold-in of the history (the
 * record's, and the artists heard since) over the stored candidates and what is nominated anew.
 *
 * An artist heard lately weighs at least as much as the listener's artists on average, see {@link withRecent}; one that the record has as heard already changes nothing else, and one
 * that was a candidate is none any more. (More weight brings no more: NDCG@20 with 1.5 was
 * .001 below that with 1, within noise.) What only training knew stays as stored: tag freshness, BiasedSVD factors (they need plays, which the
 * record does not keep), who nominated a candidate, and the scores of sources that say nothing of a history (friends). A
 * candidate that is new has the least of the stored scores there. Other sources are scored anew for all.
 *
 * @param record - The stored record; `undefined` for a listener without one, who is folded in from what was heard lately alone.
 * @param recent - Artist indices, distinct; see `recentListening`. Where there are none the record is given back as it is.
 * @returns A packed record for `recommend`, whose policy is then `fold-in`; `undefined` where nothing is known.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when models and record do not belong together.
 */
export function refreshRecord(
  model: ServingModel,
  foldInModel: FoldInModel,
  record: Uint8Array | undefined,
  recent: Int32Array,
): Uint8Array | undefined {
  requireSameVersion(model, foldInModel);
  const { space, recordShape } = model;
  if (record === undefined) {
    const heard = Array.from(recent, (artist) => ({ artist }));
    return foldIn(model, foldInModel, createHistory(recordShape.catalogueSize, heard));
  }
  if (recent.length === 0) return record;
  const stored = decodeCandidates(record, recordShape);
  const history = withRecent(stored.heard, recent);
  const { sources, pairScorers, buffers, listeners } = foldInModel;
  const lately = new Set(recent);
  const left = Int32Array.from(stored.items.keys()).filter((i) => !lately.has(stored.items[i]!));
  const nominations = nominate(
    history,
    sourcesForHistory(sources, history, ownRowOf(foldInModel, stored.heard.items)),
    pairScorers,
    buffers,
    {
      also: {
        items: left.map((i) => stored.items[i]!),
        nominatedBy: Uint32Array.from(left, (i) => stored.nominatedBy[i]!),
      },
    },
  );
  keepScores(stored, nominations, recordShape.nSources, silentSources(foldInModel));
  return encodeCandidates(
    {
      ...nominations,
      userFeatures: listenerFeatures(space, {
        freshness: stored.userFeatures[0]!,
        heard: history.items,
        listeners,
        factors: listenerFactors(space, stored.userFeatures),
      }),
      heard: history,
    },
    recordShape,
  );
}

/** Columns of scores that no history tells: positions of the silent sources. */
function silentSources({ sources }: FoldInModel): readonly number[] {
  return sources.flatMap(({ silent }, s) => (silent ? [s] : []));
}

/** Takes the stored scores over in some columns; the least stored for who is new. */
function keepScores(
  stored: CandidateRecord,
  { items, scores }: Nominations,
  width: number,
  columns: readonly number[],
): void {
  const at = new Map(Array.from(stored.items, (item, i) => [item, i]));
  for (const column of columns) {
    let least = Infinity;
    for (let i = 0; i < stored.items.length; i++) least = Math.min(least, stored.scores[i * width + column]!);
    for (let i = 0; i < items.length; i++) {
      const known = at.get(items[i]!);
      scores[i * width + column] =
        known === undefined ? (least === Infinity ? 0 : least) : stored.scores[known * width + column]!;
    }
  }
}
