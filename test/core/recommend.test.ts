import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_FILE, MODEL_FILE } from '../../layers/core/src/artifact/manifest.ts';
import { decodeCandidates, encodeCandidates } from '../../layers/core/src/artifact/candidate-record.ts';
import { loadServingModel, type ServingModel } from '../../layers/core/src/artifact/serving-model.ts';
import { candidateLogits, sigmoid } from '../../layers/core/src/rank/ranker.ts';
import { recommend } from '../../layers/core/src/recommend.ts';
import { trainTiny } from './tiny.ts';

let trained: Awaited<ReturnType<typeof trainTiny>>;
let model: ServingModel;
let record: Uint8Array;
beforeAll(async () => {
  trained = await trainTiny('full');
  const { files } = trained.contents;
  model = await loadServingModel({ tensors: files.get(MODEL_FILE)!, catalog: files.get(CATALOG_FILE)! });
  record = trained.contents.candidates[7]!.record;
});

const indexOf = (artistId: string): number => model.artistIds.indexOf(artistId);

/** A record of the given artists, whose scores all are the same. */
function recordOf(items: readonly number[]): Uint8Array {
  const { nSources, nUserFeatures } = model.recordShape;
  return encodeCandidates(
    {
      items: Int32Array.from(items),
      nominatedBy: new Uint32Array(items.length).fill(1),
      scores: new Float64Array(items.length * nSources).fill(0.5),
      userFeatures: new Float64Array(nUserFeatures).fill(0.5),
      heard: { items: new Int32Array(0), weights: new Float64Array(0) },
    },
    model.recordShape,
  );
}

describe('recommend', () => {
  it('ranks the candidates by their probability, descending', () => {
    const { policy, recommendations } = recommend(model, record, { n: 20 });
    expect(policy).toBe('personal');
    expect(recommendations.map(({ rank }) => rank)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const scores = recommendations.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(new Set(scores).size).toBeGreaterThan(10);
    const decoded = decodeCandidates(record, model.recordShape);
    const logits = candidateLogits(model.space, model.ranker, decoded, model.artists, model.artistPart);
    expect(scores[0]).toBe(Number(sigmoid(Math.max(...logits)).toPrecision(6)));
    for (const { artistId, name, score } of recommendations) {
      const at = decoded.items.indexOf(indexOf(artistId));
      expect(score).toBe(Number(sigmoid(logits[at]!).toPrecision(6)));
      expect(name).toBe(model.artistNames[indexOf(artistId)]);
    }
  });

  it('gives all candidates where fewer are there than asked for', () => {
    const { items } = decodeCandidates(record, model.recordShape);
    const { recommendations } = recommend(model, record, { n: 10_000 });
    expect(recommendations.map(({ artistId }) => indexOf(artistId)).toSorted((a, b) => a - b)).toEqual(
      [...items].toSorted((a, b) => a - b),
    );
  });

  it('gives a shorter list as the beginning of a longer one', () => {
    expect(recommend(model, record, { n: 3 }).recommendations).toEqual(
      recommend(model, record, { n: 30 }).recommendations.slice(0, 3),
    );
  });

  it('orders equal probabilities by artist index, whatever the order in the record', () => {
    const flat: ServingModel = {
      ...model,
      ranker: {
        ...model.ranker,
        pairWeights: model.ranker.pairWeights.map(() => 0),
        contexts: { ...model.ranker.contexts, weights: model.ranker.contexts.weights.map(() => 0) },
      },
      artistPart: new Float64Array(model.artistPart.length),
    };
    for (const items of [
      [9, 2, 40, 11],
      [40, 11, 9, 2],
    ]) {
      const { recommendations } = recommend(flat, recordOf(items), { n: 4 });
      expect(recommendations.map(({ artistId }) => indexOf(artistId))).toEqual([2, 9, 11, 40]);
      expect(new Set(recommendations.map(({ score }) => score)).size).toBe(1);
    }
  });

  it('gives a stranger the most listened artists, scored by their share of listeners', () => {
    const { policy, recommendations, featuresHash } = recommend(model, undefined, { n: 5 });
    expect(policy).toBe('popular');
    expect(featuresHash).toBe('00000000');
    const { plays, users } = trained.dataset;
    for (const [i, { artistId, score, rank }] of recommendations.entries()) {
      const listeners = plays.indices.filter((item) => item === indexOf(artistId)).length;
      expect(score).toBe(Number((listeners / users.size).toPrecision(6)));
      expect(rank).toBe(i + 1);
    }
    expect(recommendations).toHaveLength(5);
  });

  it('gives a listener without candidates the popular list too', () => {
    expect(recommend(model, recordOf([]), { n: 5 })).toEqual(recommend(model, undefined, { n: 5 }));
  });

  it('hashes what the features came from: equal records alike, others not', () => {
    const other = trained.contents.candidates[8]!.record;
    const hash = recommend(model, record, { n: 1 }).featuresHash;
    expect(hash).toMatch(/^[0-9a-f]{8}$/);
    expect(recommend(model, record.slice(), { n: 20 }).featuresHash).toBe(hash);
    expect(recommend(model, other, { n: 1 }).featuresHash).not.toBe(hash);
  });

  it('reranks on request: other artists, ranks from 1, and scores that are still the probabilities', () => {
    const probability = new Map(
      recommend(model, record, { n: 1000 }).recommendations.map(({ artistId, score }) => [artistId, score]),
    );
    const plain = recommend(model, record, { n: 10 });
    for (const knobs of [{ diversity: 0.7 }, { debias: 1 }, { diversity: 0.3, debias: 0.3 }]) {
      const { recommendations, featuresHash } = recommend(model, record, { n: 10, ...knobs });
      expect(recommendations.map(({ artistId }) => artistId)).not.toEqual(
        plain.recommendations.map(({ artistId }) => artistId),
      );
      expect(recommendations.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      for (const { artistId, score } of recommendations) expect(score).toBe(probability.get(artistId));
      expect(featuresHash).toBe(plain.featuresHash);
    }
  });

  it('is the plain list where both knobs are 0', () => {
    expect(recommend(model, record, { n: 20, diversity: 0, debias: 0 })).toEqual(
      recommend(model, record, { n: 20 }),
    );
  });

  it('refuses a knob beyond 1', () => {
    expect(() => recommend(model, record, { n: 5, diversity: 1.5 })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('diversity is 1.5'),
      }),
    );
  });

  it('refuses a record of another model', async () => {
    const seed = await trainTiny('seed');
    expect(() => recommend(model, seed.contents.candidates[7]!.record, { n: 5 })).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('number of sources'),
      }),
    );
  });

  it('refuses a record that is cut short', () => {
    expect(() => recommend(model, record.subarray(0, record.length - 1), { n: 5 })).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });
});
