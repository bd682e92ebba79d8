import type { CandidateRecord, HeardArtists } from '../artifact/candidate-record.ts';
import type { ServingModel } from '../artifact/serving-model.ts';
import type { OpenRecord } from '../listing/open-record.ts';
import { appendPairFeatures } from '../rank/features.ts';
import type { History } from '../scoring/history.ts';
import { sourcesForHistory, unheardMoments } from '../scoring/nominate.ts';
import { ownRowOf, requireSameVersion, type FoldInModel } from './fold-in-model.ts';

/** As the ranker learnt: a fifth of the listener's artists hidden at a time. */
const FOLDS = 5;

/**
 * A record with the artists that its listener has heard as further candidates, for lists that leave nothing out.
 *
 * Each is scored as if it had not been heard, in the way the ranker learnt what a score means: a fifth of the history is hidden and
 * folded in from the rest, five times, standardised over all artists but those of the whole history, as the record's own
 * candidates are. The listener's row is no neighbour of theirs, but the fitted tables (EASE's inverse, iALS's factors, item
 * neighbours) have seen it, so these probabilities run high. Sources that say nothing of a history (friends) give them the least
 * of the own candidates' scores. Own candidates keep their scores and ranks: a heard artist is ranked among them, not they among it.
 *
 * Costs five fold-ins.
 */
export function withHeard(model: ServingModel, foldInModel: FoldInModel, opened: OpenRecord): OpenRecord {
  requireSameVersion(model, foldInModel);
  const { candidates, nOwn } = opened;
  const { heard } = candidates;
  const nHeard = heard.items.length;
  if (nHeard === 0 || nOwn < candidates.items.length) return opened;
  const scores = scoreHeard(model, foldInModel, candidates);
  const items = new Int32Array(nOwn + nHeard);
  items.set(candidates.items);
  items.set(heard.items, nOwn);
  const nominatedBy = new Uint32Array(items.length);
  nominatedBy.set(candidates.nominatedBy);
  const all = new Float64Array(candidates.scores.length + scores.length);
  all.set(candidates.scores);
  all.set(scores, candidates.scores.length);
  const extended: CandidateRecord = { ...candidates, items, nominatedBy, scores: all };
  return {
    ...opened,
    candidates: extended,
    pairs: appendPairFeatures(model.space, extended, nOwn, opened.pairs, model.artists),
  };
}

/** Shape (nHeard × nScores,), row-major, as a record holds scores. */
function scoreHeard(
  model: ServingModel,
  foldInModel: FoldInModel,
  candidates: CandidateRecord,
): Float64Array {
  const { heard } = candidates;
  const nHeard = heard.items.length;
  const width = model.recordShape.nSources;
  const out = new Float64Array(nHeard * width);
  const { sources, pairScorers, buffers } = foldInModel;
  const ownRow = ownRowOf(foldInModel, heard.items);
  const folds = Math.min(FOLDS, nHeard);
  for (let fold = 0; fold < folds; fold++) {
    const { hidden, rest } = dealt(heard, fold, folds);
    const row = buffers.rows[0]!;
    sourcesForHistory(sources, rest, ownRow).forEach((source, s) => {
      source.score(row);
      const { mean, deviation } = unheardMoments(row, heard.items);
      for (const h of hidden) {
        out[h * width + s] = deviation > 0 ? (row[heard.items[h]!]! - mean) / deviation : 0;
      }
    });
    let column = sources.length;
    const items = hidden.map((h) => heard.items[h]!);
    for (const scorer of pairScorers) {
      const n = scorer.names.length;
      const pairs = new Float64Array(items.length * n);
      scorer.scorePairs(rest, items, pairs);
      hidden.forEach((h, i) => {
        for (let c = 0; c < n; c++) out[h * width + column + c] = pairs[i * n + c]!;
      });
      column += n;
    }
  }
  sources.forEach(({ silent }, s) => {
    if (!silent) return;
    let least = Infinity;
    for (let i = 0; i < candidates.items.length; i++) {
      least = Math.min(least, candidates.scores[i * width + s]!);
    }
    for (let h = 0; h < nHeard; h++) out[h * width + s] = least;
  });
  return out;
}

/** Every folds-th artist of the history, and the others. Indices of artists are in hashed order, so this is a random part. */
function dealt(
  { items, weights }: HeardArtists,
  fold: number,
  folds: number,
): { readonly hidden: Int32Array; readonly rest: History } {
  const positions = Int32Array.from(items.keys());
  const left = positions.filter((h) => h % folds !== fold);
  return {
    hidden: positions.filter((h) => h % folds === fold),
    rest: {
      items: left.map((h) => items[h]!),
      plays: null,
      weights: Float64Array.from(left, (h) => weights[h]!),
    },
  };
}
