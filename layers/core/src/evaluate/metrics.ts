import { EncoreError } from '../errors.ts';
import { columnLengths, rowLength, type Csr } from '../math/csr.ts';
import { tagDiversity } from '../rerank.ts';

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

/** The cuts of the recall curve; a list has to be as long as the last one. */
export const RECALL_CUTS = [1, 2, 5, 10, 20, 50, 100, 200] as const;

/** Figures that are means: over listeners, places or held-out artists. */
export const MEAN_METRICS = [
  'ndcg@10',
  'ndcg@20',
  ...RECALL_CUTS.map((k) => `recall@${k}` as const),
  'mrr@20',
  'map@20',
  'hit@20',
  'popularity-percentile@20',
  'novelty@20',
  'tag-diversity@20',
  'recall@20-head',
  'recall@20-middle',
  'recall@20-tail',
  'tagged-not-heard@20',
] as const;
export type MeanMetric = (typeof MEAN_METRICS)[number];

/** Something for each of {@link MEAN_METRICS}. */
export function mapMetrics<V>(make: (metric: MeanMetric) => V): Record<MeanMetric, V> {
  const record: Partial<Record<MeanMetric, V>> = {};
  for (const metric of MEAN_METRICS) record[metric] = make(metric);
  if (!isComplete(record)) throw new EncoreError('SHAPE_MISMATCH', 'a figure was left out');
  return record;
}

function isComplete<V>(record: Partial<Record<MeanMetric, V>>): record is Record<MeanMetric, V> {
  return MEAN_METRICS.every((metric) => metric in record);
}

/** Every figure of {@link evaluateLists}. Coverage is a property of all lists together, no mean. */
export type MetricName = MeanMetric | 'coverage@20';

/**
 * What each listener brings to a mean: it is Σ sums / Σ weights over the listeners, and over any resample of them.
 *
 * The weight is 1 in a mean over listeners; the number of places or of held-out artists where those are averaged.
 */
export interface ListenerShares {
  /** Shape (nEvaluated,). */
  readonly sums: Float64Array;
  /** Shape (nEvaluated,). */
  readonly weights: Float64Array;
}

/** What {@link evaluateLists} reports, over the listeners with at least one artist held out. */
export interface Evaluation {
  /** Shape (nEvaluated,): listener indices, ascending. */
  readonly users: Int32Array;
  readonly perListener: Readonly<Record<MeanMetric, ListenerShares>>;
  readonly metrics: Readonly<Record<MetricName, number>>;
}

/** What lists are measured against. */
export interface EvaluationInput {
  /** Shape (nUsers, nArtists). */
  readonly train: Csr;
  /** Shape (nUsers, nArtists): held out. */
  readonly test: Csr;
  /** Shape (nUsers, nArtists): pairs tagged in the *training* data; `null` without tags. */
  readonly tagged: Csr | null;
  /** Shape (nArtists, nTerms): tag vectors of length 1, or empty, of the *training* data; `null` without tags. */
  readonly tags: Csr | null;
}

/**
 * Full-ranking evaluation of one list per listener.
 *
 * Beyond accuracy, at 20: the share of the artists in train that appear in any list; the mean popularity percentile
 * and the mean -log2(share of listeners) of the artists listed; {@link tagDiversity}, averaged over the lists that have
 * two artists with tags; recall by popularity tercile of the test artist (cut by train listeners so that each third of the *test rows* is as
 * even as ties allow); the share of places that go to artists that the listener tagged but does not have in train.
 *
 * @param lists - Shape (nUsers,): artist indices, best first. Cuts of recall beyond a list's end add nothing.
 */
export function evaluateLists(lists: readonly Int32Array[], input: EvaluationInput): Evaluation {
  const { train, test, tagged, tags } = input;
  const listeners = columnLengths(train);
  const percentile = popularityPercentiles(listeners);
  const tercile = testTerciles(test, listeners);

  const users = Int32Array.from({ length: test.nRows }, (_, user) => user).filter(
    (user) => rowLength(test, user) > 0,
  );
  const perListener = mapMetrics(() => ({
    sums: new Float64Array(users.length),
    weights: new Float64Array(users.length),
  }));
  const shown = new Set<number>();
  users.forEach((user, at) => {
    const write = (name: MeanMetric, sum: number, weight = 1): void => {
      perListener[name].sums[at] = sum;
      perListener[name].weights[at] = weight;
    };
    const ranked = lists[user]!;
    const wanted = test.indices.subarray(test.indptr[user], test.indptr[user + 1]);
    const relevant = new Set(wanted);
    const at20 = listMetrics(ranked, relevant, 20);
    write('ndcg@10', listMetrics(ranked, relevant, 10).ndcg);
    write('ndcg@20', at20.ndcg);
    write('mrr@20', at20.reciprocalRank);
    write('map@20', at20.averagePrecision);
    write('hit@20', at20.hit);
    let hits = 0;
    let next = 0;
    for (const k of RECALL_CUTS) {
      for (; next < Math.min(k, ranked.length); next++) hits += relevant.has(ranked[next]!) ? 1 : 0;
      write(`recall@${k}`, hits / relevant.size);
    }

    const top = ranked.subarray(0, 20);
    const topSet = new Set(top);
    (['tail', 'middle', 'head'] as const).forEach((name, third) => {
      const ofThird = wanted.filter((item) => tercile[item] === third);
      write(`recall@20-${name}`, ofThird.filter((item) => topSet.has(item)).length, ofThird.length);
    });
    const taggedHere = new Set(
      tagged === null ? [] : tagged.indices.subarray(tagged.indptr[user], tagged.indptr[user + 1]),
    );
    let percentiles = 0;
    let surprise = 0;
    let nTagged = 0;
    for (const item of top) {
      shown.add(item);
      percentiles += percentile[item]!;
      surprise -= Math.log2(Math.max(1, listeners[item]!) / train.nRows);
      nTagged += taggedHere.has(item) ? 1 : 0;
    }
    write('popularity-percentile@20', percentiles, top.length);
    write('novelty@20', surprise, top.length);
    write('tagged-not-heard@20', nTagged, top.length);
    const diversity = tags === null ? null : tagDiversity(tags, tags.nCols, top);
    write('tag-diversity@20', diversity ?? 0, diversity === null ? 0 : 1);
  });

  const artistsInTrain = listeners.reduce((count, l) => count + (l > 0 ? 1 : 0), 0);
  return {
    users,
    perListener,
    metrics: {
      ...mapMetrics((name) => meanOf(perListener[name])),
      'coverage@20': shown.size / Math.max(1, artistsInTrain),
    },
  };
}

/** Σ sums / Σ weights; 0 where there is nothing to average. */
function meanOf({ sums, weights }: ListenerShares): number {
  const weight = weights.reduce((total, x) => total + x, 0);
  return weight === 0 ? 0 : sums.reduce((total, x) => total + x, 0) / weight;
}

/** Share of wanted artists that are among the candidates, averaged over listeners with at least one. */
export function candidateRecall(candidates: readonly Int32Array[], test: Csr): number {
  let sum = 0;
  let n = 0;
  for (let user = 0; user < test.nRows; user++) {
    const relevant = test.indices.subarray(test.indptr[user], test.indptr[user + 1]);
    if (relevant.length === 0) continue;
    const set = new Set(candidates[user]);
    sum += relevant.reduce((hits, item) => hits + (set.has(item) ? 1 : 0), 0) / relevant.length;
    n++;
  }
  return n === 0 ? 0 : sum / n;
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
