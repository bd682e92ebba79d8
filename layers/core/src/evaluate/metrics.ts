import { columnLengths, type Csr } from '../math/csr.ts';

/** Ranking quality of one listener's list. */
export interface ListMetrics {
  readonly recall: number;
  readonly ndcg: number;
  readonly hit: number;
  readonly reciprocalRank: number;
  readonly averagePrecision: number;
}

/**
 * Measures a ranked list against the artists held out, binary relevance.
 *
 * recall = hits / |test|; NDCG with gain 1 / log2(rank + 1), ideal cut at min(k, |test|); average precision over
 * min(k, |test|); the reciprocal of the first hit's rank, 0 without a hit.
 *
 * @param ranked - Artist indices, best first; only the first `k` count.
 * @param relevant - Artist indices held out, at least one.
 * @see Järvelin and Kekäläinen (2002), "Cumulated Gain-Based Evaluation of IR Techniques".
 */
export function listMetrics(ranked: Int32Array, relevant: ReadonlySet<number>, k: number): ListMetrics {
  let hits = 0;
  let dcg = 0;
  let precision = 0;
  let firstHit = 0;
  const n = Math.min(k, ranked.length);
  for (let i = 0; i < n; i++) {
    if (!relevant.has(ranked[i]!)) continue;
    hits++;
    dcg += 1 / Math.log2(i + 2);
    precision += hits / (i + 1);
    if (firstHit === 0) firstHit = i + 1;
  }
  const ideal = Math.min(k, relevant.size);
  let idealDcg = 0;
  for (let i = 0; i < ideal; i++) idealDcg += 1 / Math.log2(i + 2);
  return {
    recall: hits / relevant.size,
    ndcg: dcg / idealDcg,
    hit: hits > 0 ? 1 : 0,
    reciprocalRank: firstHit > 0 ? 1 / firstHit : 0,
    averagePrecision: precision / ideal,
  };
}

/** What {@link evaluateLists} reports. Every mean is over the listeners with at least one artist held out. */
export interface Evaluation {
  /** Shape (nEvaluated,): listener indices. */
  readonly users: Int32Array;
  /** Shape (nEvaluated,) each: per listener, at 20. */
  readonly perUser: { readonly ndcg20: Float64Array; readonly recall20: Float64Array };
  readonly metrics: Readonly<Record<MetricName, number>>;
}

export const METRIC_NAMES = [
  'ndcg@10',
  'ndcg@20',
  'recall@10',
  'recall@20',
  'mrr@20',
  'map@20',
  'hit@20',
  'coverage@20',
  'popularity-percentile@20',
  'novelty@20',
  'recall@20-head',
  'recall@20-middle',
  'recall@20-tail',
  'tagged-not-heard@20',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/**
 * Full-ranking evaluation of one list per listener.
 *
 * Beyond accuracy, at 20: the share of the artists in train that appear in any list; the mean popularity percentile
 * and the mean -log2(share of listeners) of the artists listed; recall by popularity tercile of the test artist (cut
 * by train listeners so that each third of the *test rows* is as even as ties allow); the share of places that go to
 * artists that the listener tagged but does not have in train.
 *
 * @param lists - Shape (nUsers,): artist indices, best first.
 * @param train - Shape (nUsers, nArtists).
 * @param test - Shape (nUsers, nArtists): held out.
 * @param tagged - Shape (nUsers, nArtists): pairs tagged in the *training* data; `null` without tags.
 */
export function evaluateLists(
  lists: readonly Int32Array[],
  { train, test, tagged }: { readonly train: Csr; readonly test: Csr; readonly tagged: Csr | null },
): Evaluation {
  const listeners = columnLengths(train);
  const percentile = popularityPercentiles(listeners);
  const tercile = testTerciles(test, listeners);

  const users: number[] = [];
  const ndcg20: number[] = [];
  const recall20: number[] = [];
  const sums = { ndcg10: 0, recall10: 0, mrr: 0, map: 0, hit: 0 };
  const tercileRecall = [new Mean(), new Mean(), new Mean()] as const;
  const shownPercentile = new Mean();
  const novelty = new Mean();
  const taggedNotHeard = new Mean();
  const shown = new Set<number>();
  for (let user = 0; user < test.nRows; user++) {
    const start = test.indptr[user]!;
    const end = test.indptr[user + 1]!;
    if (start === end) continue;
    const ranked = lists[user]!;
    const relevant = new Set(test.indices.subarray(start, end));
    const at20 = listMetrics(ranked, relevant, 20);
    const at10 = listMetrics(ranked, relevant, 10);
    users.push(user);
    ndcg20.push(at20.ndcg);
    recall20.push(at20.recall);
    sums.ndcg10 += at10.ndcg;
    sums.recall10 += at10.recall;
    sums.mrr += at20.reciprocalRank;
    sums.map += at20.averagePrecision;
    sums.hit += at20.hit;
    const top = ranked.subarray(0, 20);
    const topSet = new Set(top);
    for (const item of relevant) tercileRecall[tercile[item]!]!.add(topSet.has(item) ? 1 : 0);
    const taggedHere = new Set(
      tagged === null ? [] : tagged.indices.subarray(tagged.indptr[user], tagged.indptr[user + 1]),
    );
    for (const item of top) {
      shown.add(item);
      shownPercentile.add(percentile[item]!);
      novelty.add(-Math.log2(Math.max(1, listeners[item]!) / train.nRows));
      taggedNotHeard.add(taggedHere.has(item) ? 1 : 0);
    }
  }
  const n = Math.max(1, users.length);
  const artistsInTrain = listeners.reduce((count, l) => count + (l > 0 ? 1 : 0), 0);
  return {
    users: Int32Array.from(users),
    perUser: { ndcg20: Float64Array.from(ndcg20), recall20: Float64Array.from(recall20) },
    metrics: {
      'ndcg@10': sums.ndcg10 / n,
      'ndcg@20': mean(ndcg20),
      'recall@10': sums.recall10 / n,
      'recall@20': mean(recall20),
      'mrr@20': sums.mrr / n,
      'map@20': sums.map / n,
      'hit@20': sums.hit / n,
      'coverage@20': shown.size / Math.max(1, artistsInTrain),
      'popularity-percentile@20': shownPercentile.value,
      'novelty@20': novelty.value,
      'recall@20-head': tercileRecall[2].value,
      'recall@20-middle': tercileRecall[1].value,
      'recall@20-tail': tercileRecall[0].value,
      'tagged-not-heard@20': taggedNotHeard.value,
    },
  };
}

/** Share of wanted artists that are among the candidates, averaged over listeners with at least one. */
export function candidateRecall(candidates: readonly Int32Array[], test: Csr): number {
  const recall = new Mean();
  for (let user = 0; user < test.nRows; user++) {
    const relevant = test.indices.subarray(test.indptr[user], test.indptr[user + 1]);
    if (relevant.length === 0) continue;
    const set = new Set(candidates[user]);
    recall.add(relevant.reduce((hits, item) => hits + (set.has(item) ? 1 : 0), 0) / relevant.length);
  }
  return recall.value;
}

class Mean {
  #sum = 0;
  #n = 0;
  add(x: number): void {
    this.#sum += x;
    this.#n++;
  }
  get value(): number {
    return this.#n === 0 ? 0 : this.#sum / this.#n;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / Math.max(1, values.length);
}

/** Shape (nArtists,), 0-100: the share of artists in train with fewer listeners, ties in the middle. */
function popularityPercentiles(listeners: Int32Array): Float64Array {
  const sorted = listeners.filter((l) => l > 0).toSorted();
  const below = (x: number): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < x) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return Float64Array.from(listeners, (l) =>
    sorted.length === 0 ? 0 : (50 * (below(l) + below(l + 1))) / sorted.length,
  );
}

/** Shape (nArtists,): 0 for the least listened third of the test rows, 2 for the most listened. */
function testTerciles(test: Csr, listeners: Int32Array): Uint8Array {
  const sorted = Int32Array.from(test.indices, (item) => listeners[item]!).toSorted();
  const low = sorted[Math.floor(sorted.length / 3)] ?? 0;
  const high = sorted[Math.floor((2 * sorted.length) / 3)] ?? 0;
  return Uint8Array.from(listeners, (l) => (l < low ? 0 : l < high ? 1 : 2));
}
