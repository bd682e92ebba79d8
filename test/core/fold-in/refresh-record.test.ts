import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCandidates, MAX_RECORD_BYTES } from '../../../layers/core/src/artifact/candidate-record.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { generateSample } from '../../../layers/core/src/data/synthetic.ts';
import { foldIn } from '../../../layers/core/src/fold-in/fold-in.ts';
import { loadFoldIn, ownRowOf, type FoldInModel } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import { refreshRecord } from '../../../layers/core/src/fold-in/refresh-record.ts';
import { recommend } from '../../../layers/core/src/recommend.ts';
import { createHistory } from '../../../layers/core/src/scoring/history.ts';
import { MAX_CANDIDATES } from '../../../layers/core/src/scoring/nominate.ts';
import { trainTiny, type Trained } from '../tiny.ts';

let trained: Trained;
let model: ServingModel;
let foldInModel: FoldInModel;
let clusterOf: (artist: number) => number;
beforeAll(async () => {
  trained = await trainTiny('full');
  const tensors = trained.contents.files.get(MODEL_FILE)!;
  model = await loadServingModel({ tensors, catalog: trained.contents.files.get(CATALOG_FILE)! });
  foldInModel = loadFoldIn(tensors);
  // The data set that `trainTiny` trains on.
  const { artistCluster } = generateSample({ seed: 1, nUsers: 40, nArtists: 150, nClusters: 3 });
  clusterOf = (artist) => artistCluster.get(model.artistIds[artist]!)!;
});

const records = (): readonly Uint8Array[] => trained.contents.candidates.map(({ record }) => record);
const decode = (record: Uint8Array) => decodeCandidates(record, model.recordShape);

describe('refreshRecord', () => {
  it('moves a cluster up once its artists are played', () => {
    let [before, after, own] = [0, 0, 0];
    for (const record of records()) {
      const { heard, items } = decode(record);
      const counts = [0, 1, 2].map((c) => [...heard.items].filter((item) => clusterOf(item) === c).length);
      // The cluster that the listener knows least.
      const least = counts.indexOf(Math.min(...counts));
      const unheard = model.artistIds
        .map((_, artist) => artist)
        .filter((artist) => clusterOf(artist) === least && !heard.items.includes(artist));
      const played = Int32Array.from(unheard.slice(0, 8));
      const hidden = new Set(played);
      const inCluster = (of: Uint8Array) =>
        recommend(model, of, { n: 20, hidden, topUp: false }).recommendations.filter(
          ({ artistId }) => clusterOf(model.artistIds.indexOf(artistId)) === least,
        ).length;
      before += inCluster(record);
      after += inCluster(refreshRecord(model, foldInModel, record, played)!);
      own += items.length;
    }
    expect(own).toBeGreaterThan(0);
    expect(after).toBeGreaterThan(1.3 * before);
  });

  it('takes what was played from the candidates to the history, at no less than the average weight', () => {
    for (const record of records().slice(0, 10)) {
      const stored = decode(record);
      const played = stored.items.slice(0, 3);
      const fresh = decode(refreshRecord(model, foldInModel, record, played)!);
      for (const item of played) {
        expect(fresh.items).not.toContain(item);
        expect(fresh.heard.weights[fresh.heard.items.indexOf(item)]).toBeCloseTo(1, 2);
      }
      expect(fresh.heard.items).toHaveLength(stored.heard.items.length + 3);
      expect(fresh.userFeatures[3]).toBeCloseTo(Math.log1p(fresh.heard.items.length), 6);
    }
  });

  it('keeps what only training knew: freshness, factors, and what friends play', () => {
    const record = records()[7]!;
    const stored = decode(record);
    const fresh = decode(refreshRecord(model, foldInModel, record, stored.items.slice(0, 2))!);
    expect([...fresh.userFeatures.subarray(0, 3)]).toEqual([...stored.userFeatures.subarray(0, 3)]);
    expect([...fresh.userFeatures.subarray(5)]).toEqual([...stored.userFeatures.subarray(5)]);
    const friends = model.space.sources.indexOf('friends');
    const { nSources } = model.recordShape;
    const scores = new Map(
      Array.from(stored.items, (item, i) => [item, stored.scores[i * nSources + friends]!]),
    );
    const range = Math.max(...scores.values()) - Math.min(...scores.values());
    expect(range).toBeGreaterThan(0.1);
    fresh.items.forEach((item, i) => {
      const score = fresh.scores[i * nSources + friends]!;
      expect(Math.abs(score - (scores.get(item) ?? Math.min(...scores.values())))).toBeLessThanOrEqual(
        range / 250,
      );
    });
  });

  it('keeps the stored candidates beside the new ones, and within the limits', () => {
    for (const record of records().slice(0, 10)) {
      const stored = decode(record);
      const played = stored.items.slice(0, 1);
      const bytes = refreshRecord(model, foldInModel, record, played)!;
      const fresh = decode(bytes);
      for (const item of stored.items.subarray(1)) expect(fresh.items).toContain(item);
      expect(fresh.items.length).toBeLessThanOrEqual(MAX_CANDIDATES);
      expect(bytes.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    }
  });

  it('gives the record back where nothing is new, and the same bytes for whatever came between', () => {
    const record = records()[3]!;
    expect(refreshRecord(model, foldInModel, record, new Int32Array(0))).toBe(record);
    const played = decode(record).items.slice(0, 2);
    const first = refreshRecord(model, foldInModel, record, played)!;
    refreshRecord(model, foldInModel, records()[9], Int32Array.of(1, 2));
    expect(refreshRecord(model, foldInModel, record, played)).toEqual(first);
  });

  it('folds a listener without a record in from what they played lately alone', () => {
    const played = Int32Array.of(70, 3);
    const alone = refreshRecord(model, foldInModel, undefined, played);
    const history = createHistory(model.artistIds.length, [{ artist: 3 }, { artist: 70 }]);
    expect(alone).toEqual(foldIn(model, foldInModel, history));
    expect(refreshRecord(model, foldInModel, undefined, new Int32Array(0))).toBeUndefined();
  });
});

describe('ownRowOf', () => {
  it("finds a listener's row by what they have heard, and nobody's by anything else", () => {
    const { plays } = trained.dataset;
    const heard = plays.indices.slice(plays.indptr[7], plays.indptr[8]);
    expect(ownRowOf(foldInModel, heard)).toBe(7);
    expect(ownRowOf(foldInModel, heard.slice(1))).toBeUndefined();
    expect(ownRowOf(foldInModel, new Int32Array(0))).toBeUndefined();
  });
});
