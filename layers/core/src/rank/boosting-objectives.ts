import { EncoreError } from '../errors.ts';

/**
 * Writes first and second derivatives of a loss by each row's score.
 *
 * @param scores - Shape (nRows,).
 * @param gradients - Shape (nRows,), overwritten.
 * @param hessians - Shape (nRows,), overwritten, each >= 0.
 * @returns What a training's curve shows of these scores.
 */
export type BoostingObjective = (
  scores: Float64Array,
  gradients: Float64Array,
  hessians: Float64Array,
) => number;

/** What {@link createLambdarank} is about. */
export interface LambdarankOptions {
  /** NDCG is cut at this rank, and a pair counts only if one of the two stands above the cut; >= 1. */
  readonly truncation: number;
  /** Steepness σ of the pairs' sigmoid, > 0. */
  readonly sigmoid: number;
}

/**
 * LambdaRank: each pair of a relevant row h and another l of the same group pushes the two apart by
 *
 *     λ = σ · δ / (1 + exp(σ · (s_h − s_l))),   δ = |1 / log2(1 + rank_h) − 1 / log2(1 + rank_l)| / ideal DCG
 *
 * where δ, what swapping them changes in NDCG, is divided by 0.01 + |s_h − s_l|. In the end all λ of a group are multiplied by
 * log2(1 + Σ) / Σ, Σ being the sum over both sides of its pairs: groups with many pairs count for more, but not in
 * proportion. Groups whose labels are all the same have no pairs and get zeros.
 *
 * Ranks follow the score; equal scores follow the order of the rows.
 *
 * @param groups - Shape (nGroups + 1,): group g has the rows groups[g] … groups[g + 1].
 * @param labels - Shape (nRows,): 1 for relevant, 0 for not.
 * @returns An objective that returns the mean NDCG over the groups with labels of both kinds.
 * @throws {@link EncoreError} `INVALID_OPTION` when there is no such group.
 * @see Burges (2010), "From RankNet to LambdaRank to LambdaMART"; normalised as LightGBM's `lambdarank_norm` does.
 */
export function createLambdarank(
  groups: Int32Array,
  labels: Uint8Array,
  { truncation, sigmoid }: LambdarankOptions,
): BoostingObjective {
  const mixed: { readonly begin: number; readonly end: number; readonly nRelevant: number }[] = [];
  let longest = 0;
  for (let g = 0; g + 1 < groups.length; g++) {
    const begin = groups[g]!;
    const end = groups[g + 1]!;
    let nRelevant = 0;
    for (let r = begin; r < end; r++) nRelevant += labels[r]!;
    if (nRelevant === 0 || nRelevant === end - begin) continue;
    mixed.push({ begin, end, nRelevant });
    longest = Math.max(longest, end - begin);
  }
  if (mixed.length === 0) {
    throw new EncoreError(
      'INVALID_OPTION',
      `lambdarank needs groups with labels of both kinds; none of ${groups.length - 1} has them`,
      { nGroups: groups.length - 1 },
    );
  }
  const discounts = new Float64Array(longest).map((_, rank) => 1 / Math.log2(rank + 2));
  const idealDcg = new Float64Array(longest + 1);
  for (let n = 1; n <= longest; n++) {
    idealDcg[n] = idealDcg[n - 1]! + (n <= truncation ? discounts[n - 1]! : 0);
  }
  // By rank within the group at hand.
  const score = new Float64Array(longest);
  const power = new Float64Array(longest);
  const label = new Uint8Array(longest);
  const lambda = new Float64Array(longest);
  const curvature = new Float64Array(longest);
  const others = new Int32Array(longest);
  const order = Int32Array.from(labels, (_, r) => r);

  return (scores, gradients, hessians) => {
    gradients.fill(0);
    hessians.fill(0);
    let ndcg = 0;
    for (const { begin, end, nRelevant } of mixed) {
      const n = end - begin;
      sortGroup(order, scores, { begin, end, score });
      const best = score[0]!;
      const isSpread = best !== score[n - 1]!;
      const perIdeal = 1 / idealDcg[nRelevant]!;
      let dcg = 0;
      for (let k = 0; k < n; k++) {
        const r = order[begin + k]!;
        // One exponential per row, not per pair: 1 / (1 + exp(a − b)) = exp(b) / (exp(a) + exp(b)). The bound keeps it above 0.
        power[k] = Math.exp(Math.max(-700, sigmoid * (score[k]! - best)));
        label[k] = labels[r]!;
        lambda[k] = 0;
        curvature[k] = 0;
        if (k < truncation) dcg += labels[r]! * discounts[k]!;
      }
      ndcg += dcg * perIdeal;

      const byRank = { score, power, label, discounts, others, lambda, curvature };
      const total = pushPairs(byRank, n, { truncation, sigmoid, perIdeal, isSpread });
      const norm = total > 0 ? Math.log2(1 + total) / total : 1;
      for (let k = 0; k < n; k++) {
        const r = order[begin + k]!;
        gradients[r] = lambda[k]! * norm;
        hessians[r] = curvature[k]! * norm;
      }
    }
    return ndcg / mixed.length;
  };
}

/**
 * Log loss: gradient p − label and hessian p · (1 − p) with p = 1 / (1 + exp(−score)).
 *
 * @param labels - Shape (nRows,): 0 or 1.
 * @returns An objective that returns the mean of −ln of the probability given to each label.
 */
export function createLogLoss(labels: Uint8Array): BoostingObjective {
  return (scores, gradients, hessians) => {
    let loss = 0;
    for (let r = 0; r < labels.length; r++) {
      const z = scores[r]!;
      // exp of what is not above 0 does not overflow, and neither p nor 1 − p loses its digits.
      const small = Math.exp(-Math.abs(z));
      const p = (z >= 0 ? 1 : small) / (1 + small);
      const q = (z >= 0 ? small : 1) / (1 + small);
      gradients[r] = labels[r] === 1 ? -q : p;
      hessians[r] = p * q;
      loss += Math.log1p(small) + Math.max(0, labels[r] === 1 ? -z : z);
    }
    return loss / labels.length;
  };
}

/** Arrays by rank within a group, each at least as long as the group. */
interface RankedGroup {
  readonly score: Float64Array;
  /** exp(σ · (score − best)). */
  readonly power: Float64Array;
  readonly label: Uint8Array;
  readonly discounts: Float64Array;
  /** Room for ranks. */
  readonly others: Int32Array;
  /** Added to. */
  readonly lambda: Float64Array;
  /** Added to. */
  readonly curvature: Float64Array;
}

/** Adds what each pair of a group contributes, before normalisation. Returns the sum of |λ| over both sides of all pairs. */
function pushPairs(
  { score, power, label, discounts, others, lambda, curvature }: RankedGroup,
  n: number,
  options: LambdarankOptions & { readonly perIdeal: number; readonly isSpread: boolean },
): number {
  const { truncation, sigmoid, perIdeal, isSpread } = options;
  const distanceFrom = isSpread ? 0.01 : 1;
  const distanceTimes = isSpread ? 1 : 0;
  const cut = Math.min(truncation, n);
  let total = 0;
  // Pairs whose upper side is relevant, then the others: the lower sides of each kind are listed once.
  for (let upper = 1; upper >= 0; upper--) {
    let nOthers = 0;
    for (let k = 0; k < n; k++) if (label[k] !== upper) others[nOthers++] = k;
    const sign = upper === 1 ? -1 : 1;
    let firstBelow = 0;
    for (let i = 0; i < cut; i++) {
      if (label[i] !== upper) {
        firstBelow++;
        continue;
      }
      const scoreI = score[i]!;
      const powerI = power[i]!;
      const discountI = discounts[i]!;
      let lambdaI = 0;
      let curvatureI = 0;
      for (let e = firstBelow; e < nOthers; e++) {
        const j = others[e]!;
        const powerJ = power[j]!;
        const distance = distanceFrom + distanceTimes * (scoreI - score[j]!);
        // One division for both quotients: per = 1 / ((power_i + power_j) · distance).
        const per = 1 / ((powerI + powerJ) * distance);
        const weight = sigmoid * (discountI - discounts[j]!) * perIdeal * per;
        const push = weight * (upper === 1 ? powerJ : powerI);
        const bend = sigmoid * weight * powerI * powerJ * per * distance;
        lambdaI += push;
        curvatureI += bend;
        lambda[j]! -= sign * push;
        curvature[j]! += bend;
      }
      lambda[i]! += sign * lambdaI;
      curvature[i]! += curvatureI;
      total += 2 * lambdaI;
    }
  }
  return total;
}

/**
 * Sorts a group's part of `order` by score, highest first, equal ones by row, and writes the scores by rank.
 *
 * By insertion: groups are short, and after the first time a tree has moved few rows past each other.
 */
function sortGroup(
  order: Int32Array,
  scores: Float64Array,
  group: { readonly begin: number; readonly end: number; readonly score: Float64Array },
): void {
  const { begin, end, score } = group;
  for (let k = 0; k < end - begin; k++) {
    const row = order[begin + k]!;
    const s = scores[row]!;
    let at = k;
    while (at > 0 && (score[at - 1]! < s || (score[at - 1] === s && order[begin + at - 1]! > row))) {
      score[at] = score[at - 1]!;
      order[begin + at] = order[begin + at - 1]!;
      at--;
    }
    score[at] = s;
    order[begin + at] = row;
  }
}
