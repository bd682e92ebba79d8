import { beforeAll, describe, expect, it } from 'vitest';

import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { fitSource, prepareSourceInputs } from '../../../layers/core/src/candidates/fit-source.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { splitHoldout, type Holdout } from '../../../layers/core/src/data/split.ts';
import { generateSample } from '../../../layers/core/src/data/synthetic.ts';
import { evaluateLists, type Evaluation } from '../../../layers/core/src/evaluate/metrics.ts';
import { rankCandidates } from '../../../layers/core/src/evaluate/rank-candidates.ts';
import { createRecordScorer } from '../../../layers/core/src/rank/score-records.ts';
import { taggedArtists } from '../../../layers/core/src/features/listener-tags.ts';
import { fitTfIdf } from '../../../layers/core/src/features/tf-idf.ts';
import { columnLengths, type Csr } from '../../../layers/core/src/math/csr.ts';
import { createRng, hash2 } from '../../../layers/core/src/math/rng.ts';
import { topK } from '../../../layers/core/src/math/top-k.ts';
import { FULL_PRESET } from '../../../layers/core/src/presets.ts';
import { fitStages, trainRanker } from '../../../layers/core/src/train-model.ts';
import { readTiny, silentProgress, tinyParameters } from '../tiny.ts';

/** Artists that each listener tags and has not heard. */
const N_TAGGED = 10;

/**
 * A split in which listeners have tagged artists of their own taste that they do not have, in train or in test. So it is
 * in every split whose held-out pairs lose their tags: what is tagged and not heard in train is no answer.
 */
async function splitWithTagTrap(): Promise<Holdout> {
  const sample = generateSample({ seed: 7, nUsers: 100, nArtists: 300, nClusters: 3 });
  const { train, test } = splitHoldout(await readTiny(sample.files), { seed: 1 });
  const { users, artists, plays } = train;
  const listeners = columnLengths(plays);
  const user: number[] = [];
  const artist: number[] = [];
  for (let u = 0; u < users.size; u++) {
    const has = new Set([...rowOf(plays, u), ...rowOf(test, u)]);
    const near = artists.ids.flatMap((id, i) =>
      !has.has(i) && sample.artistCluster.get(id) === sample.userCluster.get(users.ids[u]!) ? [i] : [],
    );
    // Without replacement, by listeners: as artists get heard.
    const key = new Map(
      near.map((i) => [i, Math.log(createRng(hash2(u, i)).next()) / (listeners[i]! + 0.1)]),
    );
    for (const i of near.toSorted((a, b) => key.get(b)! - key.get(a)!).slice(0, N_TAGGED)) {
      user.push(u);
      artist.push(i);
    }
  }
  const given = train.tagAssignments!;
  // The tag that a tagged artist carries most, or the first there is.
  const tagOf = (i: number): number => given.tag[Math.max(0, given.artist.indexOf(i))]!;
  const tagAssignments = {
    user: Int32Array.of(...given.user, ...user),
    artist: Int32Array.of(...given.artist, ...artist),
    tag: Int32Array.of(...given.tag, ...artist.map(tagOf)),
    time: Float64Array.of(...given.time, ...artist.map(() => NaN)),
  };
  return { train: { ...train, tagAssignments }, test };
}

function rowOf({ indptr, indices }: Csr, row: number): Int32Array {
  return indices.subarray(indptr[row], indptr[row + 1]);
}

/** Every unheard artist by plain iALS, which reads no tags. */
function rankByIals(train: Dataset): Int32Array[] {
  const inputs = prepareSourceInputs(train, fitTfIdf(train, { maxFeatures: 30 }).terms, FULL_PRESET);
  const ials = fitSource(
    {
      name: 'ials',
      label: 'ials',
      k: 20,
      factors: 8,
      sweeps: 8,
      alpha0: 0.05,
      lambda: 0.02,
      countOffset: 0.02,
      tagWeight: 0,
      friendWeight: 0,
      listenerTagWeight: 0,
    },
    inputs,
    FULL_PRESET,
  )!;
  const row = new Float64Array(train.artists.size);
  return Array.from({ length: train.users.size }, (_, u) => {
    ials.scoreUser(u, row);
    for (const item of rowOf(train.plays, u)) row[item] = -Infinity;
    return topK(row, 50);
  });
}

let tagged: Csr;
let ials: Evaluation;
let full: Evaluation;
let exploiting: Evaluation;

beforeAll(async () => {
  const { train, test } = await splitWithTagTrap();
  tagged = taggedArtists(train)!;
  const measure = { train: train.plays, test, tagged, tags: null };
  const io = { parallel: inlineParallelMap, progress: silentProgress };
  const parameters = tinyParameters('full');
  const stages = await fitStages(train, parameters, io);
  const { stage, ranker } = await trainRanker(train, stages, parameters, io);
  const { lists } = rankCandidates(stage, createRecordScorer(stage, ranker), { test, masked: null });
  const byIals = rankByIals(train);
  ials = evaluateLists(byIals, measure);
  full = evaluateLists(lists, measure);
  exploiting = evaluateLists(
    lists.map((list, u) => list.filter((item) => !rowOf(tagged, u).includes(item))),
    measure,
  );
});

describe("a listener's tags of artists that they have not heard", () => {
  it('would raise NDCG where a model left those artists out: the trap is there', () => {
    expect(exploiting.metrics['tagged-not-heard@20']).toBe(0);
    expect(exploiting.metrics['ndcg@20']).toBeGreaterThan(full.metrics['ndcg@20'] + 0.01);
  });

  it("do not keep the full model from listing them, who are of the listener's taste", () => {
    expect(ials.metrics['tagged-not-heard@20']).toBeGreaterThan(0.1);
    expect(full.metrics['tagged-not-heard@20']).toBeGreaterThan(0.7 * ials.metrics['tagged-not-heard@20']);
  });
});
