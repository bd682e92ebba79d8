import { hash2, hashString } from '../math/rng.ts';

/** Two rankings as one list. */
export interface DraftedList {
  /** Shape (<= n,): the items in the order shown. */
  readonly order: Int32Array;
  /** One character for each item: `0` or `1`, the ranking that contributed it, or `-` for one that counts for neither. */
  readonly teams: string;
}

/**
 * Merges two rankings into one list for listeners to judge, by team draft.
 *
 * In each round a coin decides which ranking picks first; then each adds the item that it ranks highest of those not yet in
 * the list. A listener's clicks say whose picks they prefer. Which teams the positions belong to is decided by the coins alone, so
 * that a listener who looks at positions and not at items favours neither.
 *
 * What both rankings begin with is shown first and belongs to nobody: it would be shown whoever ranked, so that its team
 * were a coin's and its clicks noise. The draft begins after it, which keeps the teams balanced: of the drafted items of any prefix
 * either team has at most one more than the other, while both rankings have items left.
 *
 * @param a - Items (indices or numeric ids below 2³¹) of team 0, best first, distinct.
 * @param b - The same of team 1; usually a permutation of `a`. Where one has no more items the other continues.
 * @param n - Most items of the list, >= 0.
 * @param coin - Which team picks first in a round, counted from 0; see {@link draftCoin}.
 * @see Radlinski, Kurup and Joachims (2008), "How does clickthrough data reflect retrieval quality?", algorithm 2.
 */
export function teamDraft(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  n: number,
  coin: (round: number) => 0 | 1,
): DraftedList {
  const most = Math.min(n, a.length + b.length);
  const order: number[] = [];
  while (order.length < most && order.length < a.length && a[order.length] === b[order.length]) {
    order.push(a[order.length]!);
  }
  let teams = '-'.repeat(order.length);
  const taken = new Set(order);
  const next = [order.length, order.length];
  const pick = (team: 0 | 1): void => {
    const ranking = team === 0 ? a : b;
    while (next[team]! < ranking.length && taken.has(ranking[next[team]!]!)) next[team]!++;
    if (order.length === most || next[team] === ranking.length) return;
    const item = ranking[next[team]!]!;
    taken.add(item);
    order.push(item);
    teams += String(team);
  };
  for (let round = 0, before = -1; order.length > before && order.length < most; round++) {
    before = order.length;
    const first = coin(round);
    pick(first);
    pick(first === 0 ? 1 : 0);
  }
  return { order: Int32Array.from(order), teams };
}

/**
 * The coins of a list: fair, independent of each other and of every assignment, and the same whenever they are asked for.
 *
 * @param id - The exposure's id, or an id that the pages of one list share.
 */
export function draftCoin(id: string): (round: number) => 0 | 1 {
  const seed = hashString(COIN_SEED, id);
  return (round) => (hash2(seed, round) >>> 31 === 0 ? 0 : 1);
}

const COIN_SEED = 0x7ea3d4af;
